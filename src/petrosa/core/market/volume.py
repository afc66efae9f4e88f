"""How much is traded now, against how much was traded before: sums over slices of event time."""

from collections import deque
from itertools import islice
from typing import Final

SLICES: Final = 20
"""Into how many slices a window is cut."""

WINDOWS_BEFORE: Final = 10
"""How many windows before the present one say what is usual."""

_KEPT: Final = SLICES * (WINDOWS_BEFORE + 1)


class VolumeWindow:
    """Base volume of the last `window_ns` and the mean of the up to ten windows before it, from trades alone.

    The rolling 24 h volume of a ticker would not do: what it gains is what was traded less what was traded a day
    before and falls out. Time is the venue's; a trade that comes late counts in the slice that is open. A silence
    longer than all windows together starts over.
    """

    __slots__ = ("_end", "_open", "_slice_ns", "_slices")

    def __init__(self, window_ns: int) -> None:
        self._slice_ns = max(1, window_ns // SLICES)
        self._slices: deque[float] = deque(maxlen=_KEPT)  # closed slices without a hole between them
        self._end = 0  # of the slice that is open; 0 before the first trade
        self._open = 0.0

    def add(self, ts: int, quantity: float) -> None:
        """Take in a trade."""
        if ts >= self._end:
            self._close(ts)
            if not self._end:
                self._end = ts + self._slice_ns
        self._open += quantity

    def figures(self, ts: int) -> tuple[float, float] | None:
        """(volume of the window ending at `ts`, usual volume of a window); None until a whole window lies before it."""
        if ts >= self._end:
            self._close(ts)
        before = len(self._slices) - (SLICES - 1)
        if before < SLICES:
            return None
        usual = sum(islice(self._slices, before)) / before * SLICES
        elapsed = max(0.0, 1.0 - (self._end - ts) / self._slice_ns)  # share of the open slice; a late `ts` is in it
        recent = (sum(islice(self._slices, before, None)) + self._open) * SLICES / (SLICES - 1 + elapsed)
        return recent, usual

    def _close(self, ts: int) -> None:
        """Close the slices that end at or before `ts`."""
        if not self._end:
            return
        ended = (ts - self._end) // self._slice_ns + 1
        if ended > _KEPT:
            self._slices.clear()
            self._end, self._open = 0, 0.0
            return
        self._slices.append(self._open)
        self._slices.extend([0.0] * (ended - 1))
        self._end += ended * self._slice_ns
        self._open = 0.0
