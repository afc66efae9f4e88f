"""The loop: takes from the inbox, turns, and lets the rest of the process breathe every two milliseconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from petrosa.core.model.base import NEVER, NS_PER_SECOND
from petrosa.core.model.commands import Shutdown
from petrosa.core.model.events import Event, Halted
from petrosa.core.turns import Turns
from petrosa.errors import OverflowHalt
from petrosa.ports import Clock, Journal
from petrosa.runtime.inbox import Inbox, Taken
from petrosa.runtime.observed import Observed

YIELD_AFTER_S: Final = 0.002
SYNC_EVERY_S: Final = 1.0
SETTLE_NS: Final = 5 * NS_PER_SECOND
SETTLE_LOOK_NS: Final = NS_PER_SECOND // 20
LAG_EVERY_S: Final = 0.25


class Loop:
    """Turns a desk until its inbox is over or a `Shutdown` has been turned and settled.

    `live` says that time passes by itself; else only events make it pass. Then `settled` says whether the venue has
    answered what a shutdown asked of it; it is waited for, and bounded. `checkpoint` gives everything after the last
    turn as JSON. `StorageError` from the journal ends the loop before anything has left. `crash_point` is told
    `inbox.before_turn` before everything that is not market data is turned. `leave` ends a group of turns that came
    together, which lasts two milliseconds or one turn at most: what they decided may go now (see `outbox.Together`).
    """

    def __init__(
        self,
        turns: Turns,
        inbox: Inbox,
        clock: Clock,
        journal: Journal,
        checkpoint: Callable[[], bytes],
        observed: Observed,
        *,
        live: bool = False,
        settled: Callable[[], bool] = lambda: True,
        crash_point: Callable[[str], None] | None = None,
        leave: Callable[[], None] = lambda: None,
    ) -> None:
        self.turns = turns
        self.inbox = inbox
        self.stopping = False
        self._clock = clock
        self._journal = journal
        self._checkpoint = checkpoint
        self._observed = observed
        self._live = live
        self._settled = settled
        self._crash_point = crash_point
        self._leave = leave
        self._leaving_at: int | None = None
        self._halted_for: str | None = None
        self._synced = time.monotonic()

    def stop(self, reason: str) -> None:
        """Ask for an orderly end, through the inbox like everything else."""
        if not self.stopping:
            self.stopping = True
            self.inbox.tell(Shutdown(f"shutdown-{self.turns.sequence}", "system", reason))

    def halt(self, reason: str) -> None:
        """No more entries, whatever the inbox holds: turned before anything else."""
        self._halted_for = reason

    async def begin(self, told: Callable[[int], Awaitable[Sequence[Event]]], is_begun: Callable[[Event], bool]) -> bool:
        """Turn what is told at the time at which the desk stands: no timer fires, and no market is heard.

        `told` is given how long it may wait. Ends when an event was turned that `is_begun`: whether `run` may follow.
        After a shutdown it may not; then everything is over.
        """
        while not self._has_left():
            found = False
            for event in await told(self._leaving_look()):
                self._turn_halt()
                self._at(event, self.turns.now)
                found = found or is_begun(event)
                if isinstance(event, Shutdown):
                    self._settle()
            self._leave()
            self._group_sync()
            if found and self._leaving_at is None:
                return True
        self._finish()
        return False

    async def run(self) -> None:
        """Turn until it is over, then say so in the journal."""
        clock = time.perf_counter
        breathed = clock()
        while (taken := await self.inbox.take(self._due())) is not None:
            began = clock()
            is_over = self._turn(taken)
            ended = clock()
            self._observed.turning_s += ended - began
            self._observed.turned_at = time.monotonic()
            if is_over or self._has_left():
                break
            if ended - breathed > YIELD_AFTER_S:
                self._group_sync()
                await asyncio.sleep(0)
                breathed = clock()
        self._finish()

    def _finish(self) -> None:
        if self.stopping:
            self._journal.rotate(self.turns.sequence, self.turns.now, self._checkpoint())
        self._journal.finish(self.turns.sequence, self.turns.now)
        self._journal.sync()

    def _due(self) -> int:
        return min(self.turns.next_due() if self._live else NEVER, self._leaving_look())

    def _leaving_look(self) -> int:
        """When a shutdown that was turned is looked after again."""
        return NEVER if self._leaving_at is None else self._clock.now() + SETTLE_LOOK_NS

    def _has_left(self) -> bool:
        """Whether a shutdown on a real venue is over: it has answered, or has had its time."""
        if self._leaving_at is None:
            return False
        return self._settled() or self._clock.now() >= self._leaving_at

    def _turn(self, taken: Taken) -> bool:
        """Turn what was taken; whether a shutdown was among it."""
        turns, journal = self.turns, self._journal
        before, group = turns.sequence, time.perf_counter()
        self._turn_halt()
        if self._live:
            self._let_time_pass()
        for event in taken.told:
            self._other(event)
            group = self._leave_in_time(group)
            if isinstance(event, Shutdown):
                self._settle()
                if not self._live:
                    return True
        for now, event in taken.heard:
            if journal.full:
                journal.rotate(turns.sequence, turns.now, self._checkpoint())
            turns.market(event, now)
            if self._live:
                group = self._leave_in_time(group)
        self._leave()
        self._observed.turns += turns.sequence - before
        return False

    def _leave_in_time(self, began: float) -> float:
        """End a group that has lasted long enough; when the present one began."""
        now = time.perf_counter()
        if now - began < YIELD_AFTER_S:
            return began
        self._leave()
        return time.perf_counter()

    def _turn_halt(self) -> None:
        if self._halted_for is not None:
            reason, self._halted_for = self._halted_for, None
            self._at(Halted(reason), self.turns.now)

    def _other(self, event: Event) -> None:
        self._at(event, self._clock.now() if self._live else self.turns.now)

    def _at(self, event: Event, now: int) -> None:
        if self._journal.full:
            self._journal.rotate(self.turns.sequence, self.turns.now, self._checkpoint())
        if self._crash_point is not None:
            self._crash_point("inbox.before_turn")
        self.turns.other(event, now)

    def _let_time_pass(self) -> None:
        now = self._clock.now()
        due = self.turns.next_due()
        if due <= now:
            self._observed.late(now - due)
            self.turns.advance(now)

    def _settle(self) -> None:
        """Hear the venue's answers to the cancels of a shutdown, which in a run's own time take no time."""
        self.stopping = True
        if self._live:
            self._leaving_at = self._clock.now() + SETTLE_NS
            return
        self.inbox.close()
        self.turns.advance(self.turns.now + SETTLE_NS)

    def _group_sync(self) -> None:
        """What is not an intent is made durable together, once a second."""
        started = time.monotonic()
        if started - self._synced >= SYNC_EVERY_S:
            self._journal.sync()
            self._synced = started


def tell_or_halt(loop: Loop, event: Event) -> bool:
    """Tell the desk something from outside; when the inbox cannot take it the desk halts. Whether it was taken."""
    try:
        loop.inbox.tell(event)
    except OverflowHalt as error:
        loop.halt(str(error))
        return False
    return True


async def watch_lag(observed: Observed) -> None:
    """Measure for ever how late the event loop wakes a sleeper."""
    while True:
        asked = time.perf_counter()
        await asyncio.sleep(LAG_EVERY_S)
        observed.loop_lag.add(max(0.0, time.perf_counter() - asked - LAG_EVERY_S))
