"""Moving average convergence divergence: how far a fast average is from a slow one, and the average of that."""

from collections.abc import Sequence
from typing import NamedTuple

from petrosa.core.analytics.indicators.ema import Ema
from petrosa.core.analytics.indicators.inputs import Column, finite, period, table


class MacdValue(NamedTuple):
    """In units of price. `histogram` is line - signal."""

    line: float
    signal: float
    histogram: float


class MacdColumns(NamedTuple):
    line: Column
    signal: Column
    histogram: Column


class Macd:
    """line = EMA_fast - EMA_slow, signal = EMA of the line. Source: Appel, 1979.

    Seeded as TA-Lib does, so that it equals it from the first value on: the slow average by the first `slow` values,
    the fast one by those of them that came last, the signal by the first `signal` lines.
    """

    __slots__ = ("_fast", "_late", "_signal", "_slow", "warmup")

    def __init__(self, fast: int = 12, slow: int = 26, signal: int = 9) -> None:
        period(fast, "fast")
        period(slow, "slow", least=fast + 1)
        self.warmup = slow + period(signal, "signal") - 1
        self._fast, self._slow, self._signal = Ema(fast), Ema(slow), Ema(signal)
        self._late = slow - fast  # values that the fast average leaves out

    def update(self, x: float) -> MacdValue | None:
        slow = self._slow.update(finite(x))
        if self._late:
            self._late -= 1
            return None
        fast = self._fast.update(x)
        if fast is None or slow is None:
            return None
        line = fast - slow
        signal = self._signal.update(line)
        return None if signal is None else MacdValue(line, signal, line - signal)


def macd(values: Sequence[float], fast: int = 12, slow: int = 26, signal: int = 9) -> MacdColumns:
    return MacdColumns(*table(Macd(fast, slow, signal).update, 3, values))
