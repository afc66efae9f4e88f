"""`petrosa ta` inside a test's own loop, and a store of bars for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from petrosa.apps.klines import open_klines
from petrosa.apps.settings import Settings, load
from petrosa.apps.ta import serve_ta
from petrosa.core.model.history import Kline

QUARTER_HOURS = ("ta.timeframes=15m", "ta.symbols=BTCUSDT,ETHUSDT")


def ta_settings(home: Path, *sets: str, url: str = "") -> Settings:
    return load(sets=[*QUARTER_HOURS, "http.enabled=false", *sets], environ={"NATS_URL": url}, home=str(home))


async def store_bars(settings: Settings, *series: Sequence[Kline]) -> None:
    store = await open_klines(settings)
    for bars in series:
        await store.write_klines(bars)
    await store.close()


class Said:
    """What a service reported, and a way to wait for it."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._came = asyncio.Event()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self._came.set()

    async def line(self, text: str) -> str:
        """The first line that says this."""
        async with asyncio.timeout(30):
            while True:
                self._came.clear()
                for line in self.lines:
                    if text in line:
                        return line
                await self._came.wait()


@asynccontextmanager
async def running_ta(settings: Settings) -> AsyncIterator[Said]:
    """The service for as long as the block lasts, once it has begun."""
    said = Said()
    task = asyncio.create_task(serve_ta(settings, report=said, catches_signals=False))
    begun = asyncio.create_task(said.line("warmed up"))
    try:
        await asyncio.wait({task, begun}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield said
    finally:
        for one in (task, begun):
            one.cancel()
            with suppress(asyncio.CancelledError):
                await one
