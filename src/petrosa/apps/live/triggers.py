"""What stops a desk on a real venue by itself: each trigger latches the kill switch, as a person would."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from petrosa.surfaces.kill_switch import KillAnswer, Latch, Level, NoDesk

LOOK_EVERY_S: Final = 0.5
MINUTE_S: Final = 60.0

Seen = Callable[[], float]
"""What is measured now."""


class Trigger(NamedTuple):
    """Fires when `seen()` is `limit` or more. `says` is a sentence with places for both, in this order."""

    name: str
    level: Level
    seen: Seen
    limit: float
    says: str

    @property
    def why(self) -> str:
        """Why it fires now; empty when it does not."""
        value = self.seen()
        return self.says.format(value, self.limit) if value >= self.limit else ""


class Switch(Protocol):
    """As much of the kill switch as a trigger needs."""

    latch: Latch

    async def engage(self, level: Level, actor: str, reason: str) -> KillAnswer: ...


class Triggers:
    """Looks twice a second. One that has fired does so again only after its cause was gone."""

    def __init__(self, triggers: Sequence[Trigger], switch: Switch) -> None:
        """Those whose limit is 0 are off."""
        self.fired: dict[str, str] = {}
        self.names = [one.name for one in triggers if one.limit > 0]
        self._triggers = [one for one in triggers if one.limit > 0]
        self._switch = switch

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Look once, and latch what must be."""
        for one in self._triggers:
            why = one.why
            if not why:
                self.fired.pop(one.name, None)
            elif one.name not in self.fired:
                self.fired[one.name] = why
                if not self._switch.latch.has(one.level):
                    try:
                        await self._switch.engage(one.level, f"trigger:{one.name}", why)
                    except NoDesk:
                        return


class PerMinute:
    """How much a counter grew within the last minute, looked at twice a second."""

    def __init__(self, count: Callable[[], int], clock: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque([(clock(), count())])

    def __call__(self) -> float:
        now, count = self._clock(), self._count()
        while len(self._seen) > 1 and self._seen[1][0] <= now - MINUTE_S:
            self._seen.popleft()
        grown = count - self._seen[0][1]
        if now - self._seen[-1][0] >= LOOK_EVERY_S:
            self._seen.append((now, count))
        return float(grown)


class Lasting:
    """For how many seconds something has been so, as far as it was looked at."""

    def __init__(self, is_so: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._is_so = is_so
        self._clock = clock
        self._since: float | None = None

    def __call__(self) -> float:
        if not self._is_so():
            self._since = None
            return 0.0
        now = self._clock()
        self._since = now if self._since is None else self._since
        return now - self._since
