"""Wilder's moving average, also called smoothed or running: an exponential one with α = 1 / n."""

from collections.abc import Sequence

from petrosa.core.analytics.indicators.inputs import Column, column, finite, period


class Rma:
    """r = ((n - 1) r' + x) / n, seeded by the mean of the first `n` values.

    Source: Wilder, New Concepts in Technical Trading Systems, 1978.
    """

    __slots__ = ("_seen", "_value", "warmup")

    def __init__(self, n: int) -> None:
        self.warmup = period(n)
        self._seen = 0
        self._value = 0.0

    def update(self, x: float) -> float | None:
        finite(x)
        n = self.warmup
        if self._seen == n:
            self._value = (self._value * (n - 1) + x) / n
            return self._value
        self._seen += 1
        self._value += x  # the sum of the first n
        if self._seen < n:
            return None
        self._value /= n
        return self._value


def rma(values: Sequence[float], n: int) -> Column:
    return column(Rma(n).update, values)
