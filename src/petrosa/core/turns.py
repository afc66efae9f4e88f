"""The order in which things happen: one event at a time, timers and answers of a simulated exchange in between.

A recorded or synthetic run has a virtual clock. Before a market event of time `now` is turned, everything due at or
before `now` happens first, ordered by (due time, kind, sequence): answers of the exchange before timers. Backtest and
the asyncio runtime turn this same object, so they cannot disagree about order.
"""

import heapq
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from petrosa.core.model.base import NEVER
from petrosa.core.model.events import CancelTimer, Decision, Event, SetTimer, TimerDue
from petrosa.core.model.market import MarketEvent
from petrosa.core.model.orders import AccountEvent, Approved, Reducing
from petrosa.errors import JournalError


class Turnable(Protocol):
    """What turns: one event in, decisions out."""

    def handle(self, event: Event, now: int) -> Sequence[Decision]: ...


class SimulatedVenue(Protocol):
    """A venue that lives in virtual time beside the desk."""

    def submit(self, order: Approved | Reducing, now: int) -> None:
        """Take an order that left the desk at `now`; latency is the venue's own affair."""
        ...

    def on_market(self, event: MarketEvent, now: int) -> None:
        """Learn a market fact, match against it, queue what the account will hear."""
        ...

    def next_due(self) -> int:
        """When the account hears the next thing; `NEVER` when nothing is queued."""
        ...

    def pop_due(self) -> AccountEvent:
        """The next thing the account hears. Call only when `next_due()` has come."""
        ...


Record = Callable[[int, int, Event, Sequence[Decision]], None]
"""(sequence, now, event, decisions): writes them down; intents are durable when it returns.

Called for every turn except those of a market fact that led to nothing.
"""

Send = Callable[[Approved | Reducing, int], None]
"""(order, now): lets an order leave. Called after `Record` has returned."""


class TurnsState(msgspec.Struct, frozen=True):
    """Where time stands: what a restarted process needs to go on as if it had never stopped."""

    sequence: int
    now: int
    timers: tuple[tuple[int, str], ...]


class Turns:
    """Owns time for a desk: assigns sequence numbers, never lets `now` decrease, fires what is due."""

    def __init__(self, desk: Turnable, record: Record, send: Send, venue: SimulatedVenue | None = None) -> None:
        self.sequence = 0
        self.now = 0
        self._handle = desk.handle  # bound once: these two calls are made for every market fact
        self._record = record
        self._send = send
        self._venue = venue
        self._learn = venue.on_market if venue is not None else _nothing
        self._answer_at = venue.next_due if venue is not None else _never
        self._timers: list[tuple[int, int, str]] = []
        self._timer_at: dict[str, tuple[int, int]] = {}
        self._timer_count = 0

    def market(self, event: MarketEvent, now: int) -> None:
        """Turn a market event heard at `now`, after everything that was due before it."""
        self.markets(((now, event),), _pass)

    def markets(self, heard: Iterable[tuple[int, MarketEvent]], between: Callable[[], None]) -> None:
        """Turn many market events, each (now, event) as `market` does.

        `between` is called before the first, and before each that follows a turn which may have been recorded.
        """
        # An attribute that is called where it stands is looked up the slow way: hence the names.
        timers, answer_at, learn, handle = self._timers, self._answer_at, self._learn, self._handle
        recorded = True
        for now, event in heard:
            if recorded:
                between()
                recorded = False
            if (timers and timers[0][0] <= now) or answer_at() <= now:
                self.advance(now)
                recorded = True
            if now > self.now:
                self.now = now
            else:
                now = self.now  # time never runs backwards
            learn(event, now)
            self.sequence += 1
            decisions = handle(event, now)
            if decisions:  # a market fact without consequence is on the recording or tape already
                self._record(self.sequence, now, event, decisions)
                self._obey(decisions)
                recorded = True

    def other(self, event: Event, now: int) -> None:
        """Turn anything else that came from outside at `now`: a command, a signal, an answer of a real venue."""
        self.advance(now)
        self._turn(event)

    def advance(self, now: int) -> None:
        """Let time pass to `now`, firing what falls due on the way."""
        while self.next_due() <= now:
            self.fire()
        self.now = max(self.now, now)

    def fire(self) -> None:
        """Turn the one thing that falls due first, an answer of the venue before a timer. Call when something will."""
        answer_at = self._answer_at()
        timer_at = self._timers[0][0] if self._timers else NEVER
        if answer_at <= timer_at and self._venue is not None:
            self.now = max(self.now, answer_at)
            self._turn(self._venue.pop_due())
        else:
            self._fire_timer()

    def next_due(self) -> int:
        """When something happens by itself; `NEVER` when nothing will."""
        answer_at = self._answer_at()
        return min(answer_at, self._timers[0][0] if self._timers else NEVER)

    def recall(self, sequence: int, now: int, event: Event | None, decisions: Sequence[Decision]) -> None:
        """Stand after a turn of the past, which the desk has taken in again: nothing is recorded, nothing leaves.

        Raises `JournalError` for a timer that was not set.
        """
        if isinstance(event, TimerDue):
            at, _ = self._timer_at.pop(event.timer_id, (NEVER, 0))
            if at != event.at:
                raise JournalError(f"timer {event.timer_id} was due at {event.at}, and is set for no such time")
        self.sequence, self.now = sequence, now
        for decision in decisions:
            if isinstance(decision, SetTimer | CancelTimer):
                self._keep_time(decision)

    def snapshot(self) -> TurnsState:
        """Sequence, time and live timers in the order in which they will fire."""
        live = sorted((at, number, timer_id) for timer_id, (at, number) in self._timer_at.items())
        return TurnsState(self.sequence, self.now, tuple((at, timer_id) for at, _, timer_id in live))

    def restore(self, state: TurnsState) -> None:
        """Go on from a snapshot."""
        self.sequence, self.now = state.sequence, state.now
        self._timers, self._timer_at, self._timer_count = [], {}, 0
        for at, timer_id in state.timers:
            self._set_timer(timer_id, at)

    def _fire_timer(self) -> None:
        at, number, timer_id = heapq.heappop(self._timers)
        if self._timer_at.get(timer_id) != (at, number):
            return  # replaced or cancelled since
        del self._timer_at[timer_id]
        self.now = max(self.now, at)
        self._turn(TimerDue(timer_id, at))

    def _turn(self, event: Event) -> None:
        self.sequence += 1
        decisions = self._handle(event, self.now)
        self._record(self.sequence, self.now, event, decisions)
        self._obey(decisions)

    def _obey(self, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            match decision:
                case Approved() | Reducing():
                    self._send(decision, self.now)
                case SetTimer() | CancelTimer():
                    self._keep_time(decision)
                case _:
                    pass

    def _keep_time(self, decision: SetTimer | CancelTimer) -> None:
        if isinstance(decision, SetTimer):
            self._set_timer(decision.timer_id, decision.at)
        else:
            self._timer_at.pop(decision.timer_id, None)

    def _set_timer(self, timer_id: str, at: int) -> None:
        self._timer_count += 1
        self._timer_at[timer_id] = (at, self._timer_count)
        heapq.heappush(self._timers, (at, self._timer_count, timer_id))


def _nothing(event: MarketEvent, now: int) -> None:
    """What a desk without a simulated venue has beside it."""


def _pass() -> None:
    """What happens between the market events of a single one."""


def _never() -> int:
    return NEVER
