"""What every store of history does with its tables, so that a store says only how it reads and writes rows."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any, Final, NamedTuple, TypeVar

from petrosa.adapters.stores.klines.layouts import (
    FUNDING,
    GAPS,
    KLINES,
    TIME_END,
    TRADES,
    Layout,
    Row,
    checked,
    kline_table,
    series_of_table,
    table_of,
)
from petrosa.core.model.history import FundingRate, GapKind, HistoricTrade, Kline, KnownGap, Series

ROWS_MAX: Final = 10_000
T = TypeVar("T")


class Rows(NamedTuple):
    """What is to be written into one table: each key once, in order, the rows as `checked` gives them."""

    table: str
    layout: Layout[Any]
    rows: Sequence[Row]


class Span(NamedTuple):
    """Rows of one symbol whose `timestamp` is in [since, until), `limit` of them from the older or the newer end."""

    table: str
    layout: Layout[Any]
    symbol: str
    since: int
    until: int
    limit: int | None
    newest: bool = False

    @property
    def ends(self) -> tuple[int, int]:
        """In µs: the first that is meant, the first that is not."""
        since, until = (-(-min(max(ns, 0), TIME_END) // 1_000) for ns in (self.since, self.until))
        return since, until


class KlineTables(ABC):
    """A `KlineStore` made of four ways to touch tables. A table that is not there has no rows."""

    @abstractmethod
    async def _write(self, parts: Sequence[Rows]) -> int:
        """Write all of it or nothing; how many rows were not there or were different."""

    @abstractmethod
    async def _span(self, span: Span, columns: Sequence[str]) -> list[Row]:
        """These columns, in the order that is asked for: of time, and then of the key."""

    @abstractmethod
    async def _gaps(self, table: str, symbol: str, interval: str) -> list[Row]:
        """By their beginning."""

    @abstractmethod
    async def _symbols(self) -> dict[str, list[str]]:
        """The symbols of every table of bars."""

    @abstractmethod
    async def _last_trade_id(self, table: str, symbol: str) -> int | None: ...

    async def write_klines(self, klines: Sequence[Kline]) -> int:
        return await self._write(_parts(KLINES, klines))

    async def klines(self, series: Series, since: int, until: int, *, limit: int = ROWS_MAX) -> Sequence[Kline]:
        return await self._records(series.market, _bars(series, since, until, limit))

    async def last_klines(self, series: Series, count: int, *, until: int | None = None) -> Sequence[Kline]:
        span = _bars(series, 0, TIME_END if until is None else until, count)
        return (await self._records(series.market, span._replace(newest=True)))[::-1]

    async def opens(self, series: Series, since: int, until: int) -> Sequence[int]:
        found = await self._span(_bars(series, since, until, None), ["timestamp"])
        return [row[0] for row in found]

    async def series(self) -> Sequence[Series]:
        found = []
        for table, symbols in (await self._symbols()).items():
            if (named := series_of_table(table)) is not None:
                market, interval = named
                found += [Series(market, symbol, interval) for symbol in symbols]
        return sorted(found)

    async def write_funding(self, rates: Sequence[FundingRate]) -> int:
        return await self._write(_parts(FUNDING, rates))

    async def funding(self, market: str, symbol: str, since: int, until: int) -> Sequence[FundingRate]:
        span = Span(table_of(market, "funding_rates"), FUNDING, symbol, since, until, None)
        return await self._records(market, span)

    async def write_trades(self, trades: Sequence[HistoricTrade]) -> int:
        return await self._write(_parts(TRADES, trades))

    async def trades(
        self, market: str, symbol: str, since: int, until: int, *, limit: int = ROWS_MAX
    ) -> Sequence[HistoricTrade]:
        return await self._records(market, Span(table_of(market, "trades"), TRADES, symbol, since, until, _page(limit)))

    async def last_trade_id(self, market: str, symbol: str) -> int | None:
        return await self._last_trade_id(table_of(market, "trades"), symbol)

    async def write_gaps(self, gaps: Sequence[KnownGap]) -> None:
        await self._write(_parts(GAPS, gaps))

    async def gaps(self, series: Series, *, kinds: Sequence[GapKind] = ()) -> Sequence[KnownGap]:
        rows = await self._gaps(table_of(series.market, "known_gaps"), series.symbol, series.interval)
        found = [GAPS.record(series.market, row) for row in rows]
        return [gap for gap in found if not kinds or gap.kind in kinds]

    async def _records(self, market: str, span: Span) -> list[Any]:
        record = span.layout.record
        return [record(market, row) for row in await self._span(span, span.layout.names)]


def _parts(layout: Layout[T], records: Iterable[T]) -> list[Rows]:
    """Rows by table; of several with one key the last is meant."""
    tables: dict[str, list[Row]] = {}
    for record in records:
        tables.setdefault(layout.table(record), []).append(layout.row(record))
    size = layout.key_size
    made = {table: {row[:size]: row for row in checked(layout, rows)} for table, rows in tables.items()}
    return [
        Rows(table, layout, [row for _, row in sorted(rows.items(), key=itemgetter(0))])
        for table, rows in sorted(made.items())
    ]


def _bars(series: Series, since: int, until: int, limit: int | None) -> Span:
    table = kline_table(series.market, series.interval)
    return Span(table, KLINES, series.symbol, since, until, None if limit is None else _page(limit))


def _page(limit: int) -> int:
    return min(max(limit, 0), ROWS_MAX)
