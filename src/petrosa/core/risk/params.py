"""The limits that money is risked within. Everything is a fraction of equity unless its name says otherwise."""

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from petrosa.core.strategies.base import Alias
from petrosa.errors import ConfigError


class Sizing(Enum):
    """Where the wished quantity comes from. The caps hold either way."""

    RISK = "risk"
    BALANCE = "balance"
    SIGNAL = "signal"


class RiskParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one entry may risk, and what all of them together may be.

    Of the old names two are in percent, `stop_loss_pct` and `take_profit_pct`; the others that end so are fractions.
    """

    ALIASES: ClassVar[Mapping[str, Alias]] = {
        "stop_loss_pct": Alias("default_stop_loss_fraction", 0.01),
        "take_profit_pct": Alias("default_take_profit_fraction", 0.01),
        "position_size_pct": Alias("balance_fraction"),
        "max_portfolio_exposure_pct": Alias("max_exposure_fraction"),
        "max_daily_loss_pct": Alias("max_daily_loss_fraction"),
        "max_daily_trades": Alias("max_trades_per_day"),
        "max_concurrent_positions": Alias("max_open_positions"),
        "leverage": Alias("margin_leverage"),
    }

    sizing: Annotated[
        Sizing,
        Meta(
            description="`risk` sizes by risk_fraction and the stop, `balance` by balance_fraction × confidence, "
            "`signal` takes the signal's quantity."
        ),
    ] = Sizing.RISK
    enabled: Annotated[bool, Meta(description="Whether entries are made at all; exits always are.")] = True
    enable_longs: Annotated[bool, Meta(description="Whether a buy may open or add to a position.")] = True
    enable_shorts: Annotated[bool, Meta(description="Whether a sell may open or add to a position.")] = True
    allowed_symbols: Annotated[
        tuple[str, ...], Meta(description="Symbols (or instrument ids) that may be entered; empty: all that are known.")
    ] = ()
    risk_fraction: Annotated[
        float, Meta(gt=0, le=0.05, description="Share of equity that is lost when the stop is hit.")
    ] = 0.005
    confidence_weight_min: Annotated[
        float, Meta(gt=0, le=1, description="The least share of risk_fraction that a signal's confidence leaves of it.")
    ] = 1.0
    confidence_weight_max: Annotated[
        float, Meta(gt=0, le=1, description="The largest share of risk_fraction that a signal's confidence allows.")
    ] = 1.0
    balance_fraction: Annotated[
        float, Meta(gt=0, le=1, description="Share of the quote balance that `sizing = balance` takes, × confidence.")
    ] = 0.02
    atr_stop_multiple: Annotated[
        float, Meta(ge=0, le=20, description="Stop distance in ATR when a signal names `atr` and no stop; 0 is off.")
    ] = 2.0
    atr_target_multiple: Annotated[
        float,
        Meta(ge=0, le=50, description="Target distance in ATR when a signal names `atr` and no target; 0 is off."),
    ] = 3.0
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
    margin_leverage: Annotated[
        float, Meta(ge=1, le=125, description="Leverage set at the venue: margin of notional ÷ this must be free.")
    ] = 10.0
    max_trades_per_day: Annotated[
        int, Meta(ge=1, le=1_000_000, description="How many entries may leave per UTC day.")
    ] = 100
    max_daily_loss_fraction: Annotated[
        float,
        Meta(
            gt=0, le=1, description="Loss since 00:00 UTC, open positions and fees included, that ends entries for it."
        ),
    ] = 0.05
    max_accumulations: Annotated[
        int, Meta(ge=1, le=100, description="How often a position may be added to, under signals.same_direction.")
    ] = 3
    accumulation_cooldown_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Least time between two entries into one position.")
    ] = 300.0
    max_liquidity_fraction: Annotated[
        float,
        Meta(ge=0, le=1, description="Largest share of what the book shows up to the worst price; 0 does not ask."),
    ] = 0.0
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

    def __post_init__(self) -> None:
        if self.confidence_weight_min > self.confidence_weight_max:
            raise ConfigError(
                f"confidence_weight_min = {self.confidence_weight_min:g} is above confidence_weight_max = "
                f"{self.confidence_weight_max:g}; lower the one or raise the other"
            )
