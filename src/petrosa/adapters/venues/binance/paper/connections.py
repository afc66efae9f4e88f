"""Connections that can be ended without an answer: what a client sees when the way to a venue breaks."""

import asyncio
from typing import Any

from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol


class Connections:
    """Open connections by the address of the client. `protocol` makes those of one server known here."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, int], asyncio.Transport] = {}

    def abort(self, scope: Scope) -> None:
        """End the connection that a request came by, at once and without a word."""
        client = scope.get("client")
        transport = self._open.get((client[0], client[1])) if client else None
        if transport is not None:
            transport.abort()

    def protocol(self) -> type[asyncio.Protocol]:
        """The HTTP protocol for a server whose connections are to be known."""
        known = self._open

        class KnownConnection(H11Protocol):
            peer: tuple[str, int] = ("", 0)

            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                self.peer = tuple(transport.get_extra_info("peername", ("", 0))[:2])
                known[self.peer] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                known.pop(self.peer, None)
                super().connection_lost(exc)

        return KnownConnection
