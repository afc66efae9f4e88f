"""Rings of one slot a second, sized once: what a window of time is summed from, whatever the rate of updates."""

from array import array
from math import fsum, nan
from typing import Final

LONGEST: Final = 900
"""Seconds that are kept: fifteen minutes."""
_UNKNOWN: Final = array("d", [nan]) * LONGEST
_NONE: Final = array("d", [0.0]) * LONGEST


class Samples:
    """A state as it was at the end of each second: `ring[second % LONGEST]`, NaN where it was not known."""

    __slots__ = ("ring",)

    def __init__(self) -> None:
        self.ring = _UNKNOWN[:]

    def last(self, seconds: int, second: int) -> "array[float]":
        """The `seconds` before `second`, oldest first, with NaN for what was not known: one at least, all at most."""
        return _last(self.ring, seconds, second)


class Sums:
    """What was added up in each second: `ring[second % LONGEST]`, to be written once the second is over."""

    __slots__ = ("ring",)

    def __init__(self) -> None:
        self.ring = _NONE[:]

    def last(self, seconds: int, second: int) -> float:
        """The sum of the `seconds` before `second`: one at least, all at most."""
        return fsum(_last(self.ring, seconds, second))


def _last(ring: "array[float]", seconds: int, second: int) -> "array[float]":
    start, end = (second - seconds) % LONGEST, second % LONGEST
    return ring[start:end] if start < end else ring[start:] + ring[:end]
