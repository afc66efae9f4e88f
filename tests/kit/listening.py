"""A live feed in a test's own loop, before an exchange whose market the test moves, and who hears it on NATS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from petrosa.adapters.bus.nats import NatsBus
from petrosa.apps.instruments import load_instruments
from petrosa.apps.listening.publishing import Publisher
from petrosa.apps.listening.venue import Listening, listening
from petrosa.apps.market_stream import MarketStream, open_market
from petrosa.apps.settings import Settings, load
from petrosa.core.model.market import FeedStateChanged, MarketEvent
from tests.kit.services import quiet
from tests.kit.sockets import running

TIMEOUT_S = 20.0


def venue_settings(home: Path, exchange: str, *sets: str, nats: str = "") -> Settings:
    """BTCUSDT on futures of a paper exchange."""
    given = ("venue.environment=paper", f"venue.url={exchange}", "feed.symbols=BTCUSDT", "http.port=0", *sets)
    return load(sets=given, environ={"NATS_URL": nats} if nats else {}, home=str(home))


class Feeding:
    """A feed that publishes, in a task."""

    def __init__(self, heard: Listening, publisher: Publisher, bus: NatsBus, publishing: asyncio.Task[None]) -> None:
        self.heard, self.publisher, self.bus, self.publishing = heard, publisher, bus, publishing


@asynccontextmanager
async def feeding(
    settings: Settings, *, fresh: bool = False, report: Callable[[str], None] = quiet
) -> AsyncIterator[Feeding]:
    """Publish while the block lasts."""
    bus = await NatsBus.connect(settings.nats.url)
    try:
        async with listening(settings, quiet, quiet) as heard:
            publisher = Publisher(settings, bus, heard, "live-test", report)
            try:
                await publisher.prepare(fresh=fresh)
                async with running(heard.feed.run()), running(publisher.run()) as publishing:
                    yield Feeding(heard, publisher, bus, publishing)
            finally:
                await publisher.alone.release()
    finally:
        await bus.close()


class Ear:
    """Hears a subject."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self._came = asyncio.Event()

    def take(self, subject: str, data: bytes) -> None:
        self.messages.append((subject, data))
        self._came.set()

    def read(self) -> list[dict[str, Any]]:
        return [msgspec.json.decode(data) for _, data in self.messages]

    async def until(self, there: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """What was heard, once it is so."""
        async with asyncio.timeout(TIMEOUT_S):
            while not there(self.read()):
                self._came.clear()
                await self._came.wait()
        return self.read()


@asynccontextmanager
async def hearing(url: str, *subjects: str) -> AsyncIterator[Ear]:
    bus, ear = await NatsBus.connect(url), Ear()
    try:
        for subject in subjects:
            await bus.subscribe(subject, ear.take)
        yield ear
    finally:
        await bus.close()


@asynccontextmanager
async def consuming(settings: Settings) -> AsyncIterator[MarketStream]:
    """The market as a service on NATS reads it."""
    bus = await NatsBus.connect(settings.nats.url)
    try:
        async with asyncio.timeout(TIMEOUT_S), open_market(settings, load_instruments(), bus, quiet) as stream:
            yield stream
    finally:
        await bus.close()


async def facts_until(stream: MarketStream, there: Callable[[MarketEvent], bool]) -> list[MarketEvent]:
    """The facts up to the first that is meant."""
    found: list[MarketEvent] = []
    async with asyncio.timeout(TIMEOUT_S):
        while (facts := await stream.next()) is not None:
            for _, event in facts.heard:
                found.append(event)
                if there(event):
                    return found
    raise AssertionError("the stream ended")


def is_state(state: Any, stream: str) -> Callable[[MarketEvent], bool]:
    """Whether a fact says that a stream is in this state."""
    return lambda event: isinstance(event, FeedStateChanged) and (event.state, event.stream) == (state, stream)
