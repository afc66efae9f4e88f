"""How the simulated exchange behaves, and the bounds of each choice."""

from decimal import Decimal
from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta


class FillModel(Enum):
    BOOK = "book"
    """Orders arrive late, walk what is displayed, and wait in a queue."""
    INSTANT = "instant"
    """Orders fill at once and whole at the price last seen, as the specification's simulation does. Not realistic."""


class TriggerReference(Enum):
    LAST = "last"
    MARK = "mark"


class SimulationParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Latencies are milliseconds of the venue's time, fee rates fractions of notional."""

    fill_model: Annotated[
        FillModel, Meta(description="`book` walks what is displayed after a delay; `instant` fills at once, modelled.")
    ] = FillModel.BOOK
    order_latency_ms: Annotated[
        float, Meta(ge=0, le=60_000, description="From sending an order or a cancel to its arrival at the venue.")
    ] = 5.0
    response_latency_ms: Annotated[
        float, Meta(ge=0, le=60_000, description="From the venue's answer to our hearing it.")
    ] = 5.0
    latency_jitter_ms: Annotated[
        float, Meta(ge=0, le=60_000, description="Most that chance adds to each latency; evenly spread, seeded.")
    ] = 0.0
    quiet_market_ms: Annotated[
        float,
        Meta(ge=0, le=600_000, description="How long an order waits for news of its market before it meets the last."),
    ] = 2_000.0
    trigger_reference: Annotated[
        TriggerReference, Meta(description="Which price sets off stops and take-profits: the last trade or the mark.")
    ] = TriggerReference.LAST
    maker_fee_rate: Annotated[
        Decimal | None, Meta(description="Fee for resting, instead of the instrument's own; negative is a rebate.")
    ] = None
    taker_fee_rate: Annotated[Decimal | None, Meta(description="Fee for taking, instead of the instrument's own.")] = (
        None
    )
    initial_leverage: Annotated[
        int, Meta(ge=1, le=125, description="Notional an account may hold for each unit of its equity, derivatives.")
    ] = 20
    impact_ticks: Annotated[
        int,
        Meta(ge=0, le=1_000, description="Ticks a fill gets worse for each slice beyond what is displayed; modelled."),
    ] = 1
    seed: Annotated[int, Meta(ge=0, description="Seed of everything random.")] = 1
