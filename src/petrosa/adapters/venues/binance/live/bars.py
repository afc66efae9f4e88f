"""Closed bars, each once and in order: what a stream has left out is asked for, and what the venue has not is named.

A stream of bars says how the present one grows, and once that it is closed. Only the closed ones are handed on. A bar
is missing when a later one is heard, or when its time has been over for a while; then it is asked for over REST, and
later ones wait for it. The stream is STALE meanwhile: no entry is made on bars that are not whole. Nothing is handed on
before `begin` has said which bars are known already.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final, Protocol

import msgspec

from petrosa.adapters.feeds.outlet import Outlet
from petrosa.adapters.venues.binance.history.rows import Page
from petrosa.adapters.venues.binance.wire import Frame
from petrosa.adapters.wire.bounds import Millis
from petrosa.core.market.grid import Grid, shown
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.history import Kline, Series
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.errors import DataError, RateLimited, TransportError, VenueError

STREAM: Final = "kline_"
GRACE_S: Final = 0.25
"""How long a missing bar may still come by itself before the venue is asked."""
OVERDUE_NS: Final = 3 * NS_PER_SECOND
"""So long after its time is over a bar that the stream has not said is asked for."""
AGAIN_S: Final = 2.0
"""Pause before the venue is asked again where it did not answer, or does not have the bar yet."""
TRIES_MAX: Final = 10
"""So often a bar is asked for that is over by the clock and that nothing says is there."""
BARS_MOST: Final = 2_000
"""Of more missing bars only the newest are asked for: strategies begin anew behind them."""


class BarSource(Protocol):
    """Who knows the bars of the past."""

    async def klines(self, series: Series, grid: Grid, since: int, until: int, horizon: int) -> Page:
        """The bars that open in [since, until) and have closed by `horizon`, as many as one answer holds."""
        ...


class _Bar(msgspec.Struct, gc=False):
    t: Millis
    x: bool


class _Data(msgspec.Struct, gc=False):
    k: _Bar


_read: Final = msgspec.json.Decoder(Frame[_Data]).decode


class _Line:
    """One stream of bars. Times are in ns; bars are named by when they open."""

    __slots__ = ("asking", "begun", "grid", "held", "known", "last", "series", "stream", "tries")

    def __init__(self, market: str, stream: str, instrument: InstrumentId) -> None:
        interval = stream.partition("@")[2].removeprefix(STREAM)
        self.stream = stream
        self.series = Series(market, symbol_of(instrument), interval)
        self.grid = Grid(interval)
        self.held: dict[int, bytes] = {}
        self.begun = False
        self.asking = False
        self.last = -1
        """The bar that was handed on last; -1 while there is none."""
        self.tries = 0
        self.known = -1
        """The newest bar that has closed, as far as is known."""

    @property
    def following(self) -> int:
        return self.last + self.grid.step


class Bars:
    """The streams of bars of one market. `run` asks for what is missing."""

    def __init__(
        self, market: str, streams: Mapping[str, InstrumentId], source: BarSource, outlet: Outlet,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._lines = {stream: _Line(market, stream, instrument) for stream, instrument in streams.items()}
        self._source = source
        self._out = outlet
        self._sleep = sleep
        self._missing: asyncio.Queue[_Line] = asyncio.Queue()

    def begin(self, last: Mapping[str, int]) -> None:
        """Hand on what closes after these, by stream; of a stream that is not among them, what is heard from now on."""
        for stream, line in self._lines.items():
            line.last = max(line.last, last.get(stream, -1))
            line.begun = True
            line.held = {ts: frame for ts, frame in line.held.items() if ts > line.last}
            self._go_on(line, self._out.now())

    def hear(self, stream: str, frame: bytes, arrival: int) -> None:
        line = self._lines[stream]
        try:
            bar = _read(frame).data.k
        except msgspec.MsgspecError:
            self._out.counts["bar that cannot be read"] += 1
            self._out.hand_on(stream, frame, arrival)  # whoever parses it will say what is wrong
            return
        ts = bar.t * NS_PER_MS
        if not bar.x:
            if ts - line.grid.step <= line.known:
                return
            ts -= line.grid.step
        elif ts <= line.last or ts in line.held:
            self._out.counts["bar heard twice"] += 1
        else:
            line.held[ts] = frame
        line.known = max(line.known, ts)
        self._go_on(line, arrival)

    def look(self, now: int) -> None:
        """See which bars are over and were not said."""
        for line in self._lines.values():
            newest = line.grid.floor(now - OVERDUE_NS) - line.grid.step
            if line.last >= 0 and newest > max(line.known, line.last):
                line.known = newest
                self._go_on(line, now)

    async def run(self) -> None:
        """Ask for what is missing, for ever."""
        self._missing = asyncio.Queue()
        for line in self._lines.values():
            line.asking = False  # what was being asked for when this ended is asked for again
            self._go_on(line, self._out.now())
        while True:
            line = await self._missing.get()
            await self._sleep(GRACE_S)
            if line.known > line.last and line.tries < TRIES_MAX:
                self._out.impaired(line.stream, f"bars from {shown(line.following)} on are missing, and asked for")
                await self._sleep(await self._asked(line))
                self._missing.put_nowait(line)
                continue
            line.known, line.tries, line.asking = line.last, 0, False
            self._out.health.confirm(line.stream, self._out.now())
            self._out.mended(line.stream, "its bars are whole, or the venue has no more of them")

    def _go_on(self, line: _Line, arrival: int) -> None:
        """Hand on what is whole; a hole is asked for."""
        if not line.begun:
            return
        if line.last < 0:
            if not line.held:
                line.last = line.known  # nobody misses what closed before anything was heard
                return
            line.last = min(line.held) - line.grid.step
        while (frame := line.held.pop(line.following, None)) is not None:
            line.last = line.following
            self._out.hand_on(line.stream, frame, arrival)
        if line.known > line.last and not line.asking:
            line.asking = True
            self._missing.put_nowait(line)

    async def _asked(self, line: _Line) -> float:
        """Ask once; how long to wait before the next question (s)."""
        step = line.grid.step
        since = max(line.following, line.known - (BARS_MOST - 1) * step)
        try:
            page = await self._source.klines(line.series, line.grid, since, line.known + step, line.known + step)
        except (RateLimited, TransportError, DataError, VenueError) as problem:
            self._out.counts[f"bars asked for: {type(problem).__name__}"] += 1
            return max(AGAIN_S, problem.retry_after_s if isinstance(problem, RateLimited) else 0.0)
        now, before = self._out.now(), line.last
        for kline in page.klines:
            if kline.ts_open > line.last and kline.ts_open not in line.held:
                line.held[kline.ts_open] = as_streamed(line.stream, kline, now)
                self._out.counts["bar filled"] += 1
        if line.held and (first := min(line.held)) > line.following and page.until >= first:
            self._out.counts["bar that the venue does not have"] += (first - line.following) // step
            line.last = first - step
        self._go_on(line, now)
        if line.last > before:
            line.tries = 0
            return 0.0
        line.tries += 0 if line.held else 1
        return AGAIN_S


def as_streamed(stream: str, bar: Kline, now: int) -> bytes:
    """A bar as the stream would have said it now, closed."""
    k = {
        "t": bar.ts_open // NS_PER_MS, "T": bar.ts_close // NS_PER_MS - 1, "s": bar.symbol, "i": bar.interval,
        "o": str(bar.open), "c": str(bar.close), "h": str(bar.high), "l": str(bar.low), "v": str(bar.volume),
        "n": bar.trades, "x": True, "q": str(bar.quote_volume), "V": str(bar.taker_volume),
        "Q": str(bar.taker_quote_volume),
    }  # fmt: skip
    data = {"e": "kline", "E": now // NS_PER_MS, "s": bar.symbol, "k": k}
    return msgspec.json.encode({"stream": stream, "data": data})


def streams_of(series: Mapping[Series, InstrumentId]) -> dict[str, Series]:
    """The stream of each series, by its name: `btcusdt@kline_1m`."""
    return {f"{one.symbol.lower()}@{STREAM}{one.interval}": one for one in series}
