"""A desk with a trader and a simulated exchange on a market that a test moves, served with its whole REST surface."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.apps.access import KeyedAccess
from petrosa.apps.desk_control import DeskControl
from petrosa.apps.journaling import record_to
from petrosa.apps.keys import KeyRing
from petrosa.apps.settings import load
from petrosa.apps.wiring import build_exchange, build_markets, build_trader
from petrosa.core.desk import Desk
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.events import Started
from petrosa.core.model.market import BestQuote
from petrosa.core.turns import Turns
from petrosa.runtime.clocks import VirtualClock
from petrosa.runtime.inbox import TOLD_MAX, Heard, VirtualInbox
from petrosa.runtime.loop import Loop
from petrosa.runtime.observed import Observed
from petrosa.surfaces.access import Scope
from petrosa.surfaces.api.app import api
from petrosa.surfaces.desk_reader import DeskReader
from petrosa.surfaces.readmodel import ReadModel
from petrosa.surfaces.write_limit import WriteLimit
from tests.kit.toys import BTC, INSTRUMENT, PROVENANCE, RUN, START, trade
from tests.unit.surfaces.api.test_api import Fixed

BUY: Mapping[str, Any] = {
    "strategy_id": "test", "symbol": "BTCUSDT", "action": "buy", "confidence": 0.8, "price": 64_000, "quantity": 0.001,
}  # fmt: skip
ANSWER_S = 0.1
"""The market of the test stands still while somebody waits for a fill."""
JSON = {"Content-Type": "application/json"}


class MovedDesk:
    """Turns what `move` says the market did, and whatever it is told in between. Its journal is in `folder`."""

    def __init__(self, folder: Path, told_max: int = TOLD_MAX, answer_s: float = ANSWER_S) -> None:
        self.said: list[str] = []
        self.home = folder
        self.silence_s = 0.0
        settings = load(environ={}, home=str(folder))
        instruments = {INSTRUMENT.id: INSTRUMENT}
        markets = build_markets(instruments)
        self.trader = build_trader(settings, instruments, markets)
        self.exchange = build_exchange(settings, instruments)
        self.model = ReadModel()
        self.control = DeskControl(settings, self.said.append, answer_s=answer_s)
        self.journal = JournalWriter(folder / "journal", PROVENANCE, RUN)
        record = record_to(self.journal.record, self.model.fold, self.control.record)
        self.turns = Turns(Desk(markets, None, self.trader), record, self.exchange.submit, self.exchange)
        self._batches: asyncio.Queue[Sequence[Heard]] = asyncio.Queue()
        self._prints = 0
        self.inbox = VirtualInbox(self._source(), VirtualClock(), Observed(), told_max=told_max)
        self.loop = Loop(self.turns, self.inbox, VirtualClock(), self.journal, lambda: b"{}", Observed())
        self.reader = DeskReader(
            "paper", "USDT", self.trader, self.model, instruments, markets, lambda: self.turns.now,
            lambda: self.silence_s, 30.0,
        )  # fmt: skip

    async def move(self, seconds: float = 1.0, price: float = 64_000.0) -> None:
        """Quote this price until so many seconds have passed, and return when all of it has been turned."""
        heard: list[Heard] = []
        for _ in range(max(1, round(seconds * 10))):
            self._prints += 10
            at = START + self._prints * 10 * NS_PER_MS
            heard.append((at, BestQuote(BTC, at, at, self._prints, price - 0.1, 5.0, price + 0.1, 5.0)))
            heard.append((at, trade(self._prints, at)))
        await self._batches.put(heard)
        async with asyncio.timeout(10.0):
            while self.turns.now < heard[-1][0]:
                await asyncio.sleep(0)

    async def _source(self) -> AsyncIterator[Sequence[Heard]]:
        while True:
            yield await self._batches.get()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Turn until the block ends."""
        self.journal.rotate(0, START, b"{}")
        self.turns.other(Started("test"), START)
        with self.control.attached(self.loop, self.reader):
            turning = asyncio.create_task(self.loop.run())
            try:
                yield
            finally:
                self.inbox.close()
                await turning
                self.journal.close()


class Served:
    """Asks a desk as another program does."""

    def __init__(self, desk: MovedDesk, client: httpx.AsyncClient, url: str, ring: KeyRing, app: Starlette) -> None:
        self.desk, self.client, self.url, self.app, self._ring = desk, client, url, app, ring

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(self.url + path, headers=headers)

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        """Post JSON, or bytes as they are; `_` in a header's name is `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, bytes):
            return await self.client.post(self.url + path, content=body, headers={**JSON, **named})
        return await self.client.post(self.url + path, json=body, headers=named)

    async def key(self, name: str, *scopes: Scope) -> str:
        token, _ = await self._ring.create(name, scopes, None)
        return token


@asynccontextmanager
async def served(folder: Path, *, turns: bool = True, writes: int = 2) -> AsyncIterator[Served]:
    """A desk that has heard ten seconds of its market; with `turns` false there is none yet. `writes` are limited."""
    store = await SqliteDocuments.open(folder / "documents.sqlite")
    ring = KeyRing(store)
    desk = MovedDesk(folder)
    part = desk.control.part(KeyedAccess(ring, WriteLimit(writes, 300.0, lambda: 0.0)))
    app = api(Fixed(), [part])
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, timeout=5.0) as client:
        asked = Served(desk, client, "http://127.0.0.1", ring, app)
        if turns:
            async with desk.running():
                await desk.move(10.0)
                yield asked
        else:
            yield asked
    await store.close()
