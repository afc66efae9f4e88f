"""Technical analysis: a desk that has strategies of bars and no trader, turned by the bars of the store.

Its signals and what was refused stand in the journal. A bar's time is its close, so the same bars lead to the same
signals whenever they are turned.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Protocol

from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.apps.analysis.bars import Due
from petrosa.apps.analysis.progress import Cooldowns
from petrosa.apps.analysis.summary import Counts, TaSummary
from petrosa.apps.joined import Report
from petrosa.apps.journaling import record_to
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments, build_analyst, build_markets, checkpoint_of
from petrosa.backtest.summary import JournalLine
from petrosa.core.desk import Desk
from petrosa.core.market.candles import interval_ns
from petrosa.core.model.events import Decision, Event, SignalMade, Started, Warmup
from petrosa.core.model.history import Series
from petrosa.core.model.market import Candle, InstrumentId, MarketEvent, bars_key
from petrosa.core.model.orders import Approved, Reducing
from petrosa.core.model.signals import Signal
from petrosa.core.strategist import StrategistState
from petrosa.core.turns import Record, Turns
from petrosa.errors import InvariantError, StorageError, TransportError
from petrosa.runtime.clocks import VirtualClock
from petrosa.runtime.inbox import VirtualInbox
from petrosa.runtime.loop import Loop
from petrosa.runtime.observed import Observed
from petrosa.runtime.supervise import Supervisor
from petrosa.surfaces.readmodel import ReadModel

BREATHE_EVERY: Final = 200
"""Bars turned before everybody else gets a turn."""
LAST_WORDS_S: Final = 2.0
STARTED: Final = Started("ta")


class Outlet(Protocol):
    """Where signals go."""

    published: int

    def made(self, signal: Signal) -> None: ...

    async def publish(self) -> None:
        """Everything that was made is where it should be when this returns."""
        ...


class Memory(Protocol):
    """What outlives this process."""

    async def save(self, bars: Mapping[Series, int], cooldowns: Cooldowns) -> None:
        """Raises `StorageError`; saving again makes up for it."""
        ...


class AnalysisService:
    """One strategist over the bars of many series. What has no underscore may be read between turns.

    `memory` is none where bars are turned again that were turned before.
    """

    def __init__(
        self, settings: Settings, instruments: Instruments, followed: Mapping[Series, InstrumentId],
        journal: JournalWriter, outlet: Outlet, memory: Memory | None, report: Report, *also: Record,
    ) -> None:  # fmt: skip
        """`also` are shown every turn that is recorded, after the journal has it."""
        self.instruments = instruments
        self.markets = build_markets(instruments)
        self.strategist = build_analyst(settings, instruments, self.markets, settings.ta.timeframes)
        self.model = ReadModel()
        self.observed = Observed()
        self.counts = Counts()
        self.history = self.bars = 0
        self._desk = Desk(self.markets, self.strategist)
        self._journal = journal
        self._outlet = outlet
        self._memory = memory
        self._report = report
        self._series = len(followed)
        self._turned = _Turned(self._desk, followed)
        self._began = time.perf_counter()
        self._record = record_to(journal.record, self.counts.take, self.model.fold, self._note, *also)
        self.turns = Turns(self._turned, self._remember, _no_orders)
        self._source: AsyncIterator[Sequence[Due]] | None = None
        clock = VirtualClock()
        inbox = VirtualInbox(self._batches(), clock, self.observed)
        self.loop = Loop(self.turns, inbox, clock, journal, self._checkpoint, self.observed)

    @property
    def turned(self) -> Mapping[Series, int]:
        """When the last bar that was turned opened, by series."""
        return self._turned.last

    @property
    def folder(self) -> Path:
        """Where the journal is."""
        return self._journal.folder

    async def begin(self, due: Sequence[Due], cooldowns: Cooldowns) -> None:
        """Begin the journal, warm up, and turn what is news of the first bars."""
        self._journal.rotate(0, 0, self._checkpoint())
        self.turns.other(STARTED, 0)
        self.strategist.restore(StrategistState(cooldowns))
        for number, one in enumerate(due, 1):
            if one.is_history:
                self.turns.other(Warmup(one.bar), one.bar.ts_event)
                self.history += 1
            else:
                self.turns.market(one.bar, one.bar.ts_event)
                self.bars += 1
            if number % BREATHE_EVERY == 0:
                await asyncio.sleep(0)
        self._report(f"ta: warmed up with {self.history:,} bars, turned {self.bars:,} new ones")
        await self._say()

    async def serve(self, source: AsyncIterator[Sequence[Due]], *, catches_signals: bool = True) -> TaSummary:
        """Turn what the source gives and what is told, until it ends or a signal asks to stop."""
        self._source = source
        supervisor = Supervisor(
            self.observed, self.loop.stop, self.loop.halt, report=self._report, catches_signals=catches_signals
        )
        async with supervisor:
            try:
                await supervisor.run(self.loop.run())
                await self._say_last()
            finally:
                self.loop.inbox.close()
        return self.summary()

    def summary(self) -> TaSummary:
        journal = self._journal
        quiet = {
            name: {reason: count for reason, count in counts.items() if count}
            for name, counts in self.strategist.quiet_counts.items()
        }
        return TaSummary(
            series=self._series,
            history=self.history,
            bars=self.bars,
            signals=self.counts.lines(),
            published=self._outlet.published,
            refusals=dict(self.counts.refusals),
            quiet={name: counts for name, counts in quiet.items() if counts},
            last_signals=list(self.counts.last),
            journal=JournalLine(
                path=str(journal.folder), entries=journal.entries, decisions_sha256=journal.decisions_sha256,
                sha256=journal.sha256,
            ),
            elapsed_s=time.perf_counter() - self._began,
        )  # fmt: skip

    async def _batches(self) -> AsyncIterator[Sequence[tuple[int, MarketEvent]]]:
        """The bars of the source; what one batch led to is said and remembered before the next is handed out."""
        assert self._source is not None
        async for due in self._source:
            if due:
                self.bars += len(due)
                yield [(one.bar.ts_event, one.bar) for one in due]
                await self._say()

    async def _say(self) -> None:
        """Signals first: what is remembered as turned will not be turned again."""
        await self._outlet.publish()
        if self._memory is None:
            return
        try:
            await self._memory.save(self._turned.last, self.strategist.snapshot().cooldowns)
        except StorageError as problem:
            self._report(f"ta: how far the bars were turned is not remembered yet: {problem}")

    async def _say_last(self) -> None:
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._say()
        except (TimeoutError, TransportError) as problem:
            self._report(f"ta: the last signals were not published ({str(problem) or 'it took too long'}); the next"
                         " start makes them again")  # fmt: skip

    def _remember(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """Bars of the past are in the store, which keeps them better than a journal."""
        if type(event) is not Warmup:
            self._record(sequence, now, event, decisions)

    def _note(self, _sequence: int, _now: int, _event: Event, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, SignalMade):
                self._outlet.made(decision.signal)

    def _checkpoint(self) -> bytes:
        return checkpoint_of(self.turns, self._desk, None)


class _Turned:
    """A desk, and which bar of each series it has turned last."""

    def __init__(self, desk: Desk, followed: Mapping[Series, InstrumentId]) -> None:
        self.last: dict[Series, int] = {}
        self._desk = desk
        self._series = {bars_key(key, interval_ns(series.interval)): series for series, key in followed.items()}

    def handle(self, event: Event, now: int) -> Sequence[Decision]:
        bar = event.event if type(event) is Warmup else event
        if type(bar) is Candle:
            self.last[self._series[bars_key(bar.instrument, bar.interval_ns)]] = bar.ts_open
        return self._desk.handle(event, now)


def _no_orders(order: Approved | Reducing, _now: int) -> None:
    raise InvariantError(f"a desk without a trader made the order {order.intent.client_order_id}")
