"""Real klines at their own times: files of bars as others recorded them, whose columns differ."""

import csv
import gzip
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from petrosa.core.market.candles import interval_ns
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Candle
from tests.kit.strategy_market import BTC

BITCOIN = msgspec.structs.replace(BTC, market="spot")
ETHER = msgspec.structs.replace(BITCOIN, symbol="ETHUSDT", base="ETH")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def klines(path: Path, instrument: Instrument, interval: str) -> Iterator[Candle]:
    """The closed bars of a file.

    Some say when a bar opened; some when it closed, less a millisecond and at +01:00, and leave out what takers bought.
    """
    length = interval_ns(interval)
    with gzip.open(path, "rt") as lines:
        for line in csv.DictReader(lines):
            if "open_time" in line:
                ts, trades, taken = _ns(line["open_time"]), line["num_trades"], float(line["taker_base"])
            else:
                ts, trades, taken = _ns(line["close_datetime"]) + 1_000_000 - length, line["trades"], 0.0
            prices = [float(line[name]) for name in ("open", "high", "low", "close", "volume")]
            quoted = float(line.get("quote_volume") or line["qav"])
            yield Candle(instrument.id, ts + length, ts + length, length, ts, *prices, quoted, int(trades), taken)


def _ns(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) * 1_000
