"""Klines of one instrument out of its trades, exact: sums are kept in ticks and steps."""

from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.adapters.venues.binance.paper.numbers import ms, text
from petrosa.core.market.candles import open_time
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import EXACT

MINUTE_NS: Final = 60 * NS_PER_SECOND
BARS_MAX: Final = 1_500
"""Minutes, and seconds, remembered of what was seen: a day and an hour, and 25 minutes."""

DAY_NS: Final = 86_400 * NS_PER_SECOND
MONTH: Final = "1M"
INTERVALS: Final = {
    "1s": NS_PER_SECOND, **{
        name: minutes * MINUTE_NS for name, minutes in (
            ("1m", 1), ("3m", 3), ("5m", 5), ("15m", 15), ("30m", 30), ("1h", 60), ("2h", 120), ("4h", 240),
            ("6h", 360), ("8h", 480), ("12h", 720), ("1d", 1_440), ("3d", 4_320), ("1w", 10_080), (MONTH, 44_640),
        )
    },
}  # fmt: skip
"""Length of each interval that is served (ns); that of a month is its longest."""


def opened(ts: int, interval: str) -> int:
    """When the bar that holds a moment began: weeks on Monday, months on their first, all UTC."""
    if interval != MONTH:
        return open_time(ts, INTERVALS[interval])
    day = datetime.fromtimestamp(ts // NS_PER_SECOND, UTC)
    return int(day.replace(day=1, hour=0, minute=0, second=0).timestamp()) * NS_PER_SECOND


def ended(start: int, interval: str) -> int:
    """When the bar that began at a moment is over."""
    length = INTERVALS[interval]
    return opened(start + length, interval) if interval == MONTH else start + length


class Bar(msgspec.Struct, kw_only=True):
    """Prices in ticks, volumes in steps, quote volumes in ticks times steps; `first` and `last` are trade ids.

    `count` is 0 where nothing was traded: the price is then the last one's before, and the ids are 0.
    """

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
        if not self.count:
            self.open = self.high = self.low = ticks
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
        if not self.count:
            self.open, self.high, self.low = other.open, other.high, other.low
        self.high, self.low, self.close = max(self.high, other.high), min(self.low, other.low), other.close
        self.volume += other.volume
        self.quote += other.quote
        self.buy_volume += other.buy_volume
        self.buy_quote += other.buy_quote
        self.count += other.count
        self.first, self.last = self.first or other.first, other.last or self.last


def flat(before: Bar, ts: int) -> Bar:
    """A bar in which nothing was traded."""
    return Bar(ts=ts, open=before.close, high=before.close, low=before.close, close=before.close)


class Closed(msgspec.Struct, frozen=True):
    """A bar of a watched interval that is over."""

    interval: str
    bar: Bar


class Bars:
    """The last seconds and minutes, longer bars made of them, and the bars of watched intervals as they grow.

    A minute in which nothing was traded has a bar too. A trade that is told after its bar was over counts in the next.
    """

    def __init__(self, past: Callable[[int, int], list[Bar]] | None = None) -> None:
        """`past(ts, ticks)` has the minutes before the first trade; it is asked once, when somebody looks."""
        self.minutes: deque[Bar] = deque(maxlen=BARS_MAX)
        self.seconds: deque[Bar] = deque(maxlen=BARS_MAX)
        self._past = past
        self._before: list[Bar] | None = None
        self._first: Bar | None = None
        self._watched: dict[str, Bar] = {}
        self._closed: list[Closed] = []

    def add(self, ts: int, ticks: int, steps: int, trade_id: int, *, bought: bool) -> None:
        """One trade; one that is older than the last minute counts in that minute."""
        self.roll(ts)
        for row, length in ((self.minutes, MINUTE_NS), (self.seconds, NS_PER_SECOND)):
            if not row:
                row.append(Bar(ts=open_time(ts, length), open=ticks, high=ticks, low=ticks, close=ticks))
            row[-1].add(ticks, steps, trade_id, bought=bought)
        if self._first is None:
            self._first = msgspec.structs.replace(self.minutes[0])
        for bar in self._watched.values():
            bar.add(ticks, steps, trade_id, bought=bought)

    def roll(self, now: int) -> None:
        """Let time pass: what is over is closed, and its successor begins flat."""
        for row, length in ((self.minutes, MINUTE_NS), (self.seconds, NS_PER_SECOND)):
            if row and now >= row[-1].ts + length:
                last = row[-1]
                begin = max(last.ts + length, open_time(now, length) - (BARS_MAX - 1) * length)
                row.extend(flat(last, ts) for ts in range(begin, now + 1, length))
        for interval, bar in self._watched.items():
            while now >= (end := ended(bar.ts, interval)):
                self._closed.append(Closed(interval, bar))
                bar = self._watched[interval] = flat(bar, end if now - end < DAY_NS else opened(now, interval))

    def watch(self, interval: str) -> None:
        """Let the bar of an interval grow from now on, so that looking at it costs nothing."""
        if interval not in self._watched:
            bars = self.of(interval, limit=1)
            if bars:
                self._watched[interval] = msgspec.structs.replace(bars[0])

    def watched(self) -> dict[str, Bar]:
        return self._watched

    def forget(self, interval: str) -> None:
        self._watched.pop(interval, None)

    def take_closed(self) -> list[Closed]:
        """What was over since this was asked last."""
        closed, self._closed = self._closed, []
        return closed

    def of(self, interval: str, start: int = 0, end: int = 1 << 62, limit: int = 500) -> list[Bar]:
        """Bars that opened from `start` to `end` (ns): the first `limit` where a start is given, else the last."""
        if interval == "1s":
            made = [bar for bar in self.seconds if start <= bar.ts <= end]
        else:
            made = [bar for bar in grouped(self._all_minutes(), interval) if start <= bar.ts <= end]
        return made[:limit] if start else made[-limit:]

    def _all_minutes(self) -> Iterable[Bar]:
        if self._past is None or self._first is None:
            return self.minutes
        if self._before is None:
            self._before = self._past(self._first.ts, self._first.open)
        return [*self._before, *(bar for bar in self.minutes if bar.ts >= self._first.ts)]

    def since(self, ts: int) -> Bar | None:
        """One bar of everything since a moment; None without a trade."""
        return joined(minute for minute in self.minutes if minute.ts >= ts)


def grouped(minutes: Iterable[Bar], interval: str) -> list[Bar]:
    """Bars of an interval, made of minutes."""
    made: list[Bar] = []
    end = 0
    for minute in minutes:
        if made and minute.ts < end:
            made[-1].join(minute)
        else:
            made.append(msgspec.structs.replace(minute, ts=opened(minute.ts, interval)))
            end = ended(made[-1].ts, interval)
    return made


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
    end = ms(ended(bar.ts, interval)) - 1
    return [
        ms(bar.ts), written.price(bar.open), written.price(bar.high), written.price(bar.low), written.price(bar.close),
        written.quantity(bar.volume), end, written.quote(bar.quote), bar.count, written.quantity(bar.buy_volume),
        written.quote(bar.buy_quote), "0",
    ]  # fmt: skip


def kline_event(bar: Bar, interval: str, symbol: str, written: Written, now: int, *, closed: bool) -> dict[str, object]:
    """The `kline` event of a stream."""
    row = kline_row(bar, interval, written)
    k = {
        "t": row[0], "T": row[6], "s": symbol, "i": interval, "f": bar.first or -1, "L": bar.last or -1, "o": row[1],
        "c": row[4], "h": row[2], "l": row[3], "v": row[5], "n": row[8], "x": closed, "q": row[7], "V": row[9],
        "Q": row[10], "B": "0",
    }  # fmt: skip
    return {"e": "kline", "E": ms(now), "s": symbol, "k": k}
