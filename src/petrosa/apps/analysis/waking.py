"""When to look into the store: when an extractor says that it wrote, and every so often all the same."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection

from petrosa.adapters.wire.extraction import decode_extraction
from petrosa.core.model.history import Series
from petrosa.errors import FrameError
from petrosa.ports import Bus, Subscription


class Waking:
    """Collects the series of which something was told. `unused` counts what could not be understood, by reason."""

    def __init__(self, followed: Collection[Series], every_s: float) -> None:
        self.unused: Counter[str] = Counter()
        self._followed = frozenset(followed)
        self._every_s = every_s
        self._told: set[Series] = set()
        self._came = asyncio.Event()
        self._all_at = time.monotonic() + every_s

    async def listen(self, bus: Bus, prefix: str) -> Subscription:
        """Hear what is told of extractions, until unsubscribed."""
        return await bus.subscribe(f"{prefix}.>", self.hear)

    def hear(self, _subject: str, data: bytes) -> None:
        """An event of an extractor."""
        try:
            found = decode_extraction(data)
        except FrameError as problem:
            self.unused[problem.reason] += 1
            return
        if found is None:
            return
        for series in self._followed:
            if series.symbol in found.symbols and series.interval == found.period:
                if found.market not in ("", series.market):
                    continue
                self._told.add(series)
                self._came.set()

    async def wait(self) -> Collection[Series]:
        """The series to look at: those that were told of, all of them when the time for that has come."""
        try:
            async with asyncio.timeout(max(0.0, self._all_at - time.monotonic())):
                await self._came.wait()
        except TimeoutError:
            pass
        told, self._told = self._told, set()
        self._came.clear()
        if time.monotonic() < self._all_at:
            return told
        self._all_at = time.monotonic() + self._every_s
        return self._followed
