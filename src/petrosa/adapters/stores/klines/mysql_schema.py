"""The tables of history on a MySQL or MariaDB server: how they are made, and whether what is there is one of them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from petrosa.adapters.stores.klines.layouts import (
    DECIMALS_MAX,
    FUNDING,
    KLINES,
    PLAIN_MARKET,
    SYMBOL_MAX,
    TRADES,
    WHOLE_DIGITS_MAX,
    Column,
    Kind,
    Layout,
    layout_of,
)
from petrosa.errors import ConfigError

_EXACT: Final = f"decimal({WHOLE_DIGITS_MAX + DECIMALS_MAX},{DECIMALS_MAX})"
TYPES: Final = {
    Kind.TEXT: f"varchar({SYMBOL_MAX})", Kind.TIME: "datetime(6)", Kind.EXACT: _EXACT, Kind.COUNT: "int",
    Kind.ID: "bigint", Kind.FLAG: "tinyint",
}  # fmt: skip
"""As the server tells them, without the widths of whole numbers."""

_WIDTH: Final = re.compile(r"(?<=int)\(\d+\)")
_OPEN_MS: Final = "TIMESTAMPDIFF(MICROSECOND, '1970-01-01', `timestamp`) DIV 1000"
_DERIVED: Final[Mapping[Layout[Any], tuple[str, ...]]] = {
    KLINES: (
        f"id VARCHAR(64) AS (CONCAT(symbol, '_', {_OPEN_MS})) VIRTUAL",
        "open_time DATETIME(6) AS (`timestamp`) VIRTUAL",
        "price_change DECIMAL(28,8) AS (close_price - open_price) VIRTUAL",
        "price_change_percent DECIMAL(10,4) AS"
        " (LEAST((close_price - open_price) * 100 / NULLIF(open_price, 0), 999999)) VIRTUAL",
    ),
    FUNDING: (
        f"id VARCHAR(64) AS (CONCAT(symbol, '_', {_OPEN_MS})) VIRTUAL",
        "funding_time DATETIME(6) AS (`timestamp`) VIRTUAL",
    ),
    TRADES: (
        "id VARCHAR(64) AS (CONCAT(symbol, '_', trade_id)) VIRTUAL",
        "trade_time DATETIME(6) AS (`timestamp`) VIRTUAL",
        "quote_quantity DECIMAL(56,16) AS (price * quantity) VIRTUAL",
        "INDEX by_time (symbol, `timestamp`, trade_id)",
    ),
}
"""What the sister services' tables hold beside, worked out by the server when it is asked for."""


def creation(table: str, market: str, layout: Layout[Any]) -> str:
    """The statement that makes a table. Symbols are compared as they are written, capitals and all."""
    source = "binance-futures" if market == PLAIN_MARKET else f"binance-{market}"
    columns = [f"`{column.name}` {_definition(column)}" for column in layout.columns]
    kept = [
        f"source VARCHAR(32) NOT NULL DEFAULT '{source}'",
        "extractor_version VARCHAR(32) NOT NULL DEFAULT 'petrosa'",
        "extracted_at DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP",
    ]
    key = ", ".join(f"`{name}`" for name in layout.key)
    body = ",\n  ".join([*columns, *kept, *_DERIVED.get(layout, ()), f"PRIMARY KEY ({key})"])
    return (
        f"CREATE TABLE IF NOT EXISTS `{table}` (\n  {body}\n) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
    )


def require_shapes(place: str, found: Iterable[tuple[str, str, str, str, str]]) -> None:
    """Refuse tables that have our names and not our columns, types and keys.

    `found`: table, column, type, `YES` where it may be null, and `PRI` where it is of the key, as
    `information_schema.columns` has them. Raises `ConfigError` naming the first that is wrong.
    """
    tables: dict[str, dict[str, str]] = {}
    for table, name, kind, nullable, key in found:
        shape = _WIDTH.sub("", kind.lower())
        tables.setdefault(table, {})[name] = _shape(shape, nullable == "YES", key == "PRI")
    for table, columns in sorted(tables.items()):
        layout = layout_of(table)
        if layout is None:
            continue
        wanted = {c.name: _shape(TYPES[c.kind], c.is_optional, c.name in layout.key) for c in layout.columns}
        keys = {name: shape for name, shape in columns.items() if name not in wanted and shape.endswith("key")}
        for name in (*wanted, *keys):
            if columns.get(name) != wanted.get(name):
                raise ConfigError(
                    f"the table {table} of {place} has another shape than ours: its column {name} is"
                    f" {columns.get(name, 'missing')}, we need {wanted.get(name, 'it not in the key')}; move that table"
                    f" away (RENAME TABLE {table} TO old_{table}), or name another database in klines.url"
                )


def _definition(column: Column) -> str:
    return TYPES[column.kind] + ("" if column.is_optional else " NOT NULL")


def _shape(kind: str, is_optional: bool, is_key: bool) -> str:
    return f"{kind}{'' if is_optional else ' not null'}{', of the key' if is_key else ''}"
