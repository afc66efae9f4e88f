"""One WebSocket connection that is kept for ever: opened again when it is lost, replaced before the venue ends it."""

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, Final, NamedTuple, Protocol

from petrosa.errors import PetrosaError, RateLimited, TransportError, VenueClosed

MESSAGE_MAX: Final = 4 << 20
"""Bytes of one message, in one frame or in many; a longer one ends the connection."""


class Ears(Protocol):
    """What a connection tells of itself, in order."""

    def heard(self, message: bytes) -> None: ...

    def ended(self, reason: str) -> None: ...

    def failed(self, mistake: Exception) -> None:
        """`heard` raised this: our own mistake, not the connection's."""
        ...


class Wire(Protocol):
    """One open connection by whatever library. Pings of the other side are answered, with what they hold."""

    @property
    def signs(self) -> int:
        """Frames that came, of every sort: what says that somebody is there."""
        ...

    def listen(self, ears: Ears) -> None:
        """Tell these from now on, first what has come already. Others may be told later on."""
        ...

    def deafen(self) -> None:
        """Tell nobody anything any more."""
        ...

    async def ping(self) -> None:
        """Raises `TransportError`."""
        ...

    async def send(self, message: bytes) -> None:
        """Send a text. Raises `TransportError`."""
        ...

    async def ready(self) -> None:
        """Until everything that is to be heard on it is being heard."""
        ...

    async def close(self) -> None: ...


class End(NamedTuple):
    """A connection is, or will soon be, over: a `planned` one is replaced first, any other is lost now."""

    reason: str
    planned: bool = False


Hear = Callable[[bytes, int], End | None]
"""Told (message, arrival in ns). Must not wait."""


class Pace(NamedTuple):
    """How often and how long, in seconds.

    `silence` without even the answer to a ping means that the connection is dead. One is replaced after `life` (Binance
    ends them after 24 h), up to a tenth earlier by chance so that several do not go at once, and both are heard for
    `overlap`. `steady` is how long one must have lasted for the next pause to be the shortest again.
    """

    open: float = 10.0
    ping: float = 15.0
    silence: float = 45.0
    life: float = 23.5 * 3_600
    overlap: float = 2.0
    pause_least: float = 0.5
    pause_most: float = 30.0
    steady: float = 30.0


PACE: Final = Pace()


class LinkState:
    """What a metrics page or a readiness check reads. Times are in ns UTC, 0 for never."""

    __slots__ = ("connected", "heard", "last_heard", "reason", "reconnects", "replaced", "since")

    def __init__(self) -> None:
        self.connected = False
        self.since = 0
        """Since when it is connected, or is not."""
        self.last_heard = 0
        self.heard = 0
        self.reconnects = 0
        self.replaced = 0
        """How often one connection took over from another without a gap."""
        self.reason = "not opened yet"
        """Why it is not connected; of a connected one, why it was not before."""


class Kept:
    """Keeps one connection. `dial` opens it and makes it ready, `hear` gets every message in order of arrival.

    `up(is_first)` is told when a connection is open and nothing of it has been heard yet, `down(reason)` as soon as
    the last one is gone. While a connection is being replaced (`overlapping`) both are heard, so that every message may
    come twice and none is missed.
    """

    def __init__(
        self,
        name: str,
        dial: Callable[[], Awaitable[Wire]],
        hear: Hear,
        *,
        up: Callable[[bool], None],
        down: Callable[[str], None],
        now: Callable[[], int] = time.time_ns,
        pace: Pace = PACE,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self.state = LinkState()
        self.overlapping = False
        self._dial = dial
        self._hear = hear
        self._up = up
        self._down = down
        self._now = now
        self._pace = pace
        self._sleep = sleep
        self._chance = chance
        self._line: _Line | None = None
        self._retiring: asyncio.Task[None] | None = None
        self._rises = 0
        self._failures = 0

    async def run(self) -> None:
        """Go on for ever. Raises `VenueClosed` when only a person can help; what is a mistake of ours comes through."""
        self.state.since = self._now()
        try:
            while True:
                line = await self._open()
                began = time.monotonic()
                self._rose(line)
                try:
                    await self._hold(line)
                except VenueClosed as closed:
                    self._fell(str(closed))
                    raise
                self._failures = 1 if time.monotonic() - began > self._pace.steady else self._failures + 1
                await self._sleep(self._pause())
        finally:
            self.state.connected = False
            if self._retiring is not None:
                self._retiring.cancel()
                await asyncio.gather(self._retiring, return_exceptions=True)

    def drop(self, end: End) -> None:
        """End the connection there is, as if it had said so itself."""
        if self._line is not None:
            self._line.told(end)

    def hear(self, message: bytes) -> End | None:
        """A message that came before its connection was open, or on it. Hot."""
        state, arrival = self.state, self._now()
        state.last_heard = arrival
        state.heard += 1
        return self._hear(message, arrival)

    def _rose(self, line: "_Line") -> None:
        self._line = line
        self.state.connected, self.state.since = True, self._now()
        self.state.reconnects += self._rises > 0
        self._rises += 1
        self._up(self._rises == 1)
        line.start()

    def _fell(self, reason: str) -> None:
        if self._line is None:
            return
        self._line = None
        self.state.connected, self.state.since, self.state.reason = False, self._now(), reason
        self._down(reason)

    async def _open(self) -> "_Line":
        """Try until it is open. Raises `VenueClosed`."""
        while True:
            at_least = 0.0
            try:
                async with asyncio.timeout(self._pace.open):
                    return _Line(self, self._pace, await self._dial())
            except VenueClosed:
                raise
            except (PetrosaError, OSError) as problem:
                at_least = problem.retry_after_s if isinstance(problem, RateLimited) else 0.0
                if not self.state.connected:
                    self.state.reason = f"it cannot be opened: {said(problem)}"
            self._failures += 1
            await self._sleep(max(at_least, self._pause()))

    async def _hold(self, line: "_Line") -> None:
        """Until the connection is lost in the end; those that go by plan are replaced by others on the way."""
        try:
            while True:
                life = self._pace.life * (1.0 - 0.1 * self._chance())
                await _first({line.over, line.due}, life)
                if line.over.done():
                    self._fell(line.over.result())  # before it is closed, which may take a while
                    return
                fresh = await self._replacement(line)
                self._retiring = asyncio.create_task(self._retire(line, fresh))
                line = fresh
        finally:
            await line.close()

    async def _replacement(self, line: "_Line") -> "_Line":
        """Another connection, heard from now on. If the old one ends before that is open, it is a loss at once."""
        self.overlapping = True
        opening = asyncio.create_task(self._open_beside())
        try:
            await _first({opening, line.over})
            if line.over.done():
                self._fell(line.over.result())
            fresh = await opening
        finally:
            opening.cancel()
        if self._line is None:
            self._rose(fresh)
        else:
            self.state.replaced += 1
            self._failures = 0
            self._line = fresh
            fresh.start()
        return fresh

    async def _open_beside(self) -> "_Line":
        if self._retiring is not None:
            await self._retiring  # never more than two at a time
        return await self._open()

    async def _retire(self, line: "_Line", fresh: "_Line") -> None:
        """The old one goes when the new one hears everything, or takes too long to, and both were heard for a while."""
        ready = asyncio.create_task(fresh.wire.ready())
        try:
            await _first({ready, line.over}, self._pace.open)
            await asyncio.wait({line.over}, timeout=self._pace.overlap)
        finally:
            ready.cancel()
        await line.close()
        self.overlapping = False

    def _pause(self) -> float:
        """Doubles with every failure in a row; by chance up to a half shorter, so that clients do not come in step."""
        doubled = math.pow(2.0, min(max(self._failures - 1, 0), 20))
        return min(self._pace.pause_most, self._pace.pause_least * doubled) * (1.0 - 0.5 * self._chance())


class _Line:
    """One open connection. `over` says why it was lost, or has the mistake of ours; `due` says that it soon will be."""

    def __init__(self, kept: Kept, pace: Pace, wire: Wire) -> None:
        loop = asyncio.get_running_loop()
        self.over: asyncio.Future[str] = loop.create_future()
        self.due: asyncio.Future[None] = loop.create_future()
        self.wire = wire
        self._hear = kept.hear
        self._pace = pace
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to hear it."""
        self.wire.listen(self)
        self._watching = asyncio.create_task(self._watch())

    def told(self, end: End) -> None:
        """A message, or whoever owns the connection, says that it ends."""
        if end.planned:
            if not self.due.done():
                self.due.set_result(None)
        elif not self.over.done():
            self.over.set_result(end.reason)
            self.wire.deafen()

    def heard(self, message: bytes) -> None:
        end = self._hear(message)
        if end is not None:
            self.told(end)

    def ended(self, reason: str) -> None:
        self.told(End(reason))

    def failed(self, mistake: Exception) -> None:
        if not self.over.done():
            self.over.set_exception(mistake)
            self.wire.deafen()

    async def close(self) -> None:
        try:
            if self._watching is not None:
                self._watching.cancel()
                await asyncio.gather(self._watching, return_exceptions=True)
        finally:  # also for one that is cancelled here
            await self.wire.close()

    async def _watch(self) -> None:
        """Ask for a sign of life regularly. What the venue answers and what it says by itself are both one."""
        signs, since = -1, time.monotonic()
        while not self.over.done():
            if self.wire.signs != signs:
                signs, since = self.wire.signs, time.monotonic()
            elif time.monotonic() - since >= self._pace.silence:
                self.ended(f"nothing was heard for {self._pace.silence:g} s")
                return
            try:
                async with asyncio.timeout(self._pace.silence):
                    await self.wire.ping()
            except (TransportError, TimeoutError) as problem:
                self.ended(f"the connection broke: {said(problem)}")
            await asyncio.sleep(min(self._pace.ping, self._pace.silence / 3))


async def together(coroutines: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run all of them until one ends, which is this one's end, or fails, which is this one's failure."""
    tasks = [asyncio.create_task(one) for one in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _first(waited_for: "set[asyncio.Future[Any]]", seconds: float | None = None) -> None:
    """Until one of them is done, at most so long."""
    await asyncio.wait(waited_for, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)


def said(problem: BaseException) -> str:
    """Some errors have no words."""
    return str(problem) or type(problem).__name__
