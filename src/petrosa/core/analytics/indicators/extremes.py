"""Highest and lowest of the last n values."""

from collections import deque
from collections.abc import Sequence

from petrosa.core.analytics.indicators.inputs import Column, column, finite, period


class Highest:
    """The largest of the last `n` values, the new one included.

    Kept are those that may still become it, falling; each is taken in and dropped once, so that an update costs O(1) on
    average (Lemire, Streaming Maximum-Minimum Filter, 2006).
    """

    __slots__ = ("_candidates", "_seen", "warmup")

    def __init__(self, n: int) -> None:
        self.warmup = period(n)
        self._seen = 0
        self._candidates: deque[tuple[int, float]] = deque()

    def update(self, x: float) -> float | None:
        finite(x)
        candidates = self._candidates
        while candidates and candidates[-1][1] <= x:
            candidates.pop()
        candidates.append((self._seen, x))
        self._seen += 1
        if candidates[0][0] < self._seen - self.warmup:
            candidates.popleft()
        return candidates[0][1] if self._seen >= self.warmup else None


class Lowest:
    """The smallest of the last `n` values, the new one included."""

    __slots__ = ("_highest", "warmup")

    def __init__(self, n: int) -> None:
        self._highest = Highest(n)
        self.warmup = n

    def update(self, x: float) -> float | None:
        value = self._highest.update(-x)
        return None if value is None else -value


def highest(values: Sequence[float], n: int) -> Column:
    return column(Highest(n).update, values)


def lowest(values: Sequence[float], n: int) -> Column:
    return column(Lowest(n).update, values)
