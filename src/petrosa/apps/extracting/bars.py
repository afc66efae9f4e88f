"""The bars of one series made whole: what is missing is found, fetched, stored, and remembered where nobody has it."""

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import Final

from petrosa.adapters.venues.binance.history.rows import Page, Refused
from petrosa.apps.extracting.results import Result, merged
from petrosa.apps.extracting.tools import DAY_NS, Batches, Tools, in_order, write
from petrosa.core.market.gaps import Span, bars_of, find_gaps, less, questions
from petrosa.core.market.grid import Gap, Grid, shown
from petrosa.core.model.base import NEVER
from petrosa.core.model.history import GapKind, Kline, KnownGap, Series
from petrosa.errors import UsageError

CHUNK_BARS: Final = 100_000
"""Opening times that are held at once."""

WRITE_BARS: Final = 5_000
"""Bars that are written at once: what a kill can cost is fetched again."""

AHEAD: Final = 4
"""Questions of one series under way. Answers are stored in order, so that what is stored has no hole of our making."""

ARCHIVE_FROM_BARS: Final = 5_000
"""With so many bars missing, files are quicker than questions."""

ROUNDS: Final = 3
"""How often what is missing is asked for: the venue may have answered something else, or nothing."""

SHOWN_MAX: Final = 100
"""Gaps and differences that are told one by one."""


class Bars:
    """One series. `result` says what was done."""

    def __init__(self, tools: Tools, series: Series) -> None:
        self.series = series
        self.result = Result("klines", series.market, series.symbol, series.interval)
        self._tools = tools
        self._store = tools.store
        self._line = tools.work.begin(self.result.name)
        self._grid = Grid("1m")
        self._first = 0
        self._known: list[Span] = []
        self._refused: set[int] = set()
        self._found: list[Span] = []
        self._left: list[Span] = []

    async def bring_up(self, since: int | None, until: int, days: float, *, verify: int, dry_run: bool) -> None:
        """Compare the last `verify` stored bars with the venue's, and fill what is missing up to `until`.

        Without `since` that is from the last stored bar on, and what is missing of the last `days` before it.
        """
        if not await self._begin():
            return
        if verify and not dry_run:
            await self._verify(verify)
        await self.fill(await self._usual(days) if since is None else since, until, dry_run=dry_run)

    async def check(self, since: int | None, until: int, *, fill: bool) -> None:
        """Find what is missing, from the first stored bar on unless `since` is given; fetch it where `fill` is set."""
        if not await self._begin():
            return
        stored = await self._store.klines(self.series, 0, NEVER, limit=1)
        if since is None and not stored:
            self.result.notes.append("no bar of it is stored")
            return
        await self.fill(stored[0].ts_open if since is None else since, until, dry_run=not fill)

    async def fill(self, since: int, until: int, *, dry_run: bool) -> None:
        """Make [since, until) whole, oldest first; with `dry_run` only say what is missing."""
        grid = self._grid
        begin, end = max(grid.ceil(since), self._first), min(grid.ceil(until), grid.floor(self._tools.horizon))
        self.result.since, self.result.until = shown(begin), shown(max(begin, end))
        for chunk in grid.chunks(begin, end, CHUNK_BARS):
            await self._chunk(*chunk, dry_run=dry_run)
        whole = [one for one in self._found if not any(gap.since < one.until and one.since < gap.until
                                                       for gap in self._left)]  # fmt: skip
        self.result.gaps_found, self.result.gaps_filled = len(self._found), len(whole)

    async def _begin(self) -> bool:
        """Learn since when there are bars, once, and which are known to be missing. False where there are none."""
        grid, tools = Grid(self.series.interval), self._tools
        known = await self._store.gaps(self.series)
        unlisted = [gap.until for gap in known if gap.kind is GapKind.NOT_LISTED]
        first = max(unlisted, default=None)
        if first is None and tools.rest is not None:
            first = await tools.rest.first_open(self.series)
            if first is None:
                self.result.notes.append("the venue has no bar of it")
                return False
            before = KnownGap(*self.series, 0, first, GapKind.NOT_LISTED, tools.horizon)
            await self._store.write_gaps([before])
        elif first is None and self.series.interval == "3d":
            raise UsageError("where bars of 3d open is known from the venue's first one; use --source auto or rest")
        self._grid = grid if first is None else Grid(self.series.interval, first)
        self._first = first or 0
        asked_since = tools.horizon - tools.recheck_ns
        self._known = [Span(gap.since, gap.until) for gap in known if gap.ts_asked > asked_since]
        return True

    async def _usual(self, days: float) -> int:
        """Where filling begins by default: at the last bar, or at the first that is missing of the last `days`."""
        since = self._tools.horizon - round(days * DAY_NS)
        last = await self._store.last_klines(self.series, 1)
        if not last:
            return since
        first = await self._store.klines(self.series, 0, NEVER, limit=1)
        return min(last[0].ts_close, max(first[0].ts_open, since))

    async def _chunk(self, since: int, until: int, *, dry_run: bool) -> None:
        missing = await self._missing(since, until)
        for gap in missing:
            merged(self._found, gap.since, gap.until)
        self._line.total += bars_of(missing)
        if missing and not dry_run:
            missing = await self._fetch(missing, since, until)
        for gap in missing:
            self._tell(gap)
            merged(self._left, gap.since, gap.until)
        self.result.missing_bars += bars_of(missing)

    async def _fetch(self, missing: list[Gap], since: int, until: int) -> list[Gap]:
        """Ask every source; returns what is missing still and may be there another time."""
        tools = self._tools
        is_much = tools.rest is None or bars_of(missing) >= ARCHIVE_FROM_BARS
        if tools.archive is not None and is_much:
            await self._from_archive(missing)
            missing = await self._missing(since, until)
        for _ in range(ROUNDS):
            if tools.rest is None or not missing:
                break
            await self._from_rest(missing)
            missing = await self._remember(await self._missing(since, until))
        return missing

    async def _missing(self, since: int, until: int) -> list[Gap]:
        opens = await self._store.opens(self.series, since, until)
        return less(find_gaps(opens, self._grid, since, until), self._known, self._grid)

    async def _from_archive(self, missing: list[Gap]) -> None:
        archive, expected, got = self._tools.archive, bars_of(missing), 0
        assert archive is not None
        pages = archive.klines(self.series, self._grid, missing[0].since, missing[-1].until, self._tools.horizon)
        async with Batches(self._write, WRITE_BARS) as batches, aclosing(pages):
            async for page in pages:
                self._refuse(page.refused)
                got += len(page.klines)
                self._line.done += len(page.klines)
                await batches.add(page.klines)
        self._line.done += min(got, expected) - got  # merged gaps bring more than was missing

    async def _from_rest(self, missing: list[Gap]) -> None:
        rest = self._tools.rest
        assert rest is not None
        before, expected = self._line.done, bars_of(missing)
        asked = in_order((self._ask(span) for span in questions(missing, self._grid, rest.bars_most)), AHEAD)
        async with Batches(self._write, WRITE_BARS) as batches, aclosing(asked):
            async for pages in asked:
                for page in pages:
                    self._refuse(page.refused)
                    self._line.done = min(before + expected, self._line.done + len(page.klines))
                    await batches.add(page.klines)

    async def _ask(self, span: Span) -> Sequence[Page]:
        rest = self._tools.rest
        assert rest is not None
        pages, at = [], span.since
        while at < span.until:
            pages.append(await rest.klines(self.series, self._grid, at, span.until, self._tools.horizon))
            at = pages[-1].until
        return pages

    async def _write(self, bars: Sequence[Kline]) -> None:
        def refuse(bar: Kline, why: str) -> None:
            self._refuse([Refused(bar.ts_open, f"{' '.join(self.series)} {shown(bar.ts_open)}: {why}")])

        await write(self._tools, self._store.write_klines, bars, self.result, refuse)

    async def _remember(self, missing: list[Gap]) -> list[Gap]:
        """Note what the venue does not have either; returns the rest: refused rows, and what may come yet."""
        gone = [gap for gap in missing if await self._is_outage(gap)]
        await self._store.write_gaps(
            [KnownGap(*self.series, gap.since, gap.until, GapKind.OUTAGE, self._tools.horizon) for gap in gone]
        )
        for gap in gone:
            self._known.append(Span(gap.since, gap.until))
            merged(self._left, gap.since, gap.until)
            self._tell(gap, GapKind.OUTAGE.value)
        self.result.outage_bars += bars_of(gone)
        return [gap for gap in missing if gap not in gone]

    async def _is_outage(self, gap: Gap) -> bool:
        """Whether the venue says that the first bar from the gap's beginning on is one that we have behind it.

        That is another question than the one that brought nothing, and silence does not answer it.
        """
        rest = self._tools.rest
        assert rest is not None
        if 0 in self._refused or any(gap.since <= ts < gap.until for ts in sorted(self._refused)):
            return False
        later = await self._store.klines(self.series, gap.until, NEVER, limit=1)
        return bool(later) and await rest.first_of(self.series, gap.since, later[0].ts_open) == later[0].ts_open

    async def _verify(self, count: int) -> None:
        """Compare the last bars with the venue's; what differs is told and stored as the venue has it now."""
        rest = self._tools.rest
        stored = await self._store.last_klines(self.series, count, until=self._grid.floor(self._tools.horizon))
        if not stored or rest is None:
            return
        wanted = [self._grid.gap(one.ts_open, one.ts_close) for one in stored]
        told = {
            one.ts_open: one
            for span in questions(wanted, self._grid, rest.bars_most)
            for page in await self._ask(span)
            for one in page.klines
        }
        wrong = [(one, told[one.ts_open]) for one in stored if one.ts_open in told and _differ(one, told[one.ts_open])]
        self.result.verified += len(stored)
        self.result.differences += [_difference(*pair) for pair in wrong[:SHOWN_MAX]]
        await self._write([theirs for _, theirs in wrong])

    def _refuse(self, refused: Sequence[Refused]) -> None:
        for one in refused:
            if one.ts not in self._refused:
                self.result.refuse(one.why)
            self._refused.add(one.ts)

    def _tell(self, gap: Gap, why: str = "missing") -> None:
        """One that goes on where the last has ended is the same one."""
        told = self.result.gaps
        since, until = shown(gap.since), shown(gap.until)
        if told and (told[-1]["until"], told[-1]["why"]) == (since, why):
            told[-1] |= {"until": until, "bars": told[-1]["bars"] + gap.bars}
        elif len(told) < SHOWN_MAX:
            told.append({"since": since, "until": until, "bars": gap.bars, "why": why})


def _numbers(one: Kline) -> Iterator[tuple[str, object]]:
    for name in ("open", "high", "low", "close", "volume", "quote_volume", "trades", "taker_volume",
                 "taker_quote_volume"):  # fmt: skip
        yield name, getattr(one, name)


def _differ(ours: Kline, theirs: Kline) -> bool:
    return list(_numbers(ours)) != list(_numbers(theirs))


def _difference(ours: Kline, theirs: Kline) -> str:
    parts = [
        f"{name} {mine} is {other}"
        for (name, mine), (_, other) in zip(_numbers(ours), _numbers(theirs), strict=True)
        if mine != other
    ]
    return f"{ours.symbol} {ours.interval} {shown(ours.ts_open)}: {', '.join(parts)}"
