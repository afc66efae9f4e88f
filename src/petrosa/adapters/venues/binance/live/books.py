"""Books that are whole, or say that they are not: differences as they come, joined to a snapshot that is asked for.

Frames of differences are handed on whatever they say, and a snapshot as soon as it joins them, so that whoever keeps
the frames can rebuild the book, and breaks it where it broke here. A snapshot that is older than the differences at
hand joins nothing; it is counted, and another one is asked for.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

import msgspec

from petrosa.adapters.feeds.face import BookHealth
from petrosa.adapters.feeds.outlet import Outlet
from petrosa.adapters.net.websocket import together
from petrosa.adapters.venues.binance.live.book_chain import BookChain, Ids, Step
from petrosa.adapters.venues.binance.live.feed_params import FeedParams
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.wire import Frame
from petrosa.adapters.wire.bounds import Millis, UpdateId
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.market import BookGap, InstrumentId, symbol_of
from petrosa.errors import RateLimited, TransportError, VenueError

DEPTH: Final = {"spot": "/api/v3/depth", "usdm": "/fapi/v1/depth"}
WEIGHTS: Final = {
    "spot": ((100, 5), (500, 25), (1_000, 50), (5_000, 250)),
    "usdm": ((50, 2), (100, 5), (500, 10), (1_000, 20)),
}
"""By market: what so many levels cost. Futures give these numbers of levels only."""

WORKERS: Final = 2
AGAIN_S: Final = 0.5
"""Pause before a snapshot is asked for again."""
AGAIN_MOST_S: Final = 30.0


class _Diff(msgspec.Struct, gc=False):
    E: Millis
    U: UpdateId
    u: UpdateId
    pu: int | None = None
    T: int = 0


class _Snapshot(msgspec.Struct, gc=False):
    lastUpdateId: UpdateId  # noqa: N815 - the venue's spelling


_DIFF: Final = msgspec.json.Decoder(Frame[_Diff])
_SNAPSHOT: Final = msgspec.json.Decoder(_Snapshot)


class Pacer:
    """So many a second, `burst` of them at once. Time is given, in ns."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._every = round(NS_PER_SECOND / per_second)
        self._ahead = (burst - 1) * self._every
        self._next = 0

    def take(self, now: int) -> float:
        """How long the next one has to wait (s); it is counted."""
        self._next = max(self._next, now - self._ahead)
        wait = max(0, self._next - now)
        self._next += self._every
        return wait / NS_PER_SECOND


class _Line:
    """One book. `at_least` is the id that a snapshot must have when somebody asked for it anew."""

    __slots__ = (
        "at_least", "chain", "failures", "gaps", "instrument", "since", "snapshots", "stream", "symbol", "wanted",
    )  # fmt: skip

    def __init__(self, stream: str, instrument: InstrumentId) -> None:
        self.stream = stream
        self.instrument = instrument
        self.symbol = symbol_of(instrument)
        self.chain = BookChain()
        self.since = self.gaps = self.snapshots = self.failures = self.at_least = 0
        self.wanted = False


class Books:
    """The streams of differences of one market. `run` asks for snapshots."""

    def __init__(
        self, market: str, streams: Mapping[str, InstrumentId], ask: Callable[[Request], Awaitable[bytes]],
        outlet: Outlet, params: FeedParams, built: Callable[[str, str, bytes, int], BookGap | None],
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        """`built` is shown (symbol, stream, frame, arrival) of everything that is handed on; a gap that it finds where
        the ids show none (a price off the tick) breaks the book too."""
        self._market = market
        self._lines = {stream: _Line(stream, instrument) for stream, instrument in streams.items()}
        self._ask = ask
        self._out = outlet
        self._params = params
        self._built = built
        self._sleep = sleep
        self._pacer = Pacer(params.books_per_second, params.books_at_once)
        self._wanted: asyncio.Queue[_Line] = asyncio.Queue()

    @property
    def states(self) -> dict[str, BookHealth]:
        """By symbol."""
        return {
            line.symbol: BookHealth(line.chain.whole, line.since, line.chain.last, line.gaps, line.snapshots)
            for line in self._lines.values()
        }

    def hear(self, stream: str, frame: bytes, arrival: int) -> None:
        line = self._lines[stream]
        try:
            data = _DIFF.decode(frame).data
        except msgspec.MsgspecError:
            self._out.counts["difference without ids"] += 1
            self._out.hand_on(stream, frame, arrival)
            return
        if line.chain.hear(Ids(data.U, data.u, data.pu)) is Step.GAP:
            ended = line.chain.ended
            expected, got = (ended + 1, data.U) if data.pu is None else (ended, data.pu)
            stamp = (data.T or data.E) * NS_PER_MS
            self._broken(line, BookGap(line.instrument, stamp, arrival, expected, got))
        self._hand_on(line, stream, frame, arrival)
        if not line.chain.whole:
            self._want(line)

    def ask_anew(self, symbols: Iterable[str], why: str) -> None:
        """Fetch snapshots of books, whole or not, at least as new as they are now."""
        wanted = frozenset(symbols)
        for line in self._lines.values():
            if line.symbol in wanted:
                self._out.counts[f"book asked for anew: {why}"] += 1
                line.at_least = line.chain.last
                self._want(line)

    async def run(self) -> None:
        """Ask for snapshots, for ever. A book that is not synchronised yet is STALE."""
        self._wanted = asyncio.Queue()
        for line in self._lines.values():
            line.wanted = False  # what was asked for when this ended is asked for again with the next difference
            if not line.chain.whole:
                self._out.impaired(line.stream, "the book is not synchronised yet")
        await together(self._work() for _ in range(WORKERS))

    async def _work(self) -> None:
        while True:
            line = await self._wanted.get()
            await self._sleep(self._pacer.take(self._out.now()))
            wait_s = await self._asked(line)
            if wait_s is None:
                line.wanted, line.failures = False, 0
                continue
            line.failures += 1
            await self._sleep(wait_s)
            self._wanted.put_nowait(line)

    async def _asked(self, line: _Line) -> float | None:
        """Ask once; returns how long to wait before the next question (s), none when the book is whole."""
        again_s = min(AGAIN_MOST_S, AGAIN_S * math.pow(2.0, min(line.failures, 10)))
        try:
            body = await self._ask(depth_request(self._market, line.symbol, self._params.book_levels))
            update_id = _SNAPSHOT.decode(body).lastUpdateId
        except (TransportError, VenueError, msgspec.MsgspecError) as problem:
            self._out.counts[f"book asked for: {type(problem).__name__}"] += 1
            return max(again_s, problem.retry_after_s) if isinstance(problem, RateLimited) else again_s
        was_whole = line.chain.whole
        if update_id < line.at_least or line.chain.snapshot(update_id) is Step.TOO_OLD:
            self._out.counts["snapshot older than the differences"] += 1
            return again_s
        line.at_least = 0
        line.snapshots += 1
        frame = b'{"stream":"%b@snapshot","data":%b}' % (line.symbol.lower().encode(), body)
        self._hand_on(line, f"{line.symbol.lower()}@snapshot", frame, self._out.now())
        if line.chain.whole and not was_whole:
            line.since = self._out.now()
            self._out.mended(line.stream, f"the book is synchronised at {line.chain.last}")
        return None if line.chain.whole else again_s

    def _hand_on(self, line: _Line, stream: str, frame: bytes, arrival: int) -> None:
        self._out.hand_on(stream, frame, arrival)
        gap = self._built(line.symbol, stream, frame, arrival)
        if gap is not None and line.chain.whole:
            line.chain.forget()
            self._broken(line, gap)

    def _broken(self, line: _Line, gap: BookGap) -> None:
        line.gaps += 1
        line.since = self._out.now()
        self._out.counts["book gap"] += 1
        self._out.said(gap)
        self._out.impaired(line.stream, f"the book is out of sync: {gap.expected} was expected, {gap.got} came")

    def _want(self, line: _Line) -> None:
        if not line.wanted:
            line.wanted = True
            self._wanted.put_nowait(line)


def depth_request(market: str, symbol: str, levels: int) -> Request:
    """Ask for a book of at least so many levels a side, or as many as there are."""
    weights = WEIGHTS[market]
    most, weight = next((one for one in weights if one[0] >= levels), weights[-1])
    given = levels if market == "spot" and levels <= most else most
    return Request("GET", DEPTH[market], {"symbol": symbol, "limit": str(given)}, signed=False, weight=weight)
