"""Simple moving average: the mean of the last n values."""

from collections.abc import Sequence

from petrosa.core.analytics.indicators.inputs import Column, column, finite, period
from petrosa.core.analytics.indicators.windows import WindowSum


class Sma:
    """(x_0 + … + x_{n-1}) / n over the last `n` values. Equals TA-Lib's SMA."""

    __slots__ = ("_n", "_sum", "warmup")

    def __init__(self, n: int) -> None:
        self.warmup = self._n = period(n)
        self._sum = WindowSum(n)

    def update(self, x: float) -> float | None:
        total = self._sum.update(finite(x))
        return None if total is None else total / self._n


def sma(values: Sequence[float], n: int) -> Column:
    return column(Sma(n).update, values)
