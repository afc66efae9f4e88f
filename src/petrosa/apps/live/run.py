"""`petrosa run --venue` and `petrosa trade` on a real venue: a desk whose orders leave this machine."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import msgspec

from petrosa.apps.auditing.live import auditing_of
from petrosa.apps.auditing.saying import ExecutionEvents
from petrosa.apps.configuration.live import live_configuration
from petrosa.apps.desk_bars import check_strategies
from petrosa.apps.desk_control import DeskControl
from petrosa.apps.joined import connect
from petrosa.apps.journaling import run_file
from petrosa.apps.leasing import key_of, open_lease
from petrosa.apps.live.outside import Outside
from petrosa.apps.live.preparing import Prepared, known_venue, prepared
from petrosa.apps.live.process import TAPE, LiveProcess
from petrosa.apps.live.secret import VenueKey, venue_key
from petrosa.apps.live.standby import LiveStatus
from petrosa.apps.live.triggers import Triggers
from petrosa.apps.live.venue import LiveVenue, topic
from petrosa.apps.live.watching import triggers_of, venue_seen
from petrosa.apps.market_stream import ensure_streams
from petrosa.apps.process import Side
from petrosa.apps.running import Report, changing, decisions_of, heartbeat_of, metrics_of, status_of
from petrosa.apps.settings import Settings
from petrosa.apps.signal_stream import SignalStream
from petrosa.apps.surface import parts_of
from petrosa.apps.wiring import build_analyzer, build_desk, build_trading
from petrosa.core.turns import Record
from petrosa.errors import LeaseLost, RateLimited, TransportError
from petrosa.ports import Bus, Lease
from petrosa.runtime.crash import CrashPoint, crash_point
from petrosa.runtime.loop import tell_or_halt
from petrosa.runtime.supervise import BACKOFF_S, OnFailure
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.kill_switch import Latch
from petrosa.surfaces.market_metrics import MarketMetrics


class LiveSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a desk on a venue did since its start."""

    account: str
    environment: str
    orders: int
    fills: int
    refusals: dict[str, int]
    journal: str


async def run_live(settings: Settings, environ: Mapping[str, str], *, report: Report) -> LiveSummary:
    """A whole desk on a venue, until a signal of the system asks to stop; see `_live`."""
    return await _live(settings, environ, report, "run", settings.http.port, None)


async def trade_live(settings: Settings, environ: Mapping[str, str], *, report: Report) -> LiveSummary:
    """A desk without strategies on a venue, which takes signals from NATS; see `_live`."""
    bus = await connect(settings, "trade")
    try:
        await ensure_streams(settings, bus)
        return await _live(settings, environ, report, "trade", settings.http.engine_port, bus)
    finally:
        await bus.close()


async def _live(
    settings: Settings, environ: Mapping[str, str], report: Report, service: str, port: int, bus: Bus | None
) -> LiveSummary:
    """Trade. Another process that has the account is waited for.

    Raises `ConfigError` and `VenueClosed` before anything has left, each with the remedy.
    """
    known_venue(settings)
    key, crash = venue_key(environ), crash_point(settings.crash_at)
    async with AsyncExitStack() as stack:
        configuration = await stack.enter_async_context(live_configuration(settings, settings.feed.symbols))
        settings = configuration.settings
        if bus is None:
            check_strategies(settings, len(settings.feed.symbols))
        control, status = DeskControl(settings, report), LiveStatus(settings, service)
        begun: list[MarketMetrics] = []
        if settings.http.enabled:
            metrics = (lambda: begun[0] if begun else None) if settings.metrics.enabled else None
            app = api(status, await parts_of(settings, configuration, report, metrics, control))
            report(f"HTTP on {await stack.enter_async_context(serving(app, settings.http.listen, port))}")
        lease = await stack.enter_async_context(_held(settings, key, status, report))
        written = partial(crash, "gateway.after_write") if crash is not None else None
        ready = await _prepared(stack, settings, key, status, report, written)
        process = _process(
            settings, ready, control.switch.latch, (configuration.desk.record, control.record), crash,
            trades_only=bus is not None,
        )  # fmt: skip
        stack.callback(process.close)
        process.resume(report)
        await stack.enter_async_context(changing(process, configuration, control))
        venue = LiveVenue(settings, ready, process, lease, crash, report)
        control.reconciling.asks(venue.reconciler.request)
        auditing = auditing_of(settings, process.journal, report)
        triggers = Triggers(triggers_of(settings.triggers, ready, venue, process), control.switch)
        seen = partial(venue_seen, ready, venue, triggers)
        desk = status_of(process, service, configuration, auditing, venue.checks(), seen)
        status.opened(desk)
        if (source := metrics_of(process)) is not None and (found := source()) is not None:
            begun.append(found)
        sides: list[Side] = [
            *venue.sides(), *Outside(settings.outside, ready.instruments, venue.offer_reading, report).sides(),
            *heartbeat_of(settings, desk), decisions_of(process),
            ("triggers", triggers.run, OnFailure.HALT),
            *([] if auditing is None else auditing.sides()),
            *([] if bus is None else _from_nats(settings, process, bus, report)),
        ]  # fmt: skip
        report(f"venue: trading {', '.join(sorted(process.parts.instruments))}, journal {process.journal.folder}")
        await process.run(venue, sides, report)
        if auditing is not None:
            await auditing.finish()
        if venue.lost:
            raise LeaseLost(venue.lost)
        return _summary(settings, process)


@asynccontextmanager
async def _held(settings: Settings, key: VenueKey, status: LiveStatus, report: Report) -> AsyncIterator[Lease]:
    """The lease of the account, held; who waits for it says so in `/ready`."""

    def waits(text: str) -> None:
        status.waits_for = text
        report(text)

    async with open_lease(settings, waits, key.key) as lease:
        await lease.acquire()
        try:
            yield lease
        finally:
            await lease.release()


async def _prepared(
    stack: AsyncExitStack, settings: Settings, key: VenueKey, status: LiveStatus, report: Report,
    written: Callable[[], None] | None,
) -> Prepared:  # fmt: skip
    """A venue that is away is asked again, for as long as it takes; `/ready` says so. What it refuses is raised."""
    pauses = itertools.chain(BACKOFF_S, itertools.repeat(BACKOFF_S[-1]))
    while True:
        try:
            return await stack.enter_async_context(prepared(settings, key, report, written))
        except (TransportError, RateLimited) as problem:
            wait = max(next(pauses), problem.retry_after_s if isinstance(problem, RateLimited) else 0.0)
            status.waits_for = f"the venue is away: {problem}"
            report(f"{status.waits_for}; asking again in {wait:g} s")
            await asyncio.sleep(wait)


def _from_nats(settings: Settings, process: LiveProcess, bus: Bus, report: Report) -> Sequence[Side]:
    """Signals from where the journal's last one stood, and what becomes of orders."""
    signals = SignalStream(
        bus, settings.nats.signal_subject, "", process.last_signal, process.clock.now, report,
    )  # fmt: skip
    signals.tell = partial(tell_or_halt, process.loop)

    async def read() -> None:
        """A signal that waits for the venue's first statement waits where it is."""
        await process.begun()
        await signals.read()

    sides: list[Side] = [("signals", read, OnFailure.RESTART)]
    if settings.audit.events:
        events = ExecutionEvents(process.journal, bus, report)
        sides.append(("execution events", events.follow, OnFailure.RESTART))
    return sides


def _process(
    settings: Settings, ready: Prepared, latch: Latch, also: Sequence[Record], crash: CrashPoint | None, *,
    trades_only: bool,
) -> LiveProcess:  # fmt: skip
    """A desk on the venue's rules and wallets, with the journal of this account."""
    account = msgspec.structs.replace(settings.account, balances=dict(ready.balances))
    settings = msgspec.structs.replace(settings, account=account)
    market, environment = settings.feed.market, settings.venue.environment.value
    folder = settings.runs / f"live-{environment}-{market}-{key_of(settings.account.account)}"
    parts = (build_trading if trades_only else build_desk)(settings, ready.instruments, build_analyzer(settings))
    return LiveProcess(
        settings, parts, folder=folder, run_file=run_file(folder, "live", tape=TAPE), topic_of=topic, crash=crash,
        latch=latch, also=also,
    )  # fmt: skip


def _summary(settings: Settings, process: LiveProcess) -> LiveSummary:
    return LiveSummary(
        account=settings.account.account,
        environment=settings.venue.environment.value,
        orders=process.tally.orders,
        fills=process.tally.fills,
        refusals=dict(process.tally.refusals),
        journal=str(process.journal.folder),
    )
