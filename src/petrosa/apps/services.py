"""The processes that NATS joins, as they are started: bus, HTTP surface and heartbeat around the service itself."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.feed import FeedSummary, feed
from petrosa.apps.instruments import load_instruments
from petrosa.apps.joined import Report, connect
from petrosa.apps.service import ServiceStatus
from petrosa.apps.settings import Settings
from petrosa.apps.strategies import StrategiesSummary, strategies
from petrosa.apps.trade import TradeService, TradeSummary, trade
from petrosa.ports import Bus
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.heartbeat import beat
from petrosa.surfaces.status import journal_check


async def serve_feed(settings: Settings, paths: Sequence[str | Path], *, fresh: bool, report: Report) -> FeedSummary:
    """Publish a recording to its end."""
    recording = Recording(paths)
    bus = await connect(settings, "feed")
    try:
        return await feed(settings, recording, bus, fresh=fresh, report=report)
    finally:
        await bus.close()


async def serve_strategies(settings: Settings, *, report: Report) -> StrategiesSummary:
    """Turn market data into signals until the recording ends."""
    known = load_instruments(settings.instruments.file or None)
    async with _surrounded(settings, "strategies", settings.http.port, report) as (bus, status):
        return await strategies(settings, known, bus, report=report, opened=status.opened)


async def serve_trade(settings: Settings, *, report: Report) -> TradeSummary:
    """Turn signals into orders until the recording ends, or a signal of the system asks to stop."""
    known = load_instruments(settings.instruments.file or None)
    async with _surrounded(settings, "trade", settings.http.engine_port, report) as (bus, status):

        def opened(service: TradeService) -> None:
            check = partial(journal_check, service.folder, settings.journal.free_mb_min)
            status.opened(service, service.trader, check)

        return await trade(settings, known, bus, report=report, opened=opened)


@asynccontextmanager
async def _surrounded(
    settings: Settings, service: str, port: int, report: Report
) -> AsyncIterator[tuple[Bus, ServiceStatus]]:
    """A bus, and HTTP and heartbeat over a status, all of which end with the block."""
    async with AsyncExitStack() as stack:
        bus = await connect(settings, service)
        stack.push_async_callback(bus.close)
        status = ServiceStatus(settings, service, bus, settings.nats.url or "the broker of this data directory")
        if settings.http.enabled:
            url = await stack.enter_async_context(serving(api(status), settings.http.listen, port))
            report(f"HTTP on {url}")
        if settings.log.heartbeat_enabled:
            heartbeat = asyncio.create_task(beat(status.observe, settings.log.heartbeat_interval_seconds))
            stack.callback(heartbeat.cancel)
        yield bus, status
