"""`petrosa strategies`: the market stream in, signals out, through a desk that has strategies and no trader.

A recorded run is read from the beginning of its stream at every start, and the journal is turned again with it, so
windows, cooldowns and changed parameters are what they would have been without a restart, and the signals that were
published already are not published again.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.apps.configuration.desk import differences
from petrosa.apps.configuration.live import LiveConfiguration
from petrosa.apps.joined import Report
from petrosa.apps.journaling import record_to
from petrosa.apps.market_stream import Ahead, Facts, MarketStream, ensure_streams, open_market
from petrosa.apps.publishing import Publisher
from petrosa.apps.retrace import Retrace
from petrosa.apps.settings import Settings
from petrosa.apps.strategies_journal import StrategiesJournal, open_strategies_journal
from petrosa.apps.wiring import Instruments, build_analyzer, build_markets, build_stream_strategist, checkpoint_of
from petrosa.backtest.run import STARTED
from petrosa.backtest.summary import JournalLine, Tally
from petrosa.core.desk import Desk
from petrosa.core.model.events import Decision, Event, SignalMade
from petrosa.core.model.market import MarketEvent
from petrosa.core.model.orders import Approved, Reducing
from petrosa.core.turns import Record, Turns
from petrosa.errors import InvariantError, TransportError
from petrosa.ports import Bus
from petrosa.runtime.clocks import VirtualClock
from petrosa.runtime.inbox import VirtualInbox
from petrosa.runtime.loop import Loop
from petrosa.runtime.observed import Observed
from petrosa.runtime.supervise import Supervisor
from petrosa.surfaces.observation import Check
from petrosa.surfaces.readmodel import ReadModel

REPORT_EVERY_S: Final = 5.0
LAST_WORDS_S: Final = 2.0
"""How long the signals of the last turns may take to leave when the service was told to stop."""

Heard = tuple[int, MarketEvent]


class StrategiesSummary(msgspec.Struct, frozen=True):
    """What a strategies service did, the part before a restart included: signals by strategy and action, refused
    candidates by check, unused messages.

    `published` is less than the signals made when a restart found some of them published already.
    """

    run: str
    messages: int
    signals: dict[str, dict[str, int]]
    published: int
    refusals: dict[str, int]
    unused: dict[str, int]
    journal: JournalLine
    elapsed_s: float


async def strategies(
    settings: Settings, known: Instruments, bus: Bus, configuration: LiveConfiguration, *, report: Report,
    opened: Callable[["StrategyService"], None] | None = None, catches_signals: bool = True,
) -> StrategiesSummary:  # fmt: skip
    """Serve until the recording ends or a signal asks to stop; a live feed has no end.

    `opened` is shown the service when market data has begun, to be read between turns.
    """
    await ensure_streams(settings, bus)
    report("strategies: waiting for market data")
    async with open_market(settings, known, bus, report) as stream:
        with open_strategies_journal(configuration.settings, stream) as journal:
            service = StrategyService(settings, stream, journal, bus, report, configuration.desk.record)
            if opened is not None:
                opened(service)
            await service.resume(lambda: configuration.settings)
            configuration.desk.attach(service.loop, service.strategist, service.instruments)
            configuration.watch.wake()
            try:
                return await service.serve(catches_signals=catches_signals)
            finally:
                configuration.desk.detach()


class StrategyService:
    """One strategist over one market stream. What has no underscore may be read between turns."""

    def __init__(
        self, settings: Settings, stream: MarketStream, journal: StrategiesJournal, bus: Bus, report: Report,
        *also: Record,
    ) -> None:  # fmt: skip
        """`also` are shown every turn that is recorded, after the journal has it."""
        market = stream.market
        self.instruments = market.instruments
        self.markets = build_markets(market.instruments)
        self.analyzer = build_analyzer(settings)
        self.strategist = build_stream_strategist(journal.begun_with, market.instruments, self.markets)
        self.desk = Desk(self.markets, self.strategist, analyzer=self.analyzer)
        self.tally = Tally()
        self.model = ReadModel()
        self.observed = Observed()
        self._stream = stream
        self._stale_after_s = settings.feed.stale_after_seconds
        self._journal = journal.writer
        self._bus = bus
        self._report = report
        self._publisher = Publisher(bus, settings.nats.signal_subject, market, report)
        self._ahead = Ahead(stream)
        self._left: deque[Heard] = deque()
        self._known = journal.writer.head.segment > 0
        turned = JournalReader(self.folder).turns() if self._known else ()
        record = record_to(self._note, self.tally.take, self.model.fold, *also)
        self._retrace = Retrace(turned, journal.writer.head.sequence, journal.writer.record, record)
        self.turns = Turns(self.desk, self._retrace.record, _no_orders)
        clock = VirtualClock()
        inbox = VirtualInbox(self._batches(), clock, self.observed, at_hand=self._at_hand)
        self.loop = Loop(self.turns, inbox, clock, self._journal, self._checkpoint, self.observed)
        self._reported_at = time.monotonic()

    @property
    def errors(self) -> Mapping[str, int]:
        """Messages that were not used, by reason."""
        return self._stream.refused

    @property
    def gaps(self) -> Mapping[str, int]:
        return self._stream.gaps

    @property
    def messages(self) -> int:
        """The place in the market stream of the message being turned."""
        return self._publisher.sequence

    def market_check(self) -> Check:
        """Whether the market is read as it comes."""
        return self._stream.check(self._stale_after_s)

    @property
    def folder(self) -> Path:
        """Where the journal is."""
        return self._journal.folder

    async def resume(self, effective: Callable[[], Settings]) -> None:
        """Be what the journal says, or begin; then open a segment of the journal for what comes.

        What the settings that are effective then say otherwise is the first thing that the desk is told.
        """
        await self._publisher.recall()
        if self._known:
            self._report(f"strategies: turning {self.folder.name} again, {self._journal.entries} entries")
            if self._journal.repaired:
                self._report(f"strategies: {self._journal.repaired}")
            await self._retrace.run(self.turns, self._next_fact)
        is_new = self.turns.sequence == 0  # also where a crash left a journal with a header and nothing after it
        if is_new:
            await self._have_one()
        self._journal.rotate(self.turns.sequence, self.turns.now, self._checkpoint())
        if is_new and self._left:
            self.turns.other(STARTED, self._left[0][0])
        if self.turns.sequence:
            for command in differences(effective(), self.strategist, self.instruments, self.turns.sequence):
                self.turns.other(command, self.turns.now)

    async def serve(self, *, catches_signals: bool = True) -> StrategiesSummary:
        """Turn what is heard and told, and publish what is made, until the end or until a signal asks to stop."""
        began = time.perf_counter()
        supervisor = Supervisor(
            self.observed, self.loop.stop, self.loop.halt, report=self._report, catches_signals=catches_signals
        )
        async with self._ahead, supervisor:
            self._report(f"strategies: turning run {self._stream.market.run}, journal {self.folder}")
            try:
                await supervisor.run(self.loop.run())
                await self._say_last()
            finally:
                self.loop.inbox.close()
        self._say()
        return self._summary(time.perf_counter() - began)

    async def _batches(self) -> AsyncIterator[Sequence[Heard]]:
        """The facts of a message at a time; what one led to is on the bus before the next is handed out."""
        while True:
            if self._left:
                yield self._hand_out()
            await self._publisher.say()
            if time.monotonic() - self._reported_at >= REPORT_EVERY_S:
                self._say()
            if self._publisher.ended or (facts := await self._ahead.get()) is None:
                return
            self._take(facts)

    def _at_hand(self) -> Sequence[Heard]:
        """The facts of the next message that has any, where it is here and nothing has to be said before."""
        while not self._left and not self._publisher.owes and (facts := self._ahead.at_hand()) is not None:
            self._take(facts)
        return self._hand_out()

    def _hand_out(self) -> Sequence[Heard]:
        handed = tuple(self._left)
        self._left.clear()
        return handed

    def _take(self, facts: Facts) -> None:
        """This is the message that is turned now."""
        self._publisher.sequence, self._publisher.ended = facts.sequence, facts.ended
        self._left.extend(facts.heard)

    async def _have_one(self) -> bool:
        """Have a fact at hand, while nobody reads ahead; whether there was one."""
        while not self._left:
            if self._publisher.ended or (facts := await self._stream.next()) is None:
                return False
            self._take(facts)
        return True

    async def _next_fact(self) -> Heard:
        if not await self._have_one():
            raise TransportError("the market stream ended before the journal did; is it of another broker?")
        return self._left.popleft()

    async def _say_last(self) -> None:
        """Publish what the last turns before an early end made."""
        try:
            async with asyncio.timeout(LAST_WORDS_S):
                await self._publisher.publish()
        except (TimeoutError, TransportError) as problem:
            self._report(f"strategies: the last signals were not published ({str(problem) or 'it took too long'})")

    def _note(self, _sequence: int, _now: int, _event: Event, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, SignalMade):
                self._publisher.made(decision.signal)

    def _checkpoint(self) -> bytes:
        return checkpoint_of(self.turns, self.desk, None)

    def _say(self) -> None:
        self._reported_at = time.monotonic()
        signals = sum(sum(counts.values()) for counts in self.tally.signals.values())
        published = self._publisher.published
        self._report(f"strategies: {self.messages:,} messages, {signals} signals, {published} published")

    def _summary(self, elapsed_s: float) -> StrategiesSummary:
        journal = self._journal
        return StrategiesSummary(
            run=self._stream.market.run,
            messages=self.messages,
            signals={name: dict(counts) for name, counts in self.tally.signals.items()},
            published=self._publisher.published,
            refusals=dict(self.tally.refusals),
            unused=dict(self._stream.refused),
            journal=JournalLine(
                path=str(journal.folder),
                entries=journal.entries,
                decisions_sha256=journal.decisions_sha256,
                sha256=journal.sha256,
            ),
            elapsed_s=elapsed_s,
        )


def _no_orders(order: Approved | Reducing, _now: int) -> None:
    raise InvariantError(f"a desk without a trader made the order {order.intent.client_order_id}")
