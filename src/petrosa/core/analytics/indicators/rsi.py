"""Relative strength index: the share of the rises in all movement of late, in percent."""

from collections.abc import Sequence
from typing import Final

from petrosa.core.analytics.indicators.inputs import Column, column, finite, period
from petrosa.core.analytics.indicators.rma import Rma

UNMOVED: Final = 50.0
"""Of a price that did not move at all. TA-Lib says 0 then, which would call a market that stands still oversold."""


class Rsi:
    """100 · U / (U + D), with U and D Wilder's averages of the rises and falls from close to close.

    Equals TA-Lib's RSI but for a market without any movement. Source: Wilder, New Concepts in Technical Trading
    Systems, 1978.
    """

    __slots__ = ("_falls", "_last", "_rises", "warmup")

    def __init__(self, n: int = 14) -> None:
        self.warmup = period(n) + 1
        self._rises, self._falls = Rma(n), Rma(n)
        self._last: float | None = None

    def update(self, x: float) -> float | None:
        last, self._last = self._last, finite(x)
        if last is None:
            return None
        change = x - last
        up, down = self._rises.update(max(change, 0.0)), self._falls.update(max(-change, 0.0))
        if up is None or down is None:
            return None
        moved = up + down
        return 100.0 * (up / moved) if moved > 0.0 else UNMOVED


def rsi(values: Sequence[float], n: int = 14) -> Column:
    return column(Rsi(n).update, values)
