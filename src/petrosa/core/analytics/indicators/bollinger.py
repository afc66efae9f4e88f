"""Bollinger bands: the average and so many standard deviations either side of it."""

from collections.abc import Sequence
from math import isfinite, sqrt
from typing import NamedTuple

from petrosa.core.analytics.indicators.inputs import Column, finite, period, table
from petrosa.core.analytics.indicators.sma import Sma
from petrosa.core.analytics.indicators.windows import WindowSquares


class Bands(NamedTuple):
    """In units of price."""

    lower: float
    middle: float
    upper: float


class BandColumns(NamedTuple):
    lower: Column
    middle: Column
    upper: Column


class Bollinger:
    """middle = SMA(n), the others `width` population standard deviations from it. Equals TA-Lib's BBANDS.

    Source: Bollinger, Bollinger on Bollinger Bands, 2001.
    """

    __slots__ = ("_mean", "_n", "_squares", "_width", "warmup")

    def __init__(self, n: int = 20, width: float = 2.0) -> None:
        if not (isfinite(width) and width > 0.0):
            raise ValueError(f"width = {width}; it is a number of standard deviations above 0")
        self.warmup = self._n = period(n)
        self._width = width
        self._mean, self._squares = Sma(n), WindowSquares(n)

    def update(self, x: float) -> Bands | None:
        middle, squares = self._mean.update(finite(x)), self._squares.update(x)
        if middle is None or squares is None:
            return None
        away = self._width * sqrt(squares / self._n)
        return Bands(middle - away, middle, middle + away)


def bollinger(values: Sequence[float], n: int = 20, width: float = 2.0) -> BandColumns:
    return BandColumns(*table(Bollinger(n, width).update, 3, values))
