"""The past over Binance's public REST API: what no key is needed for, asked within the allowance of the address."""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from petrosa.adapters.net.rate_limit import REQUESTS, Ledger, Limit
from petrosa.adapters.venues.binance.history import rows
from petrosa.adapters.venues.binance.history.rows import FundingRow, KlineRow, Page, Refused, TradeRow
from petrosa.adapters.venues.binance.live.limits import read_limits
from petrosa.adapters.venues.binance.live.replies import decode
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.rest import TIME_PATHS, Rest
from petrosa.core.market.grid import Grid, shown
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.history import FundingRate, HistoricTrade, Series
from petrosa.errors import DataError, RateLimited, TransportError

ROOTS: Final = {"spot": "/api/v3", "usdm": "/fapi/v1"}
BARS_MOST: Final = {"spot": 1_000, "usdm": 499}
"""How many bars are asked for at once. Futures would give 1,500, for five times the weight of 499."""

TRADES_MOST: Final = 1_000
TRADES_WEIGHT: Final = {"spot": 4, "usdm": 20}
RATES_MOST: Final = 1_000
INFO_WEIGHT: Final = {"spot": 20, "usdm": 1}
FUNDING_LIMIT: Final = Limit(REQUESTS, 5, "MINUTE", 500)
"""Funding rates weigh nothing and are counted apart."""

T = TypeVar("T")

HOUR_NS: Final = 3_600 * NS_PER_SECOND
LIMITED_MAX: Final = 20
"""How often a question may be answered with a pause before it is given up."""

UNFIT_MAX: Final = 6
"""How often an answer to another question than ours is borne."""

FIT_PAUSE_S: Final = 0.25


class _Time(msgspec.Struct):
    serverTime: int  # noqa: N815 - the venue's spelling


class _Symbol(msgspec.Struct):
    symbol: str
    status: str = ""


class _Info(msgspec.Struct):
    symbols: tuple[_Symbol, ...]


_TIME: Final = msgspec.json.Decoder(_Time)
_INFO: Final = msgspec.json.Decoder(_Info)
_KLINES: Final = msgspec.json.Decoder(list[KlineRow])
_FUNDING: Final = msgspec.json.Decoder(list[FundingRow])
_TRADES: Final = msgspec.json.Decoder(list[TradeRow])
_ANYTHING: Final = msgspec.json.Decoder(list[Any])


class RestHistory:
    """One market's past. Answers that do not fit the question are asked for again, and given up after a while.

    Every method raises `TransportError` when the venue is away, `RateLimited` with `is_ban` when it has banned this
    address (nothing leaves while that lasts), `DataError` for answers that make no sense.
    """

    name = "rest"

    def __init__(
        self, rest: Rest, *, at_once: int = 5, pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: random.Random | None = None,
    ) -> None:  # fmt: skip
        """`at_once` is how many questions may be on their way at the same time."""
        self.market = rest.product
        self.rest = rest
        self._root = ROOTS[rest.product]
        self._seats = asyncio.Semaphore(at_once)
        self._funding = Ledger((FUNDING_LIMIT,), rest.clock.now)
        self._pause = pause
        self._chance = chance or random.Random()

    @property
    def bars_most(self) -> int:
        return BARS_MOST[self.market]

    async def open(self) -> Mapping[str, str]:
        """Learn the venue's limits, its clock and its symbols: symbol → status."""
        body = await self._ask(f"{self._root}/exchangeInfo", {}, INFO_WEIGHT[self.market])
        self.rest.ledger.learn(read_limits(body))
        with contextlib.suppress(TransportError):  # the clock says when a minute of the allowance ends, and no more
            await self.rest.sync_clock()
        return {one.symbol: one.status for one in decode(_INFO, body).symbols}

    async def server_time(self) -> int:
        """The venue's own time, ns."""
        return decode(_TIME, await self._ask(TIME_PATHS[self.market], {}, 1)).serverTime * NS_PER_MS

    async def first_open(self, series: Series) -> int | None:
        """When the first bar that the venue has of a series opened; None when it has none.

        It is believed when the venue says so again, asked for the first bar up to this one.
        """
        first = await self._first(series, {"startTime": "0", "limit": "1"})
        for _ in range(UNFIT_MAX):
            if first is None:
                return None
            said = await self.first_of(series, 0, first)
            if said == first:
                return first
            first = said if said is not None and said < first else first
        raise DataError(f"the venue does not say twice when the bars of {' '.join(series)} begin")

    async def first_of(self, series: Series, since: int, last: int) -> int | None:
        """When the first bar opened of those that open in [since, last], both included; None where there is none."""
        between = {"startTime": str(since // NS_PER_MS), "endTime": str(last // NS_PER_MS), "limit": "1"}
        return await self._first(series, between)

    async def _first(self, series: Series, between: Mapping[str, str]) -> int | None:
        body = await self._ask(f"{self._root}/klines", {**_of(series), **between}, self._weight(1))
        found = _rows(_KLINES, body)
        if not found:
            return None
        if not isinstance(found[0], KlineRow):
            raise DataError(f"the first bar of {' '.join(series)} makes no sense: {found[0]!r}"[:300])
        return rows.nanoseconds(found[0].ts_open)

    async def klines(self, series: Series, grid: Grid, since: int, until: int, horizon: int) -> Page:
        """The bars that open in [since, until) and have closed by `horizon`; at most `bars_most` of them."""
        count = min(self.bars_most, grid.count(since, until))
        params = _of(series) | _between(since, until) | {"limit": str(count)}

        def read(body: bytes) -> Page:
            made, refused = rows.klines(_rows(_KLINES, body), series, grid, self.name)
            _check_order([one.ts_open for one in made], since, f"bars of {' '.join(series)}")
            inside = [one for one in made if one.ts_open < until]
            if made and not inside:
                raise DataError(f"bars of {' '.join(series)} before {shown(until)} were asked for, and later ones came")
            is_full = len(made) + len(refused) >= count
            end = min(inside[-1].ts_close, until) if is_full and inside else until
            return Page([one for one in inside if one.ts_close <= horizon], end, refused)

        return await self._fitting(f"{self._root}/klines", params, self._weight(count), read)

    async def funding(
        self, symbol: str, since: int, until: int
    ) -> AsyncGenerator[tuple[list[FundingRate], list[Refused]], None]:
        """Rates paid in [since, until), page by page, oldest first. There are none on spot."""
        at = since
        while at < until:
            params = {"symbol": symbol} | _between(at, until) | {"limit": str(RATES_MOST)}

            def read(body: bytes, begin: int = at) -> tuple[int, list[FundingRate], list[Refused]]:
                found = decode(_FUNDING, body)
                made, refused = rows.funding(found, self.market, symbol)
                _check_order([one.ts for one in made], begin, f"funding rates of {symbol}")
                end = made[-1].ts + NS_PER_MS if len(found) >= RATES_MOST and made else until
                return end, [one for one in made if one.ts < until], refused

            at, made, refused = await self._fitting(f"{self._root}/fundingRate", params, 0, read)
            yield made, refused

    async def trades(self, symbol: str, from_id: int) -> tuple[list[HistoricTrade], list[Refused]]:
        """Up to 1,000 aggregates from an id on, oldest first; nothing when there are none yet."""
        params = {"symbol": symbol, "fromId": str(from_id), "limit": str(TRADES_MOST)}
        return await self._trades(symbol, params, lambda one: one.trade_id >= from_id, f"trades from {from_id}")

    async def first_trade(self, symbol: str, since: int, until: int) -> HistoricTrade | None:
        """The first aggregate of [since, until). It is looked for hour by hour, which is how the venue lets one ask."""
        at = since
        while at < until:
            end = min(until, at + HOUR_NS)
            params = {"symbol": symbol} | _between(at, end) | {"limit": "1"}
            found, refused = await self._trades(symbol, params, partial(_is_within, at, end), f"trades at {shown(at)}")
            if refused:
                raise DataError(f"the first trade cannot be told: {refused[0].why}")
            if found:
                return found[0]
            at = end
        return None

    async def close(self) -> None:
        """Let go of the connections; calling it twice is harmless."""
        await self.rest.close()

    async def _trades(
        self, symbol: str, params: Mapping[str, str], is_meant: Callable[[HistoricTrade], bool], what: str
    ) -> tuple[list[HistoricTrade], list[Refused]]:  # fmt: skip
        def read(body: bytes) -> tuple[list[HistoricTrade], list[Refused]]:
            made, refused = rows.trades(_rows(_TRADES, body), self.market, symbol)
            _check_order([one.trade_id for one in made], 0, f"trades of {symbol}")
            if not all(is_meant(one) for one in made):
                raise DataError(f"{symbol}: {what} were asked for, and others came")
            return made, refused

        return await self._fitting(f"{self._root}/aggTrades", params, TRADES_WEIGHT[self.market], read)

    async def _fitting(self, path: str, params: Mapping[str, str], weight: int, read: Callable[[bytes], T]) -> T:
        """What `read` makes of an answer; one that it finds to be of another question is asked for again."""
        unfit = 0
        while True:
            body = await self._ask(path, params, weight)
            try:
                return read(body)
            except DataError as problem:
                unfit += 1
                if unfit >= UNFIT_MAX:
                    raise DataError(f"{path}: {problem} ({UNFIT_MAX} times)") from None
                grown = FIT_PAUSE_S * 2 ** (unfit - 1)
                await self._pause(self._chance.uniform(grown / 2, grown))

    async def _ask(self, path: str, params: Mapping[str, str], weight: int) -> bytes:
        """An answer, after as many pauses as the venue or our own allowance asks for; a ban goes through."""
        limited = 0
        while True:
            try:
                async with self._seats:
                    if path.endswith("/fundingRate"):
                        self._funding.settle(self._funding.take(0))
                    return await self.rest.call(Request("GET", path, params, signed=False, weight=weight))
            except RateLimited as problem:
                limited += 1
                if problem.is_ban or limited >= LIMITED_MAX:
                    raise
                # Not all at once when the pause is over.
                await self._pause(problem.retry_after_s + self._chance.uniform(0.0, 0.05))

    def _weight(self, limit: int) -> int:
        """What a question for so many bars costs."""
        if self.market == "spot":
            return 2
        return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1_000 else 10


def _is_within(since: int, until: int, trade: HistoricTrade) -> bool:
    return since <= trade.ts < until


def _of(series: Series) -> dict[str, str]:
    return {"symbol": series.symbol, "interval": series.interval}


def _between(since: int, until: int) -> dict[str, str]:
    """The venue includes both ends."""
    return {"startTime": str(-(-since // NS_PER_MS)), "endTime": str(-(-until // NS_PER_MS) - 1)}


def _rows(decoder: msgspec.json.Decoder[list[Any]], body: bytes) -> list[Any]:
    """Rows, each as it should be where all are; as it is otherwise, so that a wrong one costs only itself."""
    try:
        return decoder.decode(body)
    except (msgspec.ValidationError, UnicodeDecodeError):
        return decode(_ANYTHING, body)


def _check_order(keys: Sequence[int], least: int, what: str) -> None:
    """Raises `DataError` unless the keys grow, from `least` on."""
    before = least - 1
    for key in keys:
        if key <= before:
            raise DataError(f"the venue repeats itself or goes back: {what}, {key} after {before}")
        before = key
