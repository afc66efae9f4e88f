"""Exponential moving average of span n: each value weighs 1 - 2 / (n + 1) times the one after it."""

from collections.abc import Sequence
from enum import Enum

from petrosa.core.analytics.indicators.inputs import Column, column, finite, period


class Seeding(Enum):
    """What stands for the values before the first.

    `SMA`: the mean of the first n is the first value. `WEIGHTED`: nothing does, the weights are divided by their sum.
    After about 5 n values both agree.
    """

    SMA = "sma"
    WEIGHTED = "weighted"


class Ema:
    """e = e' + α (x - e') with α = 2 / (n + 1).

    Seeded by the first SMA it equals TA-Lib's EMA; with weights, Σ (1-α)^i x_i / Σ (1-α)^i, pandas' `ewm(span=n)`, of
    which the first n - 1 values are left out here: they are means of too little.
    """

    __slots__ = ("_alpha", "_seen", "_value", "_weight", "_weighted", "warmup")

    def __init__(self, n: int, seeding: Seeding = Seeding.SMA) -> None:
        self.warmup = period(n)
        self._alpha = 2.0 / (n + 1)
        self._weighted = seeding is Seeding.WEIGHTED
        self._seen = 0
        self._value = self._weight = 0.0

    def update(self, x: float) -> float | None:
        """None for the first n - 1 values, whichever the seeding."""
        finite(x)
        if self._seen < self.warmup:
            self._seen += 1
        elif not self._weighted:
            self._value += self._alpha * (x - self._value)
            return self._value
        if self._weighted:
            self._weight = 1.0 + (1.0 - self._alpha) * self._weight
            self._value += (x - self._value) / self._weight
            return None if self._seen < self.warmup else self._value
        self._value += x  # the sum of the first n
        if self._seen < self.warmup:
            return None
        self._value /= self.warmup
        return self._value


def ema(values: Sequence[float], n: int, seeding: Seeding = Seeding.SMA) -> Column:
    return column(Ema(n, seeding).update, values)
