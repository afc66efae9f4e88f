"""A store with holes of every kind is whole after one run, from a venue that limits, fails and repeats itself."""

import random
from pathlib import Path

import pytest

from petrosa.adapters.stores.klines.mysql import MysqlKlines
from petrosa.adapters.stores.klines.sqlite import SqliteKlines
from petrosa.apps.klines import open_klines
from petrosa.apps.settings import load
from petrosa.core.model.history import Series
from petrosa.ports import KlineStore
from tests.kit.extraction import NOW, Bench, bench, klines, rows
from tests.kit.history_server import DAY, FAULTS, LISTED, MINUTE, MS, USUAL, Bar
from tests.kit.mariadb import MariadbServer
from tests.kit.soak import sample

SINCE = NOW - NOW % DAY - 16 * DAY
SPANS = {"1m": 3 * DAY, "1h": 38 * DAY}
OUTAGE = (SINCE + 14 * DAY + 3 * 60 * MINUTE, SINCE + 14 * DAY + 4 * 60 * MINUTE)


def punched(bars: list[Bar], chance: random.Random) -> list[Bar]:
    """What is left of bars: without the edges, single bars, a few in a row, and weeks."""
    gone = {chance.randrange(len(bars)) for _ in range(chance.randrange(1, 12))}
    for longest in (5, 40, 7 * DAY // max(1, bars[0].end - bars[0].ts)):
        begin = chance.randrange(len(bars))
        gone |= set(range(begin, begin + chance.randrange(longest + 1)))
    gone |= set(range(chance.randrange(4))) | set(range(len(bars) - chance.randrange(4), len(bars)))
    return [one for number, one in enumerate(bars) if number not in gone]


async def punch(there: Bench, interval: str, symbol: str, chance: random.Random) -> Series:
    """A store that knows of a series what is left of it."""
    series = Series("usdm", symbol, interval)
    left = punched(there.truth(series, NOW - NOW % DAY - SPANS[interval]), chance)
    await there.store.write_klines(klines(left, series))
    return series


async def heal(there: Bench, seed: int) -> None:
    """Punch holes into four series and run once for each interval; then all of them are what the venue has."""
    chance, symbols = random.Random(seed), ("BTCUSDT", "ETHUSDT")
    there.server.share = 0.25
    for interval, span in SPANS.items():
        since = NOW - NOW % DAY - span
        every = [await punch(there, interval, symbol, chance) for symbol in symbols]
        asked = {"symbols": symbols, "intervals": (interval,), "since": since * MS}
        summary = await there.run("gaps", **asked, fill=True)
        assert [] == [error for one in summary.results for error in one.errors]
        for series in every:
            assert rows(there.truth(series, since, NOW)) == await there.stored(series), (seed, series)
        assert 0 == sum(one.missing_bars + one.refused for one in summary.results)
        assert sum(one.gaps_found for one in summary.results) > 2
        again = await there.run("gaps", **asked, until=NOW * MS)
        assert 0 == sum(one.gaps_found for one in again.results)


@pytest.mark.parametrize("seed", range(sample(2, 60)))
async def test_one_run_makes_a_store_whole(tmp_path: Path, seed: int) -> None:
    """Everything is there, exactly, but the hour that the venue does not have either, which is known now."""
    async with bench(tmp_path, "extract.attempts=12", "extract.weight_share=0.9", outages=(OUTAGE,)) as there:
        await heal(there, seed)
        assert len(set(USUAL) & set(there.server.happened)) > len(USUAL) - 3


async def test_one_run_makes_a_database_whole(mariadb: MariadbServer, tmp_path: Path) -> None:
    """On a server as in a file."""
    settings = load(sets=[f"klines.url={mariadb.url(mariadb.database())}"], environ={}, home=str(tmp_path))
    store: KlineStore = await open_klines(settings)
    assert isinstance(store, MysqlKlines)
    try:
        async with bench(tmp_path, "extract.attempts=12", store=store, outages=(OUTAGE,)) as there:
            await heal(there, 1)
    finally:
        await store.close()


@pytest.mark.parametrize("fault", [one for one in FAULTS if one != "418"])
async def test_a_fault_costs_time_and_nothing_else(tmp_path: Path, fault: str) -> None:
    """One kind at a time, three times in a row."""
    series = Series("usdm", "BTCUSDT", "1h")
    many = [fault] * (1 if fault in ("empty", "timeout") else 3)
    async with bench(tmp_path, "extract.timeout_seconds=0.3") as there:
        there.server.faults.extend(["", "", *many])
        await there.one(intervals=("1h",), since=LISTED * MS)
        assert rows(there.truth(series, LISTED, NOW)) == await there.stored(series)
        assert len(many) == there.server.happened[fault]


async def test_the_file_is_what_open_gives(tmp_path: Path) -> None:
    """Without an address history is in the data directory."""
    store = await open_klines(load(environ={}, home=str(tmp_path / "new")))
    assert isinstance(store, SqliteKlines)
    await store.close()
    assert (tmp_path / "new" / "klines.sqlite").exists()
