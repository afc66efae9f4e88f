"""Where `now` comes from while a desk runs: the wall, or a run that makes its own time and is paced by the wall."""

import asyncio
import math
import time
from collections.abc import Callable

from petrosa.core.model.base import NS_PER_SECOND


class WallClock:
    """The time of day. It neither runs back nor stands still when the system's clock is set back: what is due within
    seconds, such as a stop that must be looked for, would wait for hours. It goes on at nine tenths of its pace until
    the time of day has caught up.
    """

    def __init__(self, wall: Callable[[], int] = time.time_ns, steady: Callable[[], int] = time.monotonic_ns) -> None:
        self._wall = wall
        self._steady = steady
        self._last = 0
        self._at = steady()

    def now(self) -> int:
        at, wall = self._steady(), self._wall()
        least = self._last + (at - self._at) * 9 // 10 if self._last else wall
        self._at = at
        self._last = now = wall if wall > least else least
        return now

    def reached(self, at: int) -> None:
        """It is `at` at least: so much time has been turned."""
        self._last = max(self.now(), at)

    @property
    def ahead_s(self) -> float:
        """By how much this is later than the time of day."""
        return (self.now() - self._wall()) / NS_PER_SECOND

    async def sleep_until(self, at: int) -> None:
        while (left := at - self.now()) > 0:
            await asyncio.sleep(min(left / NS_PER_SECOND, 3600.0))


class VirtualClock:
    """Time of a recorded or synthetic run, `speed` times as fast as the wall; infinite speed never waits.

    The wall only paces: what happens, and in which order, is the recording's. `start` anchors the first event's time
    to this moment.
    """

    def __init__(self, speed: float = math.inf) -> None:
        self.speed = speed
        self._anchor_wall = 0
        self._anchor = 0
        self._reached = 0

    @property
    def paced(self) -> bool:
        return math.isfinite(self.speed)

    def start(self, at: int) -> None:
        """It is `at` now."""
        self._anchor, self._anchor_wall = at, time.monotonic_ns()
        self._reached = at

    def reached(self, at: int) -> None:
        """An event of time `at` was turned; unpaced, this is what makes time pass."""
        self._reached = max(self._reached, at)

    def now(self) -> int:
        if not self.paced:
            return self._reached
        passed = (time.monotonic_ns() - self._anchor_wall) * self.speed
        return max(self._reached, self._anchor + int(passed))

    def seconds_until(self, at: int) -> float:
        """Wall seconds until the run's time is `at`; zero without pacing."""
        if not self.paced:
            return 0.0
        return max(0.0, (at - self.now()) / self.speed / NS_PER_SECOND)

    async def sleep_until(self, at: int) -> None:
        while (left := self.seconds_until(at)) > 0.0:
            await asyncio.sleep(min(left, 3600.0))
