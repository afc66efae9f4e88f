"""The sections of the configuration that are about a real venue: which one, how it is asked, and when to stop there."""

from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta

from petrosa.errors import ConfigError


class Environment(Enum):
    """Where orders go when they do not go to the simulated exchange."""

    PAPER = "paper"
    """A paper exchange, at `venue.url`."""
    TESTNET = "testnet"
    DEMO = "demo"
    LIVE = "live"
    """Real money."""


class PositionMode(Enum):
    ONE_WAY = "one-way"
    HEDGE = "hedge"


class MarginMode(Enum):
    LEAVE = "leave"
    CROSSED = "crossed"
    ISOLATED = "isolated"


class WorkingPrice(Enum):
    LAST = "last"
    MARK = "mark"


class VenueSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The venue that orders go to where `simulation.enabled` is false. Its key is not kept here: see `petrosa doctor`.

    Real money needs two switches: `environment = live` and `real_money = true`.
    """

    environment: Annotated[
        Environment, Meta(description="paper (a paper exchange at `url`), testnet, demo, or live: real money.")
    ] = Environment.TESTNET
    url: Annotated[str, Meta(description="Address of the paper exchange; for the environment paper only.")] = (
        "http://127.0.0.1:8090"
    )
    real_money: Annotated[
        bool, Meta(description="The second switch for real money: without it the environment live is refused.")
    ] = False
    position_mode: Annotated[
        PositionMode,
        Meta(description="What the futures account must be set to, one-way or hedge; another one is refused."),
    ] = PositionMode.ONE_WAY
    leverage: Annotated[
        int, Meta(ge=0, le=125, description="Leverage to set for our futures symbols at the start; 0 leaves it.")
    ] = 0
    margin_mode: Annotated[
        MarginMode, Meta(description="Margin mode to set for them: crossed or isolated; leave leaves it.")
    ] = MarginMode.LEAVE
    working_price: Annotated[
        WorkingPrice, Meta(description="Which price sets off stops on futures: the last trade or the mark.")
    ] = WorkingPrice.LAST
    recv_window_ms: Annotated[
        int,
        Meta(
            ge=100,
            le=5_000,
            description="An order that reaches the venue later than this is not executed, and is given up soon after.",
        ),
    ] = 5_000
    reconcile_seconds: Annotated[
        float, Meta(ge=1, le=600, description="How often everything is compared with what the venue holds.")
    ] = 45.0
    refresh_rules_seconds: Annotated[
        float, Meta(ge=60, le=86_400, description="How often filters and fees are asked for again.")
    ] = 3_600.0
    max_clock_offset_ms: Annotated[
        float, Meta(gt=0, le=60_000, description="With a clock that is further off than this nothing is begun.")
    ] = 5_000.0

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ConfigError(f"venue.url = {self.url!r}; write an address as http://127.0.0.1:8090")


class TriggerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """When a desk on a real venue stops itself. Each latches the kill switch as a person would; 0 switches one off."""

    clock_offset_ms: Annotated[
        float, Meta(ge=0, le=60_000, description="Pause entries when our clock is further off than this.")
    ] = 1_000.0
    unknown_orders: Annotated[
        int, Meta(ge=0, le=100, description="Pause entries when so many orders are of unknown fate at once.")
    ] = 3
    venue_errors_per_minute: Annotated[
        int, Meta(ge=0, le=10_000, description="Pause entries when the venue fails so often within a minute.")
    ] = 20
    feed_silent_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Cancel entries when no market data has come for so long.")
    ] = 60.0
    stream_down_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Cancel entries when the account's stream is away for so long.")
    ] = 30.0
    unreconciled_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Cancel entries when the venue's account differs for so long.")
    ] = 300.0
    unprotected_seconds: Annotated[
        float, Meta(ge=0, le=86_400, description="Cancel entries when a position is without a stop for so long.")
    ] = 30.0
    daily_loss_fraction: Annotated[
        float, Meta(ge=0, le=1, description="Flatten when the day has lost this part of what it began with.")
    ] = 0.0
