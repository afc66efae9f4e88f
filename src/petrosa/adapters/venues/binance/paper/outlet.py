"""What waits to be sent on one WebSocket connection, and how it is sent."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from enum import Enum
from typing import Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from petrosa.adapters.venues.binance.paper.wires import cut, fragments, frame, wire_of

BACKLOG_MAX: Final = 10_000
"""Messages that may wait for a slow client; one more ends its connection."""

CLOSE_S: Final = 1.0
"""How long a client may take to read that its connection ends."""

POLICY: Final = 1008
GOING_AWAY: Final = 1001


class How(Enum):
    """How a message leaves. Without a `Wire` below, all leave whole."""

    WHOLE = "whole"
    HALVES = "halves"
    FRAGMENTS = "fragments"


class Outlet:
    """Messages of one connection in order. `cuts` says where a message of so many bytes is cut."""

    def __init__(self, cuts: Callable[[int], list[int]] | None = None) -> None:
        self._waiting: deque[tuple[bytes, How, float]] = deque()
        self._filled = asyncio.Event()
        self._over = asyncio.Event()
        self._cuts = cuts
        self.ended = False
        self.code = POLICY

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: bytes, how: How = How.WHOLE, pause_s: float = 0.0) -> None:
        if len(self._waiting) >= BACKLOG_MAX:
            self.end()
        if not self.ended:
            self._waiting.append((message, how, pause_s))
            self._filled.set()

    def send(self, value: object) -> None:
        self.put(msgspec.json.encode(value))

    def end(self, code: int = POLICY) -> None:
        """Let the connection go as it is."""
        self.ended = True
        self.code = code
        self._filled.set()
        self._over.set()

    async def over(self) -> None:
        """Until somebody has ended it."""
        await self._over.wait()

    async def pump(self, socket: WebSocket) -> None:
        """Send until the end."""
        wire = wire_of(socket.scope)
        while not self.ended:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting and not self.ended:
                message, how, pause_s = self._waiting.popleft()
                if how is How.WHOLE or wire is None or self._cuts is None:
                    await socket.send_text(message.decode())
                else:
                    wire.pieces(self._pieces(message, how), pause_s)

    def _pieces(self, message: bytes, how: How) -> list[bytes]:
        assert self._cuts is not None
        if how is How.FRAGMENTS:
            return fragments(cut(message, self._cuts(len(message))))
        whole = frame(message)
        return cut(whole, self._cuts(len(whole)))


def break_off(socket: WebSocket, message: bytes, cuts: Callable[[int], list[int]]) -> None:
    """End a connection at once, in the middle of a message."""
    wire = wire_of(socket.scope)
    if wire is not None:
        whole = frame(message)
        wire.break_off(cut(whole, cuts(len(whole)))[0])


async def converse(socket: WebSocket, outlet: Outlet, hear: Callable[[str], Awaitable[None]]) -> None:
    """Both directions of a connection until one of them ends."""
    tasks = {asyncio.create_task(work) for work in (outlet.pump(socket), _read(socket, hear), outlet.over())}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if outlet.ended:
        await _close(socket, outlet.code)


async def _close(socket: WebSocket, code: int) -> None:
    """As the protocol says; a client that reads nothing is left to itself."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await socket.close(code)
    except TimeoutError:
        wire = wire_of(socket.scope)
        if wire is not None:
            wire.abort()
    except (WebSocketDisconnect, RuntimeError):
        return  # it is gone already


async def _read(socket: WebSocket, hear: Callable[[str], Awaitable[None]]) -> None:
    try:
        while True:
            await hear(await socket.receive_text())
    except (WebSocketDisconnect, KeyError):
        return
