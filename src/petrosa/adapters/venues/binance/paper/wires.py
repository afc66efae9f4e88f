"""The bytes of one connection, where a fault needs more than a message: pieces, fragments, a break, pings at will."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.types import Scope

EXTENSION: Final = "petrosa.wire"
"""Where a server that has a `Wire` says so in the scope of a WebSocket."""

TEXT, CONTINUATION, PING = 0x1, 0x0, 0x9
FINAL: Final = 0x80
LENGTH_16: Final = 126
LENGTH_64: Final = 127


class Wire:
    """A transport in whose way one may stand: everything that is written goes out in the order it came.

    What is not named here is the transport's own.
    """

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        self._broken = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._broken:
            return
        if self._waiting:
            self._waiting.append((0.0, bytes(data)))
        else:
            self._transport.write(data)

    def pieces(self, pieces: Sequence[bytes], pause_s: float) -> None:
        """Write bytes with pauses between, so that each comes to the client by itself."""
        if self._broken:
            return
        begun = bool(self._waiting)
        self._waiting.extend((pause_s, piece) for piece in pieces)
        if not begun:
            self._go_on()

    def close(self) -> None:
        """Once everything has gone out."""
        if self._waiting:
            self._closing = True
        else:
            self._transport.close()

    def break_off(self, data: bytes) -> None:
        """Write this, which is not whole, and be gone before anything else can be written."""
        self.write(data)
        self._broken = True
        asyncio.get_running_loop().call_soon(self.abort)

    def abort(self) -> None:
        """At once, in the middle of whatever is being said."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._transport.abort()

    def is_closing(self) -> bool:
        return self._closing or self._transport.is_closing()

    def _go_on(self) -> None:
        while self._waiting and not self._transport.is_closing():
            pause_s, piece = self._waiting.popleft()
            self._transport.write(piece)
            if pause_s and self._waiting:
                self._timer = asyncio.get_running_loop().call_later(pause_s, self._go_on)
                return
        self._waiting.clear()
        if self._closing:
            self._transport.close()


def wire_of(scope: Scope) -> Wire | None:
    """The wire below a WebSocket; None on a server that shows none."""
    extensions: Mapping[str, Any] = scope.get("extensions") or {}
    wire = extensions.get(EXTENSION)
    return wire if isinstance(wire, Wire) else None


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True) -> bytes:
    """A WebSocket frame as a server sends it (RFC 6455, 5.2): not masked, not compressed."""
    head = bytes([(FINAL if final else 0) | opcode])
    size = len(payload)
    if size < LENGTH_16:
        return head + bytes([size]) + payload
    if size < 1 << 16:
        return head + bytes([LENGTH_16]) + size.to_bytes(2, "big") + payload
    return head + bytes([LENGTH_64]) + size.to_bytes(8, "big") + payload


def fragments(parts: Sequence[bytes]) -> list[bytes]:
    """One text message in several frames, with a ping between the first two, which the protocol allows."""
    made = [
        frame(part, CONTINUATION if number else TEXT, final=number == len(parts) - 1)
        for number, part in enumerate(parts)
    ]
    return [made[0], frame(b"between", PING), *made[1:]] if len(made) > 1 else made


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """Data in pieces, cut at these places; no piece is empty."""
    ends = sorted({place for place in places if 0 < place < len(data)})
    return [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)], strict=True)]
