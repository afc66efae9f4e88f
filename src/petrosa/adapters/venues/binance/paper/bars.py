"""Klines of one instrument out of its trades, exact: sums are kept in ticks and steps."""

from collections import deque
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.adapters.venues.binance.paper.numbers import ms, text
from petrosa.core.market.candles import open_time
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import EXACT

MINUTE_NS: Final = 60 * NS_PER_SECOND
BARS_MAX: Final = 1_500
"""Minutes remembered: a day and an hour."""

DAY_NS: Final = 86_400 * NS_PER_SECOND
INTERVALS: Final = {
    "1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "2h": 120, "4h": 240, "6h": 360, "8h": 480, "12h": 720,
    "1d": 1_440, "3d": 4_320, "1w": 10_080,
}  # fmt: skip
"""Minutes of each interval that is served."""


class Bar(msgspec.Struct, kw_only=True):
    """Prices in ticks, volumes in steps, quote volumes in ticks times steps; `first` and `last` are trade ids."""

    ts: int
    open: int
    high: int
    low: int
    close: int
    volume: int = 0
    quote: int = 0
    buy_volume: int = 0
    buy_quote: int = 0
    count: int = 0
    first: int = 0
    last: int = 0

    def add(self, ticks: int, steps: int, trade_id: int, *, bought: bool) -> None:
        self.high, self.low, self.close = max(self.high, ticks), min(self.low, ticks), ticks
        self.volume += steps
        self.quote += ticks * steps
        if bought:
            self.buy_volume += steps
            self.buy_quote += ticks * steps
        self.first = self.first or trade_id
        self.last = trade_id
        self.count += 1

    def join(self, other: "Bar") -> None:
        """Go on with a later bar."""
        self.high, self.low, self.close = max(self.high, other.high), min(self.low, other.low), other.close
        self.volume += other.volume
        self.quote += other.quote
        self.buy_volume += other.buy_volume
        self.buy_quote += other.buy_quote
        self.count += other.count
        self.first, self.last = self.first or other.first, other.last


class Bars:
    """The last minutes, and longer bars made of them."""

    def __init__(self) -> None:
        self.minutes: deque[Bar] = deque(maxlen=BARS_MAX)

    def add(self, ts: int, ticks: int, steps: int, trade_id: int, *, bought: bool) -> None:
        """One trade; one that is older than the last minute counts in that minute."""
        start = open_time(ts, MINUTE_NS)
        if not self.minutes or start > self.minutes[-1].ts:
            self.minutes.append(Bar(ts=start, open=ticks, high=ticks, low=ticks, close=ticks))
        self.minutes[-1].add(ticks, steps, trade_id, bought=bought)

    def of(self, interval: str, start: int = 0, end: int = 1 << 62, limit: int = 500) -> list[Bar]:
        """Bars that opened from `start` to `end` (ns): the first `limit` where a start is given, else the last."""
        made: list[Bar] = []
        length = INTERVALS[interval] * MINUTE_NS
        for minute in self.minutes:
            opened = open_time(minute.ts, length)
            if made and made[-1].ts == opened:
                made[-1].join(minute)
            else:
                made.append(msgspec.structs.replace(minute, ts=opened))
        made = [bar for bar in made if start <= bar.ts <= end]
        return made[:limit] if start else made[-limit:]

    def since(self, ts: int) -> Bar | None:
        """One bar of everything since a moment; None without a trade."""
        return joined(minute for minute in self.minutes if minute.ts >= ts)


def joined(bars: Iterable[Bar]) -> Bar | None:
    total: Bar | None = None
    for bar in bars:
        if total is None:
            total = msgspec.structs.replace(bar)
        else:
            total.join(bar)
    return total


class Written(msgspec.Struct, frozen=True):
    """How the numbers of an instrument are written."""

    tick: Decimal
    step: Decimal
    price_places: int
    quantity_places: int
    quote_places: int

    def price(self, ticks: int) -> str:
        return text(EXACT.multiply(self.tick, Decimal(ticks)), self.price_places)

    def quantity(self, steps: int) -> str:
        return text(EXACT.multiply(self.step, Decimal(steps)), self.quantity_places)

    def quote(self, product: int) -> str:
        return text(EXACT.multiply(EXACT.multiply(self.tick, self.step), Decimal(product)), self.quote_places)


def kline_row(bar: Bar, interval: str, written: Written) -> list[object]:
    """A row of the REST answer."""
    end = ms(bar.ts + INTERVALS[interval] * MINUTE_NS) - 1
    return [
        ms(bar.ts), written.price(bar.open), written.price(bar.high), written.price(bar.low), written.price(bar.close),
        written.quantity(bar.volume), end, written.quote(bar.quote), bar.count, written.quantity(bar.buy_volume),
        written.quote(bar.buy_quote), "0",
    ]  # fmt: skip


def kline_event(bar: Bar, interval: str, symbol: str, written: Written, now: int, *, closed: bool) -> dict[str, object]:
    """The `kline` event of a stream."""
    row = kline_row(bar, interval, written)
    k = {
        "t": row[0], "T": row[6], "s": symbol, "i": interval, "f": bar.first, "L": bar.last, "o": row[1], "c": row[4],
        "h": row[2], "l": row[3], "v": row[5], "n": row[8], "x": closed, "q": row[7], "V": row[9], "Q": row[10],
        "B": "0",
    }  # fmt: skip
    return {"e": "kline", "E": ms(now), "s": symbol, "k": k}
