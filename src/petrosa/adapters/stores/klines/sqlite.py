"""History in one SQLite file: the default, which needs no server.

Times are ns, numbers are text; `SqliteFile` says how the file is used.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Self

from petrosa.adapters.stores.klines.layouts import (
    GAPS,
    PLAIN_MARKET,
    TRADES,
    Column,
    Kind,
    Layout,
    Row,
    layout_of,
    market_of,
    series_of_table,
    tables_of_market,
)
from petrosa.adapters.stores.klines.tables import KlineTables, Rows, Span
from petrosa.adapters.stores.sqlite_file import BUSY_S, SqliteFile
from petrosa.errors import ConfigError

_TYPES: Final = {
    Kind.TEXT: "TEXT", Kind.TIME: "INTEGER", Kind.EXACT: "TEXT", Kind.COUNT: "INTEGER", Kind.ID: "INTEGER",
    Kind.FLAG: "INTEGER",
}  # fmt: skip
_READ: Final[dict[Kind, Callable[[Any], Any]]] = {Kind.EXACT: Decimal, Kind.FLAG: bool}


class SqliteKlines(SqliteFile, KlineTables):
    """History in a file. Made by `open`."""

    WHAT = "the history in"
    AFRESH = "extract again"
    ELSEWHERE = "name another file in klines.url"
    # A power cut may take the last bars along, never half of them, and they are asked for again.
    SYNCHRONOUS = "NORMAL"

    @classmethod
    async def open(cls, path: Path, busy_s: float = BUSY_S) -> Self:
        """Open the file, making it and its tables where they are missing.

        Raises `StorageError` when that cannot be done, `ConfigError` when a table is there and of another shape.
        """
        store = cls(path, busy_s)
        await store.opened()
        return store

    async def _write(self, parts: Sequence[Rows]) -> int:
        return await self._do(lambda: self._in_transaction(parts))

    async def _span(self, span: Span, columns: Sequence[str]) -> list[Row]:
        since, until = span.ends
        order = " DESC" if span.newest else ""
        key = "".join(f", {name}{order}" for name in span.layout.key)
        statement = f"WHERE symbol = ? AND timestamp >= ? AND timestamp < ? ORDER BY timestamp{order}{key} LIMIT ?"
        limit = -1 if span.limit is None else span.limit
        values = (span.symbol, since * 1_000, until * 1_000, limit)
        return await self._do(lambda: self._select(span.table, span.layout, columns, statement, values))

    async def _gaps(self, table: str, symbol: str, interval: str) -> list[Row]:
        statement = "WHERE symbol = ? AND interval = ? ORDER BY gap_start, gap_end"
        return await self._do(lambda: self._select(table, GAPS, GAPS.names, statement, (symbol, interval)))

    async def _symbols(self) -> dict[str, list[str]]:
        return await self._do(lambda: {table: self._symbols_of(table) for table in self._tables()})

    async def _last_trade_id(self, table: str, symbol: str) -> int | None:
        last = "WHERE symbol = ? ORDER BY trade_id DESC LIMIT 1"
        found = await self._do(lambda: self._select(table, TRADES, ["trade_id"], last, (symbol,)))
        return found[0][0] if found else None

    def _prepare(self) -> None:
        with self._transaction():
            self._make(PLAIN_MARKET)
            self._require_shapes()

    def _make(self, market: str) -> None:
        there = self._tables()
        for table, layout in tables_of_market(market).items():
            if table not in there:
                columns = ", ".join(f"`{column.name}` {_type(column)}" for column in layout.columns)
                self._execute(
                    f"CREATE TABLE `{table}` ({columns}, PRIMARY KEY ({', '.join(layout.key)})) WITHOUT ROWID"
                )
                if layout is TRADES:
                    self._execute(f"CREATE INDEX `{table}_by_time` ON `{table}` (symbol, timestamp, trade_id)")

    def _require_shapes(self) -> None:
        for table in self._tables():
            layout = layout_of(table)
            if layout is None:
                continue
            key = layout.key
            wanted = {c.name: (_type(c), key.index(c.name) + 1 if c.name in key else 0) for c in layout.columns}
            found = {
                name: (f"{kind}{' NOT NULL' if needed else ''}", place)
                for _, name, kind, needed, _, place in self._execute(f"PRAGMA table_info(`{table}`)")
            }
            if wanted != found:
                wrong = next(name for name in [*wanted, *found] if wanted.get(name) != found.get(name))
                raise ConfigError(
                    f"the table {table} of {self.path} has another shape than ours: its column {wrong} is"
                    f" {_said(found.get(wrong))}, we need {_said(wanted.get(wrong))}; move that table away (ALTER TABLE"
                    f" {table} RENAME TO old_{table}), or name another file in klines.url"
                )

    def _tables(self) -> set[str]:
        found = self._execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return {name for (name,) in found if layout_of(name) is not None}

    def _in_transaction(self, parts: Sequence[Rows]) -> int:
        assert self._connection is not None
        with self._transaction():
            before = self._connection.total_changes
            for part in parts:
                self._upsert(part)
            return self._connection.total_changes - before

    def _upsert(self, part: Rows) -> None:
        assert self._connection is not None
        table, layout = part.table, part.layout
        if not self._is_there(table):
            self._make(market_of(table) or PLAIN_MARKET)
        others = layout.names[layout.key_size :]
        sets = ", ".join(f"`{name}` = excluded.`{name}`" for name in others)
        differs = " OR ".join(f"`{table}`.`{name}` IS NOT excluded.`{name}`" for name in others)
        marks = ", ".join("?" * len(layout.columns))
        self._connection.executemany(
            f"INSERT INTO `{table}` ({_listed(layout.names)}) VALUES ({marks})"  # noqa: S608 - names of ours
            f" ON CONFLICT ({_listed(layout.key)}) DO UPDATE SET {sets} WHERE {differs}",
            part.rows,
        )

    def _is_there(self, table: str) -> bool:
        return self._execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone() is not None

    def _select(
        self, table: str, layout: Layout[Any], columns: Sequence[str], rest: str, values: tuple[object, ...]
    ) -> list[Row]:
        if not self._is_there(table):
            return []
        found = self._execute(f"SELECT {_listed(columns)} FROM `{table}` {rest}", values)  # noqa: S608 - names of ours
        kinds = {column.name: column.kind for column in layout.columns}
        forms = [_READ.get(kinds[name]) for name in columns]
        if not any(forms):
            return found.fetchall()
        return [
            tuple(
                value if form is None or value is None else form(value) for form, value in zip(forms, row, strict=True)
            )
            for row in found
        ]

    def _symbols_of(self, table: str) -> list[str]:
        """By leaps from symbol to symbol: reading all rows for it would take seconds."""
        if series_of_table(table) is None:
            return []
        found: list[str] = []
        while row := self._execute(
            f"SELECT symbol FROM `{table}` WHERE symbol > ? ORDER BY symbol LIMIT 1",  # noqa: S608 - names of ours
            (found[-1] if found else "",),
        ).fetchone():
            found.append(row[0])
        return found


def _type(column: Column) -> str:
    return _TYPES[column.kind] + ("" if column.is_optional else " NOT NULL")


def _said(shape: tuple[str, int] | None) -> str:
    if shape is None:
        return "missing"
    return f"{shape[0]}{f', number {shape[1]} of the key' if shape[1] else ''}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
