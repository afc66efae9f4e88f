"""Candles of any interval out of trades, one trade at a time.

A bar belongs to the venue's time (`ts_event`), never to when a trade was heard. Open times are multiples of the
interval since 1970 UTC, whole weeks since a Monday. A stretch without a trade has no candle unless `fill` is set: then
the last close is repeated with no volume. A bar closes when a trade of a later bar comes or when `close` is told that
its time is over. A trade that comes after its bar has closed is counted in `late` and left out: a fact that was given
out is not edited. Sums are kept as integers, so they are the exact decimal sums rounded once, whatever the order.
"""

import re
from typing import Final

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Candle, Trade
from petrosa.errors import UsageError

UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
WEEK_NS: Final = 604_800 * NS_PER_SECOND
INTERVAL_MAX_NS: Final = 52 * WEEK_NS
MONDAY_NS: Final = 4 * 86_400 * NS_PER_SECOND
"""1970-01-05, the first Monday: 1 January 1970 was a Thursday."""

GRAIN: Final = 10**8
"""Prices and quantities are summed in units of 1e-8, the finest that venues of spot and futures write."""

FILL_MAX: Final = 100_000
"""Empty bars made at most for one stretch without trades; a longer one is a mistake in a time, not a quiet market."""

_INTERVAL: Final = re.compile(r"([1-9][0-9]{0,4})([smhdw])")


def interval_ns(text: str) -> int:
    """Nanoseconds of `1m`, `5m`, `1h`, `1d`, `1w`. Raises `UsageError`."""
    match = _INTERVAL.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"interval {text!r} is not understood; write a whole number and s, m, h, d or w: 1m, 5m, 1h, 1d"
        )
    interval = int(match[1]) * UNITS[match[2]] * NS_PER_SECOND
    if interval > INTERVAL_MAX_NS:
        raise UsageError(f"interval {text!r} is longer than 52w; the longest that is built from trades is 52w")
    return interval


def open_time(ts_event: int, interval: int) -> int:
    """When the bar that holds a moment began."""
    origin = MONDAY_NS if interval % WEEK_NS == 0 else 0
    return ts_event - (ts_event - origin) % interval


class CandleBuilder:
    """The bars of one instrument and one interval. Constant work and memory per trade."""

    __slots__ = (
        "_buy", "_close", "_high", "_last_closed", "_low", "_open", "_quote", "_size", "_trades", "_ts_end",
        "_ts_event", "_ts_open", "_ts_seen", "_volume", "fill", "instrument", "interval", "late",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, interval: int, *, fill: bool = False) -> None:
        self.instrument = instrument
        self.interval = interval
        self.fill = fill
        self.late = 0
        self._size = float(instrument.contract_size)
        self._last_closed: Candle | None = None
        self._ts_open = self._ts_end = self._ts_event = self._ts_seen = 0
        self._open = self._high = self._low = self._close = 0.0
        self._volume = self._buy = self._quote = self._trades = 0

    def add(self, trade: Trade) -> tuple[Candle, ...]:
        """Take in a trade; the bars that it closes, oldest first (almost always none)."""
        ts_event = trade.ts_event
        if ts_event < self._ts_open:
            self.late += 1
            return ()
        closed: tuple[Candle, ...] = ()
        price = trade.price
        if ts_event >= self._ts_end:
            closed = self.close(ts_event)
            self._ts_open = open_time(ts_event, self.interval)
            self._ts_end = self._ts_open + self.interval
            self._open = self._high = self._low = price
        elif price > self._high:
            self._high = price
        elif price < self._low:
            self._low = price
        self._close = price
        self._ts_event, self._ts_seen = ts_event, trade.ts_seen
        volume = round(trade.quantity * GRAIN)
        self._trades += trade.count
        self._volume += volume
        self._quote += self._worth(volume, price)
        if trade.aggressor is Side.BUY:
            self._buy += volume
        return closed

    def close(self, ts_event: int) -> tuple[Candle, ...]:
        """Close what is over at a venue time, empty bars before it included when they are wanted."""
        closed: list[Candle] = []
        if self._trades and ts_event >= self._ts_end:
            closed.append(self._finish())
        last = self._last_closed
        if self.fill and last is not None:
            closed.extend(self._empty(last, ts_event))
        return tuple(closed)

    def flush(self) -> tuple[Candle, ...]:
        """Close the bar at work although its time is not over: the end of a recording."""
        return (self._finish(),) if self._trades else ()

    def _finish(self) -> Candle:
        candle = Candle(
            self.instrument.id, self._ts_event, self._ts_seen, self.interval, self._ts_open,
            self._open, self._high, self._low, self._close,
            self._volume / GRAIN, self._quote / (GRAIN * GRAIN), self._trades, self._buy / GRAIN,
        )  # fmt: skip
        self._volume = self._buy = self._quote = self._trades = 0
        self._ts_open = self._ts_end
        self._last_closed = candle
        return candle

    def _worth(self, volume: int, price: float) -> int:
        """The other volume of a trade in units of 1e-16: quote currency, or base for an inverse contract."""
        if self.instrument.inverse:
            return round(volume * GRAIN * self._size / price)
        return volume * round(price * self._size * GRAIN)

    def _empty(self, last: Candle, until: int) -> list[Candle]:
        first = last.ts_open + self.interval
        made = [
            Candle(
                last.instrument, ts_open + self.interval, last.ts_seen, self.interval, ts_open,
                last.close, last.close, last.close, last.close, 0.0, 0.0, 0, 0.0,
            )
            for ts_open in range(first, min(until - self.interval + 1, first + FILL_MAX * self.interval), self.interval)
        ]  # fmt: skip
        if made:
            self._last_closed = made[-1]
            self._ts_open = self._ts_end = made[-1].ts_open + self.interval
        return made
