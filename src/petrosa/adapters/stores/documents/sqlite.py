"""Documents in one SQLite file: survives a crash, needs no server.

Every commit is synced; `SqliteFile` says how the file is used.
"""

from collections.abc import Mapping, Sequence
from functools import partial
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


_SELECT: Final = "SELECT key, version, document"
COUNTED_MAX: Final = 10_000
"""So many documents are counted at most, to see by which of several indexes there are the fewest."""


class FieldIndex:
    """The index of a collection's documents by a top-level field. What is no text in the field has no entry in it."""

    def __init__(self, collection: str, field: str) -> None:
        name = f"{collection}.{field}".replace('"', '""')
        literal = collection.replace("'", "''")
        text = f"json_extract(CAST(document AS TEXT), '$.{field}')"
        self.creation = (
            f'CREATE INDEX IF NOT EXISTS "{name}" ON documents ({text}, key)'
            f" WHERE collection = '{literal}' AND {text} IS NOT NULL"
        )
        self.holding = f"FROM documents INDEXED BY \"{name}\" WHERE collection = '{literal}' AND {text} = ?"
        """What to select from, for one value of the field."""


class SqliteDocuments(SqliteFile, AllOrNothing):
    """Documents in a file. Made by `open`."""

    WHAT = "the document store"
    AFRESH = "begin without what it held"
    ELSEWHERE = "choose another with PETROSA_HOME"
    SYNCHRONOUS = "FULL"

    def __init__(self, path: Path, busy_s: float = BUSY_S) -> None:
        super().__init__(path, busy_s)
        self._indexed: set[tuple[str, str]] = set()

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

    async def index(self, collection: str, fields: Sequence[str]) -> None:
        rules.check_names(collection, "-")
        rules.check_fields(fields)
        for field in fields:  # one at a time: what others ask of the store has its turn in between
            await self._do(partial(self._index, collection, field))

    def _prepare(self) -> None:
        found = self._execute("PRAGMA user_version").fetchone()[0]
        if found > SCHEMA:
            raise StorageError(f"{self.path} has schema {found}, this version knows {SCHEMA}; use the newer version")
        self._execute(_CREATE)
        self._execute(f"PRAGMA user_version = {SCHEMA}")
        rows = self._execute("SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'documents'")
        self._indexed = {(collection, field) for (name,) in rows for collection, _, field in [name.rpartition(".")]}

    def _index(self, collection: str, field: str) -> None:
        if (collection, field) not in self._indexed:
            self._execute(FieldIndex(collection, field).creation)
            self._indexed.add((collection, field))

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

    def _narrowed(self, collection: str, where: Mapping[str, object], beyond: str, after: str) -> tuple[str, list[str]]:
        """Where to look: in the index that has the fewest documents for what is asked, or in the whole collection."""
        keys = [after] if after else []
        found = [
            (FieldIndex(collection, field), value)
            for field, value in where.items()
            if (collection, field) in self._indexed and isinstance(value, str) and _has_entry(value)
        ]
        if not found:
            return f"{_SELECT} FROM documents WHERE collection = ?{beyond}", [collection, *keys]
        counts = [0]
        if len(found) > 1:
            some = [(f"SELECT 1 {by.holding}{beyond} LIMIT {COUNTED_MAX}", (value, *keys)) for by, value in found]
            counts = [sum(1 for _ in self._execute(*one)) for one in some]
        by, value = found[counts.index(min(counts))]
        return f"{_SELECT} {by.holding}{beyond}", [value, *keys]

    def _find(
        self, collection: str, where: Mapping[str, object] | None, limit: int, after: str, descending: bool
    ) -> list[tuple[str, Versioned]]:
        beyond = f" AND key {'<' if descending else '>'} ?" if after else ""
        statement, named = self._narrowed(collection, where or {}, beyond, after)
        values: list[object] = [*named]
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


def _has_entry(text: str) -> bool:
    """Whether SQLite writes a text into an index as it is."""
    return "\0" not in text and rules.is_text(text)
