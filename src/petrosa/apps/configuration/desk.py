"""A running desk, as whoever changes its configuration sees it: told through its inbox, and asked what became of it."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments, seats_of
from petrosa.core.model.commands import Configure, SeatParameters
from petrosa.core.model.events import Alarm, Configured, Decision, Event
from petrosa.core.strategies.catalog import CATALOG
from petrosa.core.strategist import Strategist
from petrosa.runtime.loop import Loop, tell_or_halt
from petrosa.surfaces.configuration import Applied

ANSWER_S: Final = 1.0
"""How long a desk may take to turn a command before the change is called pending."""
TOLD_MAX: Final = 64
"""Most commands that were told and not answered yet."""

STARTED: Final = Applied("no_desk", detail="no desk turns here yet; the one that will begins with it")


class _Desk(NamedTuple):
    loop: Loop
    strategist: Strategist
    instruments: Instruments


class _Told(NamedTuple):
    strategy_id: str
    answer: asyncio.Future[Applied]


class DeskApplying:
    """An `Applying` for the desk of this process. `record` is one of the things that the desk's turns are shown to."""

    def __init__(self) -> None:
        self._desk: _Desk | None = None
        self._told: dict[str, _Told] = {}

    def attach(self, loop: Loop, strategist: Strategist, instruments: Instruments) -> None:
        """This desk takes commands from now on."""
        self._desk = _Desk(loop, strategist, instruments)

    def detach(self) -> None:
        """The desk takes nothing more; who waits for it is told so."""
        self._desk = None
        for told in self._told.values():
            if not told.answer.done():
                told.answer.set_result(Applied("no_desk", detail="the desk has ended; the next one begins with it"))
        self._told.clear()

    def record(self, sequence: int, _now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """This is `core.turns.Record`: the answer to a command, once it stands in the journal."""
        if type(event) is not Configure:
            return
        told = self._told.get(event.command_id)
        if told is not None and not told.answer.done():
            told.answer.set_result(answer_of(sequence, decisions))

    async def apply(
        self, settings: Settings, strategy_id: str, /, *, version: int, actor: str, reason: str, command_id: str
    ) -> Applied:
        """See `Applying`. A command that is still on its way is waited for, not told again."""
        desk = self._desk
        if desk is None:
            return STARTED
        if command_id not in self._told:
            seats = seats_of(settings, desk.instruments, strategy_id)
            if not self._is_news(desk.strategist, strategy_id, seats):
                return Applied("applied", detail="the desk has it already")
            self._told = {of: told for of, told in self._told.items() if not told.answer.done()}
            if len(self._told) >= TOLD_MAX:
                return Applied("pending", detail=f"{TOLD_MAX} changes wait for the desk already")
            if not tell_or_halt(desk.loop, Configure(command_id, actor, reason, strategy_id, version, seats)):
                return Applied("refused", detail="the inbox is full, and the desk halts")
            self._told[command_id] = _Told(strategy_id, asyncio.get_running_loop().create_future())
        return await self._answer(command_id)

    async def _answer(self, command_id: str) -> Applied:
        answer = self._told[command_id].answer
        await asyncio.wait((answer,), timeout=ANSWER_S)
        if not answer.done():
            return Applied("pending", detail=f"the desk has not turned it within {ANSWER_S:g} s; it is in its inbox")
        self._told.pop(command_id, None)
        return answer.result()

    def _is_news(self, strategist: Strategist, strategy_id: str, seats: Sequence[SeatParameters]) -> bool:
        """Whether the desk would change; what it has not turned yet may change it back."""
        is_on_the_way = any(told.strategy_id == strategy_id for told in self._told.values() if not told.answer.done())
        return is_on_the_way or strategist.parameters(strategy_id) != list(seats)


def answer_of(sequence: int, decisions: Sequence[Decision]) -> Applied:
    """What a desk made of a `Configure`."""
    for decision in decisions:
        match decision:
            case Configured():
                changes = {str(change.instrument): change.effect.value for change in decision.changes}
                return Applied("applied", sequence, changes)
            case Alarm():
                return Applied("refused", sequence, detail=decision.message)
            case _:
                pass
    return Applied("refused", sequence, detail="the desk has no strategies")


def differences(settings: Settings, strategist: Strategist, instruments: Instruments, sequence: int) -> list[Configure]:
    """Commands after which a desk has what the settings say: for one that goes on from its journal."""
    return [
        Configure(f"start-{sequence}-{name}", "system", "what holds when the process starts", name, 0, seats)
        for name in CATALOG
        if (seats := seats_of(settings, instruments, name)) and strategist.parameters(name) != list(seats)
    ]
