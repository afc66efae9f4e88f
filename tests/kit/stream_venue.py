"""A venue of market streams in the hand of a test: it acknowledges, refuses, forgets, and says what it is told to."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from petrosa.adapters.feeds.subscriptions import Control
from petrosa.adapters.net.attempts import Attempts
from petrosa.adapters.net.websocket import Pace
from petrosa.adapters.venues.binance.live.environments import Urls
from petrosa.adapters.venues.binance.live.streams import Streams
from tests.kit.sockets import Noticed, hosted, running

QUICK = Pace(open=5.0, ping=1.0, silence=5.0, overlap=0.2, pause_least=0.02, pause_most=0.05)
BRISK = Control(spacing_s=0.0, ack_s=0.2, list_every_s=60.0, again_s=0.05, again_most_s=0.05)


class Line:
    """One connection and what it is subscribed to."""

    def __init__(self, connection: ServerConnection) -> None:
        self.connection = connection
        self.path = connection.request.path if connection.request else ""
        self.names: dict[str, None] = {}

    async def say(self, *frames: bytes) -> None:
        for frame in frames:
            await self.connection.send(frame, text=True)


class StreamVenue:
    """`refuses` are answered with an error, the next `unanswered` requests not at all."""

    def __init__(self) -> None:
        self.url = ""
        self.lines = Noticed()
        self.asked = Noticed()
        """(number of the connection from 0, method, names)."""
        self.refuses: set[str] = set()
        self.unanswered = 0
        self.speaks = True

    async def line(self, number: int) -> Line:
        """The nth connection that came, from 0."""
        await self.lines.until(lambda all_: len(all_) > number)
        found: Line = self.lines.all[number]
        return found

    async def holds(self, number: int, names: Iterable[str]) -> Line:
        """The nth connection, when it is subscribed to exactly these."""
        line, wanted = await self.line(number), set(names)
        await self.asked.until(lambda _all: set(line.names) == wanted)
        return line

    def subscribed(self, number: int) -> list[list[str]]:
        """What was asked for on a connection, request by request."""
        return [names for line, method, names in self.asked.all if line == number and method == "SUBSCRIBE"]

    async def serve(self, connection: ServerConnection) -> None:
        line, number = Line(connection), len(self.lines.all)
        self.lines.add(line)
        try:
            async for message in connection:
                asked = msgspec.json.decode(message)
                reply = self._answer(line, asked)
                self.asked.add(number, asked["method"], asked.get("params", []))
                if self.unanswered > 0:
                    self.unanswered -= 1
                elif self.speaks:
                    await connection.send(msgspec.json.encode(reply), text=True)
        except ConnectionClosed:
            return

    def _answer(self, line: Line, asked: dict[str, Any]) -> dict[str, Any]:
        names, number = asked.get("params", []), asked["id"]
        if asked["method"] == "LIST_SUBSCRIPTIONS":
            return {"result": list(line.names), "id": number}
        if not self.refuses.isdisjoint(names):
            return {"error": {"code": 2, "msg": "Invalid request: unknown stream"}, "id": number}
        for name in names:
            if asked["method"] == "SUBSCRIBE":
                line.names[name] = None
            else:
                line.names.pop(name, None)
        return {"result": None, "id": number}


@asynccontextmanager
async def stream_venue() -> AsyncIterator[StreamVenue]:
    venue = StreamVenue()
    async with hosted(venue.serve) as host:
        venue.url = host.url
        yield venue


class Heard:
    """Streams with everything that they told: frames, and (stream, is up, why)."""

    def __init__(
        self, url: str, market: str, wanted: Iterable[str], pace: Pace, control: Control,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self.frames = Noticed()
        self.links = Noticed()
        public, other = (url, url) if market == "spot" else (f"{url}/public", f"{url}/market")
        self.streams = Streams(
            Urls("", public, other, "", ""), market, wanted, self._hear, self.links.add, attempts=Attempts(10_000),
            pace=pace, control=control, sleep=sleep,
        )  # fmt: skip

    @property
    def up(self) -> set[str]:
        return {stream for stream, (is_up, _) in self.said.items() if is_up}

    @property
    def said(self) -> dict[str, tuple[bool, str]]:
        """The last thing that was said of each stream."""
        return {stream: (is_up, why) for stream, is_up, why in self.links.all}

    async def has(self, *frames: bytes) -> None:
        """Until exactly these have been told, in this order."""
        await self.frames.until(lambda all_: len(all_) >= len(frames))
        assert list(frames) == self.frames.all

    async def is_up(self, streams: Iterable[str]) -> None:
        wanted = set(streams)
        await self.links.until(lambda _all: self.up >= wanted)

    def running(self) -> AbstractAsyncContextManager["asyncio.Task[None]"]:
        return running(self.streams.run())

    def _hear(self, stream: str, frame: bytes, arrival: int) -> None:
        assert frame.startswith(b'{"stream":"%b"' % stream.encode())
        assert arrival > 0
        self.frames.add(frame)


@asynccontextmanager
async def hearing(
    venue: StreamVenue, wanted: Iterable[str], market: str = "spot", pace: Pace = QUICK, control: Control = BRISK
) -> AsyncIterator[Heard]:
    heard = Heard(venue.url, market, wanted, pace, control)
    async with heard.running():
        yield heard


def frame(stream: str, **data: Any) -> bytes:
    return b'{"stream":"%b","data":%b}' % (stream.encode(), msgspec.json.encode(data))
