"""A live desk in the test's own event loop, against a paper exchange in a thread: it is asked and told over HTTP."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET
from petrosa.apps import settings
from petrosa.apps.live.run import LiveSummary, run_live
from petrosa.core.strategies.catalog import CATALOG
from tests.kit.fleet import address

WITHIN_S = 20.0
LOOK_EVERY_S = 0.1
REFRESH_S = 1.0
"""Sooner than settings allow: how often rules are asked for."""
PROGRAM = [sys.executable, "-c", "from petrosa.apps.main import main; main()"]
KEY = {"BINANCE_API_KEY": DEMO_KEY, "BINANCE_API_SECRET": DEMO_SECRET}
QUIET = (
    *(f"strategies.{name}.enabled=false" for name in CATALOG),
    "journal.tape=false", "metrics.enabled=false", "audit.enabled=false", "signals.conflict_window_seconds=0",
    "http.port=0", "simulation.enabled=false", "venue.environment=paper", "venue.reconcile_seconds=1",
    "feed.symbols=BTCUSDT",
)  # fmt: skip


class DeskHere:
    """One that runs. `said` is what it told people."""

    def __init__(self, home: Path, url: str, market: str, sets: tuple[str, ...], environ: Mapping[str, str]) -> None:
        wanted = [*QUIET, f"venue.url={url}", f"feed.market={market}", *sets]
        self.settings = settings.load(sets=wanted, environ={}, home=str(home))
        venue = msgspec.structs.replace(self.settings.venue, refresh_rules_seconds=REFRESH_S)
        self.settings = msgspec.structs.replace(self.settings, venue=venue)
        self.said: list[str] = []
        self.running: asyncio.Task[LiveSummary] = asyncio.create_task(
            run_live(self.settings, environ, report=self.said.append)
        )
        self._http: httpx.AsyncClient | None = None

    async def opened(self) -> None:
        """Return when its HTTP is there."""
        await self.until(lambda: self.line("HTTP on "))
        self._http = httpx.AsyncClient(base_url=address(self.line("HTTP on ")), timeout=WITHIN_S)

    def line(self, start: str) -> str:
        """What it said that begins so."""
        return next((line for line in self.said if line.startswith(start)), "")

    async def until(self, look: Callable[[], Any], within: float = WITHIN_S) -> Any:
        """What `look` finds, once it finds something."""
        until = time.monotonic() + within
        while True:
            with suppress(httpx.TransportError):
                found = look()
                found = await found if isinstance(found, Awaitable) else found
                if found:
                    return found
            if self.running.done():
                self.running.result()
                raise AssertionError(f"the desk has ended: {self.said}")
            assert time.monotonic() < until, self.said
            await asyncio.sleep(LOOK_EVERY_S)

    async def until_ready(self) -> None:
        try:
            await self.until(self._is_ready)
        except AssertionError as problem:
            raise AssertionError(f"{problem}\n{await self.ask('/ready')}") from None

    async def _is_ready(self) -> bool:
        return bool((await self.ask("/ready"))["ready"])

    async def ask(self, path: str) -> Any:
        return await self._answer("GET", path)

    async def resolve(self, how: str, kind: str) -> str:
        """Have the one finding of a kind resolved by the command line; what that said."""
        await self.until(lambda: self.finding(kind))
        finding = await self.finding(kind)
        words = ["reconcile", f"--{how}", finding, "--reason", "a test", "--url", str(self.url)]
        return await asyncio.to_thread(_petrosa, words)

    async def finding(self, kind: str) -> str:
        found = [
            one for one in (await self.ask("/reconcile"))["findings"] if one["kind"] == kind and not one["ignored"]
        ]
        return str(found[0]["finding_id"]) if found else ""

    @property
    def url(self) -> str:
        return address(self.line("HTTP on "))

    async def text(self, path: str) -> str:
        assert self._http is not None
        return (await self._http.get(path)).text

    async def post(self, path: str, **body: Any) -> Any:
        return await self._answer("POST", path, body)

    async def trade(self, action: str, **more: Any) -> Any:
        """Hand in a signal."""
        body = {"strategy_id": "test", "symbol": "BTCUSDT", "action": action, "confidence": 0.8, "price": 50_000}
        return await self.post("/trade", **{**body, **more})

    async def _answer(self, method: str, path: str, body: Any = None) -> Any:
        assert self._http is not None
        return (await self._http.request(method, path, json=body)).json()

    async def held(self, symbol: str = "BTCUSDT") -> str:
        """The quantity that it holds; empty when flat."""
        rows = (await self.ask("/positions"))["positions"]
        return next((row["quantity"] for row in rows if row["symbol"] == symbol), "")

    @property
    def journal(self) -> Path:
        (folder,) = (self.settings.home / "runs").glob("live-*")
        return folder

    def decided(self, kind: str) -> list[Any]:
        """Every decision of a kind in its journal."""
        found = []
        for turn in JournalReader(self.journal).turns():
            found += [one for one in turn.decisions if f'"{kind}"'.encode() in one[:40]]
        return found

    async def stop(self) -> LiveSummary:
        """As SIGTERM does, which reaches it in this process."""
        os.kill(os.getpid(), signal.SIGTERM)
        return await asyncio.wait_for(self.running, WITHIN_S)

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()
        if not self.running.done():
            self.running.cancel()
            with suppress(asyncio.CancelledError):
                await self.running


def _petrosa(words: list[str]) -> str:
    ran = subprocess.run([*PROGRAM, *words], capture_output=True, text=True, timeout=WITHIN_S, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@asynccontextmanager
async def desk_here(
    home: Path, url: str, market: str, *sets: str, environ: Mapping[str, str] | None = None, ready: bool = True
) -> AsyncIterator[DeskHere]:
    """A desk that is ready, unless told otherwise; cut off at the end of the block if it was not stopped."""
    desk = DeskHere(home, url, market, sets, KEY if environ is None else environ)
    try:
        await desk.opened()
        if ready:
            await desk.until_ready()
        yield desk
    finally:
        await desk.close()
