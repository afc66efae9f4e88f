"""Every trade once and in order, also over a connection that was away: its hole is asked for, or named.

Ids say nothing about each other here, so that a hole is where a connection was lost. The trades after it are held back
until the venue's newest trades reach from one that was told to the first that was heard since; then nothing is missing.
Where they do not reach back so far, the newest of them are told, and what may lie before them is named by its times.
The stream is STALE meanwhile. A stream that stays silent after its connection was away is asked about too.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final

import msgspec

from petrosa.adapters.feeds.backfill import Backfill
from petrosa.adapters.feeds.outlet import Outlet, TradesUnknown
from petrosa.adapters.net.websocket import together
from petrosa.adapters.venues.bybit.live.recent import PATH, Print, newest, read_newest
from petrosa.adapters.venues.bybit.live.rules import Ask
from petrosa.adapters.venues.bybit.live.splitting import framed, single
from petrosa.adapters.venues.bybit.wire import Name
from petrosa.adapters.wire.bounds import Millis
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.errors import DataError, RateLimited, TransportError, VenueError

REMEMBERED: Final = 8_192
"""Trades of a stream remembered by id; a message has at most 1,024, an answer 1,000."""
WORKERS: Final = 2
AGAIN_S: Final = 0.5
"""Pause before the venue is asked again where it did not answer, or its answer is behind its stream."""
CHECK_EVERY_S: Final = 2.0
"""Silent symbols are asked about one after the other, so far apart."""


class _Named(msgspec.Struct):
    i: Name
    T: Millis


_named: Final = msgspec.json.Decoder(_Named).decode


class _Line:
    """One stream of trades. `held` are those that wait, since `held_since` (ns); `unsure`: some may be missing before
    the next one."""

    __slots__ = (
        "filling", "heard", "held", "held_since", "instrument", "last_ms", "passed_at", "stream", "symbol", "unsure",
    )  # fmt: skip

    def __init__(self, stream: str, instrument: InstrumentId) -> None:
        self.stream = stream
        self.instrument = instrument
        self.symbol = symbol_of(instrument)
        self.heard: OrderedDict[str, None] = OrderedDict()
        self.held: list[Print] = []
        self.held_since = self.passed_at = self.last_ms = 0
        self.unsure = self.filling = False

    def is_new(self, name: str) -> bool:
        """Whether this is no repetition; it is remembered."""
        if name in self.heard:
            return False
        self.heard[name] = None
        if len(self.heard) > REMEMBERED:
            self.heard.popitem(last=False)
        return True


class Trades:
    """The streams of trades of one market. `run` asks for what is missing; without it, holes are only named."""

    def __init__(
        self, market: str, streams: Mapping[str, InstrumentId], ask: Ask, outlet: Outlet, backfill: Backfill,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self._market = market
        self._lines = {stream: _Line(stream, instrument) for stream, instrument in streams.items()}
        self._ask = ask
        self._out = outlet
        self._backfill = backfill
        self._sleep = sleep
        self._holes: asyncio.Queue[_Line] = asyncio.Queue()

    def hear(self, stream: str, message: bytes, arrival: int) -> None:
        """Raises `msgspec.MsgspecError` for a message that cannot be read."""
        line = self._lines[stream]
        for trade, alone in single(message):
            found = _named(trade)
            if not line.is_new(found.i):
                self._out.counts["trade heard twice"] += 1
            elif line.unsure:
                self._hold(line, Print(found.i, found.T, framed(stream, alone)), arrival)
            else:
                line.last_ms, line.passed_at = found.T, arrival
                self._out.hand_on(stream, framed(stream, alone), arrival)

    def away(self, stream: str) -> None:
        """Its connection is lost: from now on trades may be missing."""
        line = self._lines.get(stream)
        if line is not None and line.last_ms:
            if line.held:
                self._give_up(line, "the connection was lost again before they were told")
            line.unsure = True

    def look(self, now: int) -> None:
        """See which holes have been waited for long enough."""
        limit_s = self._backfill.hold_seconds
        for line in self._lines.values():
            if line.held and now - line.held_since >= limit_s * NS_PER_SECOND:
                self._give_up(line, f"the venue did not tell them within {limit_s:g} s")

    async def run(self) -> None:
        """Ask for what is missing, for ever."""
        self._holes = asyncio.Queue()
        for line in self._lines.values():
            line.filling = False
            self.away(line.stream)  # nothing was heard since this ended, if it was begun before
        await together((*(self._fill_holes() for _ in range(WORKERS)), self._check_silences()))

    # asking

    async def _fill_holes(self) -> None:
        while True:
            line = await self._holes.get()
            while line.held:
                await self._sleep(await self._asked(line))
            line.filling = False

    async def _asked(self, line: _Line) -> float:
        """Ask once; returns how long to wait before the next question (s)."""
        silent_s = (line.held_since - line.passed_at) / NS_PER_SECOND
        if not self._backfill.trades or silent_s > self._backfill.seconds:
            limit = f"backfill_max_seconds = {self._backfill.seconds:g}"
            why = f"they began {silent_s:.0f} s ago, more than {limit}"
            self._give_up(line, why if self._backfill.trades else "backfill_max_trades = 0")
            return 0.0
        try:
            rows = await self._newest(line)
        except (RateLimited, TransportError) as problem:
            self._out.counts[f"trades asked for: {type(problem).__name__}"] += 1
            wait_s = problem.retry_after_s if isinstance(problem, RateLimited) else 0.0
            return max(AGAIN_S, min(wait_s, self._backfill.hold_seconds))
        except (VenueError, DataError) as problem:
            if line.held:
                self._give_up(line, str(problem))
            return 0.0
        return 0.0 if not line.held or self._filled(line, rows) else AGAIN_S

    async def _newest(self, line: _Line) -> Sequence[Print]:
        body = await self._ask(PATH, newest(self._market, line.symbol))
        return read_newest(line.stream, line.symbol, body)

    def _filled(self, line: _Line, rows: Sequence[Print]) -> bool:
        """Hand on what lies before the trades that wait, and them. Not while the answer is behind the stream."""
        first = line.held[0]
        end = next((place for place, row in enumerate(rows) if row.name == first.name), None)
        if end is None:
            if not rows or rows[0].ms < first.ms:
                return False
            self._give_up(line, f"the newest {len(rows)} that the venue tells do not reach back to them")
            return True
        self._tell_missing(line, rows[:end])
        self._settle(line, "missing trades were fetched")
        return True

    def _tell_missing(self, line: _Line, rows: Sequence[Print]) -> None:
        """Of what the venue lists, all that comes after what was told; what is not listed any more is named."""
        waiting = {one.name for one in line.held}
        told = [place for place, row in enumerate(rows) if row.name in line.heard and row.name not in waiting]
        after = rows[told[-1] + 1 if told else 0 :]
        missing = [row for row in after if row.ms >= line.last_ms and row.name not in waiting]
        most = self._backfill.trades
        if not told:
            self._say_unknown(line, missing, f"the newest {len(rows)} that the venue tells do not reach back to them")
        elif len(missing) > most:
            missing = missing[-most:]
            self._say_unknown(line, missing, f"more are missing than backfill_max_trades = {most}")
        now = self._out.now()
        for row in missing:
            line.is_new(row.name)
            line.last_ms = row.ms
            self._out.hand_on(line.stream, row.frame, now)
        if missing:
            line.passed_at = now
        self._out.counts["trade filled"] += len(missing)

    async def _check_silences(self) -> None:
        """Ask about streams that may be silent because nobody trades, or because they are dead."""
        while True:
            await self._sleep(CHECK_EVERY_S)
            for stream in self._out.health.doubtful(self._out.now()):
                line = self._lines.get(stream)
                if line is not None and not line.held and line.last_ms and self._backfill.trades:
                    await self._check(line)
                    await self._sleep(CHECK_EVERY_S)

    async def _check(self, line: _Line) -> None:
        last = next(reversed(line.heard))
        try:
            rows = await self._newest(line)
        except (TransportError, VenueError, DataError) as problem:
            self._out.counts[f"silence asked about: {type(problem).__name__}"] += 1
            return
        if last != next(reversed(line.heard)):
            return  # it speaks again
        if rows and rows[-1].name not in line.heard:
            self._out.counts["silence with trades in it"] += 1
            self._tell_missing(line, rows)
        else:
            self._out.counts["silence confirmed"] += 1
        self._out.health.confirm(line.stream, self._out.now())

    # what follows

    def _hold(self, line: _Line, trade: Print, arrival: int) -> None:
        if not line.held:
            line.held_since = arrival
            self._out.impaired(line.stream, "trades may be missing, and are asked for")
        line.held.append(trade)
        if len(line.held) > self._backfill.hold_max:
            self._give_up(line, f"more than {self._backfill.hold_max} later ones wait for them")
        elif not line.filling:
            line.filling = True
            self._holes.put_nowait(line)

    def _give_up(self, line: _Line, why: str) -> None:
        """Go on without what may be missing before the trades that wait."""
        self._say_unknown(line, line.held, why)
        self._settle(line, f"trades may be lost: {why}")

    def _say_unknown(self, line: _Line, later: Sequence[Print], why: str) -> None:
        until = later[0].ms if later else line.held[0].ms if line.held else line.last_ms
        self._out.counts["hole of unknown trades"] += 1
        kind = line.stream.partition("@")[2]
        self._out.said(TradesUnknown(line.instrument, kind, line.last_ms * NS_PER_MS, until * NS_PER_MS, why))

    def _settle(self, line: _Line, why: str) -> None:
        """What waits is handed on, and nothing is missing after it."""
        held, line.held, line.unsure = line.held, [], False
        now = self._out.now()
        for trade in held:
            self._out.hand_on(line.stream, trade.frame, now)
        line.last_ms, line.passed_at = held[-1].ms, now
        self._out.mended(line.stream, why)
