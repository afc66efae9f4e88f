"""Market events in, signals out: each strategy hears its stream of its symbol, and what it says is checked once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from petrosa.core.market.state import MarketState
from petrosa.core.model.commands import Configure, SeatParameters
from petrosa.core.model.events import Alarm, Configured, Decision, SeatChange, SignalMade, Warmup
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import (
    BookGap,
    Candle,
    FeedStateChanged,
    InstrumentId,
    MarketEvent,
    bars_key,
    instrument_id,
)
from petrosa.core.model.refusals import refusal
from petrosa.core.model.signals import Signal, signal_id_of
from petrosa.core.signals.checks import CandidateContext, check_candidate
from petrosa.core.signals.cooldown import Cooldowns
from petrosa.core.signals.seats import Place, Routes, Seat, routes_of
from petrosa.core.strategies.base import Candidate, Quiet, StrategyParams
from petrosa.core.strategies.catalog import CATALOG
from petrosa.errors import ConfigError

HINT_QUANTITY: Final = 0.001
"""The documented `quantity` of a signal. Sizing decides the real one."""

_NOTHING: Final[tuple[Decision, ...]] = ()
_NOTED: Final[frozenset[type]] = frozenset({Warmup, FeedStateChanged, BookGap})
_BELOW: Final = Quiet.BELOW_THRESHOLD.value
_NOT_A_NUMBER: Final = Quiet.BAD_NUMBER.value
_NOBODY: Final = Place()


class StrategyPlan(msgspec.Struct, frozen=True):
    """One strategy on one instrument. `params` is of the type that the catalogue names for the strategy.

    A plan that is not `enabled` can be by a command. A strategy of bars is planned with the lengths it is to work on
    (`15m`, `1h`): it has a state and a cooldown of its own for each, and one set of parameters for all.
    """

    strategy_id: str
    instrument: InstrumentId
    params: StrategyParams
    enabled: bool = True
    timeframes: tuple[str, ...] = ()


class StrategistState(msgspec.Struct, frozen=True):
    """What a strategist remembers over a restart. Windows are not in it: they fill again from the stream.

    `configured` holds, by strategy, what was changed since the process began.
    """

    cooldowns: dict[str, dict[InstrumentId, int]]
    configured: dict[str, list[SeatParameters]] = msgspec.field(default_factory=dict)


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
        self._unfinished: dict[InstrumentId, Candle] = {}
        self._instruments = instruments
        self._seats: dict[tuple[str, InstrumentId], tuple[Seat, ...]] = {}
        for plan in plans:
            self._take(plan, markets)
        self._routes: Routes = self._ways()

    def handle(self, event: MarketEvent | Warmup, now: int) -> Sequence[Decision]:
        """What the strategies that listen to this event decided: `SignalMade` or `Refused`, mostly nothing."""
        route = self._routes.get(type(event))
        if route is None:
            if type(event) in _NOTED:
                self._note(event, now)
            return _NOTHING
        decisions: tuple[Decision, ...] = _NOTHING
        key = event.instrument  # type: ignore[union-attr]  # only market facts have a route
        place = route.get(key if type(event) is not Candle else self._bars_of(event, now))
        if place is None:
            return _NOTHING
        for note, market in place.notes:
            note(event, market, now)
        for seat in place.seats:
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
        """Per strategy and instrument (n, m): n of the m facts it needs before it can speak are there.

        Of several timeframes it is that which has farthest to go.
        """
        return {
            key: min((seat.strategy.warmup() for seat in seats), key=lambda one: one[0] - one[1])
            for key, seats in self._seats.items()
            if seats[0].enabled
        }

    def configure(self, command: Configure) -> Sequence[Decision]:
        """Let a strategy go on with other parameters: all that the command names, or nothing and an alarm.

        Instruments that are followed elsewhere are left to others.
        """
        try:
            changes = self._adopt(command.strategy_id, command.seats)
        except ValueError as problem:
            said = f"{command.command_id} by {command.actor}"
            message = f"{command.strategy_id}: {problem}; the parameters of {said} are not taken, the old ones hold"
            return (Alarm("configuration_refused", message),)
        return (Configured(command.command_id, command.strategy_id, command.version, changes),)

    def parameters(self, strategy_id: str) -> list[SeatParameters]:
        """What holds for a strategy now, by instrument; nothing for one that is not followed here."""
        return [seats[0].snapshot() for (name, _), seats in self._seats.items() if name == strategy_id]

    def forget(self) -> None:
        """Start every window and edge from nothing, as a started process does. Cooldowns and counts stay."""
        for seat in self._all():
            seat.forget()
        self._unfinished = {}
        self._routes = self._ways()

    def recall(self, made: SignalMade, now: int) -> None:
        """Remember a signal of the past. What led to it fills again from the market."""
        signal = made.signal
        instrument = instrument_id(signal.venue or "", signal.market or "", signal.symbol)
        seats = self._seats.get((signal.strategy_id, instrument), ())
        names = [seat.name for seat in seats if seat.timeframe == signal.timeframe]
        for name in names or [instrument]:
            self._cooldowns.start(signal.strategy_id, name, now)

    def snapshot(self) -> StrategistState:
        configured: dict[str, list[SeatParameters]] = {}
        for (strategy_id, _), seats in self._seats.items():
            if seats[0].changed:
                configured.setdefault(strategy_id, []).append(seats[0].snapshot())
        return StrategistState(self._cooldowns.snapshot(), configured)

    def restore(self, state: StrategistState) -> None:
        self._cooldowns.restore(state.cooldowns)
        for strategy_id, seats in state.configured.items():
            self._adopt(strategy_id, seats)

    def _adopt(self, strategy_id: str, wanted: Sequence[SeatParameters]) -> tuple[SeatChange, ...]:
        """Raises `ValueError`, before anything has changed, for parameters that the strategy cannot have."""
        mine = [(self._seats[strategy_id, one.instrument], one) for one in wanted if self._follows(strategy_id, one)]
        read = [(seats, seats[0].read(one.parameters), one.enabled) for seats, one in mine]
        changes: list[SeatChange] = []
        for seats, params, on in read:
            effects = [seat.adopt(params, enabled=on) for seat in seats]
            changes.append(SeatChange(seats[0].key, effects[0]))
        self._routes = self._ways()
        return tuple(changes)

    def _all(self) -> list[Seat]:
        return [seat for seats in self._seats.values() for seat in seats]

    def _ways(self) -> Routes:
        return routes_of(self._all(), self._instruments)

    def _follows(self, strategy_id: str, one: SeatParameters) -> bool:
        return (strategy_id, one.instrument) in self._seats

    def _take(self, plan: StrategyPlan, markets: Mapping[InstrumentId, MarketState]) -> None:
        instruments = self._instruments
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
        if not plan.timeframes and entry.listens_to is Candle:
            raise ConfigError(f"{plan.strategy_id} works on bars; plan it with the lengths that it is to work on: 15m")
        self._seats[key] = tuple(
            Seat(
                entry, plan.params, instruments[plan.instrument], markets[plan.instrument], quiet,
                enabled=plan.enabled, timeframe=timeframe,
            )
            for timeframe in plan.timeframes or ("",)
        )  # fmt: skip

    def _decide(self, seat: Seat, event: object, now: int) -> Decision:
        """A score counted: the candidate becomes a signal, or a refusal that says why not."""
        entry, name = seat.entry, seat.name
        candidate: Candidate = seat.strategy.candidate(event, seat.market, now)
        signal_id = signal_id_of(
            entry.strategy_id, entry.version, seat.key, seat.timeframe, candidate.ts_event, candidate.action
        )
        context = CandidateContext(
            now,
            seat.params,
            seat.market.feed_state,
            seat.market.book_is_whole,
            self._cooldowns.last(entry.strategy_id, name),
        )
        outcomes = check_candidate(candidate, context)
        refused = refusal(entry.strategy_id, seat.key, signal_id, outcomes)
        if refused is not None:
            return refused
        self._cooldowns.start(entry.strategy_id, name, now)
        counts = self.signal_counts[entry.strategy_id]
        counts[candidate.action.value] = counts.get(candidate.action.value, 0) + 1
        return SignalMade(_signal(signal_id, seat, candidate, now), outcomes)

    def _note(self, event: MarketEvent | Warmup, now: int) -> None:
        """Facts that are not for a strategy: history, and a stream that broke off."""
        match event:
            case Warmup(event=Candle() as bar) if bar.ts_open + bar.interval_ns > now:
                self._unfinished[bars_key(bar.instrument, bar.interval_ns)] = bar
            case Warmup():
                self._warm(event.event, now)
            case FeedStateChanged() | BookGap():
                for seat in self._all():
                    if seat.key == event.instrument:
                        seat.trigger.unknown()
            case _:
                pass

    def _bars_of(self, bar: Candle, now: int) -> InstrumentId:
        """Where a bar goes, after the one before it that was told as history before it was over."""
        key = bars_key(bar.instrument, bar.interval_ns)
        before = self._unfinished.pop(key, None)
        if before is not None and before.ts_open < bar.ts_open:
            self._warm(before, now)
        return key

    def _warm(self, event: MarketEvent, now: int) -> None:
        """Fill windows. An edge that lies in the history is told to nobody, and is no news later."""
        where = bars_key(event.instrument, event.interval_ns) if isinstance(event, Candle) else event.instrument
        place = self._routes.get(event.__class__, {}).get(where, _NOBODY)
        for note, market in place.notes:
            note(event, market, now)
        for seat in place.seats:
            answer = seat.evaluate(event, seat.market, now)
            if isinstance(answer, Quiet):
                seat.trigger.unknown()
            else:
                seat.trigger.update(answer, now)


def _signal(signal_id: str, seat: Seat, candidate: Candidate, now: int) -> Signal:
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
        timeframe=seat.timeframe,
        venue=instrument.venue,
        market=instrument.market,
        stop_loss=candidate.stop_loss,
        take_profit=candidate.take_profit,
        order_type="stop" if candidate.at_stop else None,
        expires_at=now + candidate.expires_after_ns if candidate.expires_after_ns else None,
        indicators=candidate.indicators,
        metadata=candidate.metadata,
        strategy=entry.strategy_id,
    )
