"""Documents in one SQLite file: survives a crash, needs no server.

One thread owns the connection, so calls are done in the order they were made and the event loop never waits for the
disk. The file is in WAL mode with full sync; other processes may use it at the same time.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

from petrosa.adapters.stores.documents import rules
from petrosa.adapters.stores.documents.rules import Change
from petrosa.adapters.stores.documents.writes import AllOrNothing
from petrosa.errors import StorageError
from petrosa.ports import Versioned

SCHEMA: Final = 1
BUSY_S: Final = 5.0
T = TypeVar("T")

_CREATE: Final = """
CREATE TABLE IF NOT EXISTS documents (
  collection TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, document BLOB NOT NULL,
  PRIMARY KEY (collection, key)
) WITHOUT ROWID
"""


class SqliteDocuments(AllOrNothing):
    """Documents in a file. Made by `open`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="documents")
        self._connection: sqlite3.Connection | None = None
        self._closed = False

    @classmethod
    async def open(cls, path: Path) -> "SqliteDocuments":
        """Open the file, making it where it is missing. Raises `StorageError` when that cannot be done."""
        store = cls(path)
        try:
            await store._do(store._open)
        except BaseException:
            await store.close()
            raise
        return store

    async def get(self, collection: str, key: str) -> Versioned | None:
        rules.check_names(collection, key)
        return await self._do(lambda: self._get(collection, key))

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
        return await self._do(lambda: self._find(collection, where, rules.page_size(limit), after, descending))

    async def close(self) -> None:
        if self._closed:
            return
        if self._connection is not None:
            await self._do(self._connection.close)
        self._closed = True
        self._thread.shutdown()

    async def _apply(self, changes: Sequence[Change]) -> Sequence[int]:
        return await self._do(lambda: self._in_transaction(changes))

    async def _do(self, work: Callable[[], T]) -> T:
        """Have the thread do it, and speak of SQLite's errors in our own words."""
        if self._closed:
            raise StorageError(f"the document store {self.path} is closed")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except (sqlite3.Error, OSError) as problem:
            raise StorageError(
                f"the document store {self.path} does not answer: {problem}; {_remedy(problem)}"
            ) from None

    def _open(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = self._connection = sqlite3.connect(self.path, timeout=BUSY_S, isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        found = connection.execute("PRAGMA user_version").fetchone()[0]
        if found > SCHEMA:
            raise StorageError(f"{self.path} has schema {found}, this version knows {SCHEMA}; use the newer version")
        connection.execute(_CREATE)
        connection.execute(f"PRAGMA user_version = {SCHEMA}")

    def _execute(self, statement: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        assert self._connection is not None
        return self._connection.execute(statement, values)

    def _get(self, collection: str, key: str) -> Versioned | None:
        row = self._execute(
            "SELECT version, document FROM documents WHERE collection = ? AND key = ?", (collection, key)
        ).fetchone()
        return None if row is None else Versioned(row[0], rules.decode(row[1]))

    def _in_transaction(self, changes: Sequence[Change]) -> list[int]:
        self._execute("BEGIN IMMEDIATE")  # nobody else changes anything between our look and our write
        try:
            before = [self._change(change) for change in changes]
            self._execute("COMMIT")
        except BaseException:
            if self._connection is not None and self._connection.in_transaction:
                self._execute("ROLLBACK")
            raise
        return before

    def _change(self, change: Change) -> int:
        """Make one change; returns the version before it."""
        where = (change.collection, change.key)
        row = self._execute("SELECT version FROM documents WHERE collection = ? AND key = ?", where).fetchone()
        before = int(row[0]) if row is not None else 0
        after = change.version_after(before)
        if change.data is None:
            self._execute("DELETE FROM documents WHERE collection = ? AND key = ?", where)
        else:
            self._execute("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", (*where, after, change.data))
        return before

    def _find(
        self, collection: str, where: Mapping[str, object] | None, limit: int, after: str, descending: bool
    ) -> list[tuple[str, Versioned]]:
        statement = "SELECT key, version, document FROM documents WHERE collection = ?"
        values: list[object] = [collection]
        if after:
            statement += " AND key < ?" if descending else " AND key > ?"
            values.append(after)
        for trace in rules.traces(where):
            statement += " AND instr(document, ?)"
            values.append(trace)
        rows = self._execute(statement + " ORDER BY key" + (" DESC" if descending else ""), tuple(values))
        found: list[tuple[str, Versioned]] = []
        for key, version, data in rows:
            if len(found) >= limit:
                break
            if rules.is_meant(document := rules.decode(data), where):
                found.append((key, Versioned(version, document)))
        rows.close()
        return found


def _remedy(problem: Exception) -> str:
    """What to do about an error of SQLite's."""
    name = getattr(problem, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return f"another process has kept it locked for {BUSY_S:g} s; end that one, or try again"
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return "the file is damaged or no store: put a copy of it back, or move it away and begin without what it held"
    return "see that the folder can be written and the disk has room, or choose another with PETROSA_HOME"
