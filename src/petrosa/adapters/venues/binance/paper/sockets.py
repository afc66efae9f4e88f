"""WebSocket connections of accounts: user streams by listen key, and the WebSocket API."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.websockets import WebSocket

from petrosa.adapters.venues.binance.paper.faults import FaultKind
from petrosa.adapters.venues.binance.paper.outlet import POLICY, Outlet, converse
from petrosa.adapters.venues.binance.paper.refusals import REJECTED, Refusal
from petrosa.adapters.venues.binance.paper.venue import PaperVenue
from petrosa.adapters.venues.binance.paper.ws_api import WsSession

Serve = Callable[[WebSocket], Awaitable[None]]
Clock = Callable[[], int]


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
