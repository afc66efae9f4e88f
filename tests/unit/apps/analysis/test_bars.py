"""What is read of stored bars, in which order, and when one looks."""

import json
import time
from collections.abc import Sequence
from pathlib import Path

from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.adapters.stores.klines.sqlite import SqliteKlines
from petrosa.apps.analysis.bars import Bars, Due, bars_needed
from petrosa.apps.analysis.progress import Progress
from petrosa.apps.analysis.status import StoreSeen
from petrosa.apps.analysis.waking import Waking
from petrosa.apps.settings import load
from petrosa.apps.ta import news
from petrosa.core.model.history import Kline, Series
from petrosa.core.model.market import InstrumentId
from petrosa.errors import StorageError
from tests.kit.history import LENGTHS, T0, bars

QUARTER, HOUR = LENGTHS["15m"], LENGTHS["1h"]
FAST, SLOW, ETH = (Series("usdm", "BTCUSDT", "15m"), Series("usdm", "BTCUSDT", "1h"), Series("usdm", "ETHUSDT", "15m"))
BTC_KEY, ETH_KEY = InstrumentId("binance:usdm:BTCUSDT"), InstrumentId("binance:usdm:ETHUSDT")
FOLLOWED = {FAST: BTC_KEY, SLOW: BTC_KEY, ETH: ETH_KEY}


async def filled(tmp_path: Path, *each: Sequence[Kline]) -> SqliteKlines:
    store = await SqliteKlines.open(tmp_path / "k.sqlite")
    for some in each:
        await store.write_klines(some)
    return store


def said(due: Sequence[Due]) -> list[tuple[str, str, int]]:
    """Symbol, timeframe, and when it closed in quarters of an hour."""
    return [
        (one.bar.instrument[-7:-4], f"{one.bar.interval_ns // QUARTER}", (one.bar.ts_event - T0) // QUARTER)
        for one in due
    ]


async def test_bars_come_in_the_order_of_their_closes(tmp_path: Path) -> None:
    """Of several symbols and lengths; of those that close together the shorter come first, and then by symbol."""
    store = await filled(tmp_path, bars(FAST, 5), bars(SLOW, 1), bars(ETH, 5))
    read = Bars(store, FOLLOWED, 100)
    due = await read.begin({FAST: T0 - QUARTER, SLOW: T0 - HOUR, ETH: T0 + 2 * QUARTER})
    assert [("ETH", "1", n) for n in (1, 2, 3)] == said([one for one in due if one.is_history])
    assert [
        ("BTC", "1", 1), ("BTC", "1", 2), ("BTC", "1", 3), ("BTC", "1", 4), ("ETH", "1", 4), ("BTC", "4", 4),
        ("BTC", "1", 5), ("ETH", "1", 5),
    ] == said([one for one in due if not one.is_history])  # fmt: skip
    assert [] == await read.news(FOLLOWED)
    await store.write_klines([*bars(FAST, 8), *bars(ETH, 7)])
    assert [("ETH", "1", 6), ("ETH", "1", 7)] == said(await read.news([ETH]))
    assert [("BTC", "1", 6), ("BTC", "1", 7), ("BTC", "1", 8)] == said(await read.news(FOLLOWED))
    await store.close()


async def test_of_what_was_never_turned_only_the_newest_is_news(tmp_path: Path) -> None:
    """The rest is history, so much of it as is asked for."""
    store = await filled(tmp_path, bars(FAST, 50))
    due = await Bars(store, FOLLOWED, 20).begin({})
    assert list(range(30, 51)) == [number for _, _, number in said(due)]
    assert [False] == [one.is_history for one in due][-1:]
    assert all(one.is_history for one in due[:-1])
    await store.close()


async def test_a_time_of_the_past(tmp_path: Path) -> None:
    """Bars that close in it, whatever their lengths, after the history before it; also where it is far longer."""
    store = await filled(tmp_path, bars(FAST, 5_000), bars(SLOW, 1_250))
    read = Bars(store, FOLLOWED, 10)
    parts = [part async for part in read.between(T0 + 40 * QUARTER, T0 + 4_900 * QUARTER)]
    history = said(parts[0])
    assert (10, 9) == (sum(of == "1" for _, of, _ in history), sum(of == "4" for _, of, _ in history))
    assert [39] == [number for _, _, number in history if number >= 39]
    found = [one for part in parts[1:] for one in said(part)]
    assert list(range(40, 4_900)) == [number for _, of, number in found if of == "1"]
    assert list(range(40, 4_900, 4)) == [number for _, of, number in found if of == "4"]
    assert sorted(found, key=lambda one: one[2]) == found
    assert [[]] == [part async for part in read.between(T0 - 9_000 * HOUR, T0)]
    await store.close()


def test_how_much_history_is_needed() -> None:
    """What the longest strategy needs, and what is asked for besides."""
    shorter, longer = (bars_needed(load(sets=[f"ta.history_bars={n}"], environ={})) for n in (10, 300))
    assert 290 == longer - shorter
    assert longer > 800
    assert 9_999 >= bars_needed(load(sets=["ta.history_bars=8000"], environ={}))


async def test_progress_is_kept_by_series() -> None:
    """When the last bar opened, and when each strategy spoke last on that length."""
    documents = MemoryDocuments()
    progress = Progress(documents, FOLLOWED)
    assert ({}, {}) == await progress.load()
    spoken = {"golden": {InstrumentId(f"{BTC_KEY}@15m"): 5, InstrumentId(f"{BTC_KEY}@1h"): 6}, "none": {}}
    await progress.save({FAST: T0, ETH: T0 + QUARTER}, spoken)
    await progress.save({FAST: T0, ETH: T0 + QUARTER}, spoken)
    found = await Progress(documents, FOLLOWED).load()
    assert {FAST: T0, ETH: T0 + QUARTER} == found.bars
    assert {"golden": {InstrumentId(f"{BTC_KEY}@15m"): 5}} == found.cooldowns
    assert [1, 1] == [held.version for _, held in await documents.find("ta_progress")]
    many = {Series("usdm", f"S{n}", "1m"): InstrumentId(f"binance:usdm:S{n}") for n in range(250)}
    await Progress(documents, many).save(dict.fromkeys(many, 7), {})
    assert 250 == len((await Progress(documents, many).load()).bars)


async def test_what_is_told_of_is_looked_at() -> None:
    """The series of an event at once; all of them when their time has come, however much is told of some."""
    waking = Waking(FOLLOWED, 0.05)
    event = {"event_type": "extraction_completed", "symbol": "BTCUSDT", "period": "15m", "success": True}
    until = time.monotonic() + 20
    seen = []
    while frozenset(FOLLOWED) not in seen:
        assert time.monotonic() < until
        waking.hear("", json.dumps(event).encode())
        seen.append(frozenset(await waking.wait()))
    assert frozenset({FAST}) == seen[0]
    for nothing in (
        b"x",
        json.dumps(event | {"market": "spot"}).encode(),
        json.dumps(event | {"period": "3m"}).encode(),
    ):
        waking.hear("", nothing)
    assert frozenset(FOLLOWED) == frozenset(await waking.wait())
    assert {"extraction_malformed": 1} == waking.unused


async def test_a_store_that_is_away_is_asked_again(tmp_path: Path) -> None:
    """Readiness says so meanwhile; when it answers, no bar is missing."""

    class Moody(SqliteKlines):
        is_away = False

        async def klines(self, series: Series, since: int, until: int, *, limit: int = 10_000) -> Sequence[Kline]:
            if self.is_away:
                raise StorageError("the store is away; bring it back")
            return await super().klines(series, since, until, limit=limit)

    store = await Moody.open(tmp_path / "k.sqlite")
    read, seen, lines = Bars(store, FOLLOWED, 10), StoreSeen(), []
    source = news(read, Waking(FOLLOWED, 0.01), seen, lines.append)
    assert [] == await anext(source)
    await store.write_klines(bars(FAST, 3))
    store.is_away = True

    def report(line: str) -> None:
        lines.append(line)
        assert seen.check().ok or "away" in seen.check().detail
        store.is_away = False

    source = news(read, Waking(FOLLOWED, 0.01), seen, report)
    assert [("BTC", "1", n) for n in (1, 2, 3)] == said(await anext(source))
    assert ["ta: the store is away; bring it back", "ta: the store of bars answers again"] == lines
    assert seen.check().ok
    await store.close()
