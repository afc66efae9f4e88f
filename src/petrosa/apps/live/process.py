"""A desk on a real venue under the asyncio runtime: pushed to by sockets, by the clock on the wall, without an end."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final, Protocol, get_args

from petrosa.adapters.stores.journal.format import RunFile
from petrosa.adapters.stores.tape.writer import TapeWriter
from petrosa.apps.backtest import rare_collection
from petrosa.apps.configuration.desk import differences, trading_difference
from petrosa.apps.journaling import open_journal, provenance_of, record_to
from petrosa.apps.live.market import LiveMarket
from petrosa.apps.live.symbols import without
from petrosa.apps.process import Side as Task
from petrosa.apps.resuming import resume
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Checkpoint, Parts, checkpoint_of
from petrosa.backtest.summary import Tally
from petrosa.core.model.account import AccountStated, AccountUnclear, RulesStated
from petrosa.core.model.commands import Configure, ConfigureTrading, PauseEntries, Shutdown
from petrosa.core.model.events import Decision, Event, Halted, SignalReceived, Started
from petrosa.core.model.market import FeedStateChanged, InstrumentId
from petrosa.core.model.orders import AccountEvent, Approved, OrderFilled, Reducing
from petrosa.core.turns import Record, Turns
from petrosa.errors import InvariantError
from petrosa.ports import Gateway
from petrosa.runtime.clocks import WallClock
from petrosa.runtime.conflating import Frame, Topic
from petrosa.runtime.crash import CrashPoint
from petrosa.runtime.live_inbox import LiveInbox
from petrosa.runtime.loop import Loop, tell_or_halt, watch_lag
from petrosa.runtime.observed import Observed
from petrosa.runtime.outbox import Outbox, Together
from petrosa.runtime.stream import DecisionStream
from petrosa.runtime.supervise import OnFailure, Supervisor
from petrosa.surfaces.kill_switch import Latch
from petrosa.surfaces.readmodel import ReadModel

TAPE: Final = "tape"
AHEAD_S: Final = 1.0
_FIRST: Final = (
    *get_args(AccountEvent), AccountUnclear, AccountStated, RulesStated, FeedStateChanged, PauseEntries, Halted,
    Shutdown,
)  # fmt: skip
FILLS_KEPT: Final = 8_192
"""Fills remembered from when they are told until they have surely been turned."""


class Placing(Protocol):
    """Where orders go, and whether anything of it is still under way."""

    @property
    def gateway(self) -> Gateway: ...
    def settled(self) -> bool: ...
    async def drain(self) -> None:
        """Let what is under way come to its end, in bounded time."""
        ...


class LiveProcess:
    """A desk with journal, tape, inbox and read model. Close it when it is done, whatever happened.

    It goes on from its journal at the time at which that ended. What the venue says is turned at that time too, until
    its first statement: no timer fires before it is known what became of the orders that were under way. A kill switch
    pauses meanwhile; whatever else people and programs say waits.
    """

    def __init__(
        self, settings: Settings, parts: Parts, *, folder: Path, run_file: RunFile, topic_of: Callable[[Frame], Topic],
        crash: CrashPoint | None, latch: Latch, also: Sequence[Record] = (),
    ) -> None:  # fmt: skip
        """`also` are shown every turn that is recorded, after the journal has it, and those that it held before.

        `latch` is what the journal keeps of the kill switch; it is one of those that are shown turns.
        """
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
        self._begun = asyncio.Event()
        self._latch = latch
        self._shown = (self._note_signal, self.tally.take, self.model.fold, *also)
        record = record_to(self.journal.record, *self._shown, self.stream.publish)
        together = Together(self.journal, self._send)
        self.turns = Turns(parts.desk, record, together.send)
        self._fills: dict[tuple[str, str, str], None] = {}
        self.last_signal = 0
        self.fills_repeated = 0
        self.inbox = LiveInbox(self.taken.decode, topic_of, self.clock.now, self.observed)
        self.loop = Loop(
            self.turns, self.inbox, self.clock, self.journal, self._checkpoint, self.observed, live=True,
            settled=lambda: self._placing is None or self._placing.settled(), crash_point=crash, leave=together.leave,
        )  # fmt: skip

    def resume(self, report: Callable[[str], None]) -> None:
        """Be what the journal says, then say that a process begins which has not asked its venue yet."""
        if self.journal.repaired:
            report(f"journal: {self.journal.repaired}")
        resumed = resume(self.journal.folder, self.turns, self.parts.desk, self._recalled, self._known)
        self.last_signal = resumed.last_signal
        if resumed.segment:
            report(f"journal: went on from segment {resumed.segment} and {resumed.turns} turns after it")
        self.clock.reached(self.turns.now)
        if self.clock.ahead_s > AHEAD_S:
            report(
                f"journal: it ends {self.clock.ahead_s:.0f} s after this machine's time of day, which was set back; the"
                " desk's time goes on from there, and entries are refused for old data until the two meet"
            )
        self.journal.rotate(self.turns.sequence, self.turns.now, self._checkpoint())
        began = self.turns.now or self.clock.now()
        self.turns.other(Started("live"), began)
        for command in self._settings_of_now():
            self.turns.other(command, began)
        account = self.settings.account.account
        self.turns.other(AccountUnclear(account, "the venue has not been asked since the start"), began)
        rules = tuple(self.parts.instruments[key] for key in sorted(self.parts.instruments))
        self.turns.other(RulesStated(rules, began), began)  # a checkpoint holds those of then
        self.journal.sync()

    def _settings_of_now(self) -> list[Configure | ConfigureTrading]:
        """What a checkpoint and the turns after it hold otherwise than the settings of this start."""
        settings, parts, sequence = self.settings, self.parts, self.turns.sequence
        strategist = parts.desk.strategist
        told = [] if strategist is None else differences(settings, strategist, parts.instruments, sequence)
        return [*told, *trading_difference(settings, parts.trader, sequence)]

    def tell(self, event: Event) -> bool:
        """What the venue says, in its order; whether there was room for it. Where there was none the desk halts.

        A fill that was told before is left out: the user stream, answers and comparisons tell of the same ones, and
        who keeps an account of turns (the audit, counters, subscribers) would count it twice.
        """
        if not isinstance(event, OrderFilled):
            return tell_or_halt(self.loop, event)
        key = (event.instrument, event.trade_id, event.side.value)
        if key in self._fills or self.parts.trader.books.blotter.has_counted(event):
            self.fills_repeated += 1
            return True
        if not tell_or_halt(self.loop, event):
            return False
        self._fills[key] = None
        if len(self._fills) > FILLS_KEPT:
            del self._fills[next(iter(self._fills))]
        return True

    async def begun(self) -> None:
        """Return when the venue's first statement has been turned."""
        await self._begun.wait()

    async def run(self, placing: Placing, sides: Sequence[Task], report: Callable[[str], None]) -> None:
        """Turn until a signal asks to stop; `sides` run beside it and end with it."""
        self._placing = placing
        self._outbox = Outbox({self.settings.feed.venue: placing.gateway}, self._crash)
        async with AsyncExitStack() as stack:
            stack.enter_context(rare_collection())
            supervisor = Supervisor(self.observed, self.loop.stop, self.loop.halt, report=report)
            await stack.enter_async_context(supervisor)
            own: tuple[Task, ...] = (("lag", partial(watch_lag, self.observed), OnFailure.RESTART),)
            for name, start, on_failure in (*own, *sides):
                supervisor.side(name, start, on_failure)
            await supervisor.run(self._main())
            await placing.drain()

    def close(self) -> None:
        """Release journal and tape; calling it twice is harmless."""
        try:
            self.journal.close()
        finally:
            if self.tape is not None:
                self.tape.close()

    def _checkpoint(self) -> bytes:
        return checkpoint_of(self.turns, self.parts.desk, None, self.last_signal, self._latch.engagements)

    def _known(self, checkpoint: Checkpoint, before: Collection[InstrumentId]) -> Checkpoint:
        """Take the kill switch from a checkpoint; nothing that is open there may be on a symbol that is not ours."""
        self._latch.restore(checkpoint.latched)
        turns = self.journal.head.sequence - checkpoint.turns.sequence
        return without(checkpoint, self.parts.instruments, before=before, turns=turns)

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

    async def _main(self) -> None:
        early = partial(self.inbox.told, _goes_first)
        if await self.loop.begin(early, lambda event: isinstance(event, AccountStated)):
            self._begun.set()
            await self.loop.run()


def _goes_first(event: Event) -> bool:
    """Whether something is turned before the venue's first statement: what the venue says, and what only stops."""
    return isinstance(event, _FIRST)
