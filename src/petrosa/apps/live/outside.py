"""What sources outside the venue say to a running desk: frames among the venue's own, as they come."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from petrosa.adapters.wire.readings import encode_reading
from petrosa.apps.process import Side
from petrosa.apps.readings import SOURCES, open_source
from petrosa.apps.running import Report
from petrosa.apps.sections import OutsideSettings
from petrosa.apps.wiring import Instruments
from petrosa.core.model.market import Reading
from petrosa.errors import DataError, TransportError, VenueError
from petrosa.runtime.supervise import OnFailure


class Outside:
    """The configured sources. One that is away is told once, and never stops a desk: its readings grow old."""

    def __init__(
        self, settings: OutsideSettings, instruments: Instruments, offer: Callable[[bytes], None], report: Report
    ) -> None:
        """`offer` takes the frame of a reading."""
        self.said: dict[str, int] = {}
        """Readings handed on, by source."""
        self._settings = settings
        self._pairs = tuple(dict.fromkeys(f"{one.base}/{one.quote}" for one in instruments.values()))
        self._offer = offer
        self._report = report

    def sides(self) -> Sequence[Side]:
        """Tasks beside the desk, one a source."""
        return [
            (f"readings of {name}", partial(self._keep, name), OnFailure.RESTART) for name in self._settings.sources
        ]

    async def _keep(self, name: str) -> None:
        settings = self._settings
        subjects = (settings.subjects or self._pairs) if SOURCES[name].subjects else ()
        source, usual = open_source(name, _addresses(settings).get(name, ""), subjects)
        problem = ""
        try:
            while True:
                try:
                    readings = await source.poll()
                except (TransportError, DataError, VenueError) as caught:
                    if not problem:
                        self._report(f"readings of {name}: {caught}")
                    problem = str(caught)
                else:
                    problem = ""
                    self._hand_on(name, readings)
                await asyncio.sleep(settings.every_seconds or usual)
        finally:
            await source.close()

    def _hand_on(self, name: str, readings: Sequence[Reading]) -> None:
        for one in readings:
            self._offer(encode_reading(one))
        self.said[name] = self.said.get(name, 0) + len(readings)


def _addresses(settings: OutsideSettings) -> Mapping[str, str]:
    return dict(text.split("=", 1) for text in settings.addresses)
