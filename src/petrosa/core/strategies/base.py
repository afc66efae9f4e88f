"""What a strategy is: parameters that say what they mean, a score per event, and a candidate when the score counts.

A strategy sees one instrument. The strategist holds one instance per (strategy, instrument), so state is plain
attributes. `evaluate` runs for every event and is cheap; `candidate` runs only when an edge has been found. What else a
strategy wants to know of (another kind of fact, another instrument, an outside source) comes to `note`.
"""

from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from math import inf, isfinite, nextafter
from typing import Annotated, Any, ClassVar, Final, Protocol, TypeVar, runtime_checkable

import msgspec
from msgspec import Meta

from petrosa.core.market.state import MarketState
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BestQuote, Candle, Depth, MarketEvent, Reading, Ticker, Trade
from petrosa.core.model.refusals import Outcome
from petrosa.core.model.signals import Action


class Quiet(StrEnum):
    """Why a strategy has no opinion about this event: counted per strategy and reason, never journaled.

    `BELOW_THRESHOLD` is counted by the strategist, for a score that is not beyond the threshold. Texts, because a
    text is a fast key.
    """

    WARMING_UP = "warming_up"
    BELOW_THRESHOLD = "below_threshold"
    TOO_SMALL = "too_small"
    WIDE_SPREAD = "wide_spread"
    EMPTY_BOOK = "empty_book"
    CROSSED_BOOK = "crossed_book"
    NOT_SIGNIFICANT = "not_significant"
    BAD_NUMBER = "bad_number"
    OUT_OF_ORDER = "out_of_order"
    NO_SOURCE = "no_source"
    OLD_SOURCE = "old_source"
    NOT_CONFIRMED = "not_confirmed"
    FEW_COMPANIONS = "few_companions"


class ReplayHonesty(Enum):
    """Whether what a strategy does on recorded data is what it would have done live."""

    YES = "yes"
    BIASED = "biased"
    NO = "no"


class Alias(msgspec.Struct, frozen=True):
    """Another name that people know a parameter by; its value times `factor` is the parameter's."""

    target: str
    factor: float = 1.0


class StrategyParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The guards every strategy has. Each can be switched off; with all off a strategy is its documented formula.

    Bounds hold where values come in (`apps/layers.py`); what concerns several fields is checked here, always.
    """

    ALIASES: ClassVar[Mapping[str, Alias]] = {}
    RESTARTS: ClassVar[frozenset[str]] = frozenset()
    """Parameters whose change at run time makes the strategy warm up again; any other change keeps its state."""

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

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, float) and not isfinite(value):
                raise ValueError(f"{name} = {value}; it must be a finite number")
        self.check()

    def check(self) -> None:
        """Raise `ValueError` when parameters contradict each other; a strategy with such rules says them here."""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """An opinion that is strong enough to be checked. `guards` are the strategy's own checks, already answered.

    `at_stop` asks for an entry that waits until the market reaches `price`, for `expires_after_ns` at most. A strategy
    whose bars are long asks for a cooldown of its own, in seconds, where the parameter's is shorter.
    """

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
    at_stop: bool = False
    expires_after_ns: int = 0
    cooldown_seconds: float = 0.0


E_contra = TypeVar("E_contra", contravariant=True)


class Strategy(Protocol[E_contra]):
    """`evaluate` gives the signed strength in units of the strategy's own threshold, or the reason for none.

    Beyond +1 the event is on the buy side of the threshold, beyond −1 on the sell side. A strategy must be told of
    every event of its stream in order, whatever it answers. `candidate` describes the event last evaluated, whose
    score was beyond ±1. `warmup` is (n, m): n of the m facts are there that it needs before it can speak.
    """

    def evaluate(self, event: E_contra, market: MarketState, now: int) -> float | Quiet: ...

    def candidate(self, event: E_contra, market: MarketState, now: int) -> Candidate: ...

    def warmup(self) -> tuple[int, int]: ...

    def retune(self, params: Any) -> None:
        """Go on with other parameters and the same windows; none of the type's `RESTARTS` has changed."""
        ...


@runtime_checkable
class Noting(Protocol):
    """A strategy whose entry has `notes`, `companions` or `reads` is told of those facts too. Nothing is scored."""

    def note(self, event: Any, market: MarketState, now: int) -> None:
        """Take in a fact of another kind, of a companion or from outside. `market` is always that of the own symbol."""
        ...


_BEYOND: Final = nextafter(1.0, inf)


def score_of(value: float, buy_threshold: float, sell_threshold: float) -> float:
    """`value` in units of the threshold on its side: beyond ±1 if and only if it is beyond that threshold.

    `buy_threshold` is above zero and `sell_threshold` below. NaN stays NaN.
    """
    if value > buy_threshold:
        return max(value / buy_threshold, _BEYOND)
    if value < sell_threshold:
        return -max(value / sell_threshold, _BEYOND)
    return value / buy_threshold if value >= 0.0 else -(value / sell_threshold)


class CatalogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A strategy's declaration: how it is known, what it needs, and how to build it for a symbol.

    From it and the parameters' own declaration come the schema, the configuration API and the strategy's page.
    """

    strategy_id: str
    version: int
    """Part of a signal's identity: raised when the same market would get another opinion."""
    title: str
    summary: str
    """One sentence: what it looks for."""
    fails_when: tuple[str, ...]
    """Sentences: when its opinion is worth nothing."""
    listens_to: type[Trade] | type[Ticker] | type[Depth] | type[BestQuote] | type[Reading] | type[Candle]
    """The kind of fact that is scored."""
    params: type[StrategyParams]
    build: Callable[[Any], Strategy[Any]]
    replay_honesty: ReplayHonesty
    replay_note: str = "It uses what the recording holds and nothing else."
    notes: tuple[type[MarketEvent], ...] = ()
    """Kinds of facts of its own symbol that it notes besides."""
    reads: tuple[str, ...] = ()
    """Topics of outside readings that it is told of: scored when it listens to readings, else noted."""
    bases: tuple[str, ...] = ()
    """Base assets that it has an opinion about; empty: every one."""
    companions: tuple[str, ...] = ()
    """Base assets whose facts of the kind it listens to, or notes, it notes too, in the same quote asset; `*`: all."""
    history: str = "none"
    """What must have been seen before it can speak, in words."""
    enabled: bool = True
    """Whether it runs where nobody says otherwise."""
    timeframe: str = "tick"
    """Of what it listens to; whose bars may be of any length is planned with the lengths that are wanted."""
    timeframes: tuple[str, ...] = ()
    """The lengths of bars that it can work on; empty: any."""

    def speaks_of(self, instrument: Instrument) -> bool:
        """Whether it has an opinion about this instrument."""
        return not self.bases or instrument.base in self.bases
