"""What the triggers of a desk on a venue look at."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from petrosa.apps.live.preparing import Prepared
from petrosa.apps.live.process import LiveProcess
from petrosa.apps.live.triggers import Lasting, PerMinute, Trigger, Triggers
from petrosa.apps.live.venue import LiveVenue
from petrosa.apps.venue_settings import TriggerSettings
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.errors import VenueRefused
from petrosa.surfaces.kill_switch import Level
from petrosa.surfaces.observation import VenueSeen

BANNED: Final = 1.0
"""Being banned is on or off; the limit of a trigger is a figure."""


def venue_seen(ready: Prepared, venue: LiveVenue, triggers: Triggers) -> VenueSeen:
    """What the metrics say of the venue."""
    rest, gateway, state = ready.rest, venue.gateway, venue.user.state
    traffic, ledger = rest.traffic, rest.ledger
    return VenueSeen(
        clock_offset_s=ready.clock.offset_ms / 1_000,
        limit_use_by_window={f"{use.kind} {use.window}": use.used / use.limit for use in ledger.uses() if use.limit},
        is_banned=ledger.banned_until > ready.clock.now(),
        requests=traffic.sent,
        request_errors_by_name=dict(traffic.errors),
        request_s=traffic.last_s,
        orders_by_outcome=dict(gateway.counts),
        orders_in_flight=gateway.in_flight,
        orders_unknown=gateway.unknown,
        user_stream_connected=state.connected,
        user_stream_reconnects=state.reconnects,
        feed_reconnects=sum(link.reconnects for link in venue.feed.links.values()),
        feed_streams_by_state=Counter(
            "unknown" if one.state is None else one.state.value for one in venue.feed.states.values()
        ),
        feed_events_by_name=venue.feed.counts,
        triggers_fired_by_name={name: int(name in triggers.fired) for name in triggers.names},
    )


def triggers_of(
    settings: TriggerSettings, ready: Prepared, venue: LiveVenue, process: LiveProcess
) -> Sequence[Trigger]:
    """Each with its limit; the mildest level that keeps the account from getting worse."""
    now, trader, rest = process.clock.now, process.parts.trader, ready.rest
    pause, cancel = Level.PAUSE_ENTRIES, Level.CANCEL_OPENS

    def since(at: int) -> float:
        return max(0.0, (now() - at) / NS_PER_SECOND) if at else 0.0

    def feed_silent() -> float:
        links = venue.feed.links.values()
        return since(max((link.last_heard or link.since for link in links), default=0))

    def stream_down() -> float:
        state = venue.user.state
        return 0.0 if state.connected else since(state.since)

    def unprotected() -> float:
        return since(min(trader.unprotected.values(), default=0))

    def day_loss() -> float:
        today = trader.today
        if not today.equity or today.loss is None:
            return 0.0
        return float(today.loss / today.equity)

    def banned() -> float:
        return float(rest.ledger.banned_until > ready.clock.now())

    def errors() -> int:
        return sum(count for name, count in rest.traffic.errors.items() if name != VenueRefused.__name__)

    return (
        Trigger(
            "clock", pause, lambda: abs(ready.clock.offset_ms), settings.clock_offset_ms,
            "our clock is {0:.0f} ms off the venue's, limit {1:g} ms",
        ),
        Trigger(
            "unknown-orders", pause, lambda: float(venue.gateway.unknown), settings.unknown_orders,
            "{0:.0f} orders are of unknown fate, limit {1:g}",
        ),
        Trigger(
            "venue-errors", pause, PerMinute(errors), settings.venue_errors_per_minute,
            "the venue failed {0:.0f} times within a minute, limit {1:g}",
        ),
        Trigger("ban", pause, banned, BANNED, "the venue has banned our address"),
        Trigger(
            "feed", cancel, feed_silent, settings.feed_silent_seconds, "no market data for {0:.0f} s, limit {1:g} s"
        ),
        Trigger(
            "user-stream", cancel, stream_down, settings.stream_down_seconds,
            "the account's stream is away for {0:.0f} s, limit {1:g} s",
        ),
        Trigger(
            "unprotected", cancel, unprotected, settings.unprotected_seconds,
            "a position is without a stop for {0:.0f} s, limit {1:g} s",
        ),
        Trigger(
            "unreconciled", cancel, Lasting(lambda: bool(trader.findings.closed)), settings.unreconciled_seconds,
            "the venue's account differs from ours, or is unclear, for {0:.0f} s, limit {1:g} s",
        ),
        Trigger(
            "daily-loss", Level.FLATTEN, day_loss, settings.daily_loss_fraction,
            "the day has lost {0:.2%} of what it began with, limit {1:.2%}",
        ),
    )  # fmt: skip
