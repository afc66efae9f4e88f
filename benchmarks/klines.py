"""Closed bars a second into the store of history, in a file and on a MariaDB that is started here, and out of it.

Alone, and end to end: asked of a server of history in another process, read, checked, written, found whole.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path

from tests.kit.mariadb import mariadb_server

from benchmarks.measure import Figure, Goal, NotHere, figure, interleave
from benchmarks.servers import end, heard, spawn
from petrosa.adapters.stores.klines.address import MysqlAddress, parse
from petrosa.adapters.stores.klines.mysql import MysqlKlines
from petrosa.adapters.stores.klines.sqlite import SqliteKlines
from petrosa.apps.commands.eventloop import run_async
from petrosa.apps.extracting.jobs import Asked, extract
from petrosa.apps.settings import load
from petrosa.core.model.history import Kline, Series
from petrosa.ports import KlineStore

CALLS = 10
BARS = 1_500
"""As many as the venue sends at once."""
MINUTE = 60_000_000_000
BEGIN = 1_767_225_600_000_000_000

SYMBOLS = ("BTCUSDT", "ETHUSDT")
DAYS = 31
"""Of minutes, end to end: 89,280 bars of two symbols."""

Open = Callable[[], Awaitable[KlineStore]]
Rates = dict[str, list[float]]


def run(rounds: int) -> list[Figure]:
    """Ten calls of 1,500 new bars of one symbol each, the same again, and reading them back, a new store each round."""
    if shutil.which("mariadbd") is None:
        raise NotHere("mariadbd is not installed: apt-get install -y --no-install-recommends mariadb-server")
    read: dict[str, list[float]] = {}
    again: dict[str, list[float]] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(mariadb_server(folder / "mariadb", durable=True))
        files = iter(range(10**6))

        def on_server() -> Awaitable[KlineStore]:
            address = parse(server.url(server.database()))
            assert isinstance(address, MysqlAddress)
            return MysqlKlines.open(address)

        def in_file() -> Awaitable[KlineStore]:
            return SqliteKlines.open(folder / f"{next(files)}.sqlite")

        ways: dict[str, Open] = {"SQLite": in_file, "MariaDB": on_server}

        def timed(name: str) -> Callable[[], float]:
            def once() -> float:
                rates = asyncio.run(_rates(ways[name]))
                again.setdefault(name, []).append(rates[1])
                read.setdefault(name, []).append(rates[2])
                return rates[0]

            return once

        new = interleave(rounds, {name: timed(name) for name in ways})
        urls = {
            "SQLite": lambda: f"sqlite:{folder}/{next(files)}.sqlite",
            "MariaDB": lambda: server.url(server.database()),
        }
        whole, per_core = _end_to_end(rounds, urls)
    aim = Goal(10_000, at_least=True)
    return [
        found
        for name in ways
        for found in (
            figure("klines", f"new bars into {name}", new[name], "bars/s", aim=aim),
            figure("klines", f"the same bars into {name} again", again[name], "bars/s"),
            figure("klines", f"bars out of {name}", read[name], "bars/s"),
            figure("klines", f"venue to {name}, end to end", whole[name], "bars/s", aim=aim),
            figure("klines", f"venue to {name}, per second of our CPU", per_core[name], "bars/s"),
        )
    ]


def _end_to_end(rounds: int, urls: dict[str, Callable[[], str]]) -> tuple[Rates, Rates]:
    """Bars a second, and bars a second of this process's CPU, from the venue's server into each store."""
    per_core: Rates = {}
    source = spawn("benchmarks.history_source")
    try:
        venue = heard(source)
        _extracted(venue, urls["SQLite"]())  # the server works out its answers

        def timed(name: str) -> Callable[[], float]:
            def once() -> float:
                rate, of_cpu = _extracted(venue, urls[name]())
                per_core.setdefault(name, []).append(of_cpu)
                return rate

            return once

        return interleave(rounds, {name: timed(name) for name in urls}), per_core
    finally:
        end(source)


def _extracted(venue: str, store: str) -> tuple[float, float]:
    """One job on a store without a bar: bars a second, and a second of our CPU."""
    with tempfile.TemporaryDirectory() as home:
        sets = [f"extract.usdm_url={venue}", "extract.source=rest", "extract.weight_share=0.95", f"klines.url={store}"]
        asked = Asked(
            kind="klines", symbols=SYMBOLS, intervals=("1m",), since=BEGIN, until=BEGIN + DAYS * 1_440 * MINUTE
        )
        before, cpu = time.perf_counter(), time.process_time()
        summary = run_async(extract(load(sets=sets, environ={}, home=home), asked))
        wall, cpu = time.perf_counter() - before, time.process_time() - cpu
    bars = sum(one.written for one in summary.results)
    if bars != len(SYMBOLS) * DAYS * 1_440 or any(one.missing_bars or one.errors for one in summary.results):
        raise RuntimeError(f"{bars} bars were written: {[one.errors for one in summary.results]}")
    return bars / wall, bars / cpu


async def _rates(way: Open) -> tuple[float, float, float]:
    """Bars a second: new, the same again, read."""
    store = await way()
    every = [Series("usdm", f"S{number}USDT", "1m") for number in range(CALLS)]
    calls = [_bars(series) for series in every]
    rates = []
    for expected in (BARS, 0):
        before = time.perf_counter()
        for bars in calls:
            if await store.write_klines(bars) != expected:
                raise RuntimeError("the store counts other bars than were written")
        rates.append(CALLS * BARS / (time.perf_counter() - before))
    before = time.perf_counter()
    for series in every:
        if len(await store.klines(series, 0, 2**63 - 1)) != BARS:
            raise RuntimeError("the store does not give back what was written")
    rates.append(CALLS * BARS / (time.perf_counter() - before))
    await store.close()
    new, again, read = rates
    return new, again, read


def _bars(series: Series) -> list[Kline]:
    return [
        Kline(
            *series, BEGIN + number * MINUTE, BEGIN + (number + 1) * MINUTE, Decimal("64000.10"), Decimal("64001.50"),
            Decimal("63999.90"), Decimal(64_000 + number % 7), Decimal("12.345"), Decimal("790080.12345678"),
            number % 1_000, Decimal("6.172"), Decimal("395040.06172839"),
        )
        for number in range(BARS)
    ]  # fmt: skip
