"""The store is read when somebody says so, after an absence of the bus, and when what is held is old."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from petrosa.adapters.bus.local import LocalBus
from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.apps.configuration.service import ConfigService
from petrosa.apps.configuration.watching import Watch, announcing
from petrosa.errors import StorageError
from petrosa.surfaces.configuration import Act, Refreshed
from tests.kit.configured import SKEW, service

LONG = 3_600.0


class Reading:
    """Counts the readings of a configuration, and can have them fail."""

    def __init__(self, inner: ConfigService) -> None:
        self.inner = inner
        self.read: list[str | None] = []
        self.is_away = False
        self.changed = asyncio.Event()
        self.config, self.strategies, self.state = inner.config, inner.strategies, inner.state

    async def refresh(self, strategy_id: str | None = None) -> Refreshed:
        self.read.append(strategy_id)
        self.changed.set()
        if self.is_away:
            raise StorageError("the store is away; wait")
        return await self.inner.refresh(strategy_id)

    async def until(self, readings: int) -> None:
        async with asyncio.timeout(10):
            while len(self.read) < readings:
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def watched(ttl_s: float, bus: LocalBus | None = None) -> AsyncIterator[tuple[Reading, Watch]]:
    reading = Reading(await service(MemoryDocuments()))
    watch = Watch(reading, ttl_s)  # type: ignore[arg-type]  # a part of a configuration
    async with watch.watching(bus):
        yield reading, watch


async def test_an_announcement_is_heard() -> None:
    """The strategy that was announced is read, and nothing else; what no strategy is called is nobody's affair."""
    bus = LocalBus()
    async with watched(LONG, bus) as (reading, _):
        await reading.until(1)  # once after subscribing
        announce = announcing(bus)
        await announce("no_such_strategy", 1)
        await announce(SKEW, 2)
        await reading.until(2)
        assert [None, SKEW] == reading.read


async def test_many_announcements_are_few_readings() -> None:
    """However much is announced at once, one reading is under way and one is owed."""
    bus = LocalBus()
    async with watched(LONG, bus) as (reading, _):
        await reading.until(1)
        for version in range(500):
            await announcing(bus)(SKEW, version)
        await announcing(bus)("trade_momentum", 1)
        while "trade_momentum" not in reading.read:
            await reading.until(len(reading.read) + 1)
        assert len(reading.read) <= 4


async def test_age_is_reason_enough() -> None:
    """Without any bus the store is read again and again."""
    async with watched(0.01) as (reading, _):
        await reading.until(3)
        assert [None, None, None] == reading.read[:3]


async def test_an_absence_of_the_store_is_one_line_and_many_counts(caplog: pytest.LogCaptureFixture) -> None:
    """It is tried again and again; the check stays well, says since when, and the metrics count."""
    async with watched(0.01) as (reading, watch):
        reading.is_away = True
        await reading.until(len(reading.read) + 4)
        assert watch.failures >= 3
        assert watch.check().ok
        failures = watch.seen().refresh_failures
        reading.is_away = False
        await reading.until(len(reading.read) + 2)
        assert failures <= watch.failures <= failures + 1


async def test_metrics_know_every_scope_that_is_stored() -> None:
    """A strategy without anything stored is at version 0."""
    async with watched(LONG) as (reading, watch):
        await reading.inner.change(SKEW, "BTCUSDT", {"buy_threshold": 1.3}, Act("a", "b"))
        versions = watch.seen().version_by_scope
        assert (0, 1, 0) == (versions[SKEW], versions[f"{SKEW}:BTCUSDT"], versions["trade_momentum"])


async def test_a_watch_that_failed_is_not_ready() -> None:
    """A mistake of ours in the watch does not stay unseen."""
    async with watched(LONG) as (reading, watch):

        async def broken(strategy_id: str | None = None) -> Refreshed:
            reading.changed.set()
            raise ZeroDivisionError

        reading.refresh = broken  # type: ignore[method-assign]
        watch.wake()
        await reading.changed.wait()
        await asyncio.sleep(0)
        check = watch.check()
        assert (False, True) == (check.ok, "start again" in check.detail)
