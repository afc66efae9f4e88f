"""The tables of history: their names and columns, and what a row of each says.

The names are those of the tables that Petrosa's extractor has always written, with two exceptions: `klines_mo1` holds
the months, because `klines_M1` and `klines_m1` are one table on a server that does not tell capitals apart; and ids of
trades are unique for a symbol, not for all of them. The plain names hold USD-margined futures; the tables of another
market begin with its name: `spot_klines_m1`. `timestamp` is when a bar opens, `close_time` its last millisecond.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Final, Generic, NamedTuple, TypeVar

from petrosa.core.model.history import FundingRate, GapKind, HistoricTrade, Kline, KnownGap
from petrosa.errors import DataError

PLAIN_MARKET: Final = "usdm"
INTERVALS: Final = {
    "1s": "s1", "1m": "m1", "3m": "m3", "5m": "m5", "15m": "m15", "30m": "m30", "1h": "h1", "2h": "h2", "4h": "h4",
    "6h": "h6", "8h": "h8", "12h": "h12", "1d": "d1", "3d": "d3", "1w": "w1", "1M": "mo1",
}  # fmt: skip
"""Interval as the venue writes it → what its table ends with."""

WHOLE_DIGITS_MAX: Final = 20
DECIMALS_MAX: Final = 8
SYMBOL_MAX: Final = 32
INT_MAX: Final = 2**31 - 1
BIGINT_MAX: Final = 2**63 - 1
TIME_END: Final = BIGINT_MAX // 1_000 * 1_000
"""In ns, in the year 2262: no time that is kept reaches it."""
MILLISECOND: Final = 1_000_000
"""In ns."""

_MARKET: Final = re.compile(r"[a-z][a-z0-9]{0,15}")
_SYMBOL: Final = re.compile(rf"\S{{1,{SYMBOL_MAX}}}")
_PLAIN: Final = re.compile(rf"(?:[0-9]{{1,{WHOLE_DIGITS_MAX}}}(?:\.[0-9]{{1,{DECIMALS_MAX}}})?\n)*")
"""Numbers from 0 on that fit as they are, a line each."""

_LONG_ENDS: Final = {short: long for long, short in INTERVALS.items()}
_PREFIX: Final = r"(?:(?P<market>[a-z][a-z0-9]{0,15})_)?"
_KLINES: Final = re.compile(rf"{_PREFIX}klines_(?P<interval>{'|'.join(_LONG_ENDS)})")
_OTHERS: Final = re.compile(rf"{_PREFIX}(?:funding_rates|trades|known_gaps)")

Row = tuple[Any, ...]
"""Values in the order of a layout's columns: text, int, ns, bool, Decimal, None."""

T = TypeVar("T")


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    TIME = "time"
    EXACT = "exact"
    COUNT = "count"
    ID = "id"
    FLAG = "flag"


class Column(NamedTuple):
    name: str
    kind: Kind
    is_optional: bool = False


class Layout(NamedTuple, Generic[T]):
    """The columns that we write, the first of them the key, and how a record becomes a row and a row a record."""

    columns: tuple[Column, ...]
    key_size: int
    table: Callable[[T], str]
    row: Callable[[T], Row]
    record: Callable[[str, Row], T]
    """Market and row."""

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        return self.names[: self.key_size]


@lru_cache(maxsize=1024)
def kline_table(market: str, interval: str) -> str:
    """Raises `DataError` for an interval that no table is for."""
    if interval not in INTERVALS:
        raise DataError(f"there is no table for bars of {interval!r}; the intervals are {', '.join(INTERVALS)}")
    return table_of(market, f"klines_{INTERVALS[interval]}")


@lru_cache(maxsize=1024)
def table_of(market: str, name: str) -> str:
    """Raises `DataError` for a market that cannot begin the name of a table."""
    if not _MARKET.fullmatch(market):
        raise DataError(f"{market!r} cannot be the name of a market: 1 to 16 of a-z and 0-9, a letter first")
    return name if market == PLAIN_MARKET else f"{market}_{name}"


def series_of_table(table: str) -> tuple[str, str] | None:
    """Market and interval of a table of bars; None for any other."""
    found = _KLINES.fullmatch(table)
    return None if found is None else (found["market"] or PLAIN_MARKET, _LONG_ENDS[found["interval"]])


def tables_of_market(market: str) -> dict[str, Layout[Any]]:
    """Every table of a market."""
    bars: dict[str, Layout[Any]] = {kline_table(market, interval): KLINES for interval in INTERVALS}
    others: dict[str, Layout[Any]] = {"funding_rates": FUNDING, "trades": TRADES, "known_gaps": GAPS}
    return bars | {table_of(market, name): layout for name, layout in others.items()}


def market_of(table: str) -> str | None:
    """The market of one of our tables; None for a table of somebody else."""
    named = series_of_table(table)
    if named is not None:
        return named[0]
    found = _OTHERS.fullmatch(table)
    return None if found is None else found["market"] or PLAIN_MARKET


def layout_of(table: str) -> Layout[Any] | None:
    """Of one of our tables, whatever its market; None for a table of somebody else."""
    market = market_of(table)
    return None if market is None else tables_of_market(market)[table]


def exact(value: Decimal) -> str:
    """A number in the one way to write it: no exponent, no zeros at the end.

    Raises `DataError` when it does not fit.
    """
    if not value:
        return "0"
    if not value.is_finite() or value.adjusted() >= WHOLE_DIGITS_MAX:
        raise _too_long(value)
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
        if len(text.partition(".")[2]) > DECIMALS_MAX:
            raise _too_long(value)
    return text


def whole(limit: int) -> Callable[[int], int]:
    """A check of a number that must be within 0 and `limit`."""

    def check(value: int) -> int:
        if not 0 <= value <= limit:
            raise DataError(f"{value} does not fit: it must be within 0 and {limit}")
        return value

    return check


def time(value: int) -> int:
    """Raises `DataError` for ns that are no whole microseconds, or before 1970, or after 2262."""
    if value % 1_000 or not 0 <= value < TIME_END:
        raise DataError(f"{value} ns is no time that can be kept: whole microseconds, from 0 to less than {TIME_END}")
    return value


def text(value: str) -> str:
    if not _SYMBOL.fullmatch(value):
        raise DataError(f"{value!r} does not fit: 1 to {SYMBOL_MAX} letters without blanks")
    return value


CHECKS: Final[dict[Kind, Callable[[Any], Any]]] = {
    Kind.TEXT: text, Kind.TIME: time, Kind.EXACT: exact, Kind.COUNT: whole(INT_MAX), Kind.ID: whole(BIGINT_MAX),
    Kind.FLAG: bool,
}  # fmt: skip
"""What may be kept of each kind; numbers come out as text."""


def checked(layout: Layout[Any], rows: Sequence[Row]) -> list[Row]:
    """The rows with their numbers as text. Raises `DataError` naming the first row that cannot be kept, and why.

    Columns are looked at as a whole: number by number it takes three times as long.
    """
    if not rows:
        return []
    try:
        columns = [
            _kept(column, values) for column, values in zip(layout.columns, zip(*rows, strict=True), strict=True)
        ]
        return list(zip(*columns, strict=True))
    except DataError:
        for row in rows:
            _check(layout, row)
        raise


def _kept(column: Column, values: Sequence[Any]) -> Sequence[Any]:
    """What is kept of a column's values. Raises `DataError` when one of them cannot be."""
    kind, check = column.kind, CHECKS[column.kind]
    if column.is_optional and None in values:
        return [None if value is None else check(value) for value in values]
    if kind is Kind.EXACT:
        return _exact(values)
    if kind is Kind.FLAG:
        return [bool(value) for value in values]
    if kind is Kind.TIME:
        for value in values:
            if value % 1_000:
                check(value)
    for value in set(values) if kind is Kind.TEXT else (min(values), max(values)):
        check(value)
    return values


def _exact(values: Sequence[Decimal]) -> list[str]:
    """`exact` of each: the usual ones are all looked at together."""
    texts = list(map(str, values))
    lines = "\n".join([*texts, ""])
    if "E" in lines:  # as in 0E-8, which is how a bar without trades has its volume
        texts = [exact(value) if "E" in text else text for text, value in zip(texts, values, strict=True)]
        lines = "\n".join([*texts, ""])
    if _PLAIN.fullmatch(lines) is None:
        return [exact(value) for value in values]
    return [text.rstrip("0").rstrip(".") if "." in text else text for text in texts]


def _check(layout: Layout[Any], row: Row) -> None:
    """Raises `DataError` naming a row that cannot be kept."""
    try:
        for column, value in zip(layout.columns, row, strict=True):
            if value is not None or not column.is_optional:
                CHECKS[column.kind](value)
    except DataError as problem:
        found = "/".join(str(value) for value in row[: layout.key_size])
        raise DataError(f"{found}: {problem}") from None


def _too_long(value: Decimal) -> DataError:
    return DataError(
        f"{value} does not fit: at most {WHOLE_DIGITS_MAX} digits before and {DECIMALS_MAX} behind the point are kept"
    )


def _columns(**kinds: Kind) -> tuple[Column, ...]:
    return tuple(Column(name, kind) for name, kind in kinds.items())


def _kline_row(k: Kline) -> Row:
    return (
        k.symbol, k.ts_open, k.ts_close - MILLISECOND, k.interval, k.open, k.high, k.low, k.close, k.volume,
        k.quote_volume, k.trades, k.taker_volume, k.taker_quote_volume, k.source,
    )  # fmt: skip


def _kline(market: str, row: Row) -> Kline:
    symbol, ts_open, last, interval, *numbers = row
    return Kline(market, symbol, interval, ts_open, last + MILLISECOND, *numbers)


KLINES: Final = Layout[Kline](
    _columns(
        symbol=Kind.TEXT, timestamp=Kind.TIME, close_time=Kind.TIME, interval=Kind.TEXT, open_price=Kind.EXACT,
        high_price=Kind.EXACT, low_price=Kind.EXACT, close_price=Kind.EXACT, volume=Kind.EXACT,
        quote_asset_volume=Kind.EXACT, number_of_trades=Kind.COUNT, taker_buy_base_asset_volume=Kind.EXACT,
        taker_buy_quote_asset_volume=Kind.EXACT, origin=Kind.TEXT,
    ),
    2,
    lambda k: kline_table(k.market, k.interval),
    _kline_row,
    _kline,
)  # fmt: skip

FUNDING: Final = Layout[FundingRate](
    (
        *_columns(symbol=Kind.TEXT, timestamp=Kind.TIME, funding_rate=Kind.EXACT),
        Column("mark_price", Kind.EXACT, is_optional=True),
        Column("funding_interval_hours", Kind.COUNT),
    ),
    2,
    lambda f: table_of(f.market, "funding_rates"),
    lambda f: (f.symbol, f.ts, f.rate, f.mark, f.interval_hours),
    lambda market, row: FundingRate(market, *row),
)

TRADES: Final = Layout[HistoricTrade](
    _columns(
        symbol=Kind.TEXT, trade_id=Kind.ID, first_id=Kind.ID, last_id=Kind.ID, timestamp=Kind.TIME, price=Kind.EXACT,
        quantity=Kind.EXACT, is_buyer_maker=Kind.FLAG,
    ),
    2,
    lambda t: table_of(t.market, "trades"),
    lambda t: (t.symbol, t.trade_id, t.first_id, t.last_id, t.ts, t.price, t.quantity, t.buyer_is_maker),
    lambda market, row: HistoricTrade(market, *row),
)  # fmt: skip


def _gap(market: str, row: Row) -> KnownGap:
    symbol, interval, since, until, kind, ts_asked = row
    return KnownGap(market, symbol, interval, since, until, GapKind(kind), ts_asked)


GAPS: Final = Layout[KnownGap](
    _columns(
        symbol=Kind.TEXT, interval=Kind.TEXT, gap_start=Kind.TIME, gap_end=Kind.TIME, kind=Kind.TEXT,
        asked_at=Kind.TIME,
    ),
    4,
    lambda g: table_of(g.market, "known_gaps"),
    lambda g: (g.symbol, g.interval, g.since, g.until, g.kind.value, g.ts_asked),
    _gap,
)  # fmt: skip
