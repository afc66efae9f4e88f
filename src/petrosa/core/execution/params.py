"""How orders are worked. Times are in seconds of the desk's time."""

from decimal import Decimal
from enum import Enum
from typing import Annotated

import msgspec
from msgspec import Meta


class EntryStyle(Enum):
    MARKETABLE = "marketable"
    """A limit beyond the best opposite price, filled now or not at all."""
    PASSIVE = "passive"
    """A limit at the best own price, with a time to live."""
    MARKET = "market"
    """A plain market order: sized and checked as if it filled `max_slippage_bps` away, and not held to that."""
    POST_ONLY = "post_only"
    """As `passive`, but the venue refuses it rather than let it take."""

    @property
    def rests(self) -> bool:
        """Whether it joins its own side and waits there."""
        return self in (EntryStyle.PASSIVE, EntryStyle.POST_ONLY)


class ExecutionParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How an entry is made, how long answers are waited for, and how hard protection is tried."""

    entry: Annotated[
        EntryStyle,
        Meta(
            description="`marketable` takes within max_slippage_bps; `passive` rests at the own best price; `market` "
            "takes whatever price there is; `post_only` rests, and is refused where it would take."
        ),
    ] = EntryStyle.MARKETABLE
    passive_ttl_seconds: Annotated[
        float, Meta(gt=0, le=86_400, description="A resting entry that has not filled by then is cancelled.")
    ] = 30.0
    stop_entry_ttl_seconds: Annotated[
        float,
        Meta(
            gt=0,
            le=604_800,
            description="A stop entry that has not filled by then is cancelled; for signals that name"
            " no end of their own.",
        ),
    ] = 3_600.0
    answer_deadline_seconds: Annotated[
        float,
        Meta(gt=0, le=60, description="An order without an answer for so long counts as unknown, and as exposure."),
    ] = 5.0
    unprotected_seconds: Annotated[
        float, Meta(gt=0, le=60, description="A position without a confirmed stop for so long raises an alarm.")
    ] = 3.0
    flatten_unprotected_seconds: Annotated[
        float,
        Meta(
            ge=0,
            le=600,
            description="A position without a confirmed stop for so long is closed at market; 0 never closes it for"
            " that and leaves it to the alarm.",
        ),
    ] = 15.0
    replace_ticks: Annotated[
        int, Meta(ge=1, le=1_000, description="A resting stop or target is replaced when its level moves so far.")
    ] = 2
    max_stop_attempts: Annotated[
        int, Meta(ge=1, le=10, description="So often a stop is tried before the position is closed at market instead.")
    ] = 3
    max_exit_failures: Annotated[
        int, Meta(ge=1, le=100, description="After so many exits in a row without a fill entries halt; tries go on.")
    ] = 5
    exit_retry_seconds: Annotated[
        float, Meta(gt=0, le=60, description="Pause before an exit that failed is tried again; doubles up to a minute.")
    ] = 1.0
    max_cancel_attempts: Annotated[
        int, Meta(ge=1, le=100, description="So often a cancel is sent while the order stays alive; then an alarm.")
    ] = 5


class AccountParams(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Whose money it is. `balances` is what the account starts with where the venue does not say."""

    account: Annotated[
        str, Meta(min_length=1, max_length=64, description="Name of the account; part of order ids.")
    ] = "paper"
    currency: Annotated[str, Meta(min_length=1, max_length=16, description="What equity and risk are counted in.")] = (
        "USDT"
    )
    balances: Annotated[
        dict[str, Decimal], Meta(description="Wallet by asset at the start, for accounts that no venue states.")
    ] = msgspec.field(default_factory=lambda: {"USDT": Decimal(10_000)})
