"""Documents in MongoDB: shared by several processes and machines, readable by other software.

A document stands in the collection of its name as it is, with `_id` = its key and `_version` = how often it was put.
One without `_version` was written by other software and counts as version 1; whoever changes one of ours has to count
`_version` up, or nobody notices. Every change is a transaction with majority concerns, so the server must be a replica
set (of one, if need be) or a sharded cluster, MongoDB 4.4 or newer.
"""

import asyncio
import random
import warnings
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from operator import attrgetter
from typing import Any, Final

import pymongo
from bson.errors import BSONError
from pymongo import AsyncMongoClient, DeleteOne, InsertOne, ReadPreference, ReplaceOne, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import BulkWriteError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from petrosa.adapters.stores.documents import rules
from petrosa.adapters.stores.documents.address import check_database, hosts_of
from petrosa.adapters.stores.documents.mongo_form import VERSION, as_kept, as_read, version_of
from petrosa.adapters.stores.documents.rules import Change
from petrosa.adapters.stores.documents.writes import AllOrNothing
from petrosa.errors import ConfigError, StorageError, VersionConflict
from petrosa.ports import Versioned

ATTEMPTS_MAX: Final = 50
"""How often a transaction is tried that others keep disturbing, if the time does not end before."""
COMMITS_MAX: Final = 5
PAUSE_FIRST_S: Final = 0.002
PAUSE_LAST_S: Final = 0.1
CLOSE_PAUSE_S: Final = 0.02
"""A call gives up just when the driver looks for the server again, and closing it in that look leaves a socket open."""

_TRANSIENT: Final = "TransientTransactionError"
_UNKNOWN: Final = "UnknownTransactionCommitResult"
_NO_SUCH_TRANSACTION: Final = 251
_DUPLICATE_KEY: Final = 11_000
_REFUSED_CODES: Final = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, and what Atlas says for them."""

Document = dict[str, Any]


class MongoDocuments(AllOrNothing):
    """Documents in one database of a MongoDB server. Made by `open`. Comes back by itself when the server does."""

    def __init__(self, client: "AsyncMongoClient[Document]", database: str, hosts: str, timeout_s: float) -> None:
        self.hosts = hosts
        self._client = client
        self._database = client.get_database(
            database,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority"),
        )
        self._timeout_s = timeout_s
        self._closed = False

    @classmethod
    async def open(cls, url: str, database: str, timeout_s: float = 5.0) -> "MongoDocuments":
        """Connect, and see that the server has transactions.

        No call takes longer than `timeout_s` and the half second in which the driver notices that it is over.

        Raises `ConfigError` for an address or a name that cannot be, `StorageError` when no fit server answers.
        """
        hosts = hosts_of(url)
        check_database(database)
        store = cls(_client(url, hosts, timeout_s), database, hosts, timeout_s)
        try:
            await store._require_transactions()
        except BaseException:
            await store.close()
            raise
        return store

    async def get(self, collection: str, key: str) -> Versioned | None:
        rules.check_names(collection, key)
        async with self._within_time():
            found = await self._database[collection].find_one({"_id": key})
        return None if found is None else as_read(collection, key, found)

    async def find(
        self,
        collection: str,
        *,
        where: Mapping[str, object] | None = None,
        limit: int = 200,
        after: str = "",
        descending: bool = False,
    ) -> Sequence[tuple[str, Versioned]]:
        rules.check_names(collection, after or "-")
        size = rules.page_size(limit)
        # A comparison with a text finds texts only: an ObjectId of other software is no key of ours.
        beyond = {"$lt" if descending else "$gt": after} if after else {"$gte": ""}
        found: list[tuple[str, Versioned]] = []
        async with self._within_time():
            if not size:
                return found
            cursor = self._database[collection].find({"_id": beyond, **_surely_meant(where)}, batch_size=size)
            async with cursor.sort("_id", -1 if descending else 1) as rows:
                async for row in rows:
                    key = row["_id"]
                    versioned = as_read(collection, key, row)
                    if rules.is_meant(versioned.document, where):
                        found.append((key, versioned))
                    if len(found) == size:
                        break
        return found

    async def index(self, collection: str, fields: Sequence[str]) -> None:
        rules.check_names(collection, "-")
        rules.check_fields(fields)
        for field in fields:
            async with self._within_time():
                await self._database[collection].create_index([(field, 1), ("_id", 1)])

    async def close(self) -> None:
        if not self._closed:
            self._closed = True
            await asyncio.sleep(CLOSE_PAUSE_S)
            await self._client.close()

    async def _apply(self, changes: Sequence[Change]) -> Sequence[int]:
        """Try the transaction until it is through, refused, or out of time."""
        pause = PAUSE_FIRST_S
        async with self._within_time() as deadline:
            for attempt in range(1, ATTEMPTS_MAX + 1):
                try:
                    async with self._client.start_session() as session:  # leaving it aborts what is not committed
                        return await self._in_transaction(session, changes, deadline)
                except PyMongoError as problem:
                    if attempt == ATTEMPTS_MAX or _now() + pause > deadline or not _was_disturbed(problem):
                        raise
                await asyncio.sleep(random.uniform(pause / 2, pause))
                pause = min(2 * pause, PAUSE_LAST_S)
        raise AssertionError("unreachable")

    async def _in_transaction(
        self, session: AsyncClientSession, changes: Sequence[Change], deadline: float
    ) -> Sequence[int]:
        await session.start_transaction(
            ReadConcern("snapshot"), WriteConcern("majority"), read_preference=ReadPreference.PRIMARY
        )
        before: dict[Change, int] = {}
        ordered = sorted(changes, key=attrgetter("collection"))
        groups = [(name, list(group)) for name, group in groupby(ordered, attrgetter("collection"))]
        for name, group in groups:
            before.update(await self._versions(session, self._database[name], group))
        for change in changes:
            change.version_after(before[change])
        for name, group in groups:
            await self._change(session, self._database[name], [(change, before[change]) for change in group])
        await self._commit(session, deadline)
        return [before[change] for change in changes]

    async def _versions(
        self, session: AsyncClientSession, collection: AsyncCollection[Document], changes: Sequence[Change]
    ) -> dict[Change, int]:
        keys = [change.key for change in changes]
        found = {}
        async with collection.find({"_id": {"$in": keys}}, {VERSION: 1}, session=session) as rows:
            async for row in rows:
                found[row["_id"]] = version_of(collection.name, row["_id"], row)
        return {change: found.get(change.key, 0) for change in changes}

    async def _change(
        self,
        session: AsyncClientSession,
        collection: AsyncCollection[Document],
        changes: Sequence[tuple[Change, int]],
    ) -> None:
        requests = [request for change, before in changes for request in _requests(change, before)]
        if not requests:
            return
        done = await collection.bulk_write(requests, session=session)
        if done.inserted_count + done.matched_count + done.deleted_count != len(requests):
            raise VersionConflict(f"a document of {collection.name} changed while it was written; read it again")

    async def _commit(self, session: AsyncClientSession, deadline: float) -> None:
        """Commit, asking again while the answer is unknown: asking twice commits once."""
        for attempt in range(1, COMMITS_MAX + 1):
            try:
                return await session.commit_transaction()
            except PyMongoError as problem:
                unknown = problem.has_error_label(_UNKNOWN)
                # A transaction that the server has forgotten may be one whose answer was lost: not to be done again.
                forgotten = isinstance(problem, OperationFailure) and problem.code == _NO_SUCH_TRANSACTION
                if attempt == 1 and not unknown and not forgotten:
                    raise  # refused: nothing is written
                if attempt == COMMITS_MAX or not unknown or _now() > deadline:
                    raise StorageError(
                        f"MongoDB at {self.hosts} was lost while committing: {_short(problem)}; all of it is written or"
                        " nothing: read before you write again"
                    ) from None
        raise AssertionError("unreachable")

    async def _require_transactions(self) -> None:
        async with self._within_time():
            hello = await self._client.admin.command("hello")
        if "setName" not in hello and hello.get("msg") != "isdbgrid":
            raise StorageError(
                f"MongoDB at {self.hosts} is a standalone server, which has no transactions; start it with --replSet"
                " rs0 and run rs.initiate() once (a replica set of one will do)"
            )

    @asynccontextmanager
    async def _within_time(self) -> AsyncGenerator[float]:
        """All that is asked of the server inside has one deadline; its errors are told in our own words."""
        if self._closed:
            raise StorageError(f"the document store at {self.hosts} is closed")
        try:
            with pymongo.timeout(self._timeout_s):
                yield _now() + self._timeout_s
        except (PyMongoError, BSONError) as problem:
            raise StorageError(self._told(problem)) from None

    def _told(self, problem: Exception) -> str:
        if isinstance(problem, OperationFailure) and problem.code in _REFUSED_CODES:
            return (
                f"MongoDB at {self.hosts} refuses us: {_short(problem)}; see that user and password in MONGODB_URI"
                f" (store.url) are right, and that the user has the role readWrite on {self._database.name}"
            )
        if isinstance(problem, OperationFailure) and problem.has_error_label(_TRANSIENT):
            return f"MongoDB at {self.hosts} is too busy with the same documents: {_short(problem)}; try again"
        return (
            f"MongoDB at {self.hosts} does not answer as it should within {self._timeout_s:g} s: {_short(problem)};"
            " see that it runs and can be reached from here, and that MONGODB_URI (store.url) is right"
        )


def _client(url: str, hosts: str, timeout_s: float) -> "AsyncMongoClient[Document]":
    """A client that has not connected yet. Raises `ConfigError` for options that it does not understand."""
    milliseconds = max(1, round(timeout_s * 1e3))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # an unknown option is only warned of
            return AsyncMongoClient(
                url,
                appname="petrosa",
                tz_aware=True,
                datetime_conversion="DATETIME_AUTO",
                uuidRepresentation="standard",
                serverSelectionTimeoutMS=milliseconds,
                connectTimeoutMS=milliseconds,
                socketTimeoutMS=milliseconds,
            )
    except (PyMongoError, ValueError, UserWarning) as problem:
        raise ConfigError(
            f"the address of MongoDB at {hosts} cannot be used: {_short(problem)}; correct MONGODB_URI (store.url)"
        ) from None


def _requests(change: Change, before: int) -> list[Any]:
    """What makes this change of a document that has the version `before`."""
    as_it_was = {"_id": change.key, VERSION: {"$in": [1, None]} if before == 1 else before}  # None: or has none
    if change.data is not None:
        document = as_kept(change.key, before + 1, rules.decode(change.data))
        return [ReplaceOne(as_it_was, document) if before else InsertOne(document)]
    if before:
        return [DeleteOne(as_it_was)]
    if change.expected is None:
        return []
    # That it is not there is part of the bargain: touching the key makes whoever creates it now conflict with us.
    return [InsertOne({"_id": change.key}), DeleteOne({"_id": change.key})]


def _surely_meant(where: Mapping[str, object] | None) -> Document:
    """A filter that finds at least what is meant, for the server; `rules.is_meant` decides.

    A dot or a dollar would mean something else there, and tables compare differently.
    """
    return {
        field: value
        for field, value in (where or {}).items()
        if rules.traces({field: value}) and not field.startswith("$") and not {".", "\0"} & set(field)
    }


def _was_disturbed(problem: PyMongoError) -> bool:
    """Whether nothing was written and the same may succeed now."""
    if isinstance(problem, BulkWriteError):
        errors = (problem.details or {}).get("writeErrors", [])
        return any(error.get("code") == _DUPLICATE_KEY for error in errors)
    return problem.has_error_label(_TRANSIENT)


def _short(problem: BaseException) -> str:
    """What happened, without the driver's state of the world behind it."""
    text = str(problem)
    for tail in (", full error", ", Timeout:", ", Topology Description", " (configured timeouts"):
        text = text.partition(tail)[0]
    return text[:200].rstrip(". ") or type(problem).__name__


def _now() -> float:
    return asyncio.get_running_loop().time()
