"""The heart: everything a desk is told comes through one bounded, ordered stream.

A recorded or synthetic run pulls (`VirtualInbox`): the next batch is asked for when the last one is turned, nothing is
ever left out, and the wall only paces. A live desk is pushed to (`LiveInbox`): when it is full, the newest quote of an
instrument replaces the older one, lost frames are counted and told to the desk as a range, and nothing about money is
ever left out: rather the desk halts.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, NamedTuple, Protocol

from petrosa.core.model.commands import Shutdown
from petrosa.core.model.events import Event
from petrosa.core.model.market import MarketEvent
from petrosa.errors import OverflowHalt
from petrosa.runtime.clocks import VirtualClock
from petrosa.runtime.observed import Observed

TOLD_MAX: Final = 10_000
SLICE: Final = 64
"""Events handed out at once: less than two milliseconds of turning."""

Heard = tuple[int, MarketEvent]
"""(now, event): a market fact and the desk's time for it."""


class Taken(NamedTuple):
    """What the desk is to turn next: first what was told, then what was heard."""

    told: Sequence[Event]
    heard: Sequence[Heard]


class Inbox(Protocol):
    """Where a loop takes from. One taker."""

    def tell(self, event: Event) -> None:
        """Anything but market data: a command, a signal, an answer of a venue. Raises `OverflowHalt` when full."""
        ...

    async def take(self, due: int) -> Taken | None:
        """The next things in order; none when the stream is over. Live, returns empty when `due` has come."""
        ...

    def close(self) -> None:
        """Take no more of the stream: what is still waiting stays untaken."""
        ...


class Told:
    """The part of both inboxes that may never leave anything out. A shutdown always fits."""

    def __init__(self, capacity: int, observed: Observed) -> None:
        self.events: deque[Event] = deque()
        self.changed = asyncio.Event()
        self._capacity = capacity
        self._observed = observed

    def add(self, event: Event) -> None:
        if len(self.events) >= self._capacity and not isinstance(event, Shutdown):
            self._observed.drops["told"] += 1
            raise OverflowHalt(
                f"the inbox holds {len(self.events)} commands and fills, limit {self._capacity}, and "
                f"{type(event).__name__} is one more; the desk halts rather than lose it"
            )
        self.events.append(event)
        self.changed.set()

    def pick(self, wanted: Callable[[Event], bool]) -> list[Event]:
        """Take out what is wanted, in its order; the rest stays."""
        events = list(self.events)
        picked = [event for event in events if wanted(event)]
        if picked:
            self.events = deque(event for event in events if not wanted(event))
        return picked

    def drain(self) -> list[Event]:
        events = list(self.events)
        self.events.clear()
        return events


class VirtualInbox:
    """Pulls batches from `source` with back-pressure and hands out what is due at the clock's pace.

    `at_hand` may give the next batch where nobody has to be waited for; where it gives nothing, `source` is asked.
    """

    def __init__(
        self,
        source: AsyncIterator[Sequence[Heard]],
        clock: VirtualClock,
        observed: Observed,
        *,
        told_max: int = TOLD_MAX,
        at_hand: Callable[[], Sequence[Heard]] = tuple,
    ) -> None:
        self._source = source
        self._at_hand = at_hand
        self._clock = clock
        self._observed = observed
        self._told = Told(told_max, observed)
        self._pending: deque[Heard] = deque()
        self._next: asyncio.Future[Sequence[Heard] | None] | None = None
        self._over = False
        self._started = False

    def tell(self, event: Event) -> None:
        self._told.add(event)

    def close(self) -> None:
        """Hand out nothing more of the source; what is told is still handed out."""
        self._over = True
        self._pending.clear()
        if self._next is not None:
            self._next.cancel()
            self._next = None
        self._told.changed.set()

    async def take(self, due: int) -> Taken | None:  # noqa: ARG002 - a live inbox needs it
        """`due` is not waited for: in virtual time only an event makes time pass."""
        while True:
            if self._told.events:
                return Taken(self._told.drain(), ())
            if self._pending:
                heard = self._ready()
                if heard:
                    return Taken((), heard)
                await self._wait(self._clock.seconds_until(self._pending[0][0]))
            elif self._over:
                return None
            elif self._next is None and (batch := self._at_hand()):
                self._pending.extend(batch)
            else:
                await self._pull()

    def _ready(self) -> list[Heard]:
        pending = self._pending
        if not self._started:
            self._started = True
            self._clock.start(pending[0][0])
        if not self._clock.paced:
            if len(pending) <= SLICE:
                taken = list(pending)
                pending.clear()
            else:
                taken = [pending.popleft() for _ in range(SLICE)]
        else:
            reached = self._clock.now()
            due = itertools.takewhile(lambda heard: heard[0] <= reached, itertools.islice(pending, SLICE))
            taken = [pending.popleft() for _ in range(sum(1 for _ in due))]
        if taken:
            self._clock.reached(taken[-1][0])
        self._observed.depth(len(pending))
        return taken

    async def _wait(self, seconds: float) -> None:
        self._told.changed.clear()  # nothing is told now, and nothing can be before we wait
        try:
            async with asyncio.timeout(seconds):
                await self._told.changed.wait()
        except TimeoutError:
            pass

    async def _pull(self) -> None:
        """Wait for the next batch or for something told, whichever is first; the batch may go on being made."""
        self._told.changed.clear()
        pulling = self._next = self._next or asyncio.ensure_future(anext(self._source, None))
        told = asyncio.ensure_future(self._told.changed.wait())
        try:
            await asyncio.wait((pulling, told), return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
        if not pulling.done() or pulling.cancelled():
            return
        self._next = None
        batch = pulling.result()
        if batch is None:
            self._over = True
        else:
            self._pending.extend(batch)
