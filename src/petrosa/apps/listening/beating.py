"""What a live feed says now and then: a heartbeat on NATS, the sister service's log line, and one for people."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog

from petrosa import __version__
from petrosa.adapters.wire.times import iso_z
from petrosa.apps.joined import Report
from petrosa.apps.listening.status import ListeningStatus
from petrosa.errors import TransportError
from petrosa.ports import Bus
from petrosa.surfaces.feed_seen import FeedSeen
from petrosa.surfaces.observation import Observation

SERVICE: Final = "socket-client"
MESSAGE: Final = "HEARTBEAT: WebSocket Client Statistics"
PROGRESS_S: Final = 5.0
STATES_S: Final = 10.0
"""How often the states of streams are said again: so long a consumer may go by an older one."""


async def beat_on(bus: Bus, subject: str, status: ListeningStatus, every_s: float) -> None:
    """Tell NATS that this process is there, for ever; a beat that NATS does not take is left out."""
    while True:
        try:
            await bus.publish(subject, msgspec.json.encode(heartbeat(status, time.time_ns())))
        except TransportError:
            await bus.wait_connected()
        await asyncio.sleep(every_s)


def heartbeat(status: ListeningStatus, now: int) -> dict[str, Any]:
    """The four keys that observers know, then our own figures."""
    feed = status.feed
    beat: dict[str, Any] = {
        "service": SERVICE,
        "timestamp": iso_z(now),
        "version": __version__,
        "status": "healthy" if status.readiness().ready else "degraded",
    }
    if feed is not None:
        beat |= {
            "messages_published": feed.told,
            "messages_dropped": feed.left_out,
            "queue_size": feed.waiting,
            "reconnects": feed.reconnects,
            "streams": {state: count for state, count in feed.by_state.items() if count},
        }
    return beat


async def write_statistics(status: ListeningStatus, every_s: float) -> None:
    """The line of the sister service in the log, for ever."""
    log = structlog.get_logger("petrosa.heartbeat")
    before = status.observe()
    while True:
        await asyncio.sleep(every_s)
        now = status.observe()
        log.info(MESSAGE, **statistics(before, now))
        before = now


def statistics(before: Observation, now: Observation) -> dict[str, Any]:
    """The documented fields; rates are over the time between the two observations."""
    seconds = max(now.uptime_s - before.uptime_s, 1e-9)
    feed, earlier = now.feed, before.feed
    said: dict[str, Any] = {
        "nats_state": "connected" if now.nats_connected else "disconnected",
        "uptime_seconds": round(now.uptime_s, 1),
    }
    if feed is None:
        return {"connection_status": "connecting", **said}
    told, dropped = (0, 0) if earlier is None else (earlier.told, earlier.left_out)
    ages = [one.age_s for one in feed.streams.values() if one.age_s is not None]
    is_up = bool(feed.connections) and all(feed.connections.values())
    return {
        "connection_status": "connected" if is_up else "disconnected",
        "websocket_state": f"{sum(feed.connections.values())} of {len(feed.connections)} open",
        **said,
        "messages_processed_since_last": feed.told - told,
        "messages_dropped_since_last": feed.left_out - dropped,
        "messages_per_second": round((feed.told - told) / seconds, 2),
        "total_processed": feed.told,
        "total_dropped": feed.left_out,
        "overall_rate_per_second": round(feed.told / max(now.uptime_s, 1e-9), 2),
        "queue_size": feed.waiting,
        "queue_utilization_percent": round(100 * feed.waiting / feed.room, 2),
        "time_since_last_message_seconds": min(ages, default=None),
        "reconnect_attempts": feed.reconnects,
        "streams": feed.by_state,
    }


async def show_progress(name: str, status: ListeningStatus, report: Report, every_s: float = PROGRESS_S) -> None:
    """One plain line every few seconds, for ever."""
    before = 0
    while True:
        await asyncio.sleep(every_s)
        feed = status.feed
        if feed is not None:
            report(f"{name}: {progress(feed, (feed.told - before) / every_s)}")
            before = feed.told


def progress(feed: FeedSeen, per_second: float) -> str:
    """How far it is, in words."""
    states = ", ".join(f"{count} {state}" for state, count in feed.by_state.items() if count)
    text = f"{feed.told:,} messages, {per_second:,.0f}/s, streams: {states}"
    if feed.waiting:
        text += f", {feed.waiting:,} waiting"
    return f"{text}, {feed.left_out:,} left out" if feed.left_out else text


async def restate(say: Callable[[], None], every_s: float = STATES_S) -> None:
    """Say the states again and again."""
    while True:
        await asyncio.sleep(every_s)
        say()
