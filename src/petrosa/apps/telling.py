"""Telling a running desk something, and hearing what it decided in that turn."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from petrosa.core.model.events import Decision, Event
from petrosa.runtime.loop import Loop, tell_or_halt

ANSWER_S: Final = 1.0
"""How long somebody who waits for a turn is kept waiting."""


class Turned(NamedTuple):
    """A turn that was asked for: its place in the journal, and what was decided."""

    sequence: int
    decisions: Sequence[Decision]


Turning = asyncio.Future[Turned | None]
"""None when the desk ended without turning it."""


class Telling:
    """The way into the desk of this process. `record` is one of the things that the desk's turns are shown to."""

    def __init__(self) -> None:
        self._has_ended = False
        self._loop: Loop | None = None
        self._told: dict[int, tuple[Event, Turning]] = {}

    @property
    def now(self) -> int:
        """The desk's time; 0 when there is no desk."""
        return 0 if self._loop is None else self._loop.turns.now

    @property
    def is_open(self) -> bool:
        """Whether there is a desk that takes something now."""
        return self._loop is not None and not self._loop.stopping

    @property
    def is_over(self) -> bool:
        """Whether the desk ends or has ended: what it is told now may not be turned any more."""
        return self._has_ended or (self._loop is not None and self._loop.stopping)

    @property
    def waiting(self) -> int:
        """How much was told and not turned yet."""
        return len(self._told)

    def attach(self, loop: Loop) -> None:
        """This desk is told from now on."""
        self._loop = loop

    def detach(self) -> None:
        """The desk turns nothing more; who waits for it is told so."""
        self._loop, self._has_ended = None, True
        for _, turning in self._told.values():
            turning.set_result(None)
        self._told.clear()

    def tell(self, event: Event) -> Turning | None:
        """Tell the desk; none when it does not take it, because there is none or because it halts, its inbox full."""
        if self._loop is None or not tell_or_halt(self._loop, event):
            return None
        turning: Turning = asyncio.get_running_loop().create_future()
        self._told[id(event)] = event, turning  # the event is kept, so its id stays its own
        return turning

    def record(self, sequence: int, _now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """This is `core.turns.Record`: the answer to what was told, once it stands in the journal."""
        told = self._told.pop(id(event), None) if self._told else None
        if told is not None:
            told[1].set_result(Turned(sequence, decisions))


async def turned(turning: Turning) -> Turned | None:
    """The turn, if it comes within `ANSWER_S`; what is waited for goes on being waited for by the desk."""
    await asyncio.wait((turning,), timeout=ANSWER_S)
    return turning.result() if turning.done() else None
