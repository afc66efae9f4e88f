"""Whether a stop rests behind every position: what should, what is confirmed, and since when one is without."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from petrosa.core.execution.lifecycle import Order
from petrosa.core.execution.protection import Protection
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.surfaces.observation import Check

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class RestingReport(msgspec.Struct, frozen=True, kw_only=True):
    """One stop or target that may rest. `confirmed` says that the venue has said it has it."""

    client_order_id: str
    venue_order_id: str
    leg: Annotated[str, Meta(description="stop or target.")]
    status: str
    trigger_price: Decimal | None
    quantity: Decimal
    confirmed: bool


class ProtectionReport(msgspec.Struct, frozen=True, kw_only=True):
    """One position. `covered` is the quantity that confirmed stops stand for."""

    symbol: str
    instrument: str
    side: Annotated[str, Meta(description="long or short.")]
    quantity: Annotated[Decimal, Meta(description="What is held, unsigned.")]
    covered: Decimal
    confirmed: Annotated[bool, Meta(description="Whether confirmed stops stand for all that is held.")]
    stop: Annotated[Decimal | None, Meta(description="Where a stop should rest; null where none is meant to.")]
    target: Decimal | None
    since: Annotated[datetime | None, Meta(description="Since when it is without; null while it is not.")]
    unprotected_seconds: Annotated[float, Meta(description="Of the desk's time, since then.")]
    orders: tuple[RestingReport, ...]


class StopsHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Every position with what rests behind it; `at` is the desk's time."""

    positions: int
    protected: int
    summary: str
    at: datetime
    stops: tuple[ProtectionReport, ...]


def stops_health(protection: Mapping[InstrumentId, Protection], now: int) -> StopsHealth:
    """By instrument, as of `now` (ns)."""
    found = [protection[key] for key in sorted(protection)]
    return StopsHealth(
        positions=len(found),
        protected=sum(one.is_covered for one in found),
        summary=summary_of(protection),
        at=_moment(now),
        stops=tuple(_report(one, now) for one in found),
    )


def summary_of(protection: Mapping[InstrumentId, Protection]) -> str:
    """How many of the positions have a confirmed stop for all that is held."""
    return f"stops resting {sum(one.is_covered for one in protection.values())} of {len(protection)}"


def longest(protection: Mapping[InstrumentId, Protection], now: int) -> float:
    """For how many seconds the worst of the positions has been without a confirmed stop; 0 where none is."""
    return max((_seconds(one, now) for one in protection.values()), default=0.0)


def stops_check(protection: Mapping[InstrumentId, Protection], now: int, limit_s: float) -> Check:
    """Well while no position has been without a confirmed stop for as long as raises the alarm."""
    without = longest(protection, now)
    if without < limit_s:
        return Check("stops", True, summary_of(protection))
    names = ", ".join(symbol_of(key) for key in sorted(protection) if not protection[key].is_covered)
    text = f"{summary_of(protection)}: {names} without a confirmed stop for {without:.1f} s, limit {limit_s:g} s"
    return Check("stops", False, f"{text}; look at /positions/stops-health")


def _report(found: Protection, now: int) -> ProtectionReport:
    return ProtectionReport(
        symbol=symbol_of(found.instrument),
        instrument=found.instrument,
        side="long" if found.side is Side.SELL else "short",
        quantity=found.quantity,
        covered=found.covered,
        confirmed=found.is_covered,
        stop=found.stop,
        target=found.target,
        since=None if found.is_covered else _moment(found.since),
        unprotected_seconds=round(_seconds(found, now), 3),
        orders=tuple(_resting(order) for order in found.orders),
    )


def _resting(order: Order) -> RestingReport:
    return RestingReport(
        client_order_id=order.client_order_id,
        venue_order_id=order.venue_order_id,
        leg=order.intent.leg.value,
        status=order.status.value,
        trigger_price=order.place.trigger_price,
        quantity=order.leaves,
        confirmed=order.is_confirmed,
    )


def _seconds(found: Protection, now: int) -> float:
    return 0.0 if found.is_covered else max(0, now - found.since) / NS_PER_SECOND


def _moment(ts: int) -> datetime:
    return _EPOCH + timedelta(microseconds=ts // 1_000)
