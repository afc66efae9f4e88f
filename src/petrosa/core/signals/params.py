"""What a trader asks of every signal, and how signals that speak of the same instrument are weighed."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, ClassVar, Final

import msgspec
from msgspec import Meta

from petrosa.core.strategies.base import Alias

MAX_AGE_SECONDS: Final = 3_600
MAX_LEAD_SECONDS: Final = 60
"""The most that `max_signal_age_seconds` and `max_clock_lead_seconds` can be set to."""


class ConflictResolution(Enum):
    """What becomes of a signal against which another opinion stands."""

    STRONGEST_WINS = "strongest_wins"
    """It must have the higher score; of two equal ones the earlier wins."""
    FIRST_COME_FIRST_SERVED = "first_come_first_served"
    """It is refused for as long as the other stands."""
    WEIGHTED_AVERAGE = "weighted_average"
    """Its side must have the higher sum of scores, its own included."""
    MANUAL_REVIEW = "manual_review"
    """It is refused, and a person decides."""


class TimeframeResolution(Enum):
    """Which of two opposite opinions of different timeframes counts, before their scores are looked at."""

    HIGHER_TIMEFRAME_WINS = "higher_timeframe_wins"
    LOWER_TIMEFRAME_WINS = "lower_timeframe_wins"
    WEIGHTED_AVERAGE = "weighted_average"
    """Neither: the timeframe counts by its weight in the score alone."""


class SameDirection(Enum):
    """What becomes of a signal for the side that is held already."""

    ACCUMULATE = "accumulate"
    """It adds to the position, so many times and so often."""
    STRONGEST_WINS = "strongest_wins"
    """It adds in the same bounds, if its score is above every other that stands on its side."""
    REJECT_DUPLICATES = "reject_duplicates"
    """It is refused: one entry a position."""


Weight = Annotated[float, Meta(ge=0, le=100)]


class SignalParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a trader asks of every signal."""

    ALIASES: ClassVar[Mapping[str, Alias]] = {
        "min_confidence_threshold": Alias("min_confidence"),
        "signal_conflict_resolution": Alias("conflict_resolution"),
        "timeframe_conflict_resolution": Alias("timeframe_resolution"),
        "same_direction_conflict_resolution": Alias("same_direction"),
    }

    max_signal_age_seconds: Annotated[
        float,
        Meta(
            ge=1, le=MAX_AGE_SECONDS, description="A signal whose market fact is older than this is refused as stale."
        ),
    ] = 300.0
    max_clock_lead_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=MAX_LEAD_SECONDS,
            description="How far a signal's stamp may lie ahead of our time before it is refused.",
        ),
    ] = 5.0
    min_confidence: Annotated[float, Meta(ge=0, le=1, description="A signal below this confidence is refused.")] = 0.5
    conflict_window_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="How long an opinion stands against opposite ones; 0 lets none stand.")
    ] = 300.0
    conflict_resolution: Annotated[
        ConflictResolution, Meta(description="What becomes of a signal against which another opinion stands.")
    ] = ConflictResolution.STRONGEST_WINS
    timeframe_resolution: Annotated[
        TimeframeResolution, Meta(description="Which of two opposite opinions of different timeframes counts.")
    ] = TimeframeResolution.HIGHER_TIMEFRAME_WINS
    same_direction: Annotated[
        SameDirection, Meta(description="What becomes of a signal for the side that is held already.")
    ] = SameDirection.REJECT_DUPLICATES
    strategy_weights: Annotated[
        dict[str, Weight], Meta(description="What a strategy's confidence counts in a conflict; 1 when not named.")
    ] = msgspec.field(default_factory=dict)
    timeframe_weights: Annotated[
        dict[str, Weight],
        Meta(description="What a timeframe counts in a conflict, over the table of tick 0.1 to 1M 1.6."),
    ] = msgspec.field(default_factory=dict)
    models: Annotated[
        dict[str, str],
        Meta(description="The model of a strategy mode (ml_light, llm_reasoning), as package.module:name."),
    ] = msgspec.field(default_factory=dict)
