"""Market events in, signals out: each strategy hears its stream of its symbol, and what it says is checked once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from petrosa.core.market.state import MarketState
from petrosa.core.model.events import Decision, SignalMade, Warmup
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BookGap, FeedStateChanged, InstrumentId, MarketEvent
from petrosa.core.model.refusals import refusal
from petrosa.core.model.signals import Signal, signal_id_of
from petrosa.core.signals.checks import CandidateContext, check_candidate
from petrosa.core.signals.cooldown import Cooldowns
from petrosa.core.signals.trigger import Trigger
from petrosa.core.strategies.base import Candidate, CatalogEntry, Quiet, Strategy, StrategyParams
from petrosa.core.strategies.catalog import CATALOG
from petrosa.errors import ConfigError

HINT_QUANTITY: Final = 0.001
"""The documented `quantity` of a signal. Sizing decides the real one."""

_NOTHING: Final[tuple[Decision, ...]] = ()
_NOTED: Final[frozenset[type]] = frozenset({Warmup, FeedStateChanged, BookGap})
_BELOW: Final = Quiet.BELOW_THRESHOLD.value
_NOT_A_NUMBER: Final = Quiet.BAD_NUMBER.value


class StrategyPlan(msgspec.Struct, frozen=True):
    """One strategy on one instrument. `params` is of the type that the catalogue names for the strategy."""

    strategy_id: str
    instrument: InstrumentId
    params: StrategyParams


class StrategistState(msgspec.Struct, frozen=True):
    """What a strategist remembers over a restart. Windows are not in it: they fill again from the stream."""

    cooldowns: dict[str, dict[InstrumentId, int]]


class _Seat:
    """One strategy at one instrument, and what it needs to be heard."""

    __slots__ = ("entry", "evaluate", "instrument", "key", "market", "params", "quiet", "strategy", "trigger")

    def __init__(
        self,
        entry: CatalogEntry,
        params: StrategyParams,
        instrument: Instrument,
        market: MarketState,
        quiet: dict[str, int],
    ) -> None:
        self.entry = entry
        self.params = params
        self.instrument = instrument
        self.key = instrument.id
        self.market = market
        self.quiet = quiet
        self.forget()

    def forget(self) -> None:
        self.strategy: Strategy[Any] = self.entry.build(self.params)
        self.evaluate = self.strategy.evaluate
        self.trigger = Trigger(
            edge=self.params.edge_trigger,
            persistence_seconds=self.params.persistence_seconds,
            hysteresis=self.params.hysteresis,
        )


class Strategist:
    """Holds one strategy instance per plan. Does not apply events to `markets`: the desk has done that before.

    `quiet_counts` says per strategy how often it had nothing to say and why, `signal_counts` how often it spoke, by
    action. Raises `ConfigError` for a plan that names an unknown strategy or instrument, or is there twice.
    """

    def __init__(
        self,
        instruments: Mapping[InstrumentId, Instrument],
        plans: Iterable[StrategyPlan],
        markets: Mapping[InstrumentId, MarketState],
    ) -> None:
        self.quiet_counts: dict[str, dict[str, int]] = {}
        self.signal_counts: dict[str, dict[str, int]] = {}
        self._cooldowns = Cooldowns()
        self._seats: dict[tuple[str, InstrumentId], _Seat] = {}
        self._routes: dict[type, dict[InstrumentId, tuple[_Seat, ...]]] = {}
        for plan in plans:
            self._take(plan, instruments, markets)

    def handle(self, event: MarketEvent | Warmup, now: int) -> Sequence[Decision]:
        """What the strategies that listen to this event decided: `SignalMade` or `Refused`, mostly nothing."""
        route = self._routes.get(type(event))
        if route is None:
            if type(event) in _NOTED:
                self._note(event, now)
            return _NOTHING
        decisions: tuple[Decision, ...] = _NOTHING
        for seat in route.get(event.instrument, ()):  # type: ignore[union-attr]  # only market facts have a route
            evaluate, trigger = seat.evaluate, seat.trigger  # an attribute that is called is looked up the slow way
            answer = evaluate(event, seat.market, now)
            if type(answer) is not float and isinstance(answer, str):  # a `Quiet`, asked in the fastest way
                seat.quiet[answer] += 1
                if not trigger.idle:
                    trigger.unknown()
            elif -1.0 <= answer <= 1.0:
                seat.quiet[_BELOW] += 1
                if not trigger.idle:
                    trigger.update(answer, now)
            elif trigger.update(answer, now):
                decisions = (*decisions, self._decide(seat, event, now))
            elif answer != answer:
                seat.quiet[_NOT_A_NUMBER] += 1
        return decisions

    def warmup(self) -> dict[tuple[str, InstrumentId], tuple[int, int]]:
        """Per strategy and instrument (n, m): n of the m facts it needs before it can speak are there."""
        return {key: seat.strategy.warmup() for key, seat in self._seats.items()}

    def forget(self) -> None:
        """Start every window and edge from nothing, as a started process does. Cooldowns and counts stay."""
        for seat in self._seats.values():
            seat.forget()

    def snapshot(self) -> StrategistState:
        return StrategistState(self._cooldowns.snapshot())

    def restore(self, state: StrategistState) -> None:
        self._cooldowns.restore(state.cooldowns)

    def _take(
        self,
        plan: StrategyPlan,
        instruments: Mapping[InstrumentId, Instrument],
        markets: Mapping[InstrumentId, MarketState],
    ) -> None:
        entry, key = CATALOG.get(plan.strategy_id), (plan.strategy_id, plan.instrument)
        if entry is None:
            raise ConfigError(f"unknown strategy {plan.strategy_id!r}; there are {', '.join(CATALOG)}")
        if plan.instrument not in instruments or plan.instrument not in markets:
            raise ConfigError(f"{plan.strategy_id}: unknown instrument {plan.instrument}; add it to the instruments")
        if not isinstance(plan.params, entry.params):
            raise ConfigError(f"{plan.strategy_id}: parameters of another strategy ({type(plan.params).__module__})")
        if key in self._seats:
            raise ConfigError(f"{plan.strategy_id} is planned twice on {plan.instrument}; leave one out")
        self.signal_counts.setdefault(plan.strategy_id, {"buy": 0, "sell": 0})
        quiet = self.quiet_counts.setdefault(plan.strategy_id, {reason.value: 0 for reason in Quiet})
        seat = self._seats[key] = _Seat(
            entry, plan.params, instruments[plan.instrument], markets[plan.instrument], quiet
        )
        route = self._routes.setdefault(entry.listens_to, {})
        route[plan.instrument] = (*route.get(plan.instrument, ()), seat)

    def _decide(self, seat: _Seat, event: object, now: int) -> Decision:
        """A score counted: the candidate becomes a signal, or a refusal that says why not."""
        entry, name = seat.entry, seat.key
        candidate: Candidate = seat.strategy.candidate(event, seat.market, now)
        signal_id = signal_id_of(
            entry.strategy_id, entry.version, name, entry.timeframe, candidate.ts_event, candidate.action
        )
        context = CandidateContext(
            now,
            seat.params,
            seat.market.feed_state,
            seat.market.book_is_whole,
            self._cooldowns.last(entry.strategy_id, name),
        )
        outcomes = check_candidate(candidate, context)
        refused = refusal(entry.strategy_id, name, signal_id, outcomes)
        if refused is not None:
            return refused
        self._cooldowns.start(entry.strategy_id, name, now)
        counts = self.signal_counts[entry.strategy_id]
        counts[candidate.action.value] = counts.get(candidate.action.value, 0) + 1
        return SignalMade(_signal(signal_id, seat, candidate, now), outcomes)

    def _note(self, event: MarketEvent | Warmup, now: int) -> None:
        """Facts that are not for a strategy: history, and a stream that broke off."""
        match event:
            case Warmup():
                self._warm(event.event, now)
            case FeedStateChanged() | BookGap():
                for (_, instrument), seat in self._seats.items():
                    if instrument == event.instrument:
                        seat.trigger.unknown()
            case _:
                pass

    def _warm(self, event: MarketEvent, now: int) -> None:
        """Fill windows. An edge that lies in the history is told to nobody, and is no news later."""
        for seat in self._routes.get(event.__class__, {}).get(event.instrument, ()):
            answer = seat.evaluate(event, seat.market, now)
            if isinstance(answer, Quiet):
                seat.trigger.unknown()
            else:
                seat.trigger.update(answer, now)


def _signal(signal_id: str, seat: _Seat, candidate: Candidate, now: int) -> Signal:
    entry, instrument = seat.entry, seat.instrument
    return Signal(
        signal_id=signal_id,
        strategy_id=entry.strategy_id,
        symbol=instrument.symbol,
        action=candidate.action,
        confidence=candidate.confidence,
        price=candidate.price,
        quantity=HINT_QUANTITY,
        current_price=candidate.current_price,
        ts_event=candidate.ts_event,
        ts_seen=now,
        timeframe=entry.timeframe,
        venue=instrument.venue,
        market=instrument.market,
        stop_loss=candidate.stop_loss,
        take_profit=candidate.take_profit,
        indicators=candidate.indicators,
        metadata=candidate.metadata,
        strategy=entry.strategy_id,
    )
