"""The public archive: months, then days, each believed only with its checksum; what it lacks comes over REST."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from petrosa.core.model.history import Series
from petrosa.errors import ConfigError
from tests.kit.archive import Archive, checksum
from tests.kit.extraction import NOW, Bench, bench, rows
from tests.kit.history_server import DAY, LISTED, MINUTE, MS

BTC = Series("usdm", "BTCUSDT", "5m")
FEBRUARY = LISTED + 31 * DAY


@asynccontextmanager
async def archived(
    folder: Path, *sets: str, source: str = "archive", market: str = "usdm", **archive: bool
) -> AsyncIterator[tuple[Bench, Archive]]:  # fmt: skip
    """January by the month and four days of February of two series, of 5 minutes and of hours."""
    files = folder / "files"
    files.mkdir()
    where = () if any(one.startswith("extract.archive_url") for one in sets) else (f"extract.archive_url={files}",)
    async with bench(folder, *where, *sets, source=source, market=market) as there:
        made = Archive(files, there.server, **archive)
        for interval in ("5m", "1h"):
            made.klines("BTCUSDT", interval, "monthly", "2024-01", LISTED, FEBRUARY)
            for day in range(1, 5):
                begin = FEBRUARY + (day - 1) * DAY
                made.klines("BTCUSDT", interval, "daily", f"2024-02-0{day}", begin, begin + DAY)
        yield there, made


@pytest.mark.parametrize(("header", "micro"), [(False, False), (True, False), (False, True), (True, True)])
async def test_files_are_read_exactly(tmp_path: Path, header: bool, micro: bool) -> None:
    """With a row of names or without, in milliseconds or in microseconds; and the venue is not asked for anything."""
    series = BTC._replace(interval="1h")
    async with archived(tmp_path, header=header, micro=micro) as (there, _):
        summary = await there.run(intervals=("1h",), since=LISTED * MS)
        (result,) = summary.results
        truth = [one for one in there.truth(series) if one.ts < FEBRUARY + 4 * DAY]
        assert rows(truth) == await there.stored(series)
        assert ("archive", 5, 0) == (
            (await there.store.klines(series, 0, 1 << 62))[0].source, summary.files, summary.requests,
        )  # fmt: skip
        assert 0 == sum(there.server.requests.values())
        assert 5 * 24 + 24 > result.missing_bars > 5 * 24 - 1


async def test_files_first_and_then_questions(tmp_path: Path) -> None:
    """Where much is missing; the venue is asked for what no file has."""
    async with archived(tmp_path, source="auto") as (there, _):
        summary = await there.run(intervals=("5m",), since=LISTED * MS)
        assert rows(there.truth(BTC, LISTED, NOW)) == await there.stored(BTC)
        assert (0, 5) == (summary.results[0].missing_bars, summary.files)
        assert there.server.requests["klines"] < 20
        bars = await there.store.klines(BTC, (FEBRUARY + 4 * DAY - 5 * MINUTE) * MS, 1 << 62, limit=2)
        assert ["archive", "rest"] == [one.source for one in bars]


async def test_days_stand_in_for_a_month_that_is_not_there_yet(tmp_path: Path) -> None:
    async with archived(tmp_path) as (there, _):
        summary = await there.run(intervals=("1h",), since=FEBRUARY * MS)
        assert (4, 96) == (summary.files, summary.results[0].written)


async def test_months_have_files_of_months_alone(tmp_path: Path) -> None:
    """Spelt 1mo, where a file system could not tell M from m."""
    series = BTC._replace(interval="1M")
    async with archived(tmp_path) as (there, made):
        made.klines("BTCUSDT", "1M", "monthly", "2024-01", LISTED, FEBRUARY)
        await there.run(intervals=("1M",), since=LISTED * MS)
        assert rows(there.truth(series)) == await there.stored(series)


async def test_a_file_that_is_not_what_its_checksum_says_is_not_used(tmp_path: Path) -> None:
    """Nothing of it is stored, and the message names both sums."""
    async with archived(tmp_path) as (there, made):
        path = made.klines("BTCUSDT", "1h", "monthly", "2024-01", LISTED, FEBRUARY)
        checksum(path, "0" * 64)
        (result,) = (await there.run(intervals=("1h",), since=LISTED * MS)).results
        assert f"and {'0' * 64} is stated; nothing of it is used" in result.errors[0]
        assert [] == await there.stored(BTC._replace(interval="1h"))


@pytest.mark.parametrize("content", [b"not a zip", b"PK\x03\x04" + bytes(40)])
async def test_a_file_that_is_no_zip(tmp_path: Path, content: bytes) -> None:
    async with archived(tmp_path) as (there, made):
        path = made.klines("BTCUSDT", "1h", "monthly", "2024-01", LISTED, FEBRUARY)
        path.write_bytes(content)
        checksum(path)
        (result,) = (await there.run(intervals=("1h",), since=LISTED * MS)).results
        assert "not a zip that can be read" in result.errors[0]


async def test_a_row_that_makes_no_sense_is_refused_by_name(tmp_path: Path) -> None:
    """A field too few, a word for a number, a time of another age: the rest of the file is used."""
    async with archived(tmp_path) as (there, made):
        good = [bar.row for bar in there.server.bars("BTCUSDT", "1d", LISTED, FEBRUARY)]
        bad = [good[0][:6], [*good[1][:4], "what", *good[1][5:]], [good[2][0] * 10**6, *good[2][1:]], *good[3:]]
        made.put("monthly/klines/BTCUSDT/1d/BTCUSDT-1d-2024-01", bad, "")
        result = (await there.run(intervals=("1d",), since=LISTED * MS, until=FEBRUARY * MS)).results[0]
        assert (28, 3, 3) == (result.written, result.refused, result.missing_bars)
        assert "no time in milliseconds or microseconds" in result.refusals[2]


async def test_over_an_address(tmp_path: Path) -> None:
    """As in a folder."""
    async with archived(tmp_path, source="auto") as (there, made):
        runner = web.AppRunner(made.app(), access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            async with archived_at(tmp_path, url, there) as bench_:
                summary = await bench_.run(intervals=("5m",), since=LISTED * MS)
        finally:
            await runner.cleanup()
        assert 5 == summary.files
        assert rows(there.truth(BTC, LISTED, NOW)) == await there.stored(BTC)


@asynccontextmanager
async def archived_at(folder: Path, url: str, there: Bench) -> AsyncIterator[Bench]:
    """The same bench with its archive behind an address."""
    from tests.kit.extraction import settings_of

    rest = there.settings.extract.usdm_url
    settings = settings_of(folder, rest, f"extract.archive_url={url}", source="auto")
    yield Bench(there.server, there.store, settings, there.time)


async def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    async with bench(tmp_path, "extract.archive_url=/no/such/folder", source="archive") as there:
        with pytest.raises(ConfigError, match="neither an address"):
            await there.run()


async def test_days_of_trades_are_read(tmp_path: Path) -> None:
    """Then ids are counted, and what is missing is asked for."""
    async with archived(tmp_path, source="auto") as (there, made):
        per_day = 8_640
        made.trades("BTCUSDT", "2024-01-02", range(per_day, 2 * per_day))
        made.trades("BTCUSDT", "2024-01-03", range(2 * per_day, 3 * per_day - 500))
        until = LISTED + 4 * DAY
        summary = await there.run("trades", since=(LISTED + DAY) * MS, until=until * MS)
        assert ([], 2) == (summary.results[0].errors, summary.files)
        found = []
        for day in (1, 2, 3):
            begin = LISTED + day * DAY
            found += await there.store.trades("usdm", "BTCUSDT", begin * MS, (begin + DAY) * MS)
        assert list(range(per_day, 4 * per_day)) == [one.trade_id for one in found]
        assert there.server.requests["aggTrades"] < 20
