"""The user stream of one account: every event goes to the inbox in order, and every doubt that one was missed too."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol

import msgspec

from petrosa.adapters.net.aiohttp_socket import AiohttpSocket, Session, dial
from petrosa.adapters.net.http import Answer
from petrosa.adapters.net.websocket import PACE, End, Kept, LinkState, Pace, Wire, together
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.spot_events import SpotEvents
from petrosa.adapters.venues.binance.live.triggered import HOLD_MS
from petrosa.adapters.venues.binance.live.usdm_choices import open_listen_key, prolong_listen_key, read_listen_key
from petrosa.adapters.venues.binance.live.usdm_events import UsdmEvents
from petrosa.adapters.venues.binance.live.user_frames import Read
from petrosa.adapters.venues.binance.live.verdict import judge
from petrosa.core.model.account import AccountUnclear
from petrosa.core.model.events import Event
from petrosa.errors import DataError, RateLimited, TransportError, VenueClosed, VenueError, VenueRefused

KEEP_EVERY_S: Final = 25 * 60.0
"""How often a listen key is prolonged, which is good for an hour."""
KEEP_AGAIN_S: Final = 60.0
"""When it is tried again after it did not work."""
SETTLE_AFTER_S: Final = HOLD_MS / 1_000
"""Doubts that come close together are settled by one comparison."""

USER_PACE: Final = PACE._replace(ping=5.0, silence=15.0)
"""A user stream is silent for hours, so only the answers to pings tell one that is quiet from one that is gone."""

NO_SUCH_KEY: Final = -1125
Call = Callable[[Request], Awaitable[bytes]]
Sleep = Callable[[float], Coroutine[Any, Any, None]]


class Signer(Protocol):
    def sign(self, payload: str) -> str: ...


class Events(Protocol):
    """Reads the frames of one market: `SpotEvents`, `UsdmEvents`."""

    def read(self, payload: bytes, ts_seen: int) -> Read:
        """Raises `DataError`."""
        ...

    def release(self) -> Read: ...

    @property
    def is_holding(self) -> bool: ...


class Source(Protocol):
    """How one market's user stream is opened, read, and kept from running out."""

    @property
    def events(self) -> Events: ...

    async def dial(self, heard: Callable[[bytes], None]) -> Wire:
        """An open stream; what came on it before it was known to be open goes to `heard`."""
        ...

    async def keep(self) -> str:
        """Prolong what runs out for as long as that works; then why it does not, so that the stream is opened anew."""
        ...


class _Reply(msgspec.Struct):
    id: str | int | None = None
    status: int = 0
    error: msgspec.Raw = msgspec.Raw(b"{}")


class SpotSource:
    """Over the WebSocket API, with any kind of key. `server_ms` is the venue's time by our reckoning."""

    def __init__(
        self, account: str, session: Session, ws_api: str, api_key: str, signer: Signer,
        server_ms: Callable[[], int], recv_window_ms: int = 5_000,
    ) -> None:  # fmt: skip
        self.events = SpotEvents(account)
        self._session = session
        self._url = ws_api
        self._api_key = api_key
        self._signer = signer
        self._server_ms = server_ms
        self._recv_window_ms = recv_window_ms
        self._asked = 0

    async def dial(self, heard: Callable[[bytes], None]) -> Wire:
        socket = await dial(self._session, self._url)
        try:
            self._asked += 1
            request = f"user-{self._asked}"
            await socket.send(self._subscription(request))
            await self._subscribed(socket, request, heard)
        except BaseException:
            await socket.close()
            raise
        return socket

    async def keep(self) -> str:
        await asyncio.Event().wait()
        return ""

    def _subscription(self, request: str) -> bytes:
        """Signed anew for each connection: parameters in order of name, as the WebSocket API wants them."""
        params = {"apiKey": self._api_key, "recvWindow": self._recv_window_ms, "timestamp": self._server_ms()}
        signature = self._signer.sign("&".join(f"{name}={value}" for name, value in sorted(params.items())))
        asked = {
            "id": request, "method": "userDataStream.subscribe.signature", "params": params | {"signature": signature},
        }  # fmt: skip
        return msgspec.json.encode(asked)

    async def _subscribed(self, socket: AiohttpSocket, request: str, heard: Callable[[bytes], None]) -> None:
        while True:
            message = await socket.receive()
            reply = _reply(message)
            if reply is None or reply.id != request:
                heard(message)
                continue
            refused = judge("spot", Answer(reply.status, {}, bytes(reply.error)), self._server_ms())
            if refused is not None:
                raise refused.error
            return


class UsdmSource:
    """By listen key, which is the account's, not the connection's: it is not given back, others may listen by it."""

    def __init__(
        self, account: str, session: Session, private: str, call: Call,
        keep_every_s: float = KEEP_EVERY_S, sleep: Sleep = asyncio.sleep,
    ) -> None:  # fmt: skip
        self.events = UsdmEvents(account)
        self._session = session
        self._private = private
        self._call = call
        self._keep_every_s = keep_every_s
        self._sleep = sleep

    async def dial(self, heard: Callable[[bytes], None]) -> Wire:  # noqa: ARG002 - nothing comes before it is open
        key = read_listen_key(await self._call(open_listen_key()))
        return await dial(self._session, f"{self._private}/ws?listenKey={key}")

    async def keep(self) -> str:
        pause = self._keep_every_s
        while True:
            await self._sleep(pause)
            try:
                await self._call(prolong_listen_key())
                pause = self._keep_every_s
            except VenueRefused as refused:
                if refused.code == NO_SUCH_KEY:
                    return "the listen key is not valid any more (-1125)"
                pause = min(KEEP_AGAIN_S, self._keep_every_s)
            except VenueClosed:
                raise
            except (VenueError, TransportError) as problem:
                waits = problem.retry_after_s if isinstance(problem, RateLimited) else 0.0
                pause = max(waits, min(KEEP_AGAIN_S, self._keep_every_s))


class UserStream:
    """Runs for ever. `tell` is given everything in order: events of the account, and `AccountUnclear` with every loss.

    `on_up(is_first)` is called when the stream is open again, and after every doubt that came while it was open. What
    happens from then on is told, so whoever compares the account with the venue must begin to ask only now; what is
    told twice in between is known by its trade id.
    """

    def __init__(
        self, account: str, source: Source, tell: Callable[[Event], None], on_up: Callable[[bool], None],
        now: Callable[[], int], *, pace: Pace = USER_PACE, sleep: Sleep = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        self.unreadable = 0
        self._account = account
        self._source = source
        self._tell = tell
        self._on_up = on_up
        self._now = now
        self._doubted = False
        self._unsettled = asyncio.Event()
        self._kept = Kept(
            f"user stream of {account}", self._dial, self._hear, up=self._up, down=self._down, now=now, pace=pace,
            sleep=sleep, chance=chance,
        )  # fmt: skip

    @property
    def state(self) -> LinkState:
        return self._kept.state

    async def run(self) -> None:
        """Raises `VenueClosed` when the venue does not deal with this key any more."""
        await together((self._kept.run(), self._keep(), self._settle()))

    async def _keep(self) -> None:
        while True:
            self._kept.drop(End(await self._source.keep()))

    async def _settle(self) -> None:
        """A while after something was held back or doubted: let it go, and let the account be compared."""
        while True:
            await self._unsettled.wait()
            self._unsettled.clear()
            await asyncio.sleep(SETTLE_AFTER_S)
            self._release()
            if self._doubted and self.state.connected:
                self._doubted = False
                self._on_up(False)

    async def _dial(self) -> Wire:
        return await self._source.dial(self._early)

    def _early(self, payload: bytes) -> None:
        """Said before the stream was open. If it says that the connection will end, that end comes by itself."""
        self._kept.hear(payload)

    def _hear(self, payload: bytes, arrival: int) -> End | None:
        try:
            read = self._source.events.read(payload, arrival)
        except DataError as problem:
            self._unread(problem)
            return None
        self._take(read)
        if self._source.events.is_holding:
            self._unsettled.set()
        return read.end

    def _take(self, read: Read) -> None:
        for event in read.events:
            self._tell(event)
        if read.doubt:
            self._doubt(read.doubt)

    def _release(self) -> None:
        try:
            self._take(self._source.events.release())
        except DataError as problem:
            self._unread(problem)

    def _unread(self, problem: DataError) -> None:
        self.unreadable += 1
        self._doubt(f"a message of the user stream cannot be read: {problem}")

    def _doubt(self, reason: str) -> None:
        """The stream goes on, but what it said is not all that there is to know."""
        self._tell(AccountUnclear(self._account, reason))
        self._doubted = True
        self._unsettled.set()

    def _up(self, is_first: bool) -> None:
        self._doubted = False
        self._on_up(is_first)

    def _down(self, reason: str) -> None:
        self._release()
        self._tell(AccountUnclear(self._account, f"the user stream is away: {reason}"))


def _reply(payload: bytes) -> _Reply | None:
    """None for what is no reply."""
    try:
        reply = msgspec.json.decode(payload, type=_Reply)
    except msgspec.MsgspecError:
        return None
    return reply if reply.status else None
