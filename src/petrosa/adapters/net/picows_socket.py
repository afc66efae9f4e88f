"""A WebSocket connection by picows: a callback for each frame, which costs a third of any other client."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import picows

from petrosa.adapters.net.aiohttp_socket import refusal, where
from petrosa.adapters.net.websocket import MESSAGE_MAX, Ears, said
from petrosa.errors import TransportError

OPEN_S: Final = 10.0
"""How long the other side has to answer that it speaks WebSocket."""
CLOSE_S: Final = 1.0
"""How long the other side has to answer our goodbye."""

_TEXT: Final = picows.WSMsgType.TEXT
_BINARY: Final = picows.WSMsgType.BINARY
_MESSAGES: Final = (_TEXT, _BINARY)
_CONTINUATION: Final = picows.WSMsgType.CONTINUATION
_CLOSE: Final = picows.WSMsgType.CLOSE

_UNHEARD: Final = logging.getLogger("petrosa.picows")
"""Whatever picows has to say is told as the end of the connection."""
_UNHEARD.addHandler(logging.NullHandler())
_UNHEARD.propagate = False


class PicowsSocket(picows.WSListener):  # type: ignore[misc, unused-ignore]
    """A `Wire`. picows answers pings by itself."""

    def __init__(self) -> None:
        self.signs = 0
        self._early: list[bytes] = []
        self._heard: Callable[[bytes], object] = self._early.append
        self._ears: Ears | None = None
        self._over: str | Exception | None = None
        self._parts: list[bytes] | None = None
        self._size = 0
        self._is_wanted = True
        self._transport: picows.WSTransport | None = None
        self._ending: asyncio.Task[None]

    # what picows calls

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        if not self._is_wanted:
            transport.disconnect(graceful=False)
            return
        self._transport = transport
        self._ending = asyncio.create_task(self._end(transport))

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """A whole message is the first case, because it is nearly every one."""
        self.signs += 1
        kind = frame.msg_type
        if kind in _MESSAGES and frame.fin and self._parts is None:
            try:
                self._heard(frame.get_payload_as_bytes())
            except Exception as mistake:  # noqa: BLE001 - it comes through to whoever runs the connection
                self._tell(mistake)
        elif kind == _CLOSE:
            self._tell(_goodbye(frame))
            transport.send_close(frame.get_close_code())
            transport.disconnect()
        elif kind in (*_MESSAGES, _CONTINUATION):
            self._part(frame)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """`_end` is told why."""

    def pause_writing(self) -> None:
        """What we send is small and seldom; a connection that does not take it is found by its silence."""

    def resume_writing(self) -> None:
        """See `pause_writing`."""

    # what is asked of it

    def listen(self, ears: Ears) -> None:
        self._ears, self._heard = ears, ears.heard
        early, self._early = self._early, []
        for message in early:
            self._heard(message)
        if self._over is not None:
            self._tell(self._over)

    def deafen(self) -> None:
        self._ears, self._heard = None, _nobody

    async def ping(self) -> None:
        self._open().send_ping()

    async def send(self, message: bytes) -> None:
        self._open().send(_TEXT, message)

    async def ready(self) -> None:
        """It says at once what it will say."""

    async def close(self) -> None:
        self.deafen()
        transport = self._transport
        assert transport is not None
        try:
            if not transport.is_disconnected:
                transport.send_close(picows.WSCloseCode.OK)
                await asyncio.wait({self._ending}, timeout=CLOSE_S)
        finally:
            transport.disconnect(graceful=False)
        await self._ending

    def abandon(self) -> None:
        """Nobody waits any more for it to be open."""
        self._is_wanted = False
        self.deafen()
        if self._transport is not None:
            self._transport.disconnect(graceful=False)

    def _open(self) -> picows.WSTransport:
        transport = self._transport
        if transport is None or transport.is_disconnected or transport.is_close_frame_sent:
            raise TransportError("the connection is closed")
        return transport

    def _part(self, frame: picows.WSFrame) -> None:
        """A piece of a message that comes in several frames."""
        is_first = frame.msg_type != _CONTINUATION
        if is_first != (self._parts is None):
            raise picows.WSProtocolError(picows.WSCloseCode.PROTOCOL_ERROR, "a message began inside of another one")
        if self._parts is None:
            self._parts, self._size = [], 0
        self._size += frame.payload_size
        if self._size > MESSAGE_MAX:
            raise picows.WSProtocolError(
                picows.WSCloseCode.MESSAGE_TOO_BIG, f"a message of more than {MESSAGE_MAX} bytes"
            )
        self._parts.append(frame.get_payload_as_bytes())
        if frame.fin:
            whole, self._parts = b"".join(self._parts), None
            try:
                self._heard(whole)
            except Exception as mistake:  # noqa: BLE001 - as in `on_ws_frame`
                self._tell(mistake)

    async def _end(self, transport: picows.WSTransport) -> None:
        try:
            await transport.wait_disconnected()
            self._tell("the connection ended")
        except (picows.WSError, OSError) as problem:
            self._tell(f"the connection ended: {said(problem)}")
        except Exception as mistake:  # noqa: BLE001 - as in `on_ws_frame`
            self._tell(mistake)

    def _tell(self, over: str | Exception) -> None:
        """Say once why it is over, now or as soon as somebody listens."""
        ears, self._over = self._ears, over
        if isinstance(over, str) and ears is not None:
            ears.ended(over)
        elif isinstance(over, Exception) and ears is not None:
            ears.failed(over)


def _goodbye(frame: picows.WSFrame) -> str:
    """A venue's own codes, from 3000, are plain numbers."""
    code, reason = frame.get_close_code(), frame.get_close_reason()
    return f"the connection ended with code {getattr(code, 'value', code)}" + (f": {reason}" if reason else "")


def _nobody(_message: bytes) -> None:
    """Nobody listens any more."""


async def dial(url: str) -> PicowsSocket:
    """Raises `RateLimited` where the venue says that we come too often, `TransportError` for everything else."""
    socket = PicowsSocket()
    try:
        await picows.ws_connect(
            lambda: socket, url, max_frame_size=MESSAGE_MAX, logger_name=_UNHEARD, websocket_handshake_timeout=OPEN_S
        )
    except asyncio.CancelledError:
        socket.abandon()
        raise
    except picows.WSHandshakeError as refused:
        answer = refused.response
        if answer is None:
            raise TransportError(f"{where(url)}: {said(refused)}") from None
        raise refusal(url, int(answer.status), answer.headers.get("Retry-After", ""), said(refused)) from None
    except (picows.WSError, OSError) as problem:
        raise TransportError(f"{where(url)}: {said(problem)}") from None
    return socket
