"""MongoDB is killed, hangs, or holds what others wrote: nothing is half done, and nobody waits for ever."""

import asyncio
import contextlib
import re
import signal
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

pytest.importorskip("pymongo")

from bson import Decimal128, Int64, ObjectId, Regex
from pymongo import AsyncMongoClient

from petrosa.adapters.stores.documents.mongo import MongoDocuments
from petrosa.errors import ConfigError, DataError, StorageError, VersionConflict
from petrosa.ports import Versioned, Write
from tests.kit.mongo import MongoServer, mongo_server
from tests.kit.soak import sample

TIMEOUT_S = 2.0
MORE_S = 3.0
"""What a call may take beyond its bound on a busy machine."""


@pytest.fixture
def database() -> str:
    return f"test-{uuid4().hex}"


@pytest.fixture
async def store(mongo: MongoServer, database: str) -> AsyncIterator[MongoDocuments]:
    made = await MongoDocuments.open(mongo.url, database)
    yield made
    await made.close()


@pytest.fixture
async def others(mongo: MongoServer) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    """A client of other software."""
    made: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(mongo.url)
    yield made
    await made.close()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[MongoServer]:
    """A server that this test may kill."""
    with mongo_server(tmp_path / "mongo") as server:
        yield server


async def fail(client: AsyncMongoClient[dict[str, Any]], mode: object, commands: list[str], **how: object) -> None:
    """Have the server fail commands, once it has been told how."""
    data = {"failCommands": commands, "appName": "petrosa", **how}
    await client.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})


async def refused_in_time(store: MongoDocuments) -> list[str]:
    """What every kind of call says while the server is away; each within its bound."""
    calls = [
        store.get("c", "k"),
        store.find("c"),
        store.put("c", "k", {}),
        store.delete("c", "k"),
        store.write([Write("c", "k", {})]),
    ]
    start = time.monotonic()
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert time.monotonic() - start < TIMEOUT_S + MORE_S
    assert [StorageError] * 5 == [type(answer) for answer in answers]
    return [str(answer) for answer in answers]


async def back(store: MongoDocuments) -> None:
    """Return when the store has noticed that the server is there again."""
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(StorageError):
                await store.get("c", "k")
                return


async def test_a_kill_in_the_middle_of_writes(own_server: MongoServer) -> None:
    """What a write returned for is there whole; what it raised for is there whole or not at all. Then work goes on."""
    store = await MongoDocuments.open(own_server.url, "petrosa", timeout_s=TIMEOUT_S)
    returned: dict[int, bool] = {}

    async def writer(number: int) -> None:
        for n in range(number, 4_000, 4):
            pair = [Write("left", f"{n:06}", {"n": n}, 0), Write("right", f"{n:06}", {"n": n}, 0)]
            try:
                await store.write(pair)
            except StorageError:
                returned[n] = False
                return
            returned[n] = True
            if len(returned) == 60:
                await asyncio.to_thread(own_server.kill)

    for _ in range(sample(1, 10)):
        returned.clear()
        await asyncio.gather(*(writer(number) for number in range(4)))
        assert {True, False} == set(returned.values())
        await asyncio.to_thread(own_server.start)
        await back(store)
        for n, is_there in returned.items():
            sides = [await store.get(side, f"{n:06}") for side in ("left", "right")]
            assert [Versioned(1, {"n": n})] * 2 == sides or (not is_there and [None, None] == sides)
            await store.write([Write("left", f"{n:06}", None), Write("right", f"{n:06}", None)])
    await store.close()


async def test_calls_while_the_server_is_away(own_server: MongoServer) -> None:
    """Each call is refused within its bound and names the host; when the server is back the store works by itself."""
    store = await MongoDocuments.open(own_server.url, "petrosa", timeout_s=TIMEOUT_S)
    await store.put("c", "k", {"n": 1})
    await asyncio.to_thread(own_server.kill)
    host = own_server.url.removeprefix("mongodb://").rstrip("/")
    for said in await refused_in_time(store):
        assert f"MongoDB at {host} does not answer" in said
        assert "MONGODB_URI" in said
    with pytest.raises(StorageError, match=re.escape(host)):
        await MongoDocuments.open(own_server.url, "petrosa", timeout_s=TIMEOUT_S)
    await asyncio.to_thread(own_server.start)
    await back(store)
    assert 2 == await store.put("c", "k", {"n": 2}, expected_version=1)
    await store.close()


async def test_a_server_that_hangs(own_server: MongoServer) -> None:
    """One that takes connections and never answers is refused within the bound, too; nothing of it is half done."""
    store = await MongoDocuments.open(own_server.url, "petrosa", timeout_s=TIMEOUT_S)
    await store.put("c", "other", {})
    own_server.send(signal.SIGSTOP)
    try:
        assert 5 == len(await refused_in_time(store))
    finally:
        own_server.send(signal.SIGCONT)
    await back(store)
    await store.put("c", "k", {"n": 3})
    held = await store.get("c", "k")
    assert held is not None
    assert {"n": 3} == held.document
    await store.close()


@pytest.mark.parametrize(
    "how",
    [
        {"closeConnection": True},
        {"errorCode": 50},
        {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}},
    ],
)
async def test_an_answer_to_a_commit_that_is_lost(
    store: MongoDocuments, others: AsyncMongoClient[dict[str, Any]], how: Mapping[str, object]
) -> None:
    """The commit is asked again until it is certain; the caller hears of nothing, and it is done once."""
    await store.put("c", "k", {"n": 1})
    await fail(others, {"times": 2}, ["commitTransaction"], **how)
    assert (2, 1) == await store.write([Write("c", "k", {"n": 2}), Write("c", "l", {})])
    assert Versioned(2, {"n": 2}) == await store.get("c", "k")


async def test_a_commit_that_stays_unknown(
    mongo: MongoServer, database: str, others: AsyncMongoClient[dict[str, Any]]
) -> None:
    """Then the caller is told that it is not known, and to read; the commit is not asked for ever."""
    store = await MongoDocuments.open(mongo.url, database, timeout_s=TIMEOUT_S)
    await fail(others, "alwaysOn", ["commitTransaction"], closeConnection=True)
    try:
        with pytest.raises(StorageError, match="all of it is written or nothing: read before you write again"):
            await store.write([Write("c", "k", {}), Write("c", "l", {})])
    finally:
        await fail(others, "off", [])
    await back(store)
    assert len(await store.find("c")) in (0, 2)
    await store.close()


async def test_a_transaction_forgotten_at_its_commit(
    store: MongoDocuments, others: AsyncMongoClient[dict[str, Any]]
) -> None:
    """It may be one whose answer was lost: it is not done a second time, and the caller is told."""
    await fail(others, {"times": 1}, ["commitTransaction"], errorCode=251, errorLabels=["TransientTransactionError"])
    with pytest.raises(StorageError, match="read before you write again"):
        await store.put("c", "k", {})
    assert await store.get("c", "k") in (None, Versioned(1, {}))


async def test_a_disturbed_transaction_is_tried_again(
    store: MongoDocuments, others: AsyncMongoClient[dict[str, Any]]
) -> None:
    """A connection lost or a conflict before the commit has written nothing: the caller hears of nothing."""
    for how in ({"closeConnection": True}, {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}):
        await fail(others, {"times": 2}, ["insert", "update"], **how)
        await store.write([Write("c", "k", how), Write("c", uuid4().hex, {})])
    held = await store.get("c", "k")
    assert held is not None
    assert 2 == held.version


async def test_a_transaction_that_is_always_disturbed(
    mongo: MongoServer, database: str, others: AsyncMongoClient[dict[str, Any]]
) -> None:
    """It ends within the bound, and says what disturbs it."""
    store = await MongoDocuments.open(mongo.url, database, timeout_s=TIMEOUT_S)
    await fail(others, "alwaysOn", ["update"], errorCode=112, errorLabels=["TransientTransactionError"])
    await store.put("c", "k", {})
    start = time.monotonic()
    try:
        with pytest.raises(StorageError, match="too busy with the same documents"):
            await store.put("c", "k", {})
    finally:
        await fail(others, "off", [])
    assert time.monotonic() - start < TIMEOUT_S + MORE_S
    assert Versioned(1, {}) == await store.get("c", "k")
    await store.close()


async def test_a_standalone_server_is_refused(tmp_path: Path) -> None:
    """It has no transactions; the message says how to make a replica set of it."""
    refused = pytest.raises(StorageError, match=r"standalone server.*--replSet rs0.*rs.initiate")
    with mongo_server(tmp_path, standalone=True) as server, refused:
        await MongoDocuments.open(server.url, "petrosa")


async def test_a_server_that_refuses_us(store: MongoDocuments, others: AsyncMongoClient[dict[str, Any]]) -> None:
    """User, password and role are what the message speaks of."""
    await fail(others, {"times": 1}, ["find"], errorCode=13)
    with pytest.raises(StorageError, match=r"refuses us.*MONGODB_URI.*role readWrite on test-"):
        await store.get("c", "k")


async def test_documents_of_other_software(
    store: MongoDocuments, others: AsyncMongoClient[dict[str, Any]], database: str
) -> None:
    """One without our version counts as version 1; times, exact numbers and ids are told as text."""
    there = others[database]["strategy_configs_global"]
    when = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
    inner = {"at": when, "exact": Decimal128("0.10"), "id": ObjectId("0" * 24), "long": Int64(5)}
    await there.insert_many([{"_id": "skew", "version": 7, "inner": inner}, {"_id": ObjectId(), "version": 8}])
    told = {"at": "2026-01-02T03:04:05.678000Z", "exact": "0.10", "id": "0" * 24, "long": 5}
    expected = Versioned(1, {"version": 7, "inner": told})
    assert expected == await store.get("strategy_configs_global", "skew")
    for descending in (False, True):
        assert [("skew", expected)] == await store.find("strategy_configs_global", descending=descending)
    with pytest.raises(VersionConflict, match="version 1, expected 0"):
        await store.put("strategy_configs_global", "skew", {}, expected_version=0)
    assert 2 == await store.put("strategy_configs_global", "skew", {"version": 8}, expected_version=1)
    assert {"_id": "skew", "_version": 2, "version": 8} == await there.find_one({"_id": "skew"})
    assert 0 == (await store.write([Write("strategy_configs_global", "skew", None, 2)]))[0]


@pytest.mark.parametrize(
    ("document", "what"),
    [
        ({"x": Regex("a")}, "holds a Regex"),
        ({"x": float("nan")}, "x = nan"),
        ({"_version": "3"}, "_version = '3', which is no version"),
        ({"_version": True}, "no version"),
        ({"_version": 0}, "no version"),
    ],
)
async def test_documents_of_other_software_that_are_not_json(
    store: MongoDocuments,
    others: AsyncMongoClient[dict[str, Any]],
    database: str,
    document: dict[str, object],
    what: str,
) -> None:
    """They are named, and never told as something else."""
    await others[database]["c"].insert_one({"_id": "k", **document})
    with pytest.raises(DataError, match=what):
        await store.get("c", "k")
    with pytest.raises(DataError, match="c/k"):
        await store.find("c")


async def test_a_document_changed_behind_a_transaction(
    store: MongoDocuments, others: AsyncMongoClient[dict[str, Any]], database: str
) -> None:
    """A version that is not the one that was looked at is not replaced, whatever the server isolates."""
    await store.put("c", "k", {"n": 1})

    class Outdated(MongoDocuments):
        async def _versions(self, session: Any, collection: Any, changes: Any) -> Any:
            return dict.fromkeys(changes, 7)

    outdated = Outdated(others, database, "", 5.0)
    for document in ({"n": 2}, None):
        with pytest.raises(VersionConflict, match="changed while it was written"):
            await outdated.write([Write("c", "new", {}), Write("c", "k", document)])
    assert [("k", Versioned(1, {"n": 1}))] == await store.find("c")


SECRET = "hunter2"


@pytest.mark.parametrize(
    ("url", "what"),
    [
        (f"mongodb://me:{SECRET}@h:x", "Port"),
        (f"mongodb://me:{SECRET}@h/?retrywrite=true", "Unknown option"),
        (f"mongodb://me:{SECRET}@h,i/?directConnection=true", "multiple hosts"),
        (f"mongodb://me:1/{SECRET}@h", "percent-encode"),
        (f"mongodb://me:1?{SECRET}@h", "percent-encode"),
        (f"mongodb://me:{SECRET}@@h", "percent-encode"),
        (f"mongodb://me:{SECRET}@", "no host"),
        (f"mongodb://:{SECRET}@h", "user"),
        (f"http://me:{SECRET}@h", "does not begin with"),
    ],
)
async def test_an_address_that_cannot_be(url: str, what: str) -> None:
    """It is refused before anything connects, with what is wrong and without what is secret."""
    with pytest.raises(ConfigError, match=what) as caught:
        await MongoDocuments.open(url, "petrosa")
    assert SECRET not in str(caught.value)
    assert "MONGODB_URI" in str(caught.value) or "%40" in str(caught.value)


async def test_an_error_does_not_tell_the_password() -> None:
    """Nobody answers, and the message names host and remedy only."""
    with pytest.raises(StorageError) as caught:
        await MongoDocuments.open(
            f"mongodb://me:{SECRET}@127.0.0.1:1/?authSource=admin", "petrosa", timeout_s=TIMEOUT_S
        )
    assert "127.0.0.1:1 does not answer" in str(caught.value)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a.b", "a b", "a$b", "x" * 64, "a/b"])
async def test_a_database_that_cannot_be(mongo: MongoServer, name: str) -> None:
    """Said before anything connects."""
    with pytest.raises(ConfigError, match="MONGODB_DATABASE"):
        await MongoDocuments.open(mongo.url, name)
