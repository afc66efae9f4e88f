"""Turning a journal again: the same inputs at the same sequence numbers must lead to the same decisions.

Sequence numbers count every turn. What the journal holds at a number is what the desk was told then; at every other
number it was told the next fact of the recording or tape. The venue's answers are inputs, so no venue is needed.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from petrosa.backtest.source import Heard
from petrosa.core.model.base import NEVER
from petrosa.core.model.events import Decision, Event
from petrosa.core.turns import Turnable
from petrosa.errors import JournalError
from petrosa.ports import JournaledTurn

Observer = Callable[[int, int, Event, Sequence[Decision]], bool]
"""(sequence, now, event, decisions) after each turn; answers whether to go on."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """The first decision that is not the same. Empty `ours` or `theirs`: only the other side decided anything."""

    sequence: int
    our_now: int
    their_now: int
    position: int
    ours: msgspec.Raw
    theirs: msgspec.Raw

    def __str__(self) -> str:
        ours, theirs = bytes(self.ours).decode() or "(nothing)", bytes(self.theirs).decode() or "(nothing)"
        return (
            f"turn {self.sequence} differs at decision {self.position}\n"
            f"  journal at {self.their_now}: {theirs}\n"
            f"  replay  at {self.our_now}: {ours}"
        )


class Replayed(msgspec.Struct, frozen=True, kw_only=True):
    """How far a replay came. `difference` is none when everything was the same."""

    sequence: int
    now: int
    decisions: int
    difference: Difference | None


def check_version(journal: str, ours: str, *, across_versions: bool) -> str | None:
    """A warning when the code is another and that was asked for; raises `JournalError` when it was not."""
    if journal == ours:
        return None
    if not across_versions:
        raise JournalError(
            f"the journal was written by {journal}, this is {ours}; identity is promised per version: "
            "replay with that version, or use --across-versions to see what differs"
        )
    return f"journal by {journal}, replayed by {ours}: differences may come from the code"


class Replay:
    """One replay of a desk. `last` is the turn at which the journal ends; later facts were never turned."""

    def __init__(self, desk: Turnable, turns: Iterable[JournaledTurn], batches: Iterable[Sequence[Heard]], last: int):
        self.sequence = 0
        self.now = 0
        self.decisions = 0
        self._desk = desk
        self._turns = iter(turns)
        self._next = next(self._turns, None)
        self._heard = (heard for batch in batches for heard in batch)
        self._last = last
        self._until = NEVER

    def run(self, observe: Observer | None = None, until: int = NEVER) -> Replayed:
        """Turn to the end, to the first difference, to the last turn not after `until`, or as long as wanted."""
        self._until = until
        handle = self._desk.handle
        for event, now in self._inputs():
            decisions = handle(event, now)
            difference = self._compare(decisions)
            if difference is not None:
                return self._replayed(difference)
            if observe is not None and not observe(self.sequence, now, event, decisions):
                break
        return self._replayed(None)

    def _inputs(self) -> Iterator[tuple[Event, int]]:
        while self.sequence < self._last:
            theirs = self._next
            if theirs is not None and theirs.sequence == self.sequence + 1 and theirs.event is not None:
                event: Event = theirs.event
                now = theirs.now
            else:
                now, event = self._fact()
            if now > self._until:
                return
            self.sequence += 1
            self.now = now
            yield event, now

    def _fact(self) -> tuple[int, Event]:
        heard = next(self._heard, None)
        if heard is None:
            raise JournalError(
                f"the recording or tape ends before turn {self.sequence + 1} and the journal goes on to turn "
                f"{self._last}; give the recording that the journal names"
            )
        return max(self.now, heard[0]), heard[1]

    def _compare(self, decisions: Sequence[Decision]) -> Difference | None:
        theirs = self._next
        expected: tuple[bytes, ...] = ()
        their_now = self.now
        if theirs is not None and theirs.sequence == self.sequence:
            expected, their_now = theirs.decisions, theirs.now
            self._next = next(self._turns, None)
        elif not decisions:
            return None
        ours = tuple(msgspec.json.encode(decision) for decision in decisions)
        self.decisions += len(ours)
        if ours == expected and their_now == self.now:
            return None
        same = sum(1 for _ in _while_equal(ours, expected))
        return Difference(
            sequence=self.sequence,
            our_now=self.now,
            their_now=their_now,
            position=same + 1,
            ours=msgspec.Raw(ours[same] if same < len(ours) else b""),
            theirs=msgspec.Raw(expected[same] if same < len(expected) else b""),
        )

    def _replayed(self, difference: Difference | None) -> Replayed:
        return Replayed(sequence=self.sequence, now=self.now, decisions=self.decisions, difference=difference)


def _while_equal(ours: Sequence[bytes], theirs: Sequence[bytes]) -> Iterator[None]:
    for one, other in zip(ours, theirs, strict=False):
        if one != other:
            return
        yield None
