"""Where the bars of an interval open: multiples of their length, weeks on Mondays, months as the calendar has them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final, NamedTuple

from petrosa.core.market.candles import MONDAY_NS, UNITS
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.errors import DataError, UsageError

INTERVALS: Final = (
    "1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w", "1M",
)  # fmt: skip
"""As Binance writes them, from the shortest. `1s` is made on spot only."""

MONTH: Final = "1M"
DAY_NS: Final = 86_400 * NS_PER_SECOND


class Gap(NamedTuple):
    """Bars that are missing: those that open in [`since`, `until`), `bars` of them. Both ends are opening times."""

    since: int
    until: int
    bars: int


class Grid:
    """The opening times of one interval, in ns UTC."""

    __slots__ = ("_origin", "interval", "step")

    def __init__(self, interval: str, bar: int | None = None) -> None:
        """`bar` is when any bar opened. It is needed for `3d` alone, whose days nobody has written down.

        Raises `UsageError` for an interval that there is not, `DataError` for a bar that does not open there.
        """
        if interval not in INTERVALS:
            raise UsageError(f"interval {interval!r} is not made by the venue; choose from {', '.join(INTERVALS)}")
        self.interval = interval
        self.step = 0 if interval == MONTH else int(interval[:-1]) * UNITS[interval[-1]] * NS_PER_SECOND
        """The length of a bar; 0 for months, which differ."""
        self._origin = MONDAY_NS if interval == "1w" else 0
        if bar is not None and interval == "3d" and bar % DAY_NS == 0:
            self._origin = bar % self.step
        if bar is not None and not self.opens_at(bar):
            raise DataError(f"a bar of {interval} cannot open at {shown(bar)}")

    def floor(self, ts: int) -> int:
        """When the bar that holds a moment opens."""
        if self.step:
            return ts - (ts - self._origin) % self.step
        return _month(_month_of(ts))

    def after(self, ts_open: int) -> int:
        """When the bar after the one that opens at `ts_open` opens, which is when that one closes."""
        return ts_open + self.step if self.step else _month(_month_of(ts_open) + 1)

    def ceil(self, ts: int) -> int:
        """The first opening time from a moment on."""
        opened = self.floor(ts)
        return opened if opened == ts else self.after(opened)

    def opens_at(self, ts: int) -> bool:
        return self.floor(ts) == ts

    def count(self, since: int, until: int) -> int:
        """How many bars open in [since, until)."""
        first, end = self.ceil(since), self.ceil(until)
        if first >= end:
            return 0
        return (end - first) // self.step if self.step else _month_of(end) - _month_of(first)

    def forward(self, ts_open: int, bars: int) -> int:
        """When the bar that is so many bars later opens; earlier where `bars` is negative."""
        return ts_open + bars * self.step if self.step else _month(_month_of(ts_open) + bars)

    def gap(self, since: int, until: int) -> Gap:
        """The bars of [since, until) as a gap."""
        first, end = self.ceil(since), self.ceil(until)
        return Gap(first, end, self.count(first, end))

    def chunks(self, since: int, until: int, most: int) -> Iterator[tuple[int, int]]:
        """[since, until) cut into pieces of at most `most` bars, oldest first: at months where they fit, else at days.

        A day that does not fit is a piece all the same.
        """
        at = since
        while at < until:
            end = month_end = _month(_month_of(at) + 1)
            if self.count(at, min(month_end, until)) > most:
                end = at - at % DAY_NS + DAY_NS
                while end + DAY_NS <= month_end and self.count(at, end + DAY_NS) <= most:
                    end += DAY_NS
            else:
                while end < until and self.count(at, min(until, _month(_month_of(end) + 1))) <= most:
                    end = _month(_month_of(end) + 1)
            yield at, min(end, until)
            at = min(end, until)


def months(since: int, until: int) -> Iterator[tuple[int, int]]:
    """The calendar months that have a part in [since, until): each as [begin, end)."""
    month = _month_of(since)
    while _month(month) < until:
        yield _month(month), _month(month + 1)
        month += 1


def shown(ts: int) -> str:
    """A time for people: `2026-01-02T03:04:05.006Z`, as short as it can be."""
    when = datetime.fromtimestamp(ts // NS_PER_SECOND, UTC)
    rest = f".{ts % NS_PER_SECOND:09d}".rstrip("0").rstrip(".")
    return f"{when:%Y-%m-%dT%H:%M:%S}{rest}Z" if rest or when.hour or when.minute or when.second else f"{when:%Y-%m-%d}"


def _month_of(ts: int) -> int:
    """Months since the year 0."""
    when = datetime.fromtimestamp(ts // NS_PER_SECOND, UTC)
    return when.year * 12 + when.month - 1


@lru_cache(maxsize=4096)
def _month(number: int) -> int:
    year, month = divmod(number, 12)
    return int(datetime(year, month + 1, 1, tzinfo=UTC).timestamp()) * NS_PER_SECOND
