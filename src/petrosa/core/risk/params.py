"""The limits that money is risked within. Everything is a fraction of equity unless its name says otherwise."""

from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta


class Sizing(Enum):
    """Where the wished quantity comes from. The caps hold either way."""

    RISK = "risk"
    SIGNAL = "signal"


class RiskParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one entry may risk, and what all of them together may be."""

    sizing: Annotated[
        Sizing, Meta(description="`risk` sizes by risk_fraction and the stop; `signal` takes the signal's quantity.")
    ] = Sizing.RISK
    risk_fraction: Annotated[
        float, Meta(gt=0, le=0.05, description="Share of equity that is lost when the stop is hit.")
    ] = 0.005
    default_stop_loss_fraction: Annotated[
        float, Meta(gt=0, le=0.5, description="Distance of the stop from the entry when the signal names none.")
    ] = 0.02
    default_take_profit_fraction: Annotated[
        float, Meta(gt=0, le=5, description="Distance of the target from the entry when the signal names none.")
    ] = 0.05
    min_stop_distance_fraction: Annotated[
        float, Meta(gt=0, le=0.1, description="A stop nearer to the entry than this is refused: noise would hit it.")
    ] = 0.001
    max_stop_distance_fraction: Annotated[
        float, Meta(gt=0, le=0.9, description="A stop farther from the entry than this is refused.")
    ] = 0.1
    max_position_fraction: Annotated[
        float, Meta(gt=0, le=10, description="Largest notional of one position, as a share of equity.")
    ] = 0.25
    max_exposure_fraction: Annotated[
        float,
        Meta(gt=0, le=10, description="Largest notional of all positions and open entries, as a share of equity."),
    ] = 1.0
    max_leverage: Annotated[
        float, Meta(gt=0, le=10, description="Hard limit of all notional together over equity, whatever else is set.")
    ] = 3.0
    max_open_positions: Annotated[
        int, Meta(ge=1, le=1_000, description="How many instruments may have a position or an open entry at once.")
    ] = 5
    max_slippage_bps: Annotated[
        float, Meta(ge=0, le=500, description="How far beyond the best opposite price an entry may fill, in 1/100 %.")
    ] = 10.0
    max_price_deviation_bps: Annotated[
        float,
        Meta(gt=0, le=2_000, description="How far the market may have moved from the signal's price, in 1/100 %."),
    ] = 100.0
    max_price_age_seconds: Annotated[float, Meta(gt=0, le=600, description="A quote older than this is no price.")] = (
        10.0
    )
