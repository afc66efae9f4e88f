"""What a desk makes of signals at the moment, and how it stands symbol by symbol."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from petrosa.core.model.market import symbol_of
from petrosa.core.signals.conflicts import Opinion
from petrosa.core.signals.params import SignalParams
from petrosa.surfaces.desk_rows import Paging
from petrosa.surfaces.readmodel import ReadModel


class OpinionReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a signal said of an instrument, while it counts against others. `said_at` is the signal's own time."""

    signal_id: str
    strategy_id: str
    symbol: str
    instrument: str
    timeframe: str
    side: str
    score: Annotated[float, Meta(description="Confidence × weight of the timeframe × weight of the strategy.")]
    stands: Annotated[bool, Meta(description="Whether it can win against a newcomer; one that lost cannot.")]
    said_at: datetime
    heard_at: datetime


class OpinionsPage(msgspec.Struct, frozen=True):
    """Opinions that count now, by instrument, the oldest first."""

    opinions: tuple[OpinionReport, ...]
    paging: Paging


class StrategySignals(msgspec.Struct, frozen=True, kw_only=True):
    """One strategy: its signals by action, why some were refused, and what it counts in a conflict."""

    signals: dict[str, int]
    refused: dict[str, int]
    weight: float


class SignalsSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Every signal since the run began, counted, and the rules by which signals stand against each other."""

    signals: int
    refused: int
    by_strategy: dict[str, StrategySignals]
    refusals_by_check: dict[str, int]
    active_opinions: int
    conflict_resolution: str
    timeframe_resolution: str
    same_direction: str
    at: datetime


class SymbolState(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol: market, position, orders and opinions. Nothing is made up: what is not known is null."""

    symbol: str
    instrument: str
    price: Decimal | None
    price_age_seconds: float | None
    feed: str
    side: str
    quantity: Decimal
    open_orders: int
    active_opinions: int


class DeskState(msgspec.Struct, frozen=True, kw_only=True):
    """How a desk stands: whether it takes entries, and each symbol, or the one that was asked for."""

    account: str
    entries: Annotated[str, Meta(description="open or closed.")]
    closed_because: str
    symbols: tuple[SymbolState, ...]
    at: datetime


def summary_of(model: ReadModel, params: SignalParams, opinions: Sequence[Opinion], at: datetime) -> SignalsSummary:
    """The counts of a read model, by strategy."""
    made: dict[str, dict[str, int]] = {}
    refused: dict[str, dict[str, int]] = {}
    for (strategy, action), count in model.signals_by_side.items():
        made.setdefault(strategy, {})[action] = count
    for (strategy, check), count in model.refusals_by_strategy.items():
        refused.setdefault(strategy, {})[check] = count
    weights = params.strategy_weights
    return SignalsSummary(
        signals=model.signals.total(),
        refused=model.refusals.total(),
        by_strategy={
            name: StrategySignals(
                signals=made.get(name, {}), refused=refused.get(name, {}), weight=weights.get(name, 1.0)
            )
            for name in sorted({*made, *refused, *weights})
        },
        refusals_by_check=dict(Counter(model.refusals)),
        active_opinions=len(opinions),
        conflict_resolution=params.conflict_resolution.value,
        timeframe_resolution=params.timeframe_resolution.value,
        same_direction=params.same_direction.value,
        at=at,
    )


def opinion_report(one: Opinion, said_at: datetime, heard_at: datetime) -> OpinionReport:
    """An opinion as it is sent."""
    return OpinionReport(
        signal_id=one.signal_id,
        strategy_id=one.strategy_id,
        symbol=symbol_of(one.instrument),
        instrument=one.instrument,
        timeframe=one.timeframe,
        side=one.side.value,
        score=round(one.score, 6),
        stands=one.stands,
        said_at=said_at,
        heard_at=heard_at,
    )
