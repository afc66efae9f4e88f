"""The exchange's public archive: a zip of rows for each month and day, each with its SHA-256 beside it.

    <base>/data/spot/monthly/klines/BTCUSDT/1m/BTCUSDT-1m-2026-01.zip
    <base>/data/futures/um/daily/aggTrades/BTCUSDT/BTCUSDT-aggTrades-2026-01-31.zip
    <the same>.CHECKSUM        0b9c…e1  BTCUSDT-aggTrades-2026-01-31.zip

Some files begin with a row of names and others do not; times of newer files are in microseconds.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from petrosa.adapters.venues.binance.history import rows
from petrosa.adapters.venues.binance.history.files import Files
from petrosa.adapters.venues.binance.history.rows import FundingRow, Page, Refused
from petrosa.core.market.grid import DAY_NS, Grid, months
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.history import FundingRate, HistoricTrade, Series
from petrosa.errors import DataError

FOLDERS: Final = {"spot": "data/spot", "usdm": "data/futures/um"}
MONTHLY_ONLY: Final = ("3d", "1w", "1M")
SPELT: Final = {"1M": "1mo"}
"""Where a file system might not tell `1M` from `1m`."""

MONTHLY_FROM_DAYS: Final = 4
"""With so many days wanted of a month, the month's own file is less to fetch."""

ROWS_AT_ONCE: Final = 5_000
FUNDING_FIELDS: Final = 3


class Piece(NamedTuple):
    """A file, without its ending; what it holds is of [since, until). Its `days` stand in for a month without one."""

    path: str
    since: int
    until: int
    days: tuple["Piece", ...] = ()


class Archive:
    """One market's files. Raises `TransportError` when the archive is away, `DataError` for a file that is damaged."""

    name = "archive"

    def __init__(self, market: str, files: Files) -> None:
        self.market = market
        self.files = files

    async def klines(
        self, series: Series, grid: Grid, since: int, until: int, horizon: int
    ) -> AsyncGenerator[Page, None]:
        """Bars that open in [since, until) and have closed by `horizon`, oldest first; files may be missing."""
        folder = f"klines/{series.symbol}/{SPELT.get(series.interval, series.interval)}"
        kind = SPELT.get(series.interval, series.interval)
        daily = series.interval not in MONTHLY_ONLY
        for piece in self.pieces(series.symbol, folder, kind, since, min(until, horizon), daily=daily):
            async for lines in self._lines(piece):
                made, refused = rows.klines(lines, series, grid, self.name)
                inside = [one for one in made if max(since, piece.since) <= one.ts_open < min(until, piece.until)]
                yield Page([one for one in inside if one.ts_close <= horizon], piece.until, refused)

    async def trades(
        self, symbol: str, since: int, until: int, now: int
    ) -> AsyncGenerator[tuple[list[HistoricTrade], list[Refused]], None]:
        """Aggregates of [since, until), oldest first; days without a file are left out."""
        for piece in self.pieces(symbol, f"aggTrades/{symbol}", "aggTrades", since, min(until, now)):
            async for lines in self._lines(piece):
                made, refused = rows.trades([_trade(line) for line in lines], self.market, symbol)
                yield [one for one in made if since <= one.ts < until], refused

    async def funding(
        self, symbol: str, since: int, until: int, now: int
    ) -> AsyncGenerator[tuple[list[FundingRate], list[Refused]], None]:
        """Rates paid in [since, until), oldest first; months without a file are left out."""
        pieces = self.pieces(symbol, f"fundingRate/{symbol}", "fundingRate", since, min(until, now), daily=False)
        for piece in pieces:
            async for lines in self._lines(piece):
                made, refused = rows.funding([_funding(line, symbol) for line in lines], self.market, symbol)
                yield [one for one in made if since <= one.ts < until], refused

    def pieces(
        self, symbol: str, folder: str, kind: str, since: int, until: int, *, daily: bool = True
    ) -> Iterator[Piece]:
        """The files that may hold something of [since, until), oldest first."""
        base = FOLDERS[self.market]
        for begin, end in months(since, until):
            first, last = max(since, begin), min(until, end)
            days = tuple(
                Piece(f"{base}/daily/{folder}/{symbol}-{kind}-{_day(day)}", day, day + DAY_NS)
                for day in range(first - first % DAY_NS, last, DAY_NS)
            )
            month = Piece(f"{base}/monthly/{folder}/{symbol}-{kind}-{_day(begin)[:7]}", begin, end)
            if not daily:
                yield month
            elif len(days) >= MONTHLY_FROM_DAYS:
                yield month._replace(days=days)
            else:
                yield from days

    async def close(self) -> None:
        """Let go of the connections; calling it twice is harmless."""
        await self.files.close()

    async def _lines(self, piece: Piece) -> AsyncGenerator[list[list[str]], None]:
        """The rows of a file, some thousand at a time; of the month's days where there is no file of the month."""
        file = await self.files.open(piece.path)
        if file is None:
            for day in piece.days:
                async for lines in self._lines(day):
                    yield lines
            return
        with file:
            while lines := await asyncio.to_thread(file.lines, ROWS_AT_ONCE):
                yield lines


def _trade(line: Sequence[str]) -> dict[str, Any]:
    """id, price, quantity, first id, last id, time, whether the buyer was the maker (and what we do not need)."""
    row = dict(zip(("a", "p", "q", "f", "l", "T", "m"), line, strict=False))
    return row | {"m": row.get("m", "").strip().lower()}


def _funding(line: Sequence[str], symbol: str) -> FundingRow:
    """Time, hours of the period, rate."""
    if len(line) < FUNDING_FIELDS or not (line[0] + line[1]).isdecimal():
        raise DataError(f"a row is no funding rate: {','.join(line)[:200]}")
    return FundingRow(symbol, int(line[0]), rows.signed(line[2], "rate"), hours=int(line[1]))


def _day(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts // NS_PER_SECOND, UTC):%Y-%m-%d}"
