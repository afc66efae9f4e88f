"""A running desk, as whoever changes its configuration sees it: told through its inbox, and asked what became of it."""

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments, seats_of, trading_of
from petrosa.core.model.commands import Configure, ConfigureTrading
from petrosa.core.model.events import Alarm, Configured, Decision, Event, TradingConfigured
from petrosa.core.strategies.catalog import CATALOG
from petrosa.core.strategist import Strategist
from petrosa.core.trader import Trader
from petrosa.runtime.loop import Loop, tell_or_halt
from petrosa.surfaces.configuration import TRADING, Applied

ANSWER_S: Final = 1.0
"""How long a desk may take to turn a command before the change is called pending."""
TOLD_MAX: Final = 64
"""Most commands that were told and not answered yet."""

STARTED: Final = Applied("no_desk", detail="no desk turns here yet; the one that will begins with it")
NOT_HERE: Final = Applied("no_desk", detail="what goes by it runs in another process, which takes it over")


class _Desk(NamedTuple):
    """What may be told, and what is asked whether it is news; a service has only one of the two."""

    loop: Loop
    instruments: Instruments
    strategist: Strategist | None
    trader: Trader | None

    def command(
        self, settings: Settings, strategy_id: str, version: int, actor: str, reason: str, command_id: str
    ) -> Configure | ConfigureTrading:
        if strategy_id == TRADING:
            return ConfigureTrading(command_id, actor, reason, version, trading_of(settings))
        seats = seats_of(settings, self.instruments, strategy_id)
        return Configure(command_id, actor, reason, strategy_id, version, seats)

    def has(self, command: Configure | ConfigureTrading) -> bool:
        """Whether it goes by these parameters already."""
        if isinstance(command, ConfigureTrading):
            return self.trader is not None and msgspec.to_builtins(self.trader.params) == command.parameters
        return self.strategist is not None and self.strategist.parameters(command.strategy_id) == list(command.seats)


class _Told(NamedTuple):
    strategy_id: str
    answer: asyncio.Future[Applied]


class DeskApplying:
    """An `Applying` for the desk of this process. `record` is one of the things that the desk's turns are shown to."""

    def __init__(self) -> None:
        self._desk: _Desk | None = None
        self._told: dict[str, _Told] = {}

    def attach(
        self, loop: Loop, strategist: Strategist | None, instruments: Instruments, trader: Trader | None = None
    ) -> None:
        """This desk takes commands from now on."""
        self._desk = _Desk(loop, instruments, strategist, trader)

    def detach(self) -> None:
        """The desk takes nothing more; who waits for it is told so."""
        self._desk = None
        for told in self._told.values():
            if not told.answer.done():
                told.answer.set_result(Applied("no_desk", detail="the desk has ended; the next one begins with it"))
        self._told.clear()

    def record(self, sequence: int, _now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """This is `core.turns.Record`: the answer to a command, once it stands in the journal."""
        if not isinstance(event, Configure | ConfigureTrading):
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
            if (desk.trader if strategy_id == TRADING else desk.strategist) is None:
                return NOT_HERE
            command = desk.command(settings, strategy_id, version, actor, reason, command_id)
            if not self._is_on_the_way(strategy_id) and desk.has(command):
                return Applied("applied", detail="the desk has it already")
            self._told = {of: told for of, told in self._told.items() if not told.answer.done()}
            if len(self._told) >= TOLD_MAX:
                return Applied("pending", detail=f"{TOLD_MAX} changes wait for the desk already")
            if not tell_or_halt(desk.loop, command):
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

    def _is_on_the_way(self, strategy_id: str) -> bool:
        """Whether something was told that the desk has not turned yet: it may change it back."""
        return any(told.strategy_id == strategy_id for told in self._told.values() if not told.answer.done())


def answer_of(sequence: int, decisions: Sequence[Decision]) -> Applied:
    """What a desk made of a `Configure` or a `ConfigureTrading`."""
    for decision in decisions:
        match decision:
            case Configured():
                changes = {str(change.instrument): change.effect.value for change in decision.changes}
                return Applied("applied", sequence, changes)
            case TradingConfigured():
                return Applied("applied", sequence, dict.fromkeys(decision.changed, "changed"))
            case Alarm():
                return Applied("refused", sequence, detail=decision.message)
            case _:
                pass
    return Applied("refused", sequence, detail="this desk has nothing that goes by these parameters")


def differences(settings: Settings, strategist: Strategist, instruments: Instruments, sequence: int) -> list[Configure]:
    """Commands after which a desk has what the settings say: for one that goes on from its journal."""
    return [
        Configure(f"start-{sequence}-{name}", "system", "what holds when the process starts", name, 0, seats)
        for name in CATALOG
        if (held := strategist.parameters(name)) and held != list(seats := seats_of(settings, instruments, name))
    ]


def trading_difference(settings: Settings, trader: Trader, sequence: int) -> list[ConfigureTrading]:
    """The command after which a trader has what the settings say, if it has not: see `differences`."""
    wanted = trading_of(settings)
    if msgspec.to_builtins(trader.params) == wanted:
        return []
    return [ConfigureTrading(f"start-{sequence}-trading", "system", "what holds when the process starts", 0, wanted)]
