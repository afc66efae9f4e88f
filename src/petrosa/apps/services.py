"""The processes that NATS joins, as they are started: bus, HTTP surface and heartbeat around the service itself."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.configuration.live import live_configuration
from petrosa.apps.desk_control import DeskControl
from petrosa.apps.feed import FeedSummary, feed
from petrosa.apps.instruments import load_instruments
from petrosa.apps.joined import Report, connect
from petrosa.apps.recordings import on_its_venue, told_on
from petrosa.apps.service import ServiceStatus
from petrosa.apps.settings import Settings
from petrosa.apps.strategies import StrategiesSummary, StrategyService, strategies
from petrosa.apps.surface import parts_of
from petrosa.apps.trade import TradeService, TradeSummary, trade
from petrosa.core.analytics.analyzer import DepthAnalyzer
from petrosa.ports import Bus
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.part import Part
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.desk_metrics import DeskMetrics
from petrosa.surfaces.heartbeat import beat
from petrosa.surfaces.market_metrics import MarketMetrics
from petrosa.surfaces.observation import ApiState
from petrosa.surfaces.status import journal_check


async def serve_feed(settings: Settings, paths: Sequence[str | Path], *, fresh: bool, report: Report) -> FeedSummary:
    """Publish a recording to its end."""
    recording = Recording(paths)
    settings = on_its_venue(settings, recording)
    recording = told_on(settings, recording)
    bus = await connect(settings, "feed")
    try:
        return await feed(settings, recording, bus, fresh=fresh, report=report)
    finally:
        await bus.close()


async def serve_strategies(settings: Settings, *, report: Report, catches_signals: bool = True) -> StrategiesSummary:
    """Turn market data into signals until the recording ends, or a signal of the system asks to stop."""
    known = load_instruments(settings.instruments.file or None)
    async with AsyncExitStack() as stack:
        bus = await _connected(stack, settings, "strategies")
        configuration = await stack.enter_async_context(live_configuration(settings, settings.feed.symbols, bus))
        status = ServiceStatus(settings, "strategies", bus, _named(settings), configuration)
        begun: list[MarketMetrics] = []
        metrics = (lambda: begun[0] if begun else None) if settings.metrics.enabled else None
        parts = await parts_of(settings, configuration, report, metrics) if settings.http.enabled else ()
        await surround(stack, settings, status, settings.http.port, report, parts)

        def opened(service: StrategyService) -> None:
            check = partial(journal_check, service.folder, settings.journal.free_mb_min)
            status.opened(service, None, check, service.market_check)
            if service.analyzer is not None:
                begun.append(_metrics_of(service, service.analyzer))

        return await strategies(
            settings, known, bus, configuration, report=report, opened=opened, catches_signals=catches_signals
        )


async def serve_trade(settings: Settings, *, report: Report) -> TradeSummary:
    """Turn signals into orders until the recording ends, or a signal of the system asks to stop."""
    known = load_instruments(settings.instruments.file or None)
    async with AsyncExitStack() as stack:
        bus = await _connected(stack, settings, "trade")
        configuration = await stack.enter_async_context(live_configuration(settings, settings.feed.symbols, bus))
        status = ServiceStatus(settings, "trade", bus, _named(settings), configuration)
        control = DeskControl(settings, report)
        await stack.enter_async_context(control.watching())
        parts = await parts_of(settings, configuration, report, None, control) if settings.http.enabled else ()
        await surround(stack, settings, status, settings.http.engine_port, report, parts)

        def opened(service: TradeService) -> None:
            check = partial(journal_check, service.folder, settings.journal.free_mb_min)
            auditing, findings = service.auditing, service.trader.findings
            if auditing is None:
                status.opened(service, service.trader, check, service.market_check, findings=findings)
            else:
                checks = (check, service.market_check, auditing.check)
                status.opened(service, service.trader, *checks, audit=auditing.seen, findings=findings)

        return await trade(
            settings, known, bus, report=report, opened=opened, control=control, configuration=configuration
        )


def _metrics_of(service: StrategyService, analyzer: DepthAnalyzer) -> MarketMetrics:
    """Market metrics of a service that has begun to hear the market; its time stands still when that is silent."""
    return DeskMetrics(analyzer, service.instruments, lambda: service.turns.now, lambda: service.observed.silence_s)


async def _connected(stack: AsyncExitStack, settings: Settings, service: str) -> Bus:
    """A bus that ends with the stack."""
    bus = await connect(settings, service)
    stack.push_async_callback(bus.close)
    return bus


async def surround(
    stack: AsyncExitStack, settings: Settings, status: ApiState, port: int, report: Report,
    parts: Sequence[Part] = (),
) -> None:  # fmt: skip
    """HTTP and heartbeat over a status, which end with the stack."""
    if settings.http.enabled:
        url = await stack.enter_async_context(serving(api(status, parts), settings.http.listen, port))
        report(f"HTTP on {url}")
    if settings.log.heartbeat_enabled:
        heartbeat = asyncio.create_task(beat(status.observe, settings.log.heartbeat_interval_seconds))
        stack.callback(heartbeat.cancel)


def _named(settings: Settings) -> str:
    """The bus in words."""
    return settings.nats.url or "the broker of this data directory"
