"""A desk on a paper exchange as the processes that a person starts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET
from tests.kit.services import Process

KEYS = {"BINANCE_API_KEY": DEMO_KEY, "BINANCE_API_SECRET": DEMO_SECRET}
READY_S = 30.0


@asynccontextmanager
async def live_process(*words: str, exchange: str, home: Path, nats: str = "") -> AsyncIterator[str]:
    """`petrosa WORDS` with a free port, before the exchange at an address; yields the desk's once it is ready."""
    process = await Process.start(
        *words, "--port", "0", "--set", f"venue.url={exchange}", home=home, url=nats, more=KEYS
    )  # fmt: skip
    try:
        url = json.loads(await process.said("HTTP on "))["message"].removeprefix("HTTP on ")
        await process.said("reconciled")
        async with httpx.AsyncClient(base_url=url) as asked, asyncio.timeout(READY_S):
            while (await asked.get("/ready")).status_code != 200:
                pass
        yield url
    finally:
        process.terminate()
        await process.gone()
