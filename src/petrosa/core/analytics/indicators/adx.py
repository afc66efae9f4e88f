"""Average directional index: how much of the movement goes one way, whichever that is."""

from collections.abc import Sequence
from typing import NamedTuple

from petrosa.core.analytics.indicators.atr import true_range
from petrosa.core.analytics.indicators.inputs import Column, extent, finite, period, table
from petrosa.core.analytics.indicators.rma import Rma


class AdxValue(NamedTuple):
    """All in percent, 0 to 100."""

    adx: float
    plus_di: float
    minus_di: float


class AdxColumns(NamedTuple):
    adx: Column
    plus_di: Column
    minus_di: Column


class Adx:
    """+DI = 100 · S(+DM) / S(TR), -DI likewise, DX = 100 · |+DI - -DI| / (+DI + -DI), ADX = Wilder's average of DX.

    +DM is the rise of the high where it is more than the fall of the low, else 0; -DM the other way round. S is
    Wilder's running sum, S = S' - S' / n + x, begun with n - 1 values as in his worksheet. A bar after which nothing
    has moved either way has no DX: it counts 0 within the first n, later the average stays. Equals TA-Lib's ADX,
    PLUS_DI and MINUS_DI. Source: Wilder, New Concepts in Technical Trading Systems, 1978.
    """

    __slots__ = ("_begin", "_close", "_high", "_low", "_mean", "_minus", "_n", "_plus", "_range", "_value", "warmup")

    def __init__(self, n: int = 14) -> None:
        self._n = period(n)
        self.warmup = 2 * n
        self._begin = n - 1  # movements that are summed as they are
        self._mean = Rma(n)
        self._value: float | None = None
        self._plus = self._minus = self._range = 0.0
        self._high = self._low = 0.0
        self._close: float | None = None

    def update(self, high: float, low: float, close: float) -> AdxValue | None:
        """None for the first 2 n - 1 bars, of which the averages are made."""
        extent(high, low)
        last, self._close = self._close, finite(close, "close")
        up, down = high - self._high, self._low - low
        self._high, self._low = high, low
        if last is None:
            return None
        keep = 1.0
        if self._begin:
            self._begin -= 1
        else:
            keep -= 1.0 / self._n
        self._plus = self._plus * keep + (up if up > down and up > 0.0 else 0.0)
        self._minus = self._minus * keep + (down if down > up and down > 0.0 else 0.0)
        self._range = self._range * keep + true_range(high, low, last)
        return self._average() if keep < 1.0 else None

    def _average(self) -> AdxValue | None:
        span = self._range
        plus, minus = (100.0 * self._plus / span, 100.0 * self._minus / span) if span > 0.0 else (0.0, 0.0)
        if plus + minus > 0.0:
            self._value = self._mean.update(100.0 * abs(plus - minus) / (plus + minus))
        elif self._value is None:
            self._value = self._mean.update(0.0)
        return None if self._value is None else AdxValue(self._value, plus, minus)


def adx(high: Sequence[float], low: Sequence[float], close: Sequence[float], n: int = 14) -> AdxColumns:
    return AdxColumns(*table(Adx(n).update, 3, high, low, close))
