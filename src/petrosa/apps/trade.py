"""`petrosa trade`: market and signals in, orders to the simulated exchange out, through a desk without strategies.

In a recorded run market time waits for the signals: a signal is turned right after the market message that led to it,
so the run is the same however fast the processes are. After a stop or a crash the journal is turned again with the
market stream, and the signals go on after the last one that the journal holds.
"""

import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import msgspec

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.adapters.wire.subjects import SIGNALS_STREAM
from petrosa.apps.auditing.live import auditing_of
from petrosa.apps.auditing.saying import ExecutionEvents
from petrosa.apps.configuration.desk import trading_difference
from petrosa.apps.configuration.live import LiveConfiguration
from petrosa.apps.desk_control import DeskControl
from petrosa.apps.joined import Report
from petrosa.apps.journaling import new_run_folder, open_journal, provenance_of, record_to, run_file
from petrosa.apps.market_stream import MarketStream, ensure_streams, open_market
from petrosa.apps.retrace import Retrace
from petrosa.apps.settings import Settings
from petrosa.apps.signal_stream import SignalStream
from petrosa.apps.stream_tape import TAPE, keep_on, stream_tape
from petrosa.apps.wiring import Instruments, build_exchange, build_markets, build_trader, checkpoint_of
from petrosa.backtest.run import STARTED
from petrosa.backtest.summary import JournalLine, Pnl, PositionLine, Tally, pnl_of, position_lines
from petrosa.core.desk import Desk
from petrosa.core.model.events import Started
from petrosa.core.model.market import MarketEvent
from petrosa.core.turns import Turns
from petrosa.errors import TransportError
from petrosa.ports import Bus
from petrosa.runtime.clocks import VirtualClock
from petrosa.runtime.crash import crash_point
from petrosa.runtime.inbox import SLICE, VirtualInbox
from petrosa.runtime.loop import Loop, tell_or_halt
from petrosa.runtime.observed import Observed
from petrosa.runtime.outbox import Outbox
from petrosa.runtime.supervise import OnFailure, Supervisor
from petrosa.surfaces.desk_reader import DeskReader
from petrosa.surfaces.observation import Check
from petrosa.surfaces.readmodel import ReadModel

Heard = tuple[int, MarketEvent]


class TradeSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a trade service did, the part before a restart included. `received` counts signals read since this start."""

    run: str
    messages: int
    received: int
    malformed: dict[str, int]
    refusals: dict[str, int]
    orders: int
    fills: int
    modelled_fills: int
    positions: list[PositionLine]
    pnl: Pnl
    unused: dict[str, int]
    journal: JournalLine
    elapsed_s: float


async def trade(
    settings: Settings, known: Instruments, bus: Bus, *, report: Report,
    opened: Callable[["TradeService"], None] | None = None, control: DeskControl | None = None,
    configuration: LiveConfiguration | None = None,
) -> TradeSummary:  # fmt: skip
    """Serve until the recording ends or a signal asks to stop; a live feed has no end.

    `opened` is shown the service when market data has begun, to be read between turns. `control` tells the desk more
    than NATS does; its kill switch holds over a restart. What `configuration` holds is told to the desk, and what
    changes in it: the journal begins with the settings that are not stored, and says in itself what holds since.
    """
    control = control or DeskControl(settings, report)
    await ensure_streams(settings, bus)
    report("trade: waiting for market data")
    async with open_market(settings, known, bus, report) as stream:
        with _journal(settings, stream) as journal:
            service = TradeService(settings, stream, journal, bus, report, control, configuration)
            if opened is not None:
                opened(service)
            await service.resume()
            return await service.serve()


@contextmanager
def _journal(settings: Settings, stream: MarketStream) -> Iterator[JournalWriter]:
    """The journal of this run, found again by its name after a restart. On a live market every start is a run of its
    own: the simulated exchange begins anew, since what it had matched against cannot be read again.
    """
    begin = stream.market.begin
    folder: Path = new_run_folder(settings.runs, "trade") if begin is None else settings.runs / f"trade-{begin.run}"
    with stream_tape(settings, stream, folder) as tape:
        provenance = provenance_of(
            settings,
            stream.market.instruments,
            recording_sha256=begin.digest if begin is not None else "",
            taped=tape is not None,
            shift=begin.shift_ns if begin is not None else 0,
            has_strategist=False,
        )
        journal = open_journal(
            settings,
            folder,
            provenance,
            run_file(folder, "trade", tape=TAPE if tape is not None else ""),
            durable=settings.journal.durable,
            before_write=tape.flush if tape is not None else None,
            crash_point=crash_point(settings.crash_at),
        )
        if tape is not None:
            keep_on(tape, stream, journal)
        try:
            yield journal
        finally:
            journal.close()


class TradeService:
    """One trader over a market stream and a signals' stream. What has no underscore may be read between turns."""

    def __init__(
        self, settings: Settings, stream: MarketStream, journal: JournalWriter, bus: Bus, report: Report,
        control: DeskControl, configuration: LiveConfiguration | None = None,
    ) -> None:  # fmt: skip
        instruments = stream.market.instruments
        self.markets = build_markets(instruments)
        self.trader = build_trader(settings, instruments, self.markets)
        self.desk = Desk(self.markets, None, self.trader)
        self.exchange = build_exchange(settings, instruments)
        self.instruments = instruments
        self.tally = Tally()
        self.model = ReadModel()
        self.observed = Observed()
        self._settings = settings
        self._stream = stream
        self._stale_after_s = settings.feed.stale_after_seconds
        self._journal = journal
        self._bus = bus
        self._report = report
        self._control = control
        self._configuration = configuration
        self.auditing = auditing_of(settings, journal, report)
        self._events = ExecutionEvents(journal, bus, report) if settings.audit.events else None
        self._facts: deque[Heard] = deque()
        self._ended = False
        self._known = journal.head.segment > 0
        self._outbox = Outbox({settings.feed.venue: self.exchange}, crash_point(settings.crash_at))
        turned = JournalReader(journal.folder).turns() if self._known else ()
        shown = [control.record] if configuration is None else [control.record, configuration.desk.record]
        self._retrace = Retrace(
            turned, journal.head.sequence, journal.record, record_to(self.tally.take, self.model.fold, *shown)
        )
        self.turns = Turns(self.desk, self._retrace.record, self._outbox.send, self.exchange)

    @property
    def errors(self) -> Mapping[str, int]:
        """Messages that were not used, by reason."""
        return self._stream.refused

    @property
    def gaps(self) -> Mapping[str, int]:
        return self._stream.gaps

    def market_check(self) -> Check:
        """Whether the market is read as it comes."""
        return self._stream.check(self._stale_after_s)

    @property
    def folder(self) -> Path:
        """Where the journal is."""
        return self._journal.folder

    async def resume(self) -> None:
        """Be what the journal says, or begin; then open a segment of the journal for what comes."""
        if self._known:
            self._report(f"trade: turning {self._journal.folder.name} again, {self._journal.entries} entries")
            if self._journal.repaired:
                self._report(f"trade: {self._journal.repaired}")
            await self._retrace.run(self.turns, self._next_fact)
        is_new = self.turns.sequence == 0  # also where a crash left a journal with a header and nothing after it
        if is_new:
            self._facts.appendleft(await self._next_fact())
        self._journal.rotate(self.turns.sequence, self.turns.now, self._checkpoint())
        if is_new:
            self.turns.other(STARTED, self._facts[0][0])
        elif self.trader.closed:
            self.turns.other(Started("restart"), self.turns.now)
        if self._configuration is not None:
            for command in trading_difference(self._configuration.settings, self.trader, self.turns.sequence):
                self.turns.other(command, self.turns.now)

    async def serve(self) -> TradeSummary:
        """Turn until the end, with SIGTERM and SIGINT asking for an orderly one."""
        began = time.perf_counter()
        subject, run = self._settings.nats.signal_subject, self._stream.market.run
        after = await self._last_signal()
        signals = SignalStream(self._bus, subject, run, after, lambda: self.turns.now, self._report)
        clock = VirtualClock()
        inbox = VirtualInbox(self._batches(signals), clock, self.observed)
        loop = Loop(self.turns, inbox, clock, self._journal, self._checkpoint, self.observed)
        supervisor = Supervisor(self.observed, loop.stop, loop.halt, report=self._report)
        self._tell = partial(tell_or_halt, loop)
        if self._stream.market.begin is None:
            signals.tell = self._tell
        async with supervisor:
            supervisor.side("signals", signals.read, OnFailure.RESTART)
            if self.auditing is not None:
                for name, start, on_failure in self.auditing.sides():
                    supervisor.side(name, start, on_failure)
            if self._events is not None:
                supervisor.side("execution events", self._events.follow, OnFailure.RESTART)
            self._report(f"trade: turning run {run}, journal {self.folder}")
            with self._control.attached(loop, self._reader()), self._configured(loop):
                await supervisor.run(loop.run())
        elapsed_s = time.perf_counter() - began
        await self._finish()
        return self._summary(signals, elapsed_s)

    async def _last_signal(self) -> int:
        """The place of the last signal that is not for this process: on a live market those of earlier ones are not."""
        if self._stream.market.begin is not None:
            return self._retrace.last_signal
        state = await self._bus.stream_state(SIGNALS_STREAM)
        return 0 if state is None else state.last

    @contextmanager
    def _configured(self, loop: Loop) -> Iterator[None]:
        """The desk takes changes of its configuration while the block lasts."""
        if self._configuration is None:
            yield
            return
        self._configuration.desk.attach(loop, None, self.instruments, self.trader)
        self._configuration.watch.wake()
        try:
            yield
        finally:
            self._configuration.desk.detach()

    async def _finish(self) -> None:
        """Tell those who follow the journal of its end."""
        if self._events is not None:
            await self._events.finish(self._settings.audit.finish_seconds)
        if self.auditing is not None:
            await self.auditing.finish()

    def _reader(self) -> DeskReader:
        """What the HTTP surface reads between turns."""
        settings = self._settings
        return DeskReader(
            settings.account.account,
            settings.account.currency,
            self.trader,
            self.model,
            self.instruments,
            self.markets,
            lambda: self.turns.now,
            lambda: self.observed.silence_s,
            settings.feed.stale_after_seconds,
        )

    async def _batches(self, signals: SignalStream) -> AsyncIterator[Sequence[Heard]]:
        """Facts in batches; after the message that led to a signal, and before the next, the signal is told."""
        lockstep = self._stream.market.begin is not None
        while True:
            if self._facts:
                yield list(self._facts)
                self._facts.clear()
            if lockstep:
                await signals.until(self._stream.sequence)
            for received in signals.due(self._stream.sequence):
                self._tell(received)
            if self._ended or not await self._advance():
                return
            while self._stream.sequence < signals.quiet_until and len(self._facts) < SLICE and not self._ended:
                if not await self._advance():  # does not wait: who made the signals has read it already
                    break

    async def _advance(self) -> bool:
        """Have the facts of the next message at hand; whether there was one."""
        facts = await self._stream.next()
        if facts is None:
            return False
        self._ended = facts.ended
        self._facts.extend(facts.heard)
        return True

    async def _next_fact(self) -> Heard:
        while not self._facts:
            if self._ended or not await self._advance():
                raise TransportError("the market stream ended before the journal did; is it of another broker?")
        return self._facts.popleft()

    def _checkpoint(self) -> bytes:
        return checkpoint_of(self.turns, self.desk, self.exchange)

    def _summary(self, signals: SignalStream, elapsed_s: float) -> TradeSummary:
        instruments, journal = self._stream.market.instruments, self._journal
        lines = position_lines(self.trader.positions, instruments, self.markets)
        return TradeSummary(
            run=self._stream.market.run,
            messages=self._stream.sequence,
            received=signals.received,
            malformed=dict(signals.refused),
            refusals=dict(self.tally.refusals),
            orders=self.tally.orders,
            fills=self.tally.fills,
            modelled_fills=self.tally.modelled_fills,
            positions=lines,
            pnl=pnl_of(self.trader, lines, instruments, self.markets, self._settings.account.currency),
            unused=dict(self._stream.refused),
            journal=JournalLine(
                path=str(journal.folder),
                entries=journal.entries,
                decisions_sha256=journal.decisions_sha256,
                sha256=journal.sha256,
            ),
            elapsed_s=elapsed_s,
        )
