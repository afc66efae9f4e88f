"""How often one actor may write: so many writes at once, all of them given back over the cooldown."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from petrosa.errors import LimitExceeded

ACTORS_MAX: Final = 1_024


class WriteLimit:
    """A token bucket for each actor: `writes` deep, refilled evenly within `cooldown_s` seconds.

    `clock` gives monotonic seconds. At most `ACTORS_MAX` buckets are kept; beyond that the one goes whose last write is
    longest ago, which has had the most time to fill again.
    """

    def __init__(self, writes: int, cooldown_s: float, clock: Callable[[], float]) -> None:
        self._writes = writes
        self._cooldown_s = cooldown_s
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """Actor → writes left, and when that was so."""

    def spend(self, actor: str) -> None:
        """Count one write. Raises `LimitExceeded`, which costs nothing, when none is left."""
        now = self._clock()
        left, at = self._buckets.get(actor, (float(self._writes), now))
        per_second = self._writes / self._cooldown_s
        left = min(float(self._writes), left + (now - at) * per_second)
        if left < 1.0:
            wait = (1.0 - left) / per_second
            raise LimitExceeded(
                f"{actor} has made {self._writes} writes, limit {self._writes} in {self._cooldown_s:g} s; the next is"
                f" allowed in {wait:.1f} s (access.writes_per_key, access.write_cooldown_seconds)",
                wait,
            )
        self._buckets[actor] = (left - 1.0, now)
        self._buckets.move_to_end(actor)
        if len(self._buckets) > ACTORS_MAX:
            self._buckets.popitem(last=False)
