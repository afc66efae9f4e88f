"""Going on after a crash or a stop: the journal is turned again, with the market it was made from, venue and all.

The same inputs at the same sequence numbers make the same desk, the same timers and the same simulated exchange. What
the exchange and the timers said stands in the journal too; here they say it again by themselves, and are checked.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec

from petrosa.core.model.events import Decision, Event, SignalReceived, TimerDue
from petrosa.core.model.market import MarketEvent
from petrosa.core.model.orders import AccountEvent
from petrosa.core.turns import Record, Turns
from petrosa.errors import JournalError
from petrosa.ports import JournaledTurn

NextFact = Callable[[], Awaitable[tuple[int, MarketEvent]]]


class Retrace:
    """Records by comparing as long as there is a journal, and by writing from then on.

    `last_signal` is the place in the signals' stream of the last one turned.
    """

    def __init__(self, journaled: Iterable[JournaledTurn], end: int, onward: Record, also: Record) -> None:
        """`end` is the turn at which the journal stands; `also` is told every turn, old and new."""
        self.last_signal = 0
        self._journaled = iter(journaled)
        self._next = next(self._journaled, None)
        self._end = end
        self._onward = onward
        self._also = also

    def record(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """This is `core.turns.Record`."""
        if sequence > self._end:
            self._onward(sequence, now, event, decisions)
        else:
            self._compare(sequence, now, decisions)
        self._also(sequence, now, event, decisions)
        if isinstance(event, SignalReceived):
            self.last_signal = max(self.last_signal, event.sequence)

    async def run(self, turns: Turns, next_fact: NextFact) -> None:
        """Turn the journal to its end. Raises `JournalError` at the first turn that is not the same."""
        while turns.sequence < self._end:
            theirs = self._next
            if theirs is not None and theirs.sequence == turns.sequence + 1 and theirs.event is not None:
                self._tell(turns, theirs.event, theirs.now)
            else:
                now, fact = await next_fact()
                turns.market(fact, now)
        if self._next is not None:
            raise _differs(self._next.sequence, "the journal goes on")

    def _tell(self, turns: Turns, event: Event, now: int) -> None:
        before = turns.sequence
        if isinstance(event, TimerDue | AccountEvent):
            # The timers and the exchange say it themselves; one thing only, for the journal may end between two.
            while turns.sequence == before and turns.next_due() <= now:
                turns.fire()
        else:
            turns.other(event, now)
        if turns.sequence == before:
            raise _differs(before + 1, f"{type(event).__name__} did not happen again")

    def _compare(self, sequence: int, now: int, decisions: Sequence[Decision]) -> None:
        theirs, self._next = self._next, next(self._journaled, None)
        if theirs is None or theirs.sequence != sequence:
            raise _differs(sequence, "the journal has no such turn")
        ours = tuple(msgspec.json.encode(decision) for decision in decisions)
        if (theirs.now, theirs.decisions) != (now, ours):
            raise _differs(sequence, f"decided then {theirs.decisions!r} at {theirs.now}, now {ours!r} at {now}")


def _differs(sequence: int, why: str) -> JournalError:
    return JournalError(
        f"turn {sequence} is not the same when the journal is turned again: {why}; was it written by another version,"
        " with other settings, or from another market stream? Start in a new data directory to begin anew"
    )
