"""The venue's clock as it is seen from here: this machine's, corrected by the least disturbed of several questions."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

from petrosa.core.model.base import NS_PER_MS
from petrosa.errors import TransportError, VenueClosed

PROBES: Final = 5
ALARM_MS: Final = 250.0
"""A clock that is this far off is told to the operator: ages and delays of market facts are wrong by as much."""

OFFSET_MAX_MS: Final = 10_000.0
UNCERTAINTY_MAX_MS: Final = 800.0
"""The venue takes a time up to a second ahead of its own."""

Probe = Callable[[], Awaitable[int]]
"""Asks the venue for its time, in milliseconds."""


class ServerClock:
    """`now` is the venue's time; before the first `sync` it is this machine's."""

    def __init__(
        self, wall: Callable[[], int] = time.time_ns, *, offset_max_ms: float = OFFSET_MAX_MS,
        alarm_ms: float = ALARM_MS,
    ) -> None:  # fmt: skip
        self._wall = wall
        self._offset_max_ms = offset_max_ms
        self._offset_ns = 0
        self._synced_at = 0
        self.alarm_ms = alarm_ms
        self.uncertainty_ms = 0.0

    def now(self) -> int:
        """Nanoseconds UTC on the venue's clock."""
        return self._wall() + self._offset_ns

    def now_ms(self) -> int:
        return self.now() // NS_PER_MS

    @property
    def is_synced(self) -> bool:
        return self._synced_at > 0

    @property
    def age_s(self) -> float:
        """Since the offset was measured; infinite before."""
        return (self._wall() - self._synced_at) / 1e9 if self._synced_at else float("inf")

    @property
    def offset_ms(self) -> float:
        """The venue's time minus this machine's; positive where this machine is behind."""
        return self._offset_ns / NS_PER_MS

    @property
    def is_alarming(self) -> bool:
        return abs(self.offset_ms) > self.alarm_ms

    async def sync(self, probe: Probe, probes: int = PROBES) -> None:
        """Measure anew, by the answer that came quickest.

        Raises `VenueClosed` when this machine's clock is too wrong to trade by, and `TransportError` when answers come
        too slowly to know; the offset stays as it was then. What `probe` raises comes through where none succeeded.
        """
        best: tuple[int, int] | None = None
        failed: TransportError | None = None
        for _ in range(probes):
            asked = self._wall()
            try:
                said_ms = await probe()
            except TransportError as problem:
                failed = problem
                continue
            answered = self._wall()
            # Milliseconds are cut off, so that on the average half of one is missing.
            offset = said_ms * NS_PER_MS + NS_PER_MS // 2 - (asked + answered) // 2
            # A negative trip is a clock that was set in between.
            if answered >= asked and (best is None or answered - asked < best[0]):
                best = answered - asked, offset
        if best is None:
            raise failed or TransportError(
                "the venue's clock cannot be read while this machine's is being set; try again"
            )
        self._adopt(*best)

    def _adopt(self, trip: int, offset: int) -> None:
        uncertainty_ms, offset_ms = trip / 2 / NS_PER_MS, offset / NS_PER_MS
        if uncertainty_ms > UNCERTAINTY_MAX_MS:
            raise TransportError(
                f"the venue's clock is known to {uncertainty_ms:.0f} ms only, > {UNCERTAINTY_MAX_MS:.0f} ms;"
                " the way to it is too slow to trade, try again"
            )
        if abs(offset_ms) > self._offset_max_ms:
            raise VenueClosed(
                f"this machine's clock is {abs(offset_ms) / 1000:.1f} s {'behind' if offset > 0 else 'ahead of'} the"
                f" venue's, > {self._offset_max_ms / 1000:g} s; set it (NTP), then start again"
            )
        self._offset_ns, self._synced_at, self.uncertainty_ms = offset, self._wall(), uncertainty_ms
