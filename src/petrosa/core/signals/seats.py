"""Where strategies sit: one instance of a strategy at one instrument, and which facts lead to it."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from petrosa.core.market.candles import interval_ns
from petrosa.core.market.state import MarketState
from petrosa.core.model.commands import SeatParameters
from petrosa.core.model.events import Effect
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Candle, InstrumentId, Reading, bars_key, reading_key
from petrosa.core.signals.trigger import Trigger
from petrosa.core.strategies.base import CatalogEntry, Noting, Strategy, StrategyParams

Note = Callable[[Any, MarketState, int], None]


class Seat:
    """One strategy at one instrument, on bars of one length where it listens to bars, and what it needs to be heard.

    `name` is the instrument's, with the timeframe for bars; `quiet` counts why it said nothing.
    """

    __slots__ = (
        "changed", "enabled", "entry", "evaluate", "instrument", "key", "market", "name", "params", "quiet",
        "strategy", "timeframe", "trigger",
    )  # fmt: skip

    def __init__(
        self, entry: CatalogEntry, params: StrategyParams, instrument: Instrument, market: MarketState,
        quiet: dict[str, int], *, enabled: bool, timeframe: str = "",
    ) -> None:  # fmt: skip
        self.entry = entry
        self.params = params
        self.instrument = instrument
        self.key = instrument.id
        self.timeframe = timeframe or entry.timeframe
        self.name = InstrumentId(f"{self.key}@{timeframe}") if timeframe else self.key
        self.market = market
        self.quiet = quiet
        self.enabled = enabled
        self.changed = False
        self.forget()

    def forget(self) -> None:
        """Start windows and edge from nothing."""
        self.strategy: Strategy[Any] = self.entry.build(self.params)
        self.evaluate = self.strategy.evaluate
        self.trigger = Trigger(
            edge=self.params.edge_trigger,
            persistence_seconds=self.params.persistence_seconds,
            hysteresis=self.params.hysteresis,
        )

    def read(self, parameters: Mapping[str, Any]) -> StrategyParams:
        """Parameters of this strategy. Raises `ValueError` for what they cannot be."""
        try:
            return msgspec.convert(parameters, self.entry.params)
        except msgspec.ValidationError as problem:
            raise ValueError(str(problem)) from None

    def adopt(self, params: StrategyParams, *, enabled: bool) -> Effect:
        """Go on with other parameters, keeping windows and edge where the strategy's declaration allows it.

        A score of the new parameters has to stay for `persistence_seconds` of its own: how long one of the old
        parameters stayed beyond another threshold says nothing of it. An edge that was told stays told.
        """
        before, was_enabled = self.params, self.enabled
        if (params, enabled) == (before, was_enabled):
            return Effect.UNCHANGED
        self.params, self.enabled, self.changed = params, enabled, True
        if enabled != was_enabled:
            self.forget()
            return Effect.ENABLED if enabled else Effect.DISABLED
        if any(getattr(params, name) != getattr(before, name) for name in params.RESTARTS):
            self.forget()
            return Effect.WARMING_UP
        self.strategy.retune(params)
        if any(getattr(params, name) != getattr(before, name) for name in _scoring(params)):
            self.trigger.unknown()
        self.trigger.retune(
            edge=params.edge_trigger, persistence_seconds=params.persistence_seconds, hysteresis=params.hysteresis
        )
        return Effect.KEPT_STATE

    def snapshot(self) -> SeatParameters:
        """What holds here, as a command or a checkpoint says it."""
        return SeatParameters(self.key, self.enabled, msgspec.to_builtins(self.params))


def _scoring(params: StrategyParams) -> list[str]:
    """The parameters that a strategy has besides the guards that all have."""
    return [name for name in params.__struct_fields__ if name not in StrategyParams.__struct_fields__]


class Place:
    """Who is told of one kind of fact of one instrument: `seats` score it, `notes` take it in."""

    __slots__ = ("notes", "seats")

    def __init__(self) -> None:
        self.seats: tuple[Seat, ...] = ()
        self.notes: tuple[tuple[Note, MarketState], ...] = ()


Routes = dict[type, dict[InstrumentId, Place]]


def routes_of(seats: Iterable[Seat], instruments: Mapping[InstrumentId, Instrument]) -> Routes:
    """The way of every kind of fact to the enabled seats, in the order of the seats; anew after a seat forgot."""
    routes: Routes = {}

    def place(kind: type, key: InstrumentId, seat: Seat) -> Place:
        where = bars_key(key, interval_ns(seat.timeframe)) if kind is Candle else key
        return routes.setdefault(kind, {}).setdefault(where, Place())

    for seat in seats:
        if not seat.enabled:
            continue
        entry = seat.entry
        reads = [place(Reading, reading_key(topic), seat) for topic in entry.reads]
        scored = reads if entry.listens_to is Reading else [place(entry.listens_to, seat.key, seat)]
        for where in scored:
            where.seats = (*where.seats, seat)
        if not isinstance(seat.strategy, Noting):
            continue
        noted = [place(kind, seat.key, seat) for kind in entry.notes] + [
            where for where in reads if where not in scored
        ]
        kinds = [kind for kind in (entry.listens_to, *entry.notes) if kind is not Reading]
        noted += [place(kind, key, seat) for key in companions_of(seat, instruments) for kind in kinds]
        for where in noted:
            where.notes = (*where.notes, (seat.strategy.note, seat.market))
    return routes


def companions_of(seat: Seat, instruments: Mapping[InstrumentId, Instrument]) -> list[InstrumentId]:
    """The instruments of a seat's companions, on the same market and against the same asset."""
    own = seat.instrument
    return [
        key
        for base in seat.entry.companions
        for key, other in instruments.items()
        if (other.quote, other.venue, other.market) == (own.quote, own.venue, own.market)
        and base in ("*", other.base)
        and key != seat.key
    ]
