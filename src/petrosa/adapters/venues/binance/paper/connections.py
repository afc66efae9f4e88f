"""Connections that can be ended without an answer: what a client sees when the way to a venue breaks."""

import asyncio
from typing import Any, Final

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from petrosa.adapters.venues.binance.paper.wires import EXTENSION, Wire

PINGS_S: Final = (20.0, 60.0)
"""Spot, and everything on the WebSocket APIs: a ping every 20 s, which must be answered within a minute."""

FUTURES_PINGS_S: Final = (180.0, 600.0)
FUTURES_PATHS: Final = ("/public", "/market", "/private")


class Connections:
    """Open connections by the address of the client. `protocol` makes those of one server known here."""

    def __init__(self, pings_s: tuple[float, float] | None = None) -> None:
        """`pings_s` is how often a ping is sent and how long its answer may take, instead of what Binance does."""
        self._open: dict[tuple[str, int], asyncio.Transport] = {}
        self._pings_s = pings_s

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    def abort(self, scope: Scope) -> None:
        """End the connection that a request came by, at once and without a word."""
        client = scope.get("client")
        transport = self._open.get((client[0], client[1])) if client else None
        if transport is not None:
            transport.abort()

    def protocol(self) -> type[asyncio.Protocol]:
        """The HTTP protocol for a server whose connections are to be known, and whose WebSockets have a `Wire`."""
        known, pings_s = self._open, self._pings_s

        class KnownSocket(WebSocketsSansIOProtocol):
            peer: tuple[str, int] = ("", 0)

            def connection_made(self, transport: Any) -> None:
                super().connection_made(Wire(transport))  # type: ignore[arg-type]
                self.peer = tuple(transport.get_extra_info("peername", ("", 0))[:2])

            def connection_lost(self, exc: Exception | None) -> None:
                known.pop(self.peer, None)
                super().connection_lost(exc)

            async def run_asgi(self) -> None:
                futures = self.scope["path"].startswith(FUTURES_PATHS)
                self.ping_interval, self.ping_timeout = pings_s or (FUTURES_PINGS_S if futures else PINGS_S)
                self.scope["extensions"][EXTENSION] = self.transport  # type: ignore[assignment]
                await super().run_asgi()

        class KnownConnection(H11Protocol):
            peer: tuple[str, int] = ("", 0)

            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                self.ws_protocol_class = KnownSocket if self.ws_protocol_class is not None else None
                self.peer = tuple(transport.get_extra_info("peername", ("", 0))[:2])
                known[self.peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                known.pop(self.peer, None)
                super().connection_lost(exc)

        return KnownConnection
