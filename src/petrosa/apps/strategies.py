"""`petrosa strategies`: the market stream in, signals out, through a desk that has strategies and no trader.

A recorded run is read from the beginning of its stream at every start, so windows and cooldowns are what they would
have been without a restart, and the signals that were published already are not published again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Final

import msgspec

from petrosa.adapters.wire.codec import encode_signal, receive_signal
from petrosa.adapters.wire.orders import encode_order
from petrosa.adapters.wire.progress import PROGRESS, Progress, encode_progress
from petrosa.adapters.wire.subjects import OLD_ORDERS, SIGNALS_STREAM
from petrosa.apps.joined import Report, persistently
from petrosa.apps.journaling import record_to
from petrosa.apps.market_stream import Facts, MarketStream, ensure_streams, open_market
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments, build_analyzer, build_markets, build_strategist
from petrosa.backtest.run import STARTED
from petrosa.backtest.summary import Tally
from petrosa.core.desk import Desk
from petrosa.core.model.events import Decision, Event, SignalMade
from petrosa.core.model.orders import Approved, Reducing
from petrosa.core.model.signals import Signal
from petrosa.core.turns import Turns
from petrosa.errors import FrameError, InvariantError
from petrosa.ports import Bus
from petrosa.runtime.observed import Observed
from petrosa.surfaces.readmodel import ReadModel

PROGRESS_EVERY: Final = 256
"""Market messages after which progress is told though no signal came."""
PROGRESS_EVERY_S: Final = 0.05
REPORT_EVERY_S: Final = 5.0


class StrategiesSummary(msgspec.Struct, frozen=True):
    """What a strategies service did: signals by strategy and action, refused candidates by check, unused messages.

    `published` is less than the signals made when a restart found some of them published already.
    """

    run: str
    messages: int
    signals: dict[str, dict[str, int]]
    published: int
    refusals: dict[str, int]
    unused: dict[str, int]
    elapsed_s: float


async def strategies(
    settings: Settings, known: Instruments, bus: Bus, *, report: Report,
    opened: Callable[["StrategyService"], None] | None = None,
) -> StrategiesSummary:  # fmt: skip
    """Serve until the recording ends; a live feed has no end, so then until cancelled or the bus is closed.

    `opened` is shown the service when market data has begun, to be read between turns.
    """
    await ensure_streams(settings, bus)
    report("strategies: waiting for market data")
    async with open_market(settings, known, bus, report) as stream:
        service = StrategyService(settings, stream, bus, report)
        if opened is not None:
            opened(service)
        await service.recall()
        return await service.serve()


class StrategyService:
    """One strategist over one market stream. What has no underscore may be read between turns."""

    def __init__(self, settings: Settings, stream: MarketStream, bus: Bus, report: Report) -> None:
        market = stream.market
        self.instruments = market.instruments
        self.markets = build_markets(market.instruments)
        self.analyzer = build_analyzer(settings)
        strategist = build_strategist(settings, market.instruments, self.markets)
        self.desk = Desk(self.markets, strategist, analyzer=self.analyzer)
        self.tally = Tally()
        self.model = ReadModel()
        self.observed = Observed()
        self.published = 0
        self._subject = settings.nats.signal_subject
        self._stream = stream
        self._run = market.run
        self._is_recorded = market.begin is not None
        self._bus = bus
        self._report = report
        self.turns = Turns(self.desk, record_to(self._record, self.tally.take, self.model.fold), _no_orders)
        self._made: list[Signal] = []
        self._known: set[str] = set()
        self._told = 0
        self._is_owed = False
        self._told_at = self._reported_at = time.monotonic()

    async def recall(self) -> None:
        """Learn which signals of this run were published before a restart, however long ago that was."""
        state = await self._bus.stream_state(SIGNALS_STREAM) if self._is_recorded else None
        if state is None or state.last < state.first:
            return
        async with aclosing(self._bus.consume(SIGNALS_STREAM)) as messages:
            async for message in messages:
                if message.subject != PROGRESS:
                    self._remember(message.data)
                if message.sequence >= state.last:
                    return

    def _remember(self, data: bytes) -> None:
        try:
            self._known.add(receive_signal(data, 0).signal.signal_id)
        except FrameError as problem:
            self._report(f"strategies: a message among the signals is none: {problem}")

    async def serve(self) -> StrategiesSummary:
        """Turn what is heard and publish what is made, signal by signal, before the next message is turned."""
        began = time.perf_counter()
        facts: Facts | None = None
        while (facts is None or not facts.ended) and (facts := await self._stream.next()) is not None:
            for now, event in facts.heard:
                if self.turns.sequence == 0:
                    self.turns.other(STARTED, now)
                self.turns.market(event, now)
            self.observed.turns = self.turns.sequence
            self.observed.turned_at = time.monotonic()
            if self._made:
                await self._publish(facts.sequence)
            await self._tell_progress(facts)
        self._say()
        return StrategiesSummary(
            run=self._run,
            messages=self._stream.sequence,
            signals={name: dict(counts) for name, counts in self.tally.signals.items()},
            published=self.published,
            refusals=dict(self.tally.refusals),
            unused=dict(self._stream.refused),
            elapsed_s=time.perf_counter() - began,
        )

    @property
    def errors(self) -> Mapping[str, int]:
        """Messages that were not used, by reason."""
        return self._stream.refused

    @property
    def gaps(self) -> Mapping[str, int]:
        return self._stream.gaps

    def _record(self, _sequence: int, _now: int, _event: Event, decisions: Sequence[Decision]) -> None:
        self._made.extend(decision.signal for decision in decisions if isinstance(decision, SignalMade))

    async def _publish(self, market_sequence: int) -> None:
        made, self._made = self._made, []
        for signal in made:
            data = self._message(signal, market_sequence)
            if data is None or signal.signal_id in self._known:
                continue
            message_id = f"{self._run}:{signal.signal_id}"
            await persistently(
                self._bus,
                lambda data=data, name=message_id: self._bus.publish_durable(self._subject, data, name),  # type: ignore[misc]
                self._report,
            )
            self.published += 1
        self._is_owed = True

    def _message(self, signal: Signal, market_sequence: int) -> bytes | None:
        try:
            if self._subject == OLD_ORDERS:
                return encode_order(signal)
            return encode_signal(signal, market_sequence if self._is_recorded else 0)
        except FrameError as problem:
            raise InvariantError(f"{signal.strategy_id} made a signal that no message can hold: {problem}") from None

    async def _tell_progress(self, facts: Facts) -> None:
        """Say how far the signals go: after each signal, now and then, and at the end for good."""
        if not self._is_recorded:
            return
        wall = time.monotonic()
        many, long = facts.sequence - self._told >= PROGRESS_EVERY, wall - self._told_at >= PROGRESS_EVERY_S
        if not (self._is_owed or many or long or facts.ended):
            return
        self._told, self._told_at, self._is_owed = facts.sequence, wall, False
        data = encode_progress(Progress(self._run, facts.sequence, facts.ended))
        if facts.ended:
            name = f"{self._run}:end"
            await persistently(self._bus, lambda: self._bus.publish_durable(PROGRESS, data, name), self._report)
        else:
            await persistently(self._bus, lambda: self._bus.publish(PROGRESS, data), self._report)
        if wall - self._reported_at >= REPORT_EVERY_S:
            self._say()

    def _say(self) -> None:
        self._reported_at = time.monotonic()
        signals = sum(sum(counts.values()) for counts in self.tally.signals.values())
        self._report(f"strategies: {self._stream.sequence:,} messages, {signals} signals, {self.published} published")


def _no_orders(order: Approved | Reducing, _now: int) -> None:
    raise InvariantError(f"a desk without a trader made the order {order.intent.client_order_id}")
