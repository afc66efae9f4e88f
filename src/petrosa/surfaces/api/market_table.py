"""The table of `/api/v1/metrics/all`: what may be asked of it, and the page that answers."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from math import ceil, isfinite
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta

from petrosa.core.analytics.pressure import Lean
from petrosa.core.signals.symbols import plain_symbol
from petrosa.surfaces.market_metrics import MetricsRow, Standing

LIMIT_MAX: Final = 200
LIMIT: Final = 50
OFFSET_MAX: Final = 1_000_000
PRESSURE_MAX: Final = 100.0


class SortBy(StrEnum):
    SYMBOL = "symbol"
    PRESSURE = "pressure"
    IMBALANCE = "imbalance"
    LIQUIDITY = "liquidity"


class SortOrder(StrEnum):
    ASC = "asc"
    DESC = "desc"


PARAMETERS: Final = ("symbols", "min_pressure", "max_pressure", "trend", "limit", "offset", "sort_by", "sort_order")


class BadQuery(Exception):
    """A query value that cannot be. The text is complete: value, limit, remedy."""

    def __init__(self, parameter: str, value: str, text: str) -> None:
        super().__init__(text)
        self.parameter = parameter
        self.value = value[:80]


class Filters(msgspec.Struct, frozen=True):
    """What was asked for; null where nothing was. Symbols are as they are known here."""

    symbols: tuple[str, ...] | None = None
    min_pressure: float | None = None
    max_pressure: float | None = None
    trend: Annotated[
        Lean | None, Meta(description="Compared with a row's interpretation: where its pressure stands now.")
    ] = None


class Sort(msgspec.Struct, frozen=True):
    """Rows without the figure come last in either order; equal rows come by symbol."""

    by: SortBy = SortBy.SYMBOL
    order: SortOrder = SortOrder.ASC


class Pagination(msgspec.Struct, frozen=True):
    """Of the rows that passed the filters. Books change between two requests, and so may the page a row is on."""

    total: int
    limit: int
    offset: int
    page: Annotated[int, Meta(description="From 1 on.")]
    pages: int
    has_next: bool
    has_previous: bool


class MetricsPage(msgspec.Struct, frozen=True):
    """Rows of symbols with a fresh book."""

    data: tuple[MetricsRow, ...]
    pagination: Pagination
    filters_applied: Filters
    sort: Sort
    symbols_count: Annotated[int, Meta(description="Rows in `data`.")]


class TableQuery(msgspec.Struct, frozen=True):
    """One checked request."""

    filters: Filters
    sort: Sort
    limit: int
    offset: int

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "TableQuery":
        """Checks query values. Raises `BadQuery` naming the first that cannot be, its limit and the remedy."""
        for name in given:
            if name not in PARAMETERS:
                raise BadQuery(name, given[name], f"unknown parameter {name[:40]!r}; there are {', '.join(PARAMETERS)}")
        least, most = _pressure(given, "min_pressure"), _pressure(given, "max_pressure")
        if least is not None and most is not None and least > most:
            text = f"min_pressure = {least:g} > max_pressure = {most:g}; no pressure is in between, exchange them"
            raise BadQuery("min_pressure", given["min_pressure"], text)
        return cls(
            Filters(_symbols(given), least, most, choice(given, "trend", Lean, None)),
            Sort(
                choice(given, "sort_by", SortBy, SortBy.SYMBOL) or SortBy.SYMBOL,
                choice(given, "sort_order", SortOrder, SortOrder.ASC) or SortOrder.ASC,
            ),
            whole(given, "limit", LIMIT, 1, LIMIT_MAX),
            whole(given, "offset", 0, 0, OFFSET_MAX),
        )


def page_of(query: TableQuery, rows: Sequence[Standing], show: Callable[[Standing], MetricsRow]) -> MetricsPage:
    """The rows that pass, sorted, and of them the page; only what is on it is made ready to be shown."""
    passing = [row for row in rows if _passes(query.filters, row)]
    ordered = _sorted(query.sort, passing)
    limit, offset, total = query.limit, query.offset, len(ordered)
    shown = tuple(show(row) for row in ordered[offset : offset + limit])
    pagination = Pagination(
        total, limit, offset, offset // limit + 1, ceil(total / limit), offset + limit < total, offset > 0
    )
    return MetricsPage(shown, pagination, query.filters, query.sort, len(shown))


def _passes(filters: Filters, row: Standing) -> bool:
    pressure = row.brief.pressure
    if filters.symbols is not None and row.symbol not in filters.symbols:
        return False
    if filters.trend is not None and row.brief.lean is not filters.trend:
        return False
    if filters.min_pressure is not None and (pressure is None or pressure < filters.min_pressure):
        return False
    return filters.max_pressure is None or (pressure is not None and pressure <= filters.max_pressure)


def _sorted(sort: Sort, rows: Sequence[Standing]) -> list[Standing]:
    is_down = sort.order is SortOrder.DESC
    by_symbol = sorted(rows, key=lambda row: row.symbol, reverse=is_down and sort.by is SortBy.SYMBOL)
    if sort.by is SortBy.SYMBOL:
        return by_symbol
    known = [(value, row) for row in by_symbol if (value := _figure(sort.by, row)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=is_down)
    return [row for _, row in known] + [row for row in by_symbol if _figure(sort.by, row) is None]


def _figure(by: SortBy, row: Standing) -> float | None:
    brief = row.brief
    if by is SortBy.PRESSURE:
        return brief.pressure
    return brief.imbalance if by is SortBy.IMBALANCE else brief.notional


def _symbols(given: Mapping[str, str]) -> tuple[str, ...] | None:
    """Symbols in their plain spelling. One that is not followed has no row, and stands in `filters_applied`."""
    if "symbols" not in given:
        return None
    typed = [plain_symbol(part) for part in given["symbols"].split(",") if part.strip()]
    if not typed or len(typed) > LIMIT_MAX:
        text = f"symbols names {len(typed)} symbols; name 1 to {LIMIT_MAX}, separated by commas"
        raise BadQuery("symbols", given["symbols"], text)
    return tuple(dict.fromkeys(typed))


def _pressure(given: Mapping[str, str], name: str) -> float | None:
    if name not in given:
        return None
    try:
        value = float(given[name])
    except ValueError:
        value = float("nan")
    if not isfinite(value) or abs(value) > PRESSURE_MAX:
        text = f"{name} = {given[name][:40]!r}; it must be a number from {-PRESSURE_MAX:g} to {PRESSURE_MAX:g}"
        raise BadQuery(name, given[name], text)
    return value


def whole(given: Mapping[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number of a query. Raises `BadQuery`."""
    text = given.get(name, str(default)).strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 9 and least <= int(text) <= most):
        raise BadQuery(name, text, f"{name} = {text[:40]!r}; it must be a whole number from {least} to {most:,}")
    return int(text)


Choice = TypeVar("Choice", bound=StrEnum)


def choice(given: Mapping[str, str], name: str, of: type[Choice], default: Choice | None) -> Choice | None:
    """One of several words of a query. Raises `BadQuery`."""
    text = given.get(name)
    if text is None:
        return default
    try:
        return of(text.strip().lower())
    except ValueError:
        options = ", ".join(member.value for member in of)
        raise BadQuery(name, text, f"{name} = {text[:40]!r}; it must be one of {options}") from None
