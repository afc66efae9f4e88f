"""What stands behind `petrosa candles`: the bars of a recording's trades, as rows of a table."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final, NamedTuple, TextIO

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.instruments import load_instruments
from petrosa.apps.parsing import market_parser
from petrosa.apps.recordings import only_venue
from petrosa.core.market.candles import CandleBuilder, interval_ns
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Candle, InstrumentId, Trade, instrument_id, symbol_of
from petrosa.errors import ConfigError, FrameError

Builders = dict[InstrumentId, dict[str, CandleBuilder]]
"""The builder of every instrument and interval, by the interval's text."""

COLUMNS: Final = (
    "open_time", "open", "high", "low", "close", "volume", "quote_volume", "trades", "buy_volume",
)  # fmt: skip


class CandleTable(NamedTuple):
    """`rows` are (symbol, interval, candle) in this order; `unused` counts what was left out, by reason."""

    rows: list[tuple[str, str, Candle]]
    unused: dict[str, int]


def build_candles(
    paths: Sequence[str | Path], intervals: Sequence[str], *,
    fill: bool = False, instruments: Mapping[InstrumentId, Instrument] | None = None,
) -> CandleTable:  # fmt: skip
    """Every bar of every symbol of a recording, the unfinished last ones included: they hold all there is.

    Raises `UsageError` for an interval, `RecordingError` for a recording, `ConfigError` for an unknown symbol.
    """
    lengths = {text: interval_ns(text) for text in intervals}
    recording = Recording(paths)
    venue = only_venue(recording)
    known = {**recording.instruments, **(load_instruments() if instruments is None else instruments)}
    builders: Builders = {}
    for symbol in recording.symbols:
        instrument = _known(known, venue, recording.product, symbol)
        builders[instrument.id] = {text: CandleBuilder(instrument, ns, fill=fill) for text, ns in lengths.items()}
    found: dict[tuple[str, str], list[Candle]] = {}
    unused = _read(recording, venue, builders, found)
    rows = [
        (symbol, text, candle)
        for symbol in recording.symbols
        for text in lengths
        for candle in found.get((symbol, text), ())
    ]
    return CandleTable(rows, unused)


def write_candles_csv(table: CandleTable, out: TextIO) -> None:
    """Rows with a header line; symbol and interval come first when there are several of either.

    Times are ISO 8601 in UTC; volumes are of the base currency, `quote_volume` of the quote currency.
    """
    several = len({(symbol, text) for symbol, text, _ in table.rows}) > 1
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((("symbol", "interval") if several else ()) + COLUMNS)
    for symbol, text, candle in table.rows:
        writer.writerow(((symbol, text) if several else ()) + candle_row(candle))


def _read(
    recording: Recording, venue: str, builders: Builders, found: dict[tuple[str, str], list[Candle]]
) -> dict[str, int]:
    """Feed every trade to its builders; returns what was not used, by reason."""
    parser = market_parser(venue, recording.product, recording.symbols, kinds=(Trade,))
    unused: Counter[str] = Counter()
    for frames in recording.batches():
        for frame in frames:
            try:
                trade = parser.parse(frame.payload, frame.arrival)
            except FrameError as error:
                unused[error.reason] += 1
                continue
            if isinstance(trade, Trade):
                for text, builder in builders[trade.instrument].items():
                    _keep(found, trade.instrument, text, builder.add(trade))
    for instrument, of_instrument in builders.items():
        for text, builder in of_instrument.items():
            _keep(found, instrument, text, builder.flush())
            unused["late_trade"] = max(unused["late_trade"], builder.late)
    return dict(+(unused + parser.skipped + recording.faults.counts))


def _keep(
    found: dict[tuple[str, str], list[Candle]], instrument: InstrumentId, text: str, closed: tuple[Candle, ...]
) -> None:
    if closed:
        found.setdefault((symbol_of(instrument), text), []).extend(closed)


def _known(known: Mapping[InstrumentId, Instrument], venue: str, product: str, symbol: str) -> Instrument:
    instrument = known.get(instrument_id(venue, product, symbol))
    if instrument is None:
        raise ConfigError(
            f"symbol {symbol} of the recording is not in the instruments file for {venue} {product}; add it"
        )
    return instrument


def candle_row(candle: Candle) -> tuple[str | int, ...]:
    """A candle's cells in the order of `COLUMNS`."""
    opened = datetime.fromtimestamp(candle.ts_open // NS_PER_SECOND, UTC)
    prices = (candle.open, candle.high, candle.low, candle.close, candle.volume, candle.quote_volume)
    return (f"{opened:%Y-%m-%dT%H:%M:%SZ}", *map(_plain, prices), candle.trades, _plain(candle.buy_volume))


def _plain(number: float) -> str:
    """The shortest text that is this float, never with an exponent."""
    text = f"{Decimal(repr(number)):f}"
    return text.removesuffix(".0")
