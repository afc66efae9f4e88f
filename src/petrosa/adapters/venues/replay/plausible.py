"""Doubts about facts that are well formed and cannot be: a stamp far from its arrival, a price far from all others."""

from datetime import UTC, datetime
from statistics import median_low
from typing import Final

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import BestQuote, MarketEvent, MarkPrice, Reading, Ticker, Trade

AHEAD_MAX_NS: Final = 60 * NS_PER_SECOND
"""A venue's time may lie so far after the arrival: what recorders' clocks drift, with much to spare."""
BEHIND_MAX_NS: Final = 3_600 * NS_PER_SECOND
"""A fact may be so late: what a connection holds back, with much to spare."""
LEAP_MAX: Final = 5.0
"""From one fact of an instrument to the next its price may change by this factor."""

PRICED: Final[dict[type[MarketEvent], str]] = {Trade: "price", BestQuote: "bid", Ticker: "last", MarkPrice: "mark"}


def least_lead(leads: list[int]) -> int:
    """The least (arrival − venue time), frames left aside whose stamp is far from where most have theirs."""
    usual = median_low(leads)
    return min(lead for lead in leads if -AHEAD_MAX_NS <= lead - usual <= BEHIND_MAX_NS)


def is_timely(event: MarketEvent, ts_seen: int) -> bool:
    """Whether the stamp can belong to a fact that was heard at `ts_seen`.

    A reading may be of any age: yesterday's figure is news where nobody knows today's, and strategies judge it.
    """
    if type(event) is Reading:
        return ts_seen - event.ts_event >= -AHEAD_MAX_NS
    return -AHEAD_MAX_NS <= ts_seen - event.ts_event <= BEHIND_MAX_NS


def mistimed(event: MarketEvent, ts_seen: int) -> tuple[str, str]:
    """(reason, message) for a fact that is not timely."""
    late = ts_seen - event.ts_event
    stamp, seen = _utc(event.ts_event), _utc(ts_seen)
    if late < 0:
        limit = f"limit {AHEAD_MAX_NS // NS_PER_SECOND} s"
        what = f"stamped {stamp}, {-late / NS_PER_SECOND:.3f} s after it was heard at {seen} ({limit})"
        return "future_time", f"{event.instrument}: {what}; check the recorder's clock"
    limit = f"limit {BEHIND_MAX_NS // NS_PER_SECOND} s"
    what = f"stamped {stamp}, {late / NS_PER_SECOND:.3f} s before it was heard at {seen} ({limit})"
    return "stale_time", f"{event.instrument}: {what}; it says nothing of the market as it is"


class Prices:
    """The price level of one instrument. A leap is doubted once: when the next fact is there too, it is believed."""

    __slots__ = ("_doubted", "_level")

    def __init__(self) -> None:
        self._level = 0.0
        self._doubted = 0.0

    def doubt(self, event: MarketEvent) -> str:
        """Why the price of this fact is not to be believed; empty when it is, and for facts without one."""
        name = PRICED.get(type(event))
        if name is None:
            return ""
        price: float = getattr(event, name)
        level = self._level
        if level <= price * LEAP_MAX and price <= level * LEAP_MAX:
            self._level = price
            return ""
        if level == 0.0 or (self._doubted <= price * LEAP_MAX and price <= self._doubted * LEAP_MAX):
            self._level, self._doubted = price, 0.0
            return ""
        self._doubted = price
        return (
            f"{event.instrument}: price {price:g} after {level:g}, limit a factor of {LEAP_MAX:g}; "
            "it is believed only if the next one is there too"
        )


def _utc(nanoseconds: int) -> str:
    return f"{datetime.fromtimestamp(nanoseconds // NS_PER_SECOND, UTC):%Y-%m-%dT%H:%M:%SZ}"
