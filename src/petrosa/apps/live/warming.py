"""The bars of a desk on a venue: its past out of the store and from the venue, then each bar as it closes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from petrosa.adapters.venues.binance.history.rest import RestHistory
from petrosa.adapters.venues.binance.live.bars import streams_of
from petrosa.apps.bar_history import IN_ORDER, is_kept
from petrosa.apps.desk_bars import history_needed, series_needed, warming_up
from petrosa.apps.klines import open_klines
from petrosa.apps.live.process import LiveProcess
from petrosa.apps.running import Report
from petrosa.apps.settings import Settings
from petrosa.core.market.grid import Grid, shown
from petrosa.core.model.events import Warmup
from petrosa.core.model.history import Kline, Series
from petrosa.errors import DataError, StorageError, TransportError, VenueError
from petrosa.runtime.supervise import BACKOFF_S
from petrosa.surfaces.observation import Check

TOLD_AT_ONCE: Final = 16
"""Bars of the past that wait in the inbox at most: what a venue says does not stand behind more of them."""
PAUSE_S: Final = 0.002

Past = Mapping[Series, Sequence[Kline]]


class Warming:
    """Tells a desk the past of its bars when the venue has made its first statement, and then lets the feed begin.

    A past that cannot be had is asked for again; until then no bar is heard, and strategies of bars say nothing.
    """

    def __init__(
        self, settings: Settings, process: LiveProcess, source: RestHistory,
        begin: Callable[[Mapping[str, int]], None], report: Report,
    ) -> None:  # fmt: skip
        """`begin` is `begin_bars` of the feed."""
        self.series = series_needed(settings, process.parts.instruments)
        self._settings = settings
        self._process = process
        self._source = source
        self._begin = begin
        self._report = report
        self._waits_for = "the venue's first statement"

    async def run(self) -> None:
        await self._process.begun()
        past = await self._had()
        bars = sorted(
            (bar.candle(self.series[series]) for series, found in past.items() for bar in found), key=IN_ORDER
        )
        for bar in bars:
            while self._process.inbox.waiting >= TOLD_AT_ONCE:
                await asyncio.sleep(PAUSE_S)
            self._process.tell(Warmup(bar))
        self._begin({stream: past[one][-1].ts_open for stream, one in streams_of(self.series).items() if past.get(one)})
        while self._process.inbox.waiting:
            await asyncio.sleep(PAUSE_S)
        self._waits_for = ""
        waiting = "".join(f"; {one}" for one in warming_up(self._settings, self._process.parts))
        self._report(f"bars: warmed up with {len(bars):,} bars of {len(self.series)} series{waiting}")
        await asyncio.Event().wait()

    def check(self) -> Check:
        """What `/ready` asks."""
        said = f"not heard yet, waiting for {self._waits_for}" if self._waits_for else f"{len(self.series)} series"
        return Check("bars", not self._waits_for, said)

    async def _had(self) -> Past:
        tries = 0
        while True:
            try:
                return await past_of(self._settings, self.series, self._source, self._process.clock.now())
            except (StorageError, TransportError, VenueError, DataError) as problem:
                wait_s = BACKOFF_S[min(tries, len(BACKOFF_S) - 1)]
                tries += 1
                self._waits_for = f"their past: {problem}"
                self._report(f"bars: {problem}; asking again in {wait_s:g} s")
                await asyncio.sleep(wait_s)


async def past_of(settings: Settings, wanted: Mapping[Series, object], source: RestHistory, now: int) -> Past:
    """The bars before now that strategies need: out of the store, and what is not there from the venue.

    Raises `StorageError`, `TransportError`, `VenueError`, `DataError`.
    """
    kept = await _kept(settings, wanted, now)
    counts = history_needed(settings)
    asked = [_whole(source, one, kept.get(one, ()), counts[one.interval], now) for one in wanted]
    return dict(zip(wanted, await asyncio.gather(*asked), strict=True))


async def _kept(settings: Settings, wanted: Mapping[Series, object], now: int) -> Past:
    if not is_kept(settings):
        return {}
    counts = history_needed(settings)
    store = await open_klines(settings)
    try:
        return {one: await store.last_klines(one, counts[one.interval], until=now) for one in wanted}
    finally:
        await store.close()


async def _whole(source: RestHistory, series: Series, kept: Sequence[Kline], count: int, now: int) -> Sequence[Kline]:
    """The last `count` bars that have closed; the venue is asked from the first one on that is not kept."""
    grid = Grid(series.interval)
    end = grid.floor(now)
    since = end - count * grid.step
    found = {bar.ts_open: bar for bar in kept if since <= bar.ts_open < end}
    at = next((ts for ts in range(since, end, grid.step) if ts not in found), end)
    while at < end:
        page = await source.klines(series, grid, at, end, end)
        found |= {bar.ts_open: bar for bar in page.klines}
        if page.until <= at:
            raise DataError(f"the venue gives no bars of {' '.join(series)} from {shown(at)} on")
        at = page.until
    return [found[ts] for ts in sorted(found)]
