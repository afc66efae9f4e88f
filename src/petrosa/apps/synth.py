"""Writes recordings of the synthetic market, in the format in which real ones are kept."""

import gzip
import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from petrosa import __version__
from petrosa.adapters.venues.binance.render import Renderer, bare_snapshot
from petrosa.adapters.venues.synthetic.feed import SyntheticFeed
from petrosa.adapters.wire.readings import encode_reading, is_reading
from petrosa.apps.instruments import load_instruments
from petrosa.apps.venues import BINANCE, VENUES, venue_of
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId, MarketEvent, Reading
from petrosa.core.signals.symbols import plain_symbol
from petrosa.core.simulation.market import START, SyntheticMarket
from petrosa.core.simulation.second_venue import Episode, SecondVenue
from petrosa.errors import FrameError, StorageError, UsageError

DESCRIPTION: Final = "recording.json"
READINGS: Final = "readings"
TICKS_LEAST, TICKS_MOST = 1_000, 100_000_000
"""Between how many ticks a price may begin, so that there is a book on both sides of it."""
_NAME_AT: Final = len(b'{"stream":"')


class SecondVenueMade(msgspec.Struct, frozen=True):
    """Another venue that quoted beside it, and when it was apart from ours."""

    source: str
    episodes: tuple[Episode, ...]


class Synthesis(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a synthetic recording was made; `recording.json` beside it. `sha256` is of each file's text, unpacked.

    `frames` and `sha256` are by symbol, those of a second venue under `readings`.
    """

    made_by: str
    version: str
    seed: int
    market: str
    symbols: tuple[str, ...]
    seconds: float
    start_ns: int
    frames: dict[str, int]
    sha256: dict[str, str]
    second_venue: SecondVenueMade | None = None
    prices: dict[str, float] = {}


def start_prices(given: Sequence[str], instruments: Sequence[Instrument]) -> dict[str, float]:
    """Where symbols begin, from texts such as `BTCUSDT=50000`. Raises `UsageError` for one that makes no market."""
    prices: dict[str, float] = {}
    for text in given:
        name, _, value = text.partition("=")
        symbol = plain_symbol(name)
        rules = next((one for one in instruments if one.symbol == symbol), None)
        if rules is None:
            served = ", ".join(sorted({one.symbol for one in instruments}))
            raise UsageError(f"--price {text}: {symbol or 'nothing'} is not among the symbols, which are {served}")
        try:
            price = float(value)
        except ValueError:
            raise UsageError(f"--price {text}: {value!r} is not a number; write {symbol}=50000") from None
        least, most = TICKS_LEAST * float(rules.tick), TICKS_MOST * float(rules.tick)
        if not least <= price <= most:
            raise UsageError(f"--price {text}: {symbol} can begin from {least:g} to {most:g}, in ticks of {rules.tick}")
        prices[symbol] = price
    return prices


def synthetic_feed(
    instruments: Sequence[Instrument], seed: int, *,
    start: int = START, seconds: float | None = None, beside: SecondVenue | None = None,
    prices: Mapping[str, float] | None = None,
) -> SyntheticFeed:  # fmt: skip
    """Frames of a synthetic market of these instruments, without end unless told how long."""
    events = SyntheticMarket(instruments, seed, start=start, prices=prices).events(seconds)
    render = Renderer({one.id: one for one in instruments}).render
    if beside is None:
        return SyntheticFeed(events, render)
    return SyntheticFeed(beside.beside(events), _rendering_readings(render))


def write_recording(
    seed: int,
    symbols: Sequence[str],
    seconds: float,
    out_dir: Path,
    *,
    market: str = "usdm",
    instruments: Mapping[InstrumentId, Instrument] | None = None,
    start: int = START,
    second_venue: str = "",
    prices: Sequence[str] = (),
) -> Synthesis:
    """Write one gzip file a symbol of `<arrival ns> <frame>` lines, and how they were made, into a folder.

    A second venue's quotes go into a file `readings.gz` beside them; ours stay the same to the byte. The same arguments
    give the same text. `prices` are texts such as `BTCUSDT=50000`. Raises `UsageError` for a symbol without rules, a
    length below 0.1 s, a price that makes no market, or a venue that no source can be called, and `StorageError` when
    the folder cannot be written.
    """
    if not 0.1 <= seconds <= 86_400:
        raise UsageError(f"seconds = {seconds}; a synthetic recording lasts from 0.1 to 86400 s")
    chosen = _chosen(symbols, market, load_instruments() if instruments is None else instruments)
    begin = start_prices(prices, chosen)
    other = _second_venue(second_venue, chosen, seed, start) if second_venue else None
    lines: dict[bytes, list[bytes]] = {one.symbol.lower().encode(): [] for one in chosen}
    readings: list[bytes] = []
    for arrival, payload in synthetic_feed(
        chosen, seed, start=start, seconds=seconds, beside=other, prices=begin
    ).frames():
        if is_reading(payload):
            readings.append(b"%d %b\n" % (arrival, payload))
            continue
        name = payload[_NAME_AT : payload.index(b"@", _NAME_AT)]
        lines[name].append(b"%d %b\n" % (arrival, bare_snapshot(payload) or payload))
    texts = {one.symbol: b"".join(lines[one.symbol.lower().encode()]) for one in chosen}
    if other is not None:
        texts[READINGS] = b"".join(readings)
    made = Synthesis(
        made_by="petrosa synth", version=__version__, seed=seed, market=market,
        symbols=tuple(one.symbol for one in chosen), seconds=seconds,
        start_ns=start, frames={name: text.count(b"\n") for name, text in texts.items()},
        sha256={name: hashlib.sha256(text).hexdigest() for name, text in texts.items()},
        second_venue=None if other is None else SecondVenueMade(second_venue, tuple(other.episodes)),
        prices=begin,
    )  # fmt: skip
    _write(out_dir, texts, made)
    return made


def _rendering_readings(render: Callable[[MarketEvent], bytes]) -> Callable[[MarketEvent], bytes]:
    return lambda event: encode_reading(event) if type(event) is Reading else render(event)


def _second_venue(source: str, instruments: Sequence[Instrument], seed: int, start: int) -> SecondVenue:
    """Raises `UsageError` for a name that no source can have."""
    try:
        encode_reading(Reading(source, "quote", "BTC/USD", START, START, {"bid": 1.0, "ask": 1.0}))
    except FrameError as problem:
        raise UsageError(f"second venue {source!r}: {problem}") from None
    return SecondVenue(source, instruments, seed, start)


def _chosen(symbols: Sequence[str], market: str, known: Mapping[InstrumentId, Instrument]) -> list[Instrument]:
    spoken = VENUES[BINANCE]  # whose frames these are made as
    by_symbol = {one.symbol: one for one in known.values() if one.market == market and venue_of(one.venue) is spoken}
    unknown = sorted(set(symbols) - set(by_symbol))
    if unknown or not symbols:
        what = f"no rules for {', '.join(unknown)} on {market}" if unknown else "no symbol was given"
        raise UsageError(f"{what}; choose from {', '.join(sorted(by_symbol)) or 'another instruments file'}")
    return [by_symbol[symbol] for symbol in dict.fromkeys(symbols)]


def _write(out_dir: Path, texts: Mapping[str, bytes], made: Synthesis) -> None:
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for symbol, text in texts.items():
            # No name and no time in the header: what is in it is all that decides the bytes.
            (out_dir / f"{symbol.lower()}.gz").write_bytes(gzip.compress(text, mtime=0))
        (out_dir / DESCRIPTION).write_bytes(msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n")
    except OSError as error:
        raise StorageError(f"the recording cannot be written to {out_dir}: {error}; choose another folder") from error
