"""The aggregate trades of one symbol made whole, day by day: their ids leave no room for a hole that is not seen."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from itertools import pairwise
from typing import Final, NamedTuple

from petrosa.adapters.venues.binance.history.rows import Refused
from petrosa.apps.extracting.results import Result
from petrosa.apps.extracting.tools import DAY_NS, Batches, Tools, write
from petrosa.core.market.grid import shown
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.history import HistoricTrade
from petrosa.errors import UsageError

WRITE_TRADES: Final = 5_000
READ_TRADES: Final = 10_000
ARCHIVE_FROM_NS: Final = 6 * 3_600 * NS_PER_SECOND
"""For so much of a day its file is quicker than questions."""

NO_END: Final = 1 << 62
"""An id that is not reached."""


class _Hole(NamedTuple):
    """Ids of [since, until) that are not stored."""

    since: int
    until: int


class Trades:
    """One symbol. `result` says what was done."""

    def __init__(self, tools: Tools, market: str, symbol: str) -> None:
        self.result = Result("trades", market, symbol, "")
        self._tools = tools
        self._market = market
        self._symbol = symbol
        self._line = tools.work.begin(self.result.name)
        self._skipped = 0

    async def bring_up(self, since: int | None, until: int, days: float, *, dry_run: bool) -> None:
        """Fetch the trades of [since, until) that are not stored; without `since` from the last stored one on."""
        store, until = self._tools.store, min(until, self._tools.horizon)
        expected: int | None = None
        if since is None:
            last = await store.last_trade_id(self._market, self._symbol)
            since = until - round(days * DAY_NS)
            if last is not None:
                since, expected = await self._ts_of(last, since), last + 1
        if self._tools.rest is None and self._tools.archive is None:
            raise UsageError("trades need a source: rest, archive or auto")
        self.result.since, self.result.until = shown(since), shown(max(since, until))
        at = since
        while at < until and not dry_run:
            end = min(until, at - at % DAY_NS + DAY_NS)
            expected = await self._day(at, end, expected)
            at = end
        if self._skipped:
            self.result.notes.append(f"the venue has left out {self._skipped} ids")

    async def _ts_of(self, trade_id: int, otherwise: int) -> int:
        """When a trade was."""
        if self._tools.rest is None:
            return otherwise
        found, _ = await self._tools.rest.trades(self._symbol, trade_id)
        return found[0].ts if found else otherwise

    async def _day(self, since: int, until: int, expected: int | None) -> int | None:
        """One day, or the rest of one; returns the id that comes next, none where nobody knows it yet."""
        tools = self._tools
        is_wanted = tools.rest is None or self._is_for_archive(since, until)
        if tools.archive is not None and is_wanted and not await self._is_whole(since, until, expected):
            await self._store(tools.archive.trades(self._symbol, since, until, tools.horizon))
        if tools.rest is None:
            return None
        if expected is None:
            first = await tools.rest.first_trade(self._symbol, since, until)
            if first is None:
                return None
            expected = first.trade_id
        holes = await self._holes(since, until, expected)
        for hole in holes:
            await self._store(self._asked(hole, until))
        closed = sum(hole.until != NO_END for hole in holes)
        self.result.gaps_found += closed
        self.result.gaps_filled += closed
        return await self._next(since, until, expected)

    def _is_for_archive(self, since: int, until: int) -> bool:
        return until - since >= ARCHIVE_FROM_NS and until <= self._tools.horizon - DAY_NS

    async def _is_whole(self, since: int, until: int, expected: int | None) -> bool:
        """Whether nothing is missing before the last stored trade of the day, and there is one of its last minute."""
        if expected is None:
            return False
        holes = await self._holes(since, until, expected)
        if len(holes) != 1:
            return False
        return bool(await self._tools.store.trades(self._market, self._symbol, until - 60 * NS_PER_SECOND, until,
                                                   limit=1))  # fmt: skip

    async def _holes(self, since: int, until: int, expected: int) -> list[_Hole]:
        """Ids that are missing from `expected` on; the last hole has no end that is known."""
        holes = []
        async for page in self._stored(since, until):
            for one in page:
                if one.trade_id > expected:
                    holes.append(_Hole(expected, one.trade_id))
                expected = max(expected, one.trade_id + 1)
        return [*holes, _Hole(expected, NO_END)]

    async def _next(self, since: int, until: int, expected: int) -> int:
        async for page in self._stored(since, until):
            expected = max(expected, page[-1].trade_id + 1)
        return expected

    async def _stored(self, since: int, until: int) -> AsyncGenerator[Sequence[HistoricTrade], None]:
        at, seen = since, -1
        while page := await self._tools.store.trades(self._market, self._symbol, at, until, limit=READ_TRADES):
            fresh = [one for one in page if one.trade_id > seen]
            if fresh:
                yield fresh
                seen = fresh[-1].trade_id
            if len(page) < READ_TRADES:
                return
            at = page[-1].ts if page[-1].ts > at else at + 1

    async def _asked(self, hole: _Hole, until: int) -> AsyncGenerator[tuple[list[HistoricTrade], list[Refused]], None]:
        rest, at = self._tools.rest, hole.since
        assert rest is not None
        while at < hole.until:
            made, refused = await rest.trades(self._symbol, at)
            if not made:
                yield [], refused
                return
            inside = [one for one in made if one.ts < until and one.trade_id < hole.until]
            ids = [at - 1, *(one.trade_id for one in inside)]
            self._skipped += sum(later - before - 1 for before, later in pairwise(ids)) - len(refused)
            yield inside, refused
            if len(inside) < len(made):
                return
            at = made[-1].trade_id + 1

    async def _store(self, pages: AsyncGenerator[tuple[list[HistoricTrade], list[Refused]], None]) -> None:
        async with Batches(self._write, WRITE_TRADES) as batches, aclosing(pages):
            async for made, refused in pages:
                for one in refused:
                    self.result.refuse(one.why)
                self._line.done += len(made)
                await batches.add(made)

    async def _write(self, trades: Sequence[HistoricTrade]) -> None:
        def refuse(one: HistoricTrade, why: str) -> None:
            self.result.refuse(f"{one.symbol} trade {one.trade_id}: {why}")

        await write(self._tools, self._tools.store.write_trades, trades, self.result, refuse)
