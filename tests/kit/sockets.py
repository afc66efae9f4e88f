"""Servers that do to a WebSocket client what venues do, and what they should not."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

TIMEOUT_S = 10.0
MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Noticed:
    """A list that can be waited for."""

    def __init__(self) -> None:
        self.all: list[Any] = []
        self._changed = asyncio.Event()

    def add(self, *what: Any) -> None:
        self.all.append(what[0] if len(what) == 1 else what)
        self._changed.set()

    async def until(self, there: Callable[[list[Any]], bool]) -> None:
        """Until what has been noticed is as it should be; an error after ten seconds shows how it is."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not there(self.all):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"waited {TIMEOUT_S:g} s for something else than {self.all[-20:]}") from None


class Host:
    """A WebSocket server: its connections as they came, and what clients said on them."""

    def __init__(self) -> None:
        self.url = ""
        self.came = Noticed()
        self.said = Noticed()

    async def connection(self, number: int) -> ServerConnection:
        """The nth that came, from 1."""
        await self.came.until(lambda all_: len(all_) >= number)
        found: ServerConnection = self.came.all[number - 1]
        return found


@asynccontextmanager
async def hosted(greet: Callable[[ServerConnection], Awaitable[None]] | None = None) -> AsyncIterator[Host]:
    """A server that says what a test makes it say; `greet` is what it does first on every connection."""
    host = Host()

    async def handle(connection: ServerConnection) -> None:
        if greet is not None:
            await greet(connection)
        host.came.add(connection)
        async for message in connection:
            host.said.add(message)

    async with serve(handle, "127.0.0.1", 0, ping_interval=None, close_timeout=0.2) as server:
        host.url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield host


def mute() -> AbstractAsyncContextManager[str]:
    """The address of a server that opens a WebSocket and then says nothing, not even to a ping."""
    return raw(b"")


@asynccontextmanager
async def raw(answer: bytes, *pieces: bytes) -> AsyncIterator[str]:
    """The address of a server that sends these bytes, piece by piece; nothing as `answer` opens a WebSocket."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            writer.write(answer or upgraded(await reader.readuntil(b"\r\n\r\n")))
            for piece in pieces:
                await writer.drain()
                await asyncio.sleep(0)
                writer.write(piece)
            await reader.read()
        with suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    handling: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(
        lambda reader, writer: handling.append(asyncio.create_task(handle(reader, writer))), "127.0.0.1", 0
    )
    try:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        await asyncio.gather(*handling)


def upgraded(request: bytes) -> bytes:
    """The answer that makes a WebSocket of a connection."""
    headers = (line.split(b": ", 1) for line in request.split(b"\r\n")[1:] if b": " in line)
    key = next(value for name, value in headers if name.lower() == b"sec-websocket-key")
    accept = base64.b64encode(hashlib.sha1(key + MAGIC, usedforsecurity=False).digest())
    return (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
    )


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator["asyncio.Task[None]"]:
    """Something that runs beside the test and is cancelled at its end; what it fails with is an error of the test."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        outcome = (await asyncio.gather(task, return_exceptions=True))[0]
        if isinstance(outcome, Exception):
            raise outcome
