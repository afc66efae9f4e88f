"""Percent rank: where a value stands among those before it."""

from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Sequence

from petrosa.core.analytics.indicators.inputs import Column, column, finite, period


class PercentRank:
    """The share of the `n` values before this one that are not above it, 0 to 1. The value itself is not counted.

    The values are kept in order as well, and found by halving: log2 n comparisons and one move of memory an update.
    Source: the definition of TradingView's `ta.percentrank`, over 100.
    """

    __slots__ = ("_by_size", "_by_time", "warmup")

    def __init__(self, n: int) -> None:
        self.warmup = period(n) + 1
        self._by_time: deque[float] = deque(maxlen=n)
        self._by_size: list[float] = []

    def update(self, x: float) -> float | None:
        finite(x)
        by_time, by_size = self._by_time, self._by_size
        share = None
        if len(by_time) == by_time.maxlen:
            share = bisect_right(by_size, x) / len(by_size)
            del by_size[bisect_left(by_size, by_time[0])]
        by_time.append(x)
        insort(by_size, x)
        return share


def percent_rank(values: Sequence[float], n: int) -> Column:
    return column(PercentRank(n).update, values)
