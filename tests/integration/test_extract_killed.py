"""An extraction that is killed at any point leaves a store that the next one makes whole, in a file and on a server."""

import asyncio
import os
import random
import resource
import signal
import sys
from asyncio.subprocess import PIPE, Process
from itertools import pairwise
from pathlib import Path

import pytest

from petrosa.apps.klines import open_klines
from petrosa.apps.settings import load
from petrosa.core.model.base import NEVER
from petrosa.core.model.history import Series
from tests.kit.ending import ends_with_its_test
from tests.kit.extraction import rows, rows_of
from tests.kit.history_server import DAY, MINUTE, HistoryServer, history_server
from tests.kit.mariadb import MariadbServer
from tests.kit.recordings import ROOT
from tests.kit.soak import sample

END_S = 60.0
NOW = 1_767_225_600_000 + 12 * 60 * MINUTE + 500
"""2026-01-01T12:00:00.5Z, in ms, for ever: what is over does not change while a test goes on."""

SYMBOLS = ("BTCUSDT", "ETHUSDT")
BARS = 4 * 1_440 - 1
"""Of four days that begin half a second after a minute."""


async def start(url: str, home: Path, *sets: str) -> Process:
    """`petrosa extract klines` of the minutes of four days, two symbols."""
    words = [sys.executable, "-m", "petrosa", "extract", "klines", "--symbols", ",".join(SYMBOLS), "--home", str(home),
             "--json", "--source", "rest"]  # fmt: skip
    for text in (f"extract.usdm_url={url}", "extract.attempts=12", "extract.days=4", "extract.intervals=1m", *sets):
        words += ["--set", text]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    return ends_with_its_test(await asyncio.create_subprocess_exec(*words, stdout=PIPE, stderr=PIPE, env=environment))


async def ended(process: Process) -> tuple[int, bytes]:
    async with asyncio.timeout(END_S):
        _, said = await process.communicate()
    return process.returncode or 0, said


def server(share: float) -> HistoryServer:
    there = HistoryServer("usdm", SYMBOLS, clock=lambda: NOW * 1_000_000, limit=1_000_000)
    there.share, there.retry_after = share, "0"
    there.usual = ("500", "drop", "repeat", "half")
    return there


async def check_whole(there: HistoryServer, home: Path, *sets: str) -> None:
    """What is stored is what the venue has, all of it and to the last digit."""
    store = await open_klines(load(sets=sets, environ={}, home=str(home)))
    try:
        for symbol in SYMBOLS:
            truth = [one for one in there.bars(symbol, "1m", NOW - 4 * DAY, NOW) if one.end <= NOW]
            stored = await rows_of(store, Series("usdm", symbol, "1m"))
            assert (BARS, rows(truth)) == (len(stored), stored)
    finally:
        await store.close()


async def killed_and_again(home: Path, seed: int, *sets: str) -> None:
    """Killed after a random number of requests; then run to its end, without a word about where to begin."""
    chance = random.Random(seed)
    there = server(0.1)
    reached = asyncio.Event()
    last = chance.randrange(7, 45)
    there.heard = lambda number: reached.set() if number >= last else None
    async with history_server(there) as url:
        process = await start(url, home, *sets)
        gone = asyncio.create_task(ended(process))
        heard = asyncio.create_task(reached.wait())
        await asyncio.wait([gone, heard], return_when=asyncio.FIRST_COMPLETED)
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await gone
        heard.cancel()
        code, said = await ended(await start(url, home, *sets))
        assert 0 == code, said.decode()
        await check_whole(there, home, *sets)


@pytest.mark.parametrize("seed", range(sample(2, 40)))
async def test_a_killed_extraction_goes_on(tmp_path: Path, seed: int) -> None:
    """In a file."""
    await killed_and_again(tmp_path, seed)


async def test_a_killed_extraction_into_a_database_goes_on(mariadb: MariadbServer, tmp_path: Path) -> None:
    """On a server."""
    await killed_and_again(tmp_path, 7, f"klines.url={mariadb.url(mariadb.database())}")


async def test_a_full_disk(tmp_path: Path) -> None:
    """It ends with what to do, what was written has no hole, and with room again the same command goes on."""
    there = server(0.0)
    async with history_server(there) as url:
        process = await start(url, tmp_path)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (400_000, 400_000))
        async with asyncio.timeout(END_S):
            told, _ = await process.communicate()
        assert b"see that the folder can be written and the disk has room" in told
        assert 1 == process.returncode
        store = await open_klines(load(environ={}, home=str(tmp_path)))
        for symbol in SYMBOLS:
            opens = await store.opens(Series("usdm", symbol, "1m"), 0, NEVER)
            assert len(opens) < BARS
            assert {60_000_000_000} >= {after - before for before, after in pairwise(opens)}
        await store.close()
        code, said = await ended(await start(url, tmp_path))
        assert 0 == code, said.decode()
        await check_whole(there, tmp_path)


async def test_a_stop_is_in_order(tmp_path: Path) -> None:
    """SIGTERM ends it with what was fetched stored, and it says that the next one goes on."""
    there = server(0.0)
    there.delay_s = 0.05
    reached = asyncio.Event()
    there.heard = lambda number: reached.set() if number >= 12 else None
    async with history_server(there) as url:
        process = await start(url, tmp_path)
        async with asyncio.timeout(END_S):
            await reached.wait()
        process.terminate()
        code, said = await ended(process)
        assert (1, True) == (code, b"what was written stays, and the same command goes on" in said)
        there.delay_s = 0.0
        code, said = await ended(await start(url, tmp_path))
        assert 0 == code, said.decode()
        await check_whole(there, tmp_path)
