"""Rows of history as the venue writes them, over REST and in files, as bars, rates and trades: exact, or refused.

[1499040000000,"0.01634790","0.80000000","0.01575800","0.01577100","148976.11427815",1499644799999,
 "2434.19055334",308,"1756.87402397","28.46694368","0"]
"""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

import msgspec

from petrosa.core.market.grid import Grid, shown
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.history import FundingRate, HistoricTrade, Kline, Series
from petrosa.errors import DataError

ZERO: Final = Decimal(0)
BELOW: Final = Decimal(10**18)
"""Nothing that is traded has a price or a volume as large as this."""

MICROSECONDS_FROM: Final = 10**14
NANOSECONDS_FROM: Final = 10**17
"""Milliseconds have 13 digits until the year 2286, microseconds 16."""

HOUR_NS: Final = 3_600_000 * NS_PER_MS
HOURS: Final = (1, 2, 4, 8)
"""The lengths of funding periods that the venue has."""


class Refused(NamedTuple):
    """A row that makes no sense: of when it is (ns; 0 where it does not say), and why."""

    ts: int
    why: str


class Page(NamedTuple):
    """Bars in order; everything that the source has of the time before `until` is in this page or an earlier one."""

    klines: Sequence[Kline]
    until: int
    refused: Sequence[Refused] = ()


class KlineRow(msgspec.Struct, array_like=True, gc=False):
    """A bar as it comes. Times in ms, and in µs in newer files."""

    ts_open: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    ts_close: int
    quote_volume: Decimal
    trades: int
    taker_volume: Decimal
    taker_quote_volume: Decimal


class FundingRow(msgspec.Struct, rename="camel", gc=False):
    symbol: str
    funding_time: int
    funding_rate: Decimal
    mark_price: str = ""
    hours: int = 0
    """Of its period, where files say it."""


class TradeRow(msgspec.Struct, gc=False):
    """An aggregate trade.

    {"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,"T":1498793709153,"m":true,"M":true}
    """

    a: int
    p: Decimal
    q: Decimal
    f: int
    l: int  # noqa: E741 - the venue's spelling
    T: int
    m: bool


def nanoseconds(stamp: int) -> int:
    """Of a time in milliseconds or microseconds, told apart by their size. Raises `DataError` for neither."""
    if stamp < 0 or stamp >= NANOSECONDS_FROM:
        raise DataError(f"{stamp} is no time in milliseconds or microseconds")
    return stamp * (1_000 if stamp >= MICROSECONDS_FROM else NS_PER_MS)


def kline(row: KlineRow, series: Series, grid: Grid, source: str) -> Kline:
    """The bar of a row. Raises `DataError` that says what of it makes no sense.

    Around some outages of its early years the venue wrote a close before the bar's time was over: that bar is whole.
    """
    ts_open, ts_last = nanoseconds(row.ts_open), nanoseconds(row.ts_close)
    if not grid.opens_at(ts_open):
        raise DataError(f"no bar of {series.interval} opens at {shown(ts_open)}")
    ts_close = grid.after(ts_open)
    if not ts_open < ts_last < ts_close:
        raise DataError(f"it closes at {shown(ts_last)}, which is not between its opening and {shown(ts_close)}")
    try:
        is_sane = (
            ZERO < row.low <= row.open <= row.high < BELOW
            and row.low <= row.close <= row.high
            and ZERO <= row.taker_volume <= row.volume < BELOW
            and ZERO <= row.taker_quote_volume <= row.quote_volume < BELOW
            and row.trades >= 0
        )
    except InvalidOperation:
        is_sane = False  # comparing with NaN
    if not is_sane:
        raise DataError(_numbers(row))
    return Kline(
        series.market, series.symbol, series.interval, ts_open, ts_close, row.open, row.high, row.low, row.close,
        row.volume, row.quote_volume, row.trades, row.taker_volume, row.taker_quote_volume, source,
    )  # fmt: skip


def _numbers(row: KlineRow) -> str:
    return (
        f"open {row.open} high {row.high} low {row.low} close {row.close} volume {row.volume} (takers"
        f" {row.taker_volume}) quote volume {row.quote_volume} (takers {row.taker_quote_volume}) trades {row.trades}"
        " cannot be true of one bar"
    )


def klines(rows: Sequence[Any], series: Series, grid: Grid, source: str) -> tuple[list[Kline], list[Refused]]:
    """The bars of rows, and the rows that are none, by name. A row is a list as JSON or a file has it."""
    made: list[Kline] = []
    refused: list[Refused] = []
    for row in rows:
        try:
            made.append(kline(_convert(row, KlineRow), series, grid, source))
        except DataError as problem:
            ts = _time_of(row.ts_open if isinstance(row, KlineRow) else row[0] if isinstance(row, list) and row else 0)
            refused.append(Refused(ts, f"{' '.join(series)} {shown(ts)}: {problem}"))
    return made, refused


def funding(rows: Sequence[FundingRow], market: str, symbol: str) -> tuple[list[FundingRate], list[Refused]]:
    """Rates in order. The period of one is what lies between it and the one before; the first has that of the next."""
    made: list[FundingRate] = []
    refused: list[Refused] = []
    for row in rows:
        try:
            made.append(_funding(row, market, symbol))
        except DataError as problem:
            ts = _time_of(row.funding_time)
            refused.append(Refused(ts, f"{market} {symbol} funding {shown(ts)}: {problem}"))
    return with_periods(made), refused


def _funding(row: FundingRow, market: str, symbol: str) -> FundingRate:
    if row.symbol != symbol:
        raise DataError(f"it is of {row.symbol!r}")
    if not row.funding_rate.is_finite() or abs(row.funding_rate) >= 1:
        raise DataError(f"a rate of {row.funding_rate} is none")
    mark = number(row.mark_price, "mark price") if row.mark_price else None
    return FundingRate(market, symbol, nanoseconds(row.funding_time), row.funding_rate, mark or None, row.hours)


def with_periods(rates: Sequence[FundingRate]) -> list[FundingRate]:
    """The rates with the hours of their periods: stated, by their distance, or 8 where that says nothing."""
    made = []
    for place, rate in enumerate(rates):
        hours = rate.interval_hours
        if not hours and len(rates) > 1:
            one, other = (rates[place - 1], rate) if place else (rate, rates[1])
            hours = round((other.ts - one.ts) / HOUR_NS)
        made.append(msgspec.structs.replace(rate, interval_hours=hours if hours in HOURS else 8))
    return made


def trade(row: TradeRow, market: str, symbol: str) -> HistoricTrade:
    """The trade of a row. Raises `DataError`."""
    try:
        is_sane = ZERO < row.p < BELOW and ZERO < row.q < BELOW and 0 <= row.f <= row.l and row.a >= 0
    except InvalidOperation:
        is_sane = False
    if not is_sane:
        raise DataError(f"price {row.p} quantity {row.q} trades {row.f} to {row.l} cannot be true of one trade")
    return HistoricTrade(market, symbol, row.a, row.f, row.l, nanoseconds(row.T), row.p, row.q, row.m)


def trades(rows: Sequence[Any], market: str, symbol: str) -> tuple[list[HistoricTrade], list[Refused]]:
    """The trades of rows, and the rows that are none, by name."""
    made: list[HistoricTrade] = []
    refused: list[Refused] = []
    for row in rows:
        try:
            made.append(trade(_convert(row, TradeRow), market, symbol))
        except DataError as problem:
            said = msgspec.to_builtins(row) if isinstance(row, TradeRow) else row if isinstance(row, dict) else {}
            refused.append(Refused(_time_of(said.get("T")), f"{market} {symbol} trade {said.get('a')}: {problem}"))
    return made, refused


def number(text: str, what: str) -> Decimal:
    """A number from 0 on. Raises `DataError`."""
    value = signed(text, what)
    if value < 0:
        raise DataError(f"{what} is {value}; it must not be below 0")
    return value


def signed(text: str, what: str) -> Decimal:
    """A number. Raises `DataError` for what is none, or is none that this venue could write."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise DataError(f"{what} {text!r} is no number") from None
    if not value.is_finite() or abs(value) >= BELOW:
        raise DataError(f"{what} is {value}; it must be a number below {BELOW}")
    return value


def _convert(row: Any, kind: Any) -> Any:
    if isinstance(row, kind):
        return row
    try:
        return msgspec.convert(row, kind, strict=False)
    except msgspec.ValidationError as problem:
        raise DataError(str(problem)) from None


def _time_of(stamp: Any) -> int:
    """The time of a row that is refused; 0 where it has none."""
    try:
        return nanoseconds(int(stamp))
    except (DataError, ValueError, TypeError, OverflowError):
        return 0
