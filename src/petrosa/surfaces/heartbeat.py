"""The heartbeat line of the specification: what happened since the last one, every minute of wall time."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog

from petrosa.surfaces.observation import Observation

MESSAGE: Final = "HEARTBEAT: Realtime Strategies Statistics"


def heartbeat(before: Observation, now: Observation) -> dict[str, Any]:
    """The documented fields. Totals are since the start, rates are over the time between the two observations."""
    seconds = max(now.uptime_s - before.uptime_s, 1e-9)
    signals, earlier = sum(now.signals_by_strategy.values()), sum(before.signals_by_strategy.values())
    return {
        "messages_processed": now.messages_processed,
        "signals_generated": signals,
        "consumer_errors": now.consumer_errors + sum(now.message_errors_by_reason.values()),
        "publisher_errors": now.publisher_errors,
        "messages_per_second": round((now.messages_processed - before.messages_processed) / seconds, 2),
        "signals_per_minute": round((signals - earlier) / seconds * 60, 2),
        "uptime_seconds": round(now.uptime_s, 1),
        "strategies": {name: {"signals": count} for name, count in sorted(now.signals_by_strategy.items())},
    }


async def beat(observe: Callable[[], Observation], interval_s: float) -> None:
    """Write the line every `interval_s` until cancelled."""
    log = structlog.get_logger("petrosa.heartbeat")
    before = observe()
    while True:
        await asyncio.sleep(interval_s)
        now = observe()
        log.info(MESSAGE, **heartbeat(before, now))
        before = now
