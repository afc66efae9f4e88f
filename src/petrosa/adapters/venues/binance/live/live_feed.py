"""The market data of a venue, made trustworthy: every trade once and in order, books that are whole or say so."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from petrosa.adapters.feeds import live_feed
from petrosa.adapters.feeds.expected import Expected
from petrosa.adapters.feeds.face import BookHealth, Dial, Hear
from petrosa.adapters.feeds.live_feed import known, outlet
from petrosa.adapters.feeds.outlet import News, Offer, Outlet
from petrosa.adapters.venues.binance.live.bars import STREAM as BARS
from petrosa.adapters.venues.binance.live.bars import Bars, BarSource
from petrosa.adapters.venues.binance.live.books import Books
from petrosa.adapters.venues.binance.live.built_depth import STREAM, BuiltDepth
from petrosa.adapters.venues.binance.live.expected import RARE, expected
from petrosa.adapters.venues.binance.live.feed_params import PARAMS, FeedParams
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.trade_frames import TRADES
from petrosa.adapters.venues.binance.live.trades import Trades
from petrosa.adapters.venues.binance.parse import DEPTH, DIFF, SKIPPED, STREAMS
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BookGap, InstrumentId, symbol_of

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "spot": ("bookTicker", "depth20@100ms", "trade"),
    "usdm": ("bookTicker", "depth20@100ms", "aggTrade", "markPrice@1s", "forceOrder"),
}
"""What a desk listens to, by market."""

DIFFERENCES: Final = "depth@100ms"
SAMPLE_S: Final = 0.05
"""How often it is seen whether a depth is due that no frame has brought about."""


class LiveFeed(live_feed.LiveFeed):
    """One market's streams of some symbols, from the sockets to whoever reads.

    `kinds` are the venue's stream names after the `@`: `trade`, `aggTrade`, `depth20@100ms`, `depth@100ms` (a book: its
    snapshots are fetched and handed on as stream `<symbol>@snapshot`), `bookTicker`, `ticker`, `markPrice@1s`,
    `kline_1m`, `forceOrder`, …. `ask` is `Rest.call`. `offer` is given every frame in order: trades each once and by
    id, holes filled or said; everything else as it came. `tell` is given what is said beside the frames.
    """

    def __init__(
        self, market: str, instruments: Mapping[InstrumentId, Instrument], kinds: Collection[str], dial: Dial,
        ask: Callable[[Request], Awaitable[bytes]], offer: Offer, tell: Callable[[News], None], *,
        params: FeedParams = PARAMS, now: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep, bars: BarSource | None = None,
    ) -> None:  # fmt: skip
        """With `bars` each closed bar is handed on once and in order, from `begin_bars` on, and nothing else of bars;
        their silence says nothing then, since a bar that is overdue is asked for.

        Raises `ConfigError` for a kind of stream that there is not.
        """
        wanted = _wanted(kinds, params)
        streams = {f"{symbol_of(key).lower()}@{kind}": key for key in instruments for kind in wanted}
        made = {f"{symbol_of(key).lower()}@{STREAM}": key for key in instruments}
        expects = partial(expected, market) if bars is None else partial(_with_bars, market)
        out = outlet(streams, expects, offer, tell, now, made)
        making = _Making(market, instruments, streams, ask, out, params, sleep, bars)
        self.begin_bars = making.begin_bars
        super().__init__(out, dial(tuple(streams), making.hear, making.link), making, now, sleep)


class _Making:
    """See `live_feed.Making`."""

    def __init__(
        self, market: str, instruments: Mapping[InstrumentId, Instrument], streams: Mapping[str, InstrumentId],
        ask: Callable[[Request], Awaitable[bytes]], out: Outlet, params: FeedParams,
        sleep: Callable[[float], Coroutine[Any, Any, None]], bars: BarSource | None,
    ) -> None:  # fmt: skip
        self._streams = streams
        self._sleep = sleep
        self._out = out
        self._depth = BuiltDepth(market, instruments) if params.depth20_from_book else None
        built = _nothing if self._depth is None else self._depth.hear
        self._trades = Trades(market, self._kept(TRADES), ask, out, params, sleep)
        diffs = {suffix for suffix, kind in STREAMS.items() if kind is DIFF}
        self._books = Books(market, self._kept(diffs), ask, out, params, built, sleep)
        klines = {one: key for one, key in streams.items() if f"@{BARS}" in one}
        self._bars = None if bars is None else Bars(market, klines, bars, out, sleep)
        self._hearers: dict[str, Hear] = {
            **dict.fromkeys(streams, out.hand_on),
            **dict.fromkeys(self._kept(TRADES), self._trades.hear),
            **dict.fromkeys(self._kept(diffs), self._books.hear),
            **({} if self._bars is None else dict.fromkeys(klines, self._bars.hear)),
        }

    @property
    def books(self) -> Mapping[str, BookHealth]:
        return self._books.states

    def ask_books(self, symbols: Iterable[str], why: str) -> None:
        self._books.ask_anew(symbols, why)

    def begin_bars(self, last: Mapping[str, int]) -> None:
        """Hand on the bars that close from now on; `last` says which opened last (ns) of those known, by stream."""
        if self._bars is not None:
            self._bars.begin(last)

    def look(self, now: int) -> None:
        self._trades.look(now)
        if self._bars is not None:
            self._bars.look(now)

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        sampling = () if self._depth is None else (self._sample_quiet(self._depth),)
        bars = () if self._bars is None else (self._bars.run(),)
        return (self._trades.run(), self._books.run(), *sampling, *bars)

    def hear(self, stream: str, frame: bytes, arrival: int) -> None:
        hear = self._hearers.get(stream)
        if hear is None:
            self._out.counts["frame of a stream that nobody asked for"] += 1
            return
        if self._depth is not None and arrival >= self._depth.due:
            self._sample(self._depth, arrival)
        hear(stream, frame, self._out.heard(stream, arrival))

    def link(self, stream: str, is_up: bool, why: str) -> None:
        if stream in self._streams:
            self._out.changed(self._out.health.link(stream, is_up, why, self._out.now()))

    async def _sample_quiet(self, depth: BuiltDepth) -> None:
        while True:
            await self._sleep(SAMPLE_S)
            now = self._out.now()
            if now >= depth.due:
                self._sample(depth, now)

    def _sample(self, depth: BuiltDepth, now: int) -> None:
        for at, stream, frame in depth.sample(now):
            self._out.hand_on(stream, frame, at)

    def _kept(self, suffixes: Collection[str]) -> dict[str, InstrumentId]:
        return {stream: key for stream, key in self._streams.items() if stream.partition("@")[2] in suffixes}


def _wanted(kinds: Collection[str], params: FeedParams) -> list[str]:
    """The kinds to listen to. Where depth is made of books, books are listened to instead of it."""
    wanted = known(kinds, STREAMS.keys() | SKIPPED, "Binance has for a symbol")
    if params.depth20_from_book:
        wanted = [kind for kind in wanted if STREAMS.get(kind) is not DEPTH]
        if not any(STREAMS.get(kind) is DIFF for kind in wanted):
            wanted.append(DIFFERENCES)
    return wanted


def _with_bars(market: str, kind: str) -> Expected:
    """What is expected where bars that are overdue are asked for."""
    return RARE if kind.startswith(BARS) else expected(market, kind)


def _nothing(_symbol: str, _stream: str, _frame: bytes, _arrival: int) -> BookGap | None:
    """Nobody makes depth of the books."""
    return None
