"""Pressure: how long a book has leaned, not only how it leans now; and whether that grows or fades.

Imbalance jumps with every order that is placed and taken back. Pressure is its average with a memory that fades, so it
moves only when an imbalance stays.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from math import fsum, nan, sqrt
from operator import mul
from typing import Final

import msgspec

LEAST_SAMPLES: Final = 10
"""With fewer there is no trend to speak of."""
T_MAX: Final = 1_000.0
"""A line without any scatter has an infinite t-score, which no JSON can hold."""
SLOPE_MIN: Final = 1e-9
"""A slope below this, in percent points a minute, is the rounding of floats."""
MEMORIES: Final = 2.0
"""A window is so many half-lives of its weights long: the oldest sample counts a quarter of the newest."""


class Lean(StrEnum):
    """Which way a figure leans, in the words of the specification."""

    BULLISH = "bullish"
    BEARISH = "bearish"
    NEUTRAL = "neutral"


def lean(value: float, bullish: float, bearish: float) -> Lean:
    """Beyond which of two thresholds a value is."""
    return Lean.BULLISH if value > bullish else Lean.BEARISH if value < bearish else Lean.NEUTRAL


def decayed(pressure: float, percent: float, seconds: float, half_life: float) -> float:
    """The average after an imbalance of `percent` has stood for so many seconds; one without a past (NaN) takes it."""
    if pressure != pressure:
        return percent
    return percent + (pressure - percent) * float(0.5 ** (seconds / half_life))


class Trend(msgspec.Struct, frozen=True, gc=False):
    """Where a series goes: its slope per minute, the t-score of the slope, and |t| / (1 + |t|) as its strength."""

    direction: Lean
    strength: float
    slope_per_minute: float
    t_score: float


FLAT: Final = Trend(Lean.NEUTRAL, 0.0, 0.0, 0.0)


def trend(seconds: Sequence[int], values: Sequence[float], window: int, least_t: float) -> Trend:
    """The slope of a series by least squares, in which newer samples weigh more (half-life: half the window).

    Books resemble the book before, so neighbouring samples are not independent: the number of samples that the standard
    error is made of is Kish's effective number under the weights, times (1 - r) / (1 + r) for the first
    autocorrelation r of the residuals. Flat with fewer than ten samples. All seconds are within the window.
    """
    if len(values) < LEAST_SAMPLES:
        return FLAT
    newest, by_age = seconds[-1], _weights_by_age(window)
    weights = [by_age[newest - second] for second in seconds]
    total = sum(weights)
    times = [(second - newest) / 60.0 for second in seconds]
    mean_time, mean_value = sum(map(mul, weights, times)) / total, sum(map(mul, weights, values)) / total
    aside = [time - mean_time for time in times]
    above = [value - mean_value for value in values]
    weighted = list(map(mul, weights, aside))
    spread = sum(map(mul, weighted, aside))
    slope = sum(map(mul, weighted, above)) / spread
    if abs(slope) < SLOPE_MIN:
        return FLAT
    residuals = [value - slope * time for time, value in zip(aside, above, strict=True)]
    t_score = _bounded(slope, _standard_error(residuals, weights, spread))
    direction = Lean.NEUTRAL if abs(t_score) < least_t else Lean.BULLISH if slope > 0.0 else Lean.BEARISH
    return Trend(direction, abs(t_score) / (1.0 + abs(t_score)), slope, t_score)


def _standard_error(residuals: Sequence[float], weights: Sequence[float], spread: float) -> float:
    """Of the slope, from what the line leaves over."""
    total = sum(weights)
    weighted = list(map(mul, weights, residuals))
    scatter = sum(map(mul, weighted, residuals))
    if scatter <= 0.0:
        return 0.0
    together = sum(map(mul, weighted[1:], residuals))  # each with the one before it
    likeness = min(max(together / scatter, 0.0), 0.999)
    effective = total * total / sum(map(mul, weights, weights)) * (1.0 - likeness) / (1.0 + likeness)
    return sqrt(scatter / total / max(effective - 2.0, 1.0) / (spread / total))


@lru_cache
def _weights_by_age(window: int) -> tuple[float, ...]:
    """What a sample counts by its age in seconds."""
    return tuple(float(0.5 ** (age * MEMORIES / window)) for age in range(window))


def _bounded(slope: float, error: float) -> float:
    if abs(slope) >= error * T_MAX:
        return T_MAX if slope > 0.0 else -T_MAX
    return slope / error


class Window(msgspec.Struct, frozen=True, gc=False):
    """Samples of a window, oldest first: when each was taken (seconds since 1970), pressure, and imbalance ratio."""

    seconds: tuple[int, ...]
    pressures: tuple[float, ...]
    imbalances: tuple[float, ...]

    @property
    def average(self) -> float:
        """The mean pressure; NaN without a sample."""
        return fsum(self.pressures) / len(self.pressures) if self.pressures else nan
