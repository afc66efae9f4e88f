"""A WebSocket connection by aiohttp: for whatever needs a key, and for market data where there is nothing faster."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import aiohttp

from petrosa.adapters.net.websocket import MESSAGE_MAX, Ears, said
from petrosa.errors import RateLimited, TransportError

Session = aiohttp.ClientSession
"""What sockets are opened on. Use it with `async with`, inside of a running loop."""

LIMITED: Final = (418, 429)
"""How a venue says that connections are opened too often; the first is a ban."""
LIMITED_S: Final = 60.0
"""How long is waited then where the venue does not say."""

_MESSAGES: Final = (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY)


class AiohttpSocket:
    """A `Wire`. Until somebody listens, what comes can be taken one by one with `receive`."""

    def __init__(self, socket: "aiohttp.ClientWebSocketResponse[bool]", session: Session | None = None) -> None:
        """`session` is closed with the connection."""
        self.signs = 0
        self._socket = socket
        self._session = session
        self._ears: Ears | None = None
        self._listening: asyncio.Task[None] | None = None

    def listen(self, ears: Ears) -> None:
        self._ears = ears
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen())

    def deafen(self) -> None:
        self._ears = None

    async def receive(self) -> bytes:
        """The next message. Raises `TransportError` when the connection ends instead."""
        while True:
            frame = await self._socket.receive()
            self.signs += 1
            if frame.type in _MESSAGES:
                return bytes(frame.data)
            if frame.type is aiohttp.WSMsgType.PING:
                await _sent(self._socket.pong(frame.data))
            elif frame.type is not aiohttp.WSMsgType.PONG:
                code = f" with code {self._socket.close_code}" if self._socket.close_code else ""
                said_more = f": {frame.extra}" if frame.extra else ""
                raise TransportError(f"the connection ended{code}{said_more}")

    async def ping(self) -> None:
        await _sent(self._socket.ping())

    async def send(self, message: bytes) -> None:
        await _sent(self._socket.send_str(message.decode()))

    async def ready(self) -> None:
        """It says at once what it will say."""

    async def close(self) -> None:
        self._ears = None
        try:
            if self._listening is not None:
                self._listening.cancel()
                await asyncio.gather(self._listening, return_exceptions=True)
        finally:
            try:
                await self._socket.close()
            finally:
                if self._session is not None:
                    await self._session.close()

    async def _listen(self) -> None:
        while True:
            try:
                message = await self.receive()
            except TransportError as problem:
                if self._ears is not None:
                    self._ears.ended(str(problem))
                return
            if self._ears is not None:
                try:
                    self._ears.heard(message)
                except Exception as mistake:  # noqa: BLE001 - it comes through to whoever runs the connection
                    if self._ears is not None:
                        self._ears.failed(mistake)


async def dial(session: Session, url: str) -> AiohttpSocket:
    """Raises `RateLimited` where the venue says that we come too often, `TransportError` for everything else."""
    return AiohttpSocket(await _opened(session, url))


async def dial_alone(url: str) -> AiohttpSocket:
    """On a session of its own. Raises as `dial` does."""
    session = Session()
    try:
        return AiohttpSocket(await _opened(session, url), session)
    except BaseException:
        await session.close()
        raise


async def _opened(session: Session, url: str) -> "aiohttp.ClientWebSocketResponse[bool]":
    try:
        return await session.ws_connect(
            url, autoping=False, max_msg_size=MESSAGE_MAX, decode_text=False,
            timeout=aiohttp.ClientWSTimeout(ws_receive=None, ws_close=1.0),
        )  # fmt: skip
    except aiohttp.WSServerHandshakeError as refused:
        retry_after = refused.headers.get("Retry-After", "") if refused.headers else ""
        raise refusal(url, refused.status, retry_after, said(refused)) from None
    except (aiohttp.ClientError, OSError) as problem:
        raise TransportError(f"{where(url)}: {said(problem)}") from None


def refusal(url: str, status: int, retry_after: str, words: str) -> RateLimited | TransportError:
    """What an HTTP answer means that was no WebSocket."""
    if status not in LIMITED:
        return TransportError(f"{where(url)}: {words}")
    wait_s = float(retry_after) if retry_after.isdecimal() else LIMITED_S
    return RateLimited(f"{where(url)}: too many connections ({status})", wait_s, is_ban=status == LIMITED[0])


def where(url: str) -> str:
    """An address without what may be secret in it."""
    return url.partition("?")[0]


async def _sent(sending: Coroutine[Any, Any, None]) -> None:
    try:
        await sending
    except (aiohttp.ClientError, OSError) as problem:
        raise TransportError(said(problem)) from None
