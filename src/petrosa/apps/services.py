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
from petrosa.apps.strategies import StrategiesSummary, StrategyService, strategies
from petrosa.apps.trade import TradeService, TradeSummary, trade
from petrosa.core.analytics.analyzer import DepthAnalyzer
from petrosa.ports import Bus
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.market_metrics import market_metrics
from petrosa.surfaces.api.part import Part
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.desk_metrics import DeskMetrics
from petrosa.surfaces.heartbeat import beat
from petrosa.surfaces.market_metrics import MarketMetrics
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
    metrics: list[MarketMetrics] = []
    part = market_metrics(lambda: metrics[0] if metrics else None)
    parts = [part] if settings.metrics.enabled else []
    async with _surrounded(settings, "strategies", settings.http.port, report, parts) as (bus, status):

        def opened(service: StrategyService) -> None:
            status.opened(service)
            if service.analyzer is not None:
                metrics.append(_metrics_of(service, service.analyzer))

        return await strategies(settings, known, bus, report=report, opened=opened)


async def serve_trade(settings: Settings, *, report: Report) -> TradeSummary:
    """Turn signals into orders until the recording ends, or a signal of the system asks to stop."""
    known = load_instruments(settings.instruments.file or None)
    async with _surrounded(settings, "trade", settings.http.engine_port, report) as (bus, status):

        def opened(service: TradeService) -> None:
            check = partial(journal_check, service.folder, settings.journal.free_mb_min)
            status.opened(service, service.trader, check)

        return await trade(settings, known, bus, report=report, opened=opened)


def _metrics_of(service: StrategyService, analyzer: DepthAnalyzer) -> MarketMetrics:
    """Market metrics of a service that has begun to hear the market; its time stands still when that is silent."""
    return DeskMetrics(analyzer, service.instruments, lambda: service.turns.now, lambda: service.observed.silence_s)


@asynccontextmanager
async def _surrounded(
    settings: Settings, service: str, port: int, report: Report, parts: Sequence[Part] = ()
) -> AsyncIterator[tuple[Bus, ServiceStatus]]:
    """A bus, and HTTP and heartbeat over a status, all of which end with the block."""
    async with AsyncExitStack() as stack:
        bus = await connect(settings, service)
        stack.push_async_callback(bus.close)
        status = ServiceStatus(settings, service, bus, settings.nats.url or "the broker of this data directory")
        if settings.http.enabled:
            url = await stack.enter_async_context(serving(api(status, parts), settings.http.listen, port))
            report(f"HTTP on {url}")
        if settings.log.heartbeat_enabled:
            heartbeat = asyncio.create_task(beat(status.observe, settings.log.heartbeat_interval_seconds))
            stack.callback(heartbeat.cancel)
        yield bus, status
