"""What a strategy is: parameters that say what they mean, a score per event, and a candidate when the score counts.

A strategy sees one instrument. The strategist holds one instance per (strategy, instrument), so state is plain
attributes. `evaluate` runs for every event and is cheap; `candidate` runs only when an edge has been found.
"""

from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, Protocol, TypeVar

import msgspec
from msgspec import Meta

from petrosa.core.market.state import MarketState
from petrosa.core.model.market import Depth, Ticker, Trade
from petrosa.core.model.refusals import Outcome
from petrosa.core.model.signals import Action


class Quiet(Enum):
    """Why a strategy has no opinion about this event: counted per strategy and reason, never journaled."""

    WARMING_UP = "warming_up"
    BELOW_THRESHOLD = "below_threshold"
    TOO_SMALL = "too_small"
    WIDE_SPREAD = "wide_spread"
    EMPTY_BOOK = "empty_book"
    CROSSED_BOOK = "crossed_book"
    NOT_SIGNIFICANT = "not_significant"


class ReplayHonesty(Enum):
    """Whether what a strategy does on recorded data is what it would have done live."""

    YES = "yes"
    BIASED = "biased"
    NO = "no"


class StrategyParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The guards every strategy has. Each can be switched off; with all off a strategy is its documented formula."""

    cooldown_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Least time between two signals of this strategy on one symbol.")
    ] = 900.0
    persistence_seconds: Annotated[
        float, Meta(ge=0, le=600, description="How long the score must stay beyond its threshold before it counts.")
    ] = 0.0
    edge_trigger: Annotated[
        bool, Meta(description="Signal once when the threshold is crossed, not for every event beyond it.")
    ] = True
    hysteresis: Annotated[
        float, Meta(ge=0, lt=1, description="How far back the score must fall, as a share of 1, to arm the edge again.")
    ] = 0.1
    min_confidence: Annotated[float, Meta(ge=0, le=1, description="A candidate below this is refused.")] = 0.6


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """An opinion that is strong enough to be checked. `guards` are the strategy's own checks, already answered."""

    action: Action
    confidence: float
    price: float
    current_price: float
    ts_event: int
    indicators: dict[str, float]
    metadata: dict[str, str | float | int | bool | None]
    guards: tuple[Outcome, ...] = ()
    stop_loss: float | None = None
    take_profit: float | None = None


E_contra = TypeVar("E_contra", contravariant=True)


class Strategy(Protocol[E_contra]):
    """`evaluate` gives the signed strength in units of the strategy's own threshold, or the reason for none.

    Beyond +1 the event is on the buy side of the threshold, beyond −1 on the sell side. A strategy must be told of
    every event of its stream in order, whatever it answers. `candidate` describes the event last evaluated.
    """

    def evaluate(self, event: E_contra, market: MarketState, now: int) -> float | Quiet: ...

    def candidate(self, event: E_contra, market: MarketState, now: int) -> Candidate: ...


class CatalogEntry(msgspec.Struct, frozen=True):
    """One line of the catalogue: how a strategy is known, what it listens to, and how to build it for a symbol."""

    strategy_id: str
    version: int
    listens_to: type[Trade] | type[Ticker] | type[Depth]
    params: type[StrategyParams]
    build: Callable[[Any], Strategy[Any]]
    replay_honesty: ReplayHonesty
    summary: str
    timeframe: str = "tick"
