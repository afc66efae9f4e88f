"""Average true range: how far the price moves in a bar, gaps included, in units of price."""

from collections.abc import Sequence

from petrosa.core.analytics.indicators.inputs import Column, column, extent, finite, period
from petrosa.core.analytics.indicators.rma import Rma


def true_range(high: float, low: float, last_close: float) -> float:
    """The longest of the bar and its distances from the close before it (Wilder, 1978)."""
    return max(high - low, abs(high - last_close), abs(low - last_close))


class Atr:
    """Wilder's average of the true range. Equals TA-Lib's ATR.

    The first bar has no close before it and only gives one. Source: Wilder, New Concepts in Technical Trading Systems,
    1978.
    """

    __slots__ = ("_close", "_mean", "warmup")

    def __init__(self, n: int = 14) -> None:
        self.warmup = period(n) + 1
        self._mean = Rma(n)
        self._close: float | None = None

    def update(self, high: float, low: float, close: float) -> float | None:
        extent(high, low)
        last, self._close = self._close, finite(close, "close")
        return None if last is None else self._mean.update(true_range(high, low, last))


def atr(high: Sequence[float], low: Sequence[float], close: Sequence[float], n: int = 14) -> Column:
    return column(Atr(n).update, high, low, close)
