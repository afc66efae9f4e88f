"""Extraction inside a test's own loop: a server of history, a store, and time that passes only where one waits."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from petrosa.adapters.stores.klines.sqlite import SqliteKlines
from petrosa.apps.extracting.jobs import Asked, extract
from petrosa.apps.extracting.opening import Surroundings
from petrosa.apps.extracting.results import Result, Summary
from petrosa.apps.settings import Settings, load
from petrosa.core.model.base import NEVER
from petrosa.core.model.history import Kline, Series
from petrosa.ports import KlineStore
from tests.kit.history_server import LISTED, MS, Bar, HistoryServer, end_of, history_server

NOW = LISTED + 40 * 86_400_000 + 30_500
"""40 days after the listing and half a minute, in ms."""


class Time:
    """Nanoseconds; a pause is over at once and time is later by it."""

    def __init__(self, ms: int = NOW) -> None:
        self.ns = ms * MS
        self.paused: list[float] = []

    def now(self) -> int:
        return self.ns

    async def pause(self, seconds: float) -> None:
        self.paused.append(seconds)
        self.ns += round(max(0.0, seconds) * 1e9)
        await asyncio.sleep(0)


class Bench:
    """A server, a store and settings. `run` does a job to its end."""

    def __init__(self, server: HistoryServer, store: KlineStore, settings: Settings, time: Time) -> None:
        self.server = server
        self.store = store
        self.settings = settings
        self.time = time

    async def run(self, kind: str = "klines", **asked: Any) -> Summary:
        asked.setdefault("symbols", ("BTCUSDT",))
        if kind in ("klines", "gaps"):
            asked.setdefault("intervals", ("1m",))
        surroundings = Surroundings(self.time.now, self.time.pause, random.Random(3))
        return await extract(self.settings, Asked(kind=kind, **asked), surroundings=surroundings, store=self.store)

    async def one(self, kind: str = "klines", **asked: Any) -> Result:
        """The result of a job on one series, which has not failed."""
        (result,) = (await self.run(kind, **asked)).results
        assert [] == result.errors
        return result

    def truth(self, series: Series, since: int = LISTED, by: int = 0) -> list[Bar]:
        """What opens at `since` (ms) or later and is over by a moment; by now, if that is not said."""
        end = by or self.server.now
        return [one for one in self.server.bars(series.symbol, series.interval, since, end) if one.end <= end]

    async def stored(self, series: Series) -> list[list[Any]]:
        """What is stored, as rows of the venue."""
        return await rows_of(self.store, series)


async def rows_of(store: KlineStore, series: Series) -> list[list[Any]]:
    """All bars of a series as rows of the venue without their last, unused field."""
    found, at = [], 0
    while page := await store.klines(series, at, NEVER):
        found += [row_of(one) for one in page]
        at = page[-1].ts_close
    return found


def row_of(one: Kline) -> list[Any]:
    numbers = (one.open, one.high, one.low, one.close, one.volume)
    return [
        one.ts_open // MS, *numbers, one.ts_close // MS - 1, one.quote_volume, one.trades, one.taker_volume,
        one.taker_quote_volume,
    ]  # fmt: skip


def rows(bars: Sequence[Bar]) -> list[list[Any]]:
    """The same of what the server has."""
    return [[Decimal(one) if isinstance(one, str) else one for one in bar.row[:-1]] for bar in bars]


def klines(bars: Sequence[Bar], series: Series) -> list[Kline]:
    """As an earlier run would have stored them."""
    made = []
    for one in bars:
        row = [Decimal(value) if isinstance(value, str) else value for value in one.row]
        made.append(
            Kline(
                *series, row[0] * MS, end_of(series.interval, row[0]) * MS, *row[1:6], row[7], row[8], row[9], row[10]
            )
        )
    return made


def settings_of(home: Path, url: str, *sets: str, market: str = "usdm", source: str = "rest") -> Settings:
    given = [f"extract.{market}_url={url}", f"extract.source={source}", f"extract.market={market}",
             "extract.timeout_seconds=2"]  # fmt: skip
    return load(sets=[*given, *sets], environ={}, home=str(home))


@asynccontextmanager
async def bench(
    home: Path, *sets: str, market: str = "usdm", source: str = "rest", store: KlineStore | None = None, **server: Any
) -> AsyncIterator[Bench]:  # fmt: skip
    """Everything that a job needs, on a fresh store unless one is given."""
    time = Time()
    there = HistoryServer(market, clock=time.now, **server)
    own = store or await SqliteKlines.open(home / "klines.sqlite")
    try:
        async with history_server(there) as url:
            yield Bench(there, own, settings_of(home, url, *sets, market=market, source=source), time)
    finally:
        if store is None:
            await own.close()
