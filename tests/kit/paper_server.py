"""A paper exchange behind a real socket, for clients that know nothing of it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY
from petrosa.adapters.venues.binance.paper.connections import Connections
from petrosa.adapters.venues.binance.paper.market_socket import LIFE_S
from petrosa.adapters.venues.binance.paper.server import paper_app
from petrosa.surfaces.api.serve import serving
from tests.kit.paper_venue import PaperBench

TIMEOUT_S = 10.0


class Served:
    """The bench's exchange on the network: `http` sends requests, `socket` opens connections."""

    def __init__(self, bench: PaperBench, url: str, http: httpx.AsyncClient, connections: Connections) -> None:
        self.bench = bench
        self.connections = connections
        self.url = url
        self.ws = "ws" + url.removeprefix("http")
        self.http = http

    async def signed(self, method: str, path: str, **params: Any) -> httpx.Response:
        self.bench.wait()
        return await self.http.request(method, f"{path}?{self.bench.signed(**params)}")

    async def fault(self, kind: str, **more: Any) -> dict[str, Any]:
        answer = await self.http.post("/petrosa/faults", json={"kind": kind, **more})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    @asynccontextmanager
    async def socket(self, path: str) -> AsyncIterator["Socket"]:
        async with connect(self.ws + path) as connection:
            yield Socket(connection)


class Socket:
    """A connection that speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def hear(self) -> Any:
        async with asyncio.timeout(TIMEOUT_S):
            return json.loads(await self.connection.recv())

    async def ask(self, **message: Any) -> Any:
        """Send a message and hear the reply to it."""
        await self.connection.send(json.dumps(message))
        return await self.hear()


@asynccontextmanager
async def served(
    bench: PaperBench, port: int = 0, *, pings_s: tuple[float, float] | None = None, life_s: float = LIFE_S
) -> AsyncIterator[Served]:  # fmt: skip
    """A `port` is given to come back where another one was; `pings_s` and `life_s` are those of its connections."""
    connections = Connections(pings_s)
    app = paper_app(bench.venue, lambda: bench.now, connections.abort, socket_life_s=life_s)
    async with (
        serving(app, "127.0.0.1", port, protocol=connections.protocol(), websockets=True) as url,
        httpx.AsyncClient(base_url=url, headers={"X-MBX-APIKEY": DEMO_KEY}, timeout=TIMEOUT_S) as http,
    ):
        yield Served(bench, url, http, connections)
