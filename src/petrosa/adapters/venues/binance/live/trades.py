"""Every trade once and in order: what a stream has left out is asked for by id, and what cannot be had is named.

While a hole is being filled the later trades of the stream are held back, nothing else of the symbol is: a late book
is worth less than a book beside late trades. The stream is STALE meanwhile. A hole is given up, and what was held back
is handed on, when the venue says no, when it is too old, when it is too long to be held back, or too much is.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

import msgspec

from petrosa.adapters.feeds.outlet import Outlet, TradesLost
from petrosa.adapters.net.websocket import together
from petrosa.adapters.venues.binance.live.feed_params import FeedParams
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.trade_chain import Hole, Print, TradeChain
from petrosa.adapters.venues.binance.live.trade_frames import SOURCES, read_rows, reader, trades_from
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.errors import DataError, RateLimited, TransportError, VenueError

WORKERS: Final = 3
"""Holes that are filled at the same time."""
AGAIN_S: Final = 0.5
"""Pause before the venue is asked again where it did not answer, or its answer is behind its stream."""
CHECK_EVERY_S: Final = 2.0
"""Silent symbols are asked about one after the other, so far apart: a quarter of an allowance at most."""


class _Line:
    """One stream of trades. Times are in ns."""

    __slots__ = (
        "chain", "filling", "hole_first", "hole_since", "instrument", "kind", "passed_at", "read", "stream", "symbol",
    )  # fmt: skip

    def __init__(self, stream: str, instrument: InstrumentId) -> None:
        self.stream = stream
        self.instrument = instrument
        self.symbol = symbol_of(instrument)
        self.kind = stream.partition("@")[2]
        self.chain = TradeChain()
        self.read = reader(self.kind)
        self.filling = False
        self.hole_first = -1
        self.hole_since = 0
        """Since when the trade with the id `hole_first` is missing."""
        self.passed_at = 0
        """When a trade was handed on last."""


class Trades:
    """The streams of trades of one market. `run` asks for what is missing; without it holes are only said."""

    def __init__(
        self, market: str, streams: Mapping[str, InstrumentId], ask: Callable[[Request], Awaitable[bytes]],
        outlet: Outlet, params: FeedParams, sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._market = market
        self._lines = {stream: _Line(stream, instrument) for stream, instrument in streams.items()}
        self._ask = ask
        self._out = outlet
        self._params = params
        self._sleep = sleep
        self._holes: asyncio.Queue[_Line] = asyncio.Queue()

    def hear(self, stream: str, frame: bytes, arrival: int) -> None:
        line = self._lines[stream]
        try:
            trade = line.read(frame)
        except msgspec.MsgspecError:
            self._out.counts["trade without an id"] += 1
            self._out.hand_on(stream, frame, arrival)  # whoever parses it will say what is wrong
            return
        chain = line.chain
        if chain.goes_on(trade):
            line.passed_at = arrival
            self._out.hand_on(stream, frame, arrival)
            if line.filling:
                self._settle(line, "missing trades were heard")
            return
        repeated, restarts = chain.repeated, chain.restarts
        passed = chain.hear(trade)
        if passed:
            self._pass(line, passed, arrival)
            if chain.restarts > restarts:
                self._out.counts["trade ids begun anew"] += 1
            if line.filling:
                self._settle(line, "missing trades were heard")
        elif chain.repeated > repeated:
            self._out.counts["trade heard twice"] += 1
        if chain.held:
            self._missing(line, arrival)

    def look(self, now: int) -> None:
        """See which holes have been waited for long enough."""
        limit_s = self._params.hold_seconds
        for line in self._lines.values():
            if line.filling and now - line.hole_since >= limit_s * NS_PER_SECOND and (hole := line.chain.hole):
                self._lose(line, hole, f"the venue did not tell them within {limit_s:g} s")

    async def run(self) -> None:
        """Ask for what is missing, for ever."""
        self._holes = asyncio.Queue()
        for line in self._lines.values():
            line.filling = False  # a hole that was being filled when this ended is seen with the next trade
        await together((*(self._fill_holes() for _ in range(WORKERS)), self._check_silences()))

    # asking

    async def _fill_holes(self) -> None:
        while True:
            line = await self._holes.get()
            await self._sleep(self._params.grace_seconds)
            while hole := self._wanted(line):
                self._out.impaired(line.stream, f"trades {_named(hole)} are missing, and asked for")
                await self._sleep(await self._asked(line, hole))
            line.filling = False

    def _wanted(self, line: _Line) -> Hole | None:
        """What is to be asked for now; what is beyond the bounds is given up first."""
        while hole := line.chain.hole:
            params, silent_s = self._params, (self._out.now() - line.passed_at) / NS_PER_SECOND
            if silent_s > params.backfill_max_seconds:
                why = (
                    f"they began {silent_s:.0f} s ago, more than backfill_max_seconds = {params.backfill_max_seconds:g}"
                )
                self._lose(line, hole, why)
            elif hole.size > params.backfill_max_trades:
                cut = Hole(hole.first, hole.last - params.backfill_max_trades)
                why = f"{hole.size} are missing, more than backfill_max_trades = {params.backfill_max_trades}"
                self._lose(line, cut, why)
            else:
                return hole
        return None

    async def _asked(self, line: _Line, hole: Hole) -> float:
        """Ask once; returns how long to wait before the next question (s)."""
        try:
            body = await self._ask(trades_from(self._market, line.kind, line.symbol, hole.first, hole.size))
            rows = read_rows(self._market, line.kind, line.symbol, body)
        except (RateLimited, TransportError) as problem:
            self._out.counts[f"trades asked for: {type(problem).__name__}"] += 1
            wait_s = problem.retry_after_s if isinstance(problem, RateLimited) else 0.0
            left_s = self._params.hold_seconds - (self._out.now() - line.hole_since) / NS_PER_SECOND
            return max(AGAIN_S, min(wait_s, left_s))
        except (VenueError, DataError) as problem:
            if line.chain.hole == hole:
                self._lose(line, hole, str(problem))
            return 0.0
        passed, unlisted = line.chain.fill(rows, hole.last)
        for one in unlisted:
            self._say_lost(line, one, "the venue does not list them")
        self._out.counts["trade filled"] += sum(one.number <= hole.last for one in passed)
        self._pass(line, passed, self._out.now())
        self._settle(line, "missing trades were fetched")
        return 0.0 if passed else AGAIN_S

    async def _check_silences(self) -> None:
        """Ask about streams that may be silent because nobody trades, or because they are dead."""
        while True:
            await self._sleep(CHECK_EVERY_S)
            for stream in self._out.health.doubtful(self._out.now()):
                line = self._lines.get(stream)
                if line is not None and not line.filling and line.chain.last >= 0:
                    await self._check(line)
                    await self._sleep(CHECK_EVERY_S)

    async def _check(self, line: _Line) -> None:
        last, most = line.chain.last, SOURCES[self._market, line.kind].most
        try:
            body = await self._ask(trades_from(self._market, line.kind, line.symbol, last + 1, most))
            rows = read_rows(self._market, line.kind, line.symbol, body)
        except (TransportError, VenueError, DataError) as problem:
            self._out.counts[f"silence asked about: {type(problem).__name__}"] += 1
            return
        if line.chain.last != last or line.filling:
            return  # it speaks again
        later = [row.number for row in rows if row.number > last]
        if not later:
            self._out.counts["silence confirmed"] += 1
            self._out.health.confirm(line.stream, self._out.now())
            return
        self._out.counts["silence with trades in it"] += 1
        line.chain.expect(later[-1])
        self._missing(line, self._out.now())

    # what follows

    def _missing(self, line: _Line, now: int) -> None:
        if line.hole_first != line.chain.last + 1:
            line.hole_first, line.hole_since = line.chain.last + 1, now
        if not line.filling:
            line.filling = True
            self._holes.put_nowait(line)
        most = self._params.hold_max
        if line.chain.held > most and (hole := line.chain.hole):
            self._lose(line, hole, f"more than {most} later ones wait for them")

    def _pass(self, line: _Line, trades: Sequence[Print], arrival: int) -> None:
        line.passed_at = arrival
        stream, hand_on = line.stream, self._out.hand_on
        for trade in trades:
            hand_on(stream, trade.frame, arrival)

    def _lose(self, line: _Line, hole: Hole, why: str) -> None:
        """Go on without the trades of a hole, up to its end or a part of it."""
        self._out.impaired(line.stream, f"trades {_named(hole)} are lost: {why}")
        self._say_lost(line, hole, why)
        self._pass(line, line.chain.give_up(hole.last), self._out.now())
        line.hole_first, line.hole_since = line.chain.last + 1, self._out.now()
        self._settle(line, f"trades {_named(hole)} are lost: {why}")

    def _say_lost(self, line: _Line, hole: Hole, why: str) -> None:
        self._out.counts["trade lost"] += hole.size
        self._out.said(TradesLost(line.instrument, line.kind, hole.first, hole.last, why))

    def _settle(self, line: _Line, why: str) -> None:
        if line.chain.hole is None:
            self._out.mended(line.stream, why)


def _named(hole: Hole) -> str:
    return f"{hole.first} to {hole.last} ({hole.size})"
