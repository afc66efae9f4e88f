"""What a running desk knows about itself: plain numbers that a metrics page reads and nobody decides by."""

import time
from collections import Counter

from petrosa.core.model.base import NS_PER_SECOND


class Spread:
    """Count, sum and largest of a duration in seconds."""

    __slots__ = ("count", "last", "max", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = self.max = self.last = 0.0

    def add(self, seconds: float) -> None:
        self.count += 1
        self.total += seconds
        self.last = seconds
        if seconds > self.max:
            self.max = seconds

    @property
    def mean(self) -> float:
        return self.total / self.count if self.count else 0.0


class Observed:
    """Self-observation of one runtime. `drops` counts by name what was left out, and nothing is left out uncounted."""

    def __init__(self) -> None:
        self.turns = 0
        self.turning_s = 0.0
        self.turned_at = time.monotonic()
        self.inbox_depth = 0
        self.inbox_depth_max = 0
        self.inbox_wait = Spread()
        self.loop_lag = Spread()
        self.sync_time = Spread()
        self.timer_lateness = Spread()
        self.drops: Counter[str] = Counter()
        self.restarts: Counter[str] = Counter()

    @property
    def silence_s(self) -> float:
        """Wall time since the last turn ended, or since the start where there was none."""
        return max(0.0, time.monotonic() - self.turned_at)

    def depth(self, waiting: int) -> None:
        self.inbox_depth = waiting
        self.inbox_depth_max = max(self.inbox_depth_max, waiting)

    def late(self, nanoseconds: int) -> None:
        """A timer fired this much after it was due."""
        self.timer_lateness.add(max(0, nanoseconds) / NS_PER_SECOND)
