"""A desk on a real venue under the asyncio runtime: pushed to by sockets, by the clock on the wall, without an end."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from petrosa.adapters.stores.journal.format import RunFile
from petrosa.adapters.stores.tape.writer import TapeWriter
from petrosa.apps.backtest import rare_collection
from petrosa.apps.configuration.desk import differences, trading_difference
from petrosa.apps.journaling import open_journal, provenance_of, record_to
from petrosa.apps.live.market import LiveMarket
from petrosa.apps.process import Side
from petrosa.apps.resuming import resume
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Parts, checkpoint_of
from petrosa.backtest.summary import Tally
from petrosa.core.model.account import AccountUnclear, RulesStated
from petrosa.core.model.commands import Configure, ConfigureTrading
from petrosa.core.model.events import Decision, Event, SignalReceived, Started
from petrosa.core.model.orders import Approved, Reducing
from petrosa.core.turns import Record, Turns
from petrosa.errors import InvariantError
from petrosa.ports import Gateway
from petrosa.runtime.clocks import WallClock
from petrosa.runtime.crash import CrashPoint
from petrosa.runtime.live_inbox import Frame, LiveInbox, Topic
from petrosa.runtime.loop import Loop, watch_lag
from petrosa.runtime.observed import Observed
from petrosa.runtime.outbox import Outbox
from petrosa.runtime.stream import DecisionStream
from petrosa.runtime.supervise import OnFailure, Supervisor
from petrosa.surfaces.readmodel import ReadModel

TAPE: Final = "tape"


class Placing(Protocol):
    """Where orders go, and whether anything of it is still under way."""

    @property
    def gateway(self) -> Gateway: ...
    async def first_statement(self) -> None:
        """Ask the venue for everything and tell it; returns when that has been told, however long the venue is away."""
        ...

    def settled(self) -> bool: ...
    async def drain(self) -> None:
        """Let what is under way come to its end, in bounded time."""
        ...


class LiveProcess:
    """A desk with journal, tape, inbox and read model. Close it when it is done, whatever happened.

    It goes on from its journal at the time at which that ended. The venue's first statement is turned at that time too,
    so no timer fires, and nothing is decided, before it is known what became of the orders that were under way.
    """

    def __init__(
        self, settings: Settings, parts: Parts, *, folder: Path, run_file: RunFile, topic_of: Callable[[Frame], Topic],
        crash: CrashPoint | None, also: Sequence[Record] = (),
    ) -> None:  # fmt: skip
        """`also` are shown every turn that is recorded, after the journal has it, and those that it held before."""
        self.settings = settings
        self.parts = parts
        self.observed = Observed()
        self.model = ReadModel()
        self.tally = Tally()
        self.stream = DecisionStream(self.observed)
        self.clock = WallClock()
        self.pace = 1.0
        self.tape = TapeWriter(folder / TAPE) if settings.journal.tape else None
        self.taken = LiveMarket(
            settings.feed.venue, settings.feed.market, parts.instruments, self.tape, lambda: self.turns.sequence
        )
        provenance = provenance_of(
            settings, parts.instruments, taped=self.tape is not None, has_strategist=parts.desk.strategist is not None
        )
        self.journal = open_journal(
            settings, folder, provenance, run_file, durable=settings.journal.durable,
            before_write=self.tape.flush if self.tape is not None else None,
            crash_point=crash, on_sync=self.observed.sync_time.add, live=True,
        )  # fmt: skip
        self._crash = crash
        self._outbox: Outbox | None = None
        self._placing: Placing | None = None
        self._turns_itself = False
        shown = (self._note_signal, self.tally.take, self.model.fold, *also)
        self.turns = Turns(parts.desk, record_to(self.journal.record, *shown, self.stream.publish), self._send)
        self._shown = shown
        self.last_signal = 0
        self.inbox = LiveInbox(self.taken.decode, topic_of, self.clock.now, self.observed)
        self.loop = Loop(
            self.turns, self.inbox, self.clock, self.journal, self._checkpoint, self.observed, live=True,
            settled=lambda: self._placing is None or self._placing.settled(),
        )  # fmt: skip

    def resume(self, report: Callable[[str], None]) -> None:
        """Be what the journal says, then say that a process begins which has not asked its venue yet."""
        if self.journal.repaired:
            report(f"journal: {self.journal.repaired}")
        resumed = resume(self.journal.folder, self.turns, self.parts.desk, self._recalled)
        self.last_signal = resumed.last_signal
        if resumed.segment:
            report(f"journal: went on from segment {resumed.segment} and {resumed.turns} turns after it")
        self.journal.rotate(self.turns.sequence, self.turns.now, self._checkpoint())
        began = self.turns.now or self.clock.now()
        self.turns.other(Started("live"), began)
        rules = tuple(self.parts.instruments[key] for key in sorted(self.parts.instruments))
        self.turns.other(RulesStated(rules, began), began)  # a checkpoint holds those of then
        for command in self._settings_of_now():
            self.turns.other(command, began)
        account = self.settings.account.account
        self.turns.other(AccountUnclear(account, "the venue has not been asked since the start"), began)

    def _settings_of_now(self) -> list[Configure | ConfigureTrading]:
        """What a checkpoint and the turns after it hold otherwise than the settings of this start."""
        settings, parts, sequence = self.settings, self.parts, self.turns.sequence
        strategist = parts.desk.strategist
        told = [] if strategist is None else differences(settings, strategist, parts.instruments, sequence)
        return [*told, *trading_difference(settings, parts.trader, sequence)]

    def tell(self, event: Event) -> None:
        """What the venue says, turned at once until the loop turns. Raises `OverflowHalt` when the inbox is full."""
        if self._turns_itself:
            self.inbox.tell(event)
        else:
            self.turns.other(event, self.turns.now)

    async def run(self, placing: Placing, sides: Sequence[Side], report: Callable[[str], None]) -> None:
        """Turn until a signal asks to stop; `sides` run beside it and end with it."""
        self._placing = placing
        self._outbox = Outbox({self.settings.feed.venue: placing.gateway}, self._crash)
        async with AsyncExitStack() as stack:
            stack.enter_context(rare_collection())
            supervisor = Supervisor(self.observed, self.loop.stop, self.loop.halt, report=report)
            await stack.enter_async_context(supervisor)
            own: tuple[Side, ...] = (("lag", partial(watch_lag, self.observed), OnFailure.RESTART),)
            for name, start, on_failure in (*own, *sides):
                supervisor.side(name, start, on_failure)
            await supervisor.run(self._main(placing))
            await placing.drain()

    def close(self) -> None:
        """Release journal and tape; calling it twice is harmless."""
        try:
            self.journal.close()
        finally:
            if self.tape is not None:
                self.tape.close()

    def _checkpoint(self) -> bytes:
        return checkpoint_of(self.turns, self.parts.desk, None, self.last_signal)

    def _recalled(self, sequence: int, now: int, event: Event | None, decisions: Sequence[Decision]) -> None:
        """Show a turn of an earlier process to whoever keeps an account of them; facts of a market are not kept."""
        if event is not None:
            for show in self._shown:
                show(sequence, now, event, decisions)

    def _note_signal(self, _sequence: int, _now: int, event: Event, _decisions: Sequence[Decision]) -> None:
        """How far the signals' stream has been turned."""
        if isinstance(event, SignalReceived):
            self.last_signal = max(self.last_signal, event.sequence)

    def _send(self, order: Approved | Reducing, now: int) -> None:
        """Orders that a resumed desk decides before its venue is there cannot be; it decides only when it is told."""
        if self._outbox is None:
            raise InvariantError(f"{order.intent.client_order_id} would leave before there is a venue")
        self._outbox.send(order, now)

    async def _main(self, placing: Placing) -> None:
        await placing.first_statement()
        self._turns_itself = True
        await self.loop.run()
