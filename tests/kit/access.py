"""A store that can go away, hands of a clock, and a desk small enough to ask every question about access."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.apps.access import KeyedAccess
from petrosa.apps.keys import KeyRing
from petrosa.errors import StorageError
from petrosa.ports import Versioned
from petrosa.surfaces.access import Access, Scope
from petrosa.surfaces.api.guard import Denied, authorize, deny
from petrosa.surfaces.write_limit import WriteLimit


class Hands:
    """Both clocks of a process, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now(self) -> datetime:
        return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC) + timedelta(seconds=self.seconds)


class Fragile(MemoryDocuments):
    """Documents in memory that can be away, and that count how often they are searched."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        self.searches = 0

    async def find(
        self,
        collection: str,
        *,
        where: Mapping[str, object] | None = None,
        limit: int = 200,
        after: str = "",
        descending: bool = False,
    ) -> Sequence[tuple[str, Versioned]]:
        self.searches += after == ""
        await asyncio.sleep(0)  # others run meanwhile, as with a store that is somewhere else
        if self.is_away:
            raise StorageError("the document store is away")
        return await super().find(collection, where=where, limit=limit, after=after, descending=descending)


class Guarded:
    """Keys, limit and clock over a store."""

    def __init__(self, store: Fragile | None = None, writes: int = 10) -> None:
        self.hands = Hands()
        self.store = store or Fragile()
        self.ring = self.another_ring()
        self.access = KeyedAccess(self.ring, WriteLimit(writes, 300.0, self.hands.monotonic))

    def another_ring(self) -> KeyRing:
        """The keys as another process on the same store knows them."""
        return KeyRing(self.store, now=self.hands.now, clock=self.hands.monotonic)

    async def key(self, name: str = "alice", *scopes: Scope, lifetime: timedelta | None = None) -> str:
        """A new key, made in this process; `config` unless scopes are named."""
        token, _ = await self.ring.create(name, scopes or (Scope.CONFIG,), lifetime)
        return token


def desk(access: Access) -> Starlette:
    """One path that reads with GET and writes (`config`) with everything else, and one that trades (`/trade`)."""

    async def configuration(request: Request) -> Response:
        reads = request.method in {"GET", "HEAD"}
        actor = await authorize(request, Scope.READ if reads else Scope.CONFIG, access)
        return JSONResponse({"actor": actor.name, "via": actor.via})

    async def trade(request: Request) -> Response:
        return JSONResponse({"actor": (await authorize(request, Scope.TRADE, access)).name})

    async def peer(request: Request) -> Response:
        assert request.client is not None
        return JSONResponse({"peer": request.client.host, "scheme": request.url.scheme})

    return Starlette(
        routes=[
            Route("/peer", peer),
            Route("/trade", trade, methods=["POST"]),
            Route("/{path:path}", configuration, methods=["GET", "POST", "PUT", "DELETE"]),
        ],
        exception_handlers={Denied: deny},
    )
