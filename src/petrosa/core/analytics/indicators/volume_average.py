"""Average volume of the last n bars."""

from collections.abc import Sequence

from petrosa.core.analytics.indicators.inputs import Column, column, period, traded
from petrosa.core.analytics.indicators.sma import Sma


class VolumeAverage:
    """The simple mean of the last `n` volumes, the new bar's included. Raises `ValueError` for one below 0."""

    __slots__ = ("_mean", "warmup")

    def __init__(self, n: int = 20) -> None:
        self.warmup = period(n)
        self._mean = Sma(n)

    def update(self, volume: float) -> float | None:
        return self._mean.update(traded(volume))


def volume_average(volumes: Sequence[float], n: int = 20) -> Column:
    return column(VolumeAverage(n).update, volumes)
