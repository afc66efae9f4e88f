"""Documents in one SQLite file: survives a crash, needs no server.

Every commit is synced; `SqliteFile` says how the file is used.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from petrosa.adapters.stores.documents import rules
from petrosa.adapters.stores.documents.rules import Change
from petrosa.adapters.stores.documents.writes import AllOrNothing
from petrosa.adapters.stores.sqlite_file import BUSY_S, SqliteFile
from petrosa.errors import StorageError
from petrosa.ports import Versioned

SCHEMA: Final = 1

_CREATE: Final = """
CREATE TABLE IF NOT EXISTS documents (
  collection TEXT NOT NULL, key TEXT NOT NULL, version INTEGER NOT NULL, document BLOB NOT NULL,
  PRIMARY KEY (collection, key)
) WITHOUT ROWID
"""


class SqliteDocuments(SqliteFile, AllOrNothing):
    """Documents in a file. Made by `open`."""

    WHAT = "the document store"
    AFRESH = "begin without what it held"
    ELSEWHERE = "choose another with PETROSA_HOME"
    SYNCHRONOUS = "FULL"

    @classmethod
    async def open(cls, path: Path, busy_s: float = BUSY_S) -> "SqliteDocuments":
        """Open the file, making it where it is missing. Raises `StorageError` when that cannot be done."""
        store = cls(path, busy_s)
        await store.opened()
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

    async def _apply(self, changes: Sequence[Change]) -> Sequence[int]:
        return await self._do(lambda: self._in_transaction(changes))

    def _prepare(self) -> None:
        found = self._execute("PRAGMA user_version").fetchone()[0]
        if found > SCHEMA:
            raise StorageError(f"{self.path} has schema {found}, this version knows {SCHEMA}; use the newer version")
        self._execute(_CREATE)
        self._execute(f"PRAGMA user_version = {SCHEMA}")

    def _get(self, collection: str, key: str) -> Versioned | None:
        row = self._execute(
            "SELECT version, document FROM documents WHERE collection = ? AND key = ?", (collection, key)
        ).fetchone()
        return None if row is None else Versioned(row[0], rules.decode(row[1]))

    def _in_transaction(self, changes: Sequence[Change]) -> list[int]:
        with self._transaction():
            return [self._change(change) for change in changes]

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
