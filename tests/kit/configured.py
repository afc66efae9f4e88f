"""A configuration service on a store that can fail in every way, with a desk that remembers what it was told."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.apps.configuration.service import ConfigService
from petrosa.apps.settings import Settings, load
from petrosa.errors import StorageError, TransportError
from petrosa.ports import Documents, Versioned, Write
from petrosa.surfaces.configuration import Act, Applied

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ALICE = Act("alice", "less noise")
SKEW = "orderbook_skew"
AWAY = "the document store is away"


class Faulty(MemoryDocuments):
    """`is_away`: nothing works. `loses_answers`: so many writes are made, and their answer never comes."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        self.loses_answers = 0
        self.dies_after_loss = False

    async def get(self, collection: str, key: str) -> Versioned | None:
        await asyncio.sleep(0)  # others run meanwhile, as with a store that is somewhere else
        self._require_here()
        return await super().get(collection, key)

    async def find(self, collection: str, **asked: Any) -> Sequence[tuple[str, Versioned]]:
        self._require_here()
        return await super().find(collection, **asked)

    async def write(self, writes: Sequence[Write]) -> tuple[int, ...]:
        self._require_here()
        made = await super().write(writes)
        if self.loses_answers:
            self.loses_answers -= 1
            self.is_away = self.dies_after_loss
            raise StorageError(AWAY)
        return made

    def _require_here(self) -> None:
        if self.is_away:
            raise StorageError(AWAY)


class Desk:
    """Remembers what it was told, and answers as it is told to."""

    def __init__(self) -> None:
        self.answer = Applied("applied", 4711, {"binance:usdm:BTCUSDT": "kept_state"})
        self.told: list[tuple[str, int, str, str, str]] = []
        self.settings: list[Settings] = []

    async def apply(
        self, settings: Settings, strategy_id: str, /, *, version: int, actor: str, reason: str, command_id: str
    ) -> Applied:
        self.settings.append(settings)
        self.told.append((strategy_id, version, actor, reason, command_id))
        return self.answer


class Town:
    """Hears what is announced, unless it is out of reach."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, int]] = []
        self.is_reached = True

    async def announce(self, strategy_id: str, version: int) -> None:
        if not self.is_reached:
            raise TransportError("NATS is away")
        self.heard.append((strategy_id, version))


async def service(
    documents: Documents, *, sets: Sequence[str] = (), environ: Mapping[str, str] | None = None, **options: Any
) -> ConfigService:
    """A service for BTCUSDT whose clock stands still."""
    settings = load(sets=sets, environ=environ or {})
    return await ConfigService.open(settings, documents, symbols=["BTCUSDT"], now=lambda: AT, **options)
