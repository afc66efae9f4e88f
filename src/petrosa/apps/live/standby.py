"""What a process on a venue says about itself from its first moment: alive, waiting for its turn, then as a desk."""

import time

from petrosa.apps.service import info_of
from petrosa.apps.settings import Settings
from petrosa.surfaces.observation import Check, Info, Observation, Readiness, readiness_of
from petrosa.surfaces.status import DeskStatus


class LiveStatus:
    """An `ApiState`. Until there is a desk it is not ready, and `waits_for` says for what."""

    def __init__(self, settings: Settings, service: str) -> None:
        self.waits_for = "the venue has not been asked yet"
        self._info = info_of(settings, service, settings.feed.symbols)
        self._desk: DeskStatus | None = None
        self._started = time.monotonic()

    def opened(self, desk: DeskStatus) -> None:
        """There is a desk now."""
        self._desk = desk

    def observe(self) -> Observation:
        return Observation(uptime_s=time.monotonic() - self._started) if self._desk is None else self._desk.observe()

    def readiness(self) -> Readiness:
        if self._desk is None:
            return readiness_of((Check("desk", False, self.waits_for),))
        return self._desk.readiness()

    def info(self) -> Info:
        return self._info
