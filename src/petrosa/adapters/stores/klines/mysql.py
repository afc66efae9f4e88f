"""History on a MySQL or MariaDB server, in the tables that the sister services read.

Numbers are DECIMAL(28,8), times DATETIME(6) in UTC. What is to be written is looked at first, so that only what is new
or different is sent, and counted; it is sent in batches, all of one call in one transaction.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from asyncmy.converters import escape_string

from petrosa.adapters.stores.klines.address import MysqlAddress
from petrosa.adapters.stores.klines.layouts import (
    GAPS,
    PLAIN_MARKET,
    TRADES,
    Kind,
    Layout,
    Row,
    checked,
    layout_of,
    market_of,
    series_of_table,
    tables_of_market,
)
from petrosa.adapters.stores.klines.mysql_schema import creation, require_shapes
from petrosa.adapters.stores.klines.mysql_server import Server, Talk
from petrosa.adapters.stores.klines.tables import KlineTables, Rows, Span

BATCH: Final = 1_000
TIMEOUT_S: Final = 10.0
PAGE: Final = 10_000
"""Rows that are asked for at once: more would hold up everything else while they are read."""

_EPOCH: Final = datetime.fromtimestamp(0, UTC).replace(tzinfo=None)
_READ: Final[dict[Kind, Callable[[Any], Any]]] = {
    Kind.TIME: lambda us: us * 1_000, Kind.FLAG: bool,
}  # fmt: skip


class MysqlKlines(KlineTables):
    """History in a database of a server. Made by `open`. Comes back by itself when the server does."""

    def __init__(self, address: MysqlAddress, timeout_s: float) -> None:
        self.place = address.place
        self._server = Server(address, timeout_s)
        self._there: set[str] = set()

    @classmethod
    async def open(cls, address: MysqlAddress, timeout_s: float = TIMEOUT_S) -> "MysqlKlines":
        """Connect, and make the tables that are missing. No statement takes longer than `timeout_s`.

        Raises `StorageError` when the server does not answer or refuses, `ConfigError` when a table is there and of
        another shape.
        """
        store = cls(address, timeout_s)
        try:
            await store._server.run(lambda talk: store._make(talk, [PLAIN_MARKET]))
            require_shapes(store.place, await store._server.run(_columns))
        except BaseException:
            await store.close()
            raise
        return store

    async def close(self) -> None:
        await self._server.close()

    async def _write(self, parts: Sequence[Rows]) -> int:
        if missing := {market_of(part.table) or PLAIN_MARKET for part in parts if part.table not in self._there}:
            await self._server.run(lambda talk: self._make(talk, sorted(missing)))
        found = 0

        async def upsert(talk: Talk) -> None:
            # Were the answer to a commit lost, the second attempt finds all of it there: what counts is the first.
            nonlocal found
            found = max(found, sum([await _upsert(talk, part) for part in parts]))

        await self._server.run(upsert)
        return found

    async def _span(self, span: Span, columns: Sequence[str]) -> list[Row]:
        order = " DESC" if span.newest else ""
        key = "".join(f", `{name}`{order}" for name in span.layout.key)
        rest = f"WHERE symbol = %s AND `timestamp` >= %s AND `timestamp` < %s ORDER BY `timestamp`{order}{key} LIMIT %s"
        since, until = span.ends
        found: list[Row] = []
        while True:
            values = (span.symbol, _when(since), _when(until), PAGE if span.limit is None else span.limit)
            found += (page := await self._select(span.table, span.layout, columns, rest, values))
            if span.limit is not None or len(page) < PAGE:
                return found
            since = page[-1][columns.index("timestamp")] // 1_000 + 1

    async def _gaps(self, table: str, symbol: str, interval: str) -> list[Row]:
        rest = "WHERE symbol = %s AND `interval` = %s ORDER BY gap_start, gap_end"
        return await self._select(table, GAPS, GAPS.names, rest, (symbol, interval))

    async def _symbols(self) -> dict[str, list[str]]:
        await self._server.run(self._look)
        tables = [table for table in sorted(self._there) if series_of_table(table) is not None]
        # The server leaps from symbol to symbol in the key.
        each = [f"SELECT '{table}', symbol FROM `{table}` GROUP BY symbol" for table in tables]  # noqa: S608
        found: dict[str, list[str]] = {}
        if each:
            for table, symbol in await self._server.run(lambda talk: talk.rows(" UNION ALL ".join(each))):
                found.setdefault(table, []).append(symbol)
        return found

    async def _last_trade_id(self, table: str, symbol: str) -> int | None:
        rest = "WHERE symbol = %s ORDER BY trade_id DESC LIMIT 1"
        found = await self._select(table, TRADES, ["trade_id"], rest, (symbol,))
        return found[0][0] if found else None

    async def _select(
        self, table: str, layout: Layout[Any], columns: Sequence[str], rest: str, values: Sequence[object]
    ) -> list[Row]:
        if table not in self._there:
            await self._server.run(self._look)
            if table not in self._there:
                return []
        return await self._server.run(lambda talk: _rows(talk, table, layout, columns, rest, values))

    async def _look(self, talk: Talk) -> None:
        """Learn which of our tables are there."""
        found = await talk.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
        self._there = {table for (table,) in found if layout_of(table) is not None}

    async def _make(self, talk: Talk, markets: Iterable[str]) -> None:
        await self._look(talk)
        for market in markets:
            for table, layout in tables_of_market(market).items():
                if table not in self._there:
                    await talk.execute(creation(table, market, layout))
        await self._look(talk)


async def _columns(talk: Talk) -> list[Row]:
    return await talk.rows(
        "SELECT table_name, column_name, column_type, is_nullable, column_key FROM information_schema.columns"
        " WHERE table_schema = DATABASE()"
    )


async def _upsert(talk: Talk, part: Rows) -> int:
    """Write what is not there, or is different; how many rows that was."""
    layout = part.layout
    sets = ", ".join(f"`{name}` = VALUES(`{name}`)" for name in layout.names[layout.key_size :])
    written = 0
    for batch in _batches(part):
        there = await _there(talk, part, batch)
        changed = [row for row in batch if there.get(row[: layout.key_size]) != row] if there else batch
        if changed:
            await talk.execute(
                f"INSERT INTO `{part.table}` ({_listed(layout.names)}) VALUES {_written(layout, changed)}"  # noqa: S608
                f" ON DUPLICATE KEY UPDATE {sets}"
            )
        written += len(changed)
    return written


def _batches(part: Rows) -> Iterator[list[Row]]:
    """Rows of one symbol at a time, as many as are sent at once; sorted, so that two writers do not cross."""
    for _, rows in groupby(part.rows, itemgetter(slice(part.layout.key_size - 1))):
        of_one = list(rows)
        for start in range(0, len(of_one), BATCH):
            yield of_one[start : start + BATCH]


async def _there(talk: Talk, part: Rows, batch: Sequence[Row]) -> dict[Row, Row]:
    """What is kept under the keys of a batch, which are in order and differ in their last column only.

    Whether anything is there at all is asked first: mostly nothing is, and a long list of keys costs both sides more
    than the rows.
    """
    layout = part.layout
    last = layout.key_size - 1
    where = "WHERE " + "".join(
        f"`{column.name}` = {_literals(column.kind, [value])[0]} AND "
        for column, value in zip(layout.columns[:last], batch[0], strict=False)
    )
    where += f"`{layout.key[last]}`"
    ends = (_key(layout, row) for row in (batch[0], batch[-1]))
    if not await talk.rows(f"SELECT 1 FROM `{part.table}` {where} BETWEEN {' AND '.join(ends)} LIMIT 1"):  # noqa: S608
        return {}
    rest = f"{where} IN ({', '.join(_key(layout, row) for row in batch)})"
    found = await _rows(talk, part.table, layout, layout.names, rest)
    return {row[: layout.key_size]: row for row in checked(layout, found)}


def _key(layout: Layout[Any], row: Row) -> str:
    """The last column of a row's key as SQL. A list of texts would be compared as text."""
    column, value = layout.columns[layout.key_size - 1], row[layout.key_size - 1]
    return f"TIMESTAMP{_WRITE[column.kind](value)}" if column.kind is Kind.TIME else str(value)


async def _rows(
    talk: Talk, table: str, layout: Layout[Any], columns: Sequence[str], rest: str, values: Sequence[object] = ()
) -> list[Row]:
    kinds = {column.name: column.kind for column in layout.columns}
    # Microseconds as a number are read ten times as fast as a date.
    asked = ", ".join(
        f"TIMESTAMPDIFF(MICROSECOND, '1970-01-01', `{name}`)" if kinds[name] is Kind.TIME else f"`{name}`"
        for name in columns
    )
    forms = [_READ.get(kinds[name]) for name in columns]
    found = await talk.rows(f"SELECT {asked} FROM `{table}` {rest}", values)  # noqa: S608 - names of ours
    return [
        tuple(value if form is None else form(value) for form, value in zip(forms, row, strict=True)) for row in found
    ]


def _written(layout: Layout[Any], rows: Sequence[Row]) -> str:
    """The rows as SQL. What they hold has been checked: numbers are digits."""
    columns = [
        _literals(column.kind, values) for column, values in zip(layout.columns, zip(*rows, strict=True), strict=True)
    ]
    return ", ".join(map("({})".format, map(", ".join, zip(*columns, strict=True))))


def _literals(kind: Kind, values: Sequence[Any]) -> list[str]:
    """Values of a column as SQL."""
    if kind is Kind.TEXT:
        known = {value: _quoted(value) for value in set(values)}
        return [known[value] for value in values]
    write = _WRITE[kind]
    return ["NULL" if value is None else write(value) for value in values]


def _quoted(text: str) -> str:
    return f"'{escape_string(text)}'"


@lru_cache(maxsize=4 * BATCH)
def _when(us: int) -> str:
    """`2026-01-02 03:04:05.000000`"""
    return (_EPOCH + timedelta(microseconds=us)).isoformat(" ", "microseconds")


_WRITE: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.TIME: lambda ns: f"'{_when(ns // 1_000)}'", Kind.EXACT: str, Kind.COUNT: str, Kind.ID: str,
    Kind.FLAG: lambda flag: str(int(flag)),
}  # fmt: skip


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
