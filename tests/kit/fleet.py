"""Replicas of `petrosa strategies` as processes, whose configuration is changed while they run; and their journals."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx

from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.core.model.commands import Configure
from petrosa.ports import JournaledTurn
from tests.kit.services import Process, run_feed, settings_of, turns_of

SKEW = "orderbook_skew"
WRITES = {"PETROSA__ACCESS__WRITES_PER_KEY": "10000"}
WITHIN_S = 30.0


class Replica:
    """One process, and what it answers over HTTP."""

    def __init__(self, process: Process, url: str, folder: Callable[[], Path]) -> None:
        self.process = process
        self.url = url
        self._folder = folder

    @classmethod
    async def start(cls, name: str, home: Path, nats: str, more: Mapping[str, str] | None = None) -> "Replica":
        """Return when it turns its market."""
        environ = {**WRITES, "PETROSA_REPLICA": name, **(more or {})}
        process = await Process.start("strategies", "--port", "0", home=home, url=nats, more=environ)
        url = address(await process.said("HTTP on "))
        await process.said("turning run")
        return cls(process, url, lambda: next((home / "runs").glob(f"strategies-*-{name}")))

    @property
    def folder(self) -> Path:
        """Where its journal is."""
        return self._folder()

    @property
    def configured(self) -> list[Configure]:
        """The changes that its desk has turned, by its journal."""
        return configured(self.folder)

    async def change(self, **parameters: object) -> dict[str, Any]:
        """Change parameters of one strategy over HTTP; the whole answer."""
        return await change(self.url, **parameters)

    async def config(self) -> dict[str, Any]:
        """What it says of the strategy."""
        return await ask(f"{self.url}/api/v1/strategies/{SKEW}/config")


def address(line: str) -> str:
    """The address in a line that a process said."""
    found = re.search(r"http://[0-9.:]+", line)
    assert found is not None, line
    return found[0]


async def ask(url: str) -> dict[str, Any]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(url)
    found: dict[str, Any] = answer.json()
    return found


async def post(url: str, body: dict[str, Any]) -> httpx.Response:
    async with httpx.AsyncClient(timeout=WITHIN_S) as client:
        return await client.post(url, json=body)


async def change(url: str, **parameters: object) -> dict[str, Any]:
    body = {"parameters": parameters, "reason": "a test", "changed_by": "tester"}
    answer = await post(f"{url}/api/v1/strategies/{SKEW}/config", body)
    assert 200 == answer.status_code, answer.text
    found: dict[str, Any] = answer.json()
    return found


def configured(folder: Path) -> list[Configure]:
    """The changes in a journal, which may be being written."""
    return [turn.event for turn in turns_of(folder) if isinstance(turn.event, Configure)]


def turn_of(folder: Path, command_id: str) -> JournaledTurn:
    """The turn of a change."""
    return next(
        turn
        for turn in JournalReader(folder).turns()
        if isinstance(turn.event, Configure) and turn.event.command_id == command_id
    )


async def until(is_so: Callable[[], Awaitable[bool]]) -> float:
    """The seconds until it is so."""
    began = time.monotonic()
    async with asyncio.timeout(WITHIN_S * 4):
        while not await is_so():
            await asyncio.sleep(0)
    return time.monotonic() - began


async def until_turned(replica: Replica, **parameters: object) -> float:
    """The seconds until its journal says that the desk has these parameters."""

    async def is_so() -> bool:
        changes = replica.configured
        return bool(changes) and all(parameters.items() <= seat.parameters.items() for seat in changes[-1].seats)

    return await until(is_so)


async def feed_until(home: Path, url: str, messages: int) -> None:
    """Publish the small recording up to about so many messages, and hold it there: the stream stays open."""
    bus = await NatsBus.connect(url)
    seen = asyncio.Event()
    count = 0

    def heard(_subject: str, _data: bytes) -> None:
        nonlocal count
        count += 1
        if count >= messages:
            seen.set()

    await bus.subscribe("binance.websocket.data", heard)
    feeding = asyncio.create_task(run_feed(settings_of(home, url, "feed.speed=100")))
    async with asyncio.timeout(WITHIN_S):
        await seen.wait()
    feeding.cancel()
    await asyncio.gather(feeding, return_exceptions=True)
    await bus.close()
