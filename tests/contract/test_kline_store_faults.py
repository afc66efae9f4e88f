"""The server of history is killed, hangs or refuses, a file is held or foreign: nothing is half done or kept silent."""

import asyncio
import contextlib
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

pytest.importorskip("asyncmy")

from petrosa.adapters.stores.klines.address import MysqlAddress, parse
from petrosa.adapters.stores.klines.mysql import MysqlKlines
from petrosa.adapters.stores.klines.sqlite import SqliteKlines
from petrosa.core.model.history import Series
from petrosa.errors import ConfigError, StorageError
from petrosa.ports import KlineStore
from tests.kit.history import BTC, bar, bars
from tests.kit.mariadb import PASSWORD, URL_PASSWORD, MariadbServer, mariadb_server
from tests.kit.soak import sample

EVER = 2**63 - 1
TIMEOUT_S = 2.0
MORE_S = 3.0
"""What a call may take beyond its bound on a busy machine."""


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariadbServer]:
    """A server that these tests may kill, and start again."""
    with mariadb_server(tmp_path_factory.mktemp("own-mariadb")) as server:
        yield server


@pytest.fixture
async def store(own_server: MariadbServer) -> AsyncIterator[MysqlKlines]:
    made = await MysqlKlines.open(where(own_server), TIMEOUT_S)
    yield made
    await made.close()


def where(server: MariadbServer, database: str = "") -> MysqlAddress:
    found = parse(server.url(database or server.database()))
    assert isinstance(found, MysqlAddress)
    return found


async def refused_in_time(store: KlineStore) -> list[str]:
    """What every kind of call says while the server is away, all of them asked at once."""
    calls = [store.write_klines(bars()), store.klines(BTC, 0, EVER), store.opens(BTC, 0, EVER), store.series(),
             store.last_trade_id("usdm", "BTCUSDT"), store.gaps(BTC)]  # fmt: skip
    start = time.monotonic()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert time.monotonic() - start < TIMEOUT_S + MORE_S
    assert [StorageError] * len(calls) == [type(answer) for answer in answers]
    return [str(answer) for answer in answers]


async def test_a_kill_in_the_middle_of_writes(own_server: MariadbServer, store: MysqlKlines) -> None:
    """What a write returned for is there whole; what it raised for is there whole or not at all. Then work goes on."""
    returned: dict[str, bool] = {}

    async def writer(symbol: str) -> None:
        pair = [Series("usdm", symbol, interval) for interval in ("1m", "1h")]
        try:
            await store.write_klines([bar(series, n) for n in range(400) for series in pair])
        except StorageError:
            returned[symbol] = False
            return
        returned[symbol] = True
        if len(returned) == 5:
            await asyncio.to_thread(own_server.kill)

    for number in range(sample(1, 10)):
        returned.clear()
        await asyncio.gather(*(writer(f"S{number}X{n}") for n in range(12)))
        assert {True, False} == set(returned.values())
        await asyncio.to_thread(own_server.start)
        for symbol, is_there in returned.items():
            counts = [len(await store.opens(Series("usdm", symbol, i), 0, EVER)) for i in ("1m", "1h")]
            assert [400, 400] == counts or (not is_there and [0, 0] == counts)


async def test_calls_while_the_server_is_away(own_server: MariadbServer, store: MysqlKlines) -> None:
    """Each is refused within its bound, names the place and the remedy; when the server is back, all is as it was."""
    await store.write_klines(bars())
    await asyncio.to_thread(own_server.kill)
    try:
        for said in await refused_in_time(store):
            assert f"MySQL at {store.place} does not answer" in said
            assert "klines.url" in said
            assert PASSWORD not in said
        with pytest.raises(StorageError, match="does not answer"):
            await MysqlKlines.open(where_it_was(own_server, store), TIMEOUT_S)
    finally:
        await asyncio.to_thread(own_server.start)
    assert bars() == await store.klines(BTC, 0, EVER)
    assert 1 == await store.write_klines(bars(count=11))


def where_it_was(server: MariadbServer, store: MysqlKlines) -> MysqlAddress:
    return where(server, store.place.rpartition("/")[2])


async def test_a_server_that_hangs(own_server: MariadbServer, store: MysqlKlines) -> None:
    """One that takes connections and never answers is refused within the bound, too."""
    await store.write_klines(bars())
    own_server.send(signal.SIGSTOP)
    try:
        assert 6 == len(await refused_in_time(store))
    finally:
        own_server.send(signal.SIGCONT)
    assert 0 == await store.write_klines(bars())


async def test_a_connection_that_is_lost(own_server: MariadbServer, store: MysqlKlines) -> None:
    """The server ended it while nobody used it: the next call finds the way by itself and nobody hears of it."""
    for count in range(1, 4):
        assert 1 == await store.write_klines(bars(count=count))
        own_server.do("KILL USER petrosa@'127.0.0.1'")
        assert bars(count=count) == await store.klines(BTC, 0, EVER)


async def test_a_call_that_was_cancelled(store: MysqlKlines) -> None:
    """It leaves nothing half done, and the store can be used."""
    writing = asyncio.ensure_future(store.write_klines(bars(count=3_000)))
    for _ in range(40):
        await asyncio.sleep(0)
    writing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await writing
    assert len(await store.opens(BTC, 0, EVER)) in (0, 3_000)
    await store.write_klines(bars(count=3_000))
    assert 3_000 == len(await store.opens(BTC, 0, EVER))


async def test_writers_of_two_connections(own_server: MariadbServer, store: MysqlKlines) -> None:
    """Two processes that write the same bars in other orders do not stop each other."""
    every = [Series("usdm", symbol, "1m") for symbol in ("AUSDT", "BUSDT", "CUSDT", "DUSDT")]
    other = await MysqlKlines.open(where_it_was(own_server, store), TIMEOUT_S * 5)
    for start in range(sample(4, 40)):
        written = [bar(series, n) for n in range(start * 50, start * 50 + 100) for series in every]
        await asyncio.gather(store.write_klines(written), other.write_klines(written[::-1]))
    await other.close()
    assert 1 == len({len(await store.opens(series, 0, EVER)) for series in every})


async def test_a_database_or_user_that_is_not_there(own_server: MariadbServer) -> None:
    """The message says what to do, and never the password."""
    unknown = where(own_server)._replace(database="nowhere")
    with pytest.raises(StorageError, match=r"no database nowhere: run CREATE DATABASE `nowhere`"):
        await MysqlKlines.open(unknown, TIMEOUT_S)
    with pytest.raises(StorageError, match=r"refuses us: Access denied.*SELECT, INSERT, UPDATE and CREATE") as caught:
        await MysqlKlines.open(where(own_server)._replace(password="hunter2"), TIMEOUT_S)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("MODIFY close_price DECIMAL(10,2) NOT NULL", r"close_price is decimal\(10,2\) not null, we need decimal\(28"),
        ("DROP COLUMN origin", "origin is missing"),
        ("DROP PRIMARY KEY, ADD PRIMARY KEY (symbol, `timestamp`, close_time)", "close_time is .*, of the key"),
        (
            "ADD COLUMN n INT, DROP PRIMARY KEY, ADD PRIMARY KEY (symbol, `timestamp`, n)",
            "n is int not null, of the ke",
        ),
    ],
)
async def test_a_table_of_another_shape_on_a_server(own_server: MariadbServer, statement: str, what: str) -> None:
    """It is refused when the store is opened, with the column, what to do, and without touching it."""
    address = where(own_server)
    await (await MysqlKlines.open(address, TIMEOUT_S)).close()
    own_server.do(f"ALTER TABLE {address.database}.klines_m15 {statement}")
    with pytest.raises(ConfigError, match=rf"klines_m15 .*{what}.*RENAME TABLE klines_m15 TO old_klines_m15"):
        await MysqlKlines.open(address, TIMEOUT_S)


async def test_what_other_software_reads(own_server: MariadbServer, store: MysqlKlines) -> None:
    """The columns of the documented tables that follow from others are worked out by the server."""
    await store.write_klines([bar(number=1)])
    columns = "id, open_time, close_time, `interval`, price_change, price_change_percent, source, origin"
    found = own_server.do(f"SELECT {columns} FROM {store.place.rpartition('/')[2]}.klines_m1").rstrip("\n").split("\t")
    assert [
        "BTCUSDT_1767225660000", "2026-01-01 00:01:00.000000", "2026-01-01 00:01:59.999000", "1m", "1.00000000",
        "0.0016", "binance-futures", "rest",
    ] == found  # fmt: skip


async def test_a_table_of_another_shape_in_a_file(tmp_path: Path) -> None:
    """It is refused when the store is opened."""
    file = tmp_path / "k.sqlite"
    with contextlib.closing(sqlite3.connect(file)) as foreign:
        foreign.execute("CREATE TABLE trades (symbol TEXT NOT NULL, trade_id INTEGER NOT NULL PRIMARY KEY)")
    with pytest.raises(ConfigError, match=r"trades .* has another shape .*ALTER TABLE trades RENAME TO old_trades"):
        await SqliteKlines.open(file)


async def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    """Held by another, or no store at all: the message says which, and a call that was refused has written nothing."""
    store = await SqliteKlines.open(tmp_path / "k.sqlite", busy_s=0.05)
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError, match=r"locked.*another process has kept it locked for 0\.05 s"):
            await store.write_klines(bars())
    assert 10 == await store.write_klines(bars())
    await store.close()
    (tmp_path / "text").write_text("no database at all, but long enough to be looked at" * 20)
    with pytest.raises(StorageError, match="extract again"):
        await SqliteKlines.open(tmp_path / "text")


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("postgres://me:hunter2@h/d", "begins with none of"),
        ("mysql://me:hunter2@h", "names no database"),
        ("mysql://me:hunter2@h/d?ssl=1", r"something else behind its \? than ssl-mode and ssl-ca"),
        ("mysql://me:hunter2@h/d?ssl-mode=", "each once and with a value"),
        ("mysql://me:hunter2@h/d?ssl-mode=required&ssl-mode=required", "each once"),
        ("mysql://me:hunter2@h/d?ssl-mode=hunter2", "choose from disabled, required, verify-ca, verify-identity"),
        ("mysql://me:hunter2@h/d?ssl-mode=preferred", "clear text when anybody on the way wants it so"),
        ("mysql://me:hunter2@h/d?ssl-ca=/ca.pem", "not looked at with ssl-mode=disabled"),
        ("mysql://me:hunter2@/d", "no host"),
        ("mysql://h/d", "no user"),
        ("mysql://me:hun/ter2@h/d", "percent-encode"),
        ("mysql://me:hunter2@h:99999/d", "port 99999"),
        ("sqlite:", "no file"),
        ("sqlite:///x", "no file"),
    ],
)
def test_an_address_that_cannot_be(url: str, what: str) -> None:
    """It is refused before anything connects, with what is wrong and without what is secret."""
    with pytest.raises(ConfigError, match=what) as caught:
        parse(url)
    assert "ter2" not in str(caught.value)


def test_addresses() -> None:
    """A password may hold anything when it is percent-encoded, and no text of an address shows it."""
    address = parse(f"mariadb://petrosa:{URL_PASSWORD}@db.example/history")
    assert MysqlAddress("db.example", 3306, "petrosa", PASSWORD, "history") == address
    assert PASSWORD not in f"{address} {address!r}"
    assert "::1" == parse("mysql://me@[::1]:3307/d")[0]  # type: ignore[index]
    assert Path("a/b.sqlite") == parse("sqlite:a/b.sqlite")
