"""WebSocket connections: market streams with their control messages, user streams by listen key, the WebSocket API."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from petrosa.adapters.venues.binance.paper.faults import FaultKind
from petrosa.adapters.venues.binance.paper.refusals import REJECTED, Refusal
from petrosa.adapters.venues.binance.paper.streams import STREAMS_MAX, Hub, path_of
from petrosa.adapters.venues.binance.paper.venue import PaperVenue
from petrosa.adapters.venues.binance.paper.ws_api import WsSession
from petrosa.core.model.base import NS_PER_SECOND

BACKLOG_MAX: Final = 10_000
"""Messages that may wait for a slow client; one more ends its connection."""

MESSAGES_MAX: Final = {"spot": 5, "usdm": 10}
"""Messages a client may send in a second on a stream connection."""

POLICY: Final = 1008
NORMAL: Final = 1000
Serve = Callable[[WebSocket], Awaitable[None]]
Clock = Callable[[], int]


class Outlet:
    """What waits to be sent on one connection."""

    def __init__(self) -> None:
        self._waiting: deque[bytes] = deque()
        self._filled = asyncio.Event()
        self.ended = False

    def put(self, message: bytes) -> None:
        if len(self._waiting) >= BACKLOG_MAX:
            self.end()
        if not self.ended:
            self._waiting.append(message)
            self._filled.set()

    def send(self, value: object) -> None:
        self.put(msgspec.json.encode(value))

    def end(self) -> None:
        """Let the connection go as it is."""
        self.ended = True
        self._filled.set()

    async def pump(self, socket: WebSocket) -> None:
        """Send until the end."""
        while not self.ended:
            await self._filled.wait()
            self._filled.clear()
            while self._waiting and not self.ended:
                await socket.send_text(self._waiting.popleft().decode())


async def converse(socket: WebSocket, outlet: Outlet, hear: Callable[[str], Awaitable[None]]) -> None:
    """Both directions of a connection until one of them ends."""
    pump = asyncio.create_task(outlet.pump(socket))
    reading = asyncio.create_task(_read(socket, hear))
    try:
        await asyncio.wait({pump, reading}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (pump, reading):
            task.cancel()
        await asyncio.gather(pump, reading, return_exceptions=True)
    if outlet.ended:
        await socket.close(POLICY)


async def _read(socket: WebSocket, hear: Callable[[str], Awaitable[None]]) -> None:
    try:
        while True:
            await hear(await socket.receive_text())
    except (WebSocketDisconnect, KeyError):
        return


class _Subscriptions:
    """The streams of one connection, and the control messages that change them."""

    def __init__(self, market: str, hub: Hub, outlet: Outlet, clock: Clock, *, combined: bool, group: str) -> None:
        self._market = market
        self._hub = hub
        self._outlet = outlet
        self._clock = clock
        self._combined = combined
        self._group = group
        self._names: dict[str, None] = {}
        self._heard: deque[int] = deque(maxlen=MESSAGES_MAX[market])

    def add(self, names: list[str]) -> None:
        """Streams of another path's group are taken and stay silent, as they do at the venue."""
        for name in names:
            if len(self._names) >= STREAMS_MAX:
                self._outlet.end()
                return
            self._names[name] = None
            if self._group in ("", path_of(name)):
                self._hub.add(name, self._tell)

    def remove(self, names: list[str]) -> None:
        for name in names:
            self._names.pop(name, None)
            self._hub.remove(name, self._tell)

    def close(self) -> None:
        self.remove(list(self._names))

    async def hear(self, message: str) -> None:
        """A control message. Too many in a second end the connection."""
        now = self._clock()
        if len(self._heard) == self._heard.maxlen and now - self._heard[0] < NS_PER_SECOND:
            self._outlet.end()
            return
        self._heard.append(now)
        try:
            asked = msgspec.json.decode(message)
            self._outlet.send(self._control(asked))
        except (msgspec.MsgspecError, TypeError, KeyError, AttributeError):
            self._outlet.send({"error": {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}})

    def _control(self, asked: dict[str, Any]) -> dict[str, Any]:
        method, asked_id = asked["method"], asked.get("id")
        params = asked.get("params", [])
        match method:
            case "SUBSCRIBE" | "UNSUBSCRIBE" if isinstance(params, list) and all(isinstance(p, str) for p in params):
                (self.add if method == "SUBSCRIBE" else self.remove)(params)
                result: Any = None
            case "LIST_SUBSCRIPTIONS":
                result = list(self._names)
            case "GET_PROPERTY":
                result = self._combined
            case "SET_PROPERTY":
                self._combined = bool(params[1])
                result = None
            case _:
                return {"error": {"code": 2, "msg": f"Invalid request: unknown method {method}"}, "id": asked_id}
        return {"result": result, "id": asked_id}

    def _tell(self, stream: str, event: bytes) -> None:
        self._outlet.put(b'{"stream":"%b","data":%b}' % (stream.encode(), event) if self._combined else event)


def market_socket(venue: PaperVenue, market: str, clock: Clock, *, combined: bool, group: str = "") -> Serve:
    """A connection for market streams, named in the path or in `streams=`."""

    async def serve(socket: WebSocket) -> None:
        await socket.accept()
        outlet = Outlet()
        subscriptions = _Subscriptions(market, venue.hubs[market], outlet, clock, combined=combined, group=group)
        named = socket.query_params.get("streams", "") or socket.path_params.get("streams", "")
        subscriptions.add([name for name in named.split("/") if name])
        try:
            await converse(socket, outlet, subscriptions.hear)
        finally:
            subscriptions.close()

    return serve


class _UserSink:
    """A USD-M user stream: events as they are, or wrapped where the connection is a combined one."""

    def __init__(self, outlet: Outlet, key: str, *, combined: bool) -> None:
        self._outlet = outlet
        self._key = key
        self._combined = combined

    def take(self, event: dict[str, Any]) -> None:
        self._outlet.send({"stream": self._key, "data": event} if self._combined else event)

    def end(self) -> None:
        self._outlet.end()


def private_socket(venue: PaperVenue, clock: Clock) -> Serve:
    """A USD-M user stream, by listen key in the path or the query."""

    async def serve(socket: WebSocket) -> None:
        query = socket.query_params
        key = query.get("listenKey", "") or query.get("streams", "") or socket.path_params.get("streams", "")
        account = venue.listen_keys.account_of(key, clock())
        await socket.accept()
        if account is None:
            await socket.close(POLICY, "This listenKey does not exist.")
            return
        outlet, stream = Outlet(), venue.users["usdm"][account]
        sink = _UserSink(outlet, key, combined=socket.url.path.endswith("/stream"))
        stream.sinks.append(sink)
        try:
            await converse(socket, outlet, _ignore)
        finally:
            if sink in stream.sinks:
                stream.sinks.remove(sink)

    return serve


async def _ignore(_message: str) -> None:
    """Nothing that a client says on a user stream means anything."""


def ws_api_socket(venue: PaperVenue, market: str, clock: Clock) -> Serve:
    """A connection of the WebSocket API."""

    async def serve(socket: WebSocket) -> None:
        await socket.accept()
        outlet = Outlet()
        address = socket.client.host if socket.client else ""
        session = WsSession(market, venue.gate, venue.users[market], address, outlet.send, outlet.end)

        async def hear(message: str) -> None:
            method, path = session.method_path(message)
            strikes = venue.faults.on_request
            if strikes(FaultKind.DROP, method, path):
                outlet.end()
                return
            rejects = strikes(FaultKind.REJECT, method, path)
            if rejects is not None:
                outlet.send(session.refused(message, Refusal(rejects.code, REJECTED), clock()))
                return
            late = strikes(FaultKind.LATENCY, method, path)
            if late is not None:
                await asyncio.sleep(late.delay_ms / 1000)
            now = clock()
            venue.advance(now)
            reply = session.receive(message, now)
            if strikes(FaultKind.ERROR_AFTER_ACCEPT, method, path):
                reply = {
                    "id": reply["id"],
                    "status": 500,
                    "error": {"code": -1000, "msg": "An unknown error occurred."},
                }
            if not strikes(FaultKind.SILENCE_AFTER_ACCEPT, method, path):
                outlet.send(reply)

        try:
            await converse(socket, outlet, hear)
        finally:
            session.close()

    return serve
