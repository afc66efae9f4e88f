"""Closed bars out of the store, of many series at once, in the order in which they closed."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Final, NamedTuple

from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments
from petrosa.core.market.candles import interval_ns
from petrosa.core.model.history import Kline, Series
from petrosa.core.model.market import Candle, InstrumentId
from petrosa.core.strategies.catalog import CANDLE
from petrosa.ports import KlineStore

EVER: Final = 2**63 - 1
PAGE: Final = 10_000
STRETCH_BARS: Final = 2_000
"""How much of a long time is read at once, in bars of its shortest series."""

_IN_ORDER: Final = attrgetter("bar.ts_event", "bar.interval_ns", "bar.instrument")


class Due(NamedTuple):
    """A bar, and whether it is only there to warm up with."""

    bar: Candle
    is_history: bool = False


def followed_series(settings: Settings, instruments: Instruments) -> dict[Series, InstrumentId]:
    """What is to be read."""
    return {
        Series(one.market, one.symbol, timeframe): key
        for key, one in instruments.items()
        for timeframe in settings.ta.timeframes
    }


def bars_needed(settings: Settings) -> int:
    """Bars before the first that may lead to a signal: the longest memory of a strategy, and `ta.history_bars`."""
    chosen = [
        CANDLE[name].build(params)
        for name in CANDLE
        for strategy in [settings.strategies[name]]
        for params in (strategy.params, *strategy.by_symbol.values())
    ]
    longest = max((one.warmup()[1] for one in chosen), default=0)
    return min(PAGE - 1, longest + settings.ta.history_bars)


class Bars:
    """Reads each bar of the followed series once. `last` is when the newest bar that was read opened, by series."""

    def __init__(self, store: KlineStore, followed: Mapping[Series, InstrumentId], history: int) -> None:
        self.followed = followed
        self.last: dict[Series, int] = {}
        self._store = store
        self._history = history

    async def begin(self, remembered: Mapping[Series, int]) -> list[Due]:
        """History up to the last bar that was turned before, and what has come since.

        Of a series that was never turned only the newest bar is news.
        """
        found: list[Due] = []
        for series in self.followed:
            known = remembered.get(series)
            if known is None:
                bars = await self._store.last_klines(series, self._history + 1)
                found += self._due(bars[:-1], is_history=True)
                found += self._due(bars[-1:])
            else:
                found += self._due(await self._store.last_klines(series, self._history, until=known + 1), True)
                self.last[series] = known
                found += self._due(await self._after(series, known))
        return sorted(found, key=_IN_ORDER)

    async def news(self, series: Iterable[Series]) -> list[Due]:
        """What has come of these since they were read."""
        found: list[Due] = []
        for one in series:
            if one in self.followed:
                found += self._due(await self._after(one, self.last.get(one, -1)))
        return sorted(found, key=_IN_ORDER)

    async def between(self, since: int, until: int) -> AsyncIterator[list[Due]]:
        """History, and then all bars that close in [`since`, `until`), some at a time."""
        lengths = {series: interval_ns(series.interval) for series in self.followed}
        found: list[Due] = []
        for series, length in lengths.items():
            bars = await self._store.last_klines(series, self._history, until=since - length)
            found += self._due(bars, is_history=True)
        yield sorted(found, key=_IN_ORDER)
        stretch = STRETCH_BARS * min(lengths.values())
        first, last = await self._extent(since, until, lengths)
        for start in range(first, last, stretch):
            end = min(start + stretch, until)
            found = []
            for series, length in lengths.items():
                found += self._due(await self._store.klines(series, start - length, end - length))
            if found:
                yield sorted(found, key=_IN_ORDER)

    async def _extent(self, since: int, until: int, lengths: Mapping[Series, int]) -> tuple[int, int]:
        """The part of a time in which there are bars at all."""
        first, last = until, since
        for series, length in lengths.items():
            if oldest := await self._store.klines(series, since - length, until - length, limit=1):
                first = min(first, oldest[0].ts_close)
            if newest := await self._store.last_klines(series, 1, until=until - length):
                last = max(last, newest[0].ts_close + 1)
        return max(first, since), min(last, until)

    async def _after(self, series: Series, known: int) -> Sequence[Kline]:
        found: list[Kline] = []
        while True:
            page = await self._store.klines(series, known + 1, EVER, limit=PAGE)
            found += page
            if len(page) < PAGE:
                return found
            known = page[-1].ts_open

    def _due(self, bars: Collection[Kline], is_history: bool = False) -> list[Due]:
        found = []
        for bar in bars:
            self.last[bar.series] = bar.ts_open
            found.append(Due(bar.candle(self.followed[bar.series]), is_history))
        return found
