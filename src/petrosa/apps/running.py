"""What every desk in one process has around it: configuration, HTTP, audit, log and heartbeat, whatever turns it."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, Protocol

from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.apps.auditing.live import Auditing
from petrosa.apps.configuration.live import LiveConfiguration
from petrosa.apps.desk_bars import bars_check
from petrosa.apps.desk_control import DeskControl
from petrosa.apps.process import Side
from petrosa.apps.service import info_of
from petrosa.apps.settings import Settings
from petrosa.apps.surface import MetricsSource
from petrosa.apps.wiring import Parts, bar_strategies
from petrosa.core.model.market import symbol_of
from petrosa.core.turns import Turns
from petrosa.runtime.loop import Loop
from petrosa.runtime.observed import Observed
from petrosa.runtime.stream import DecisionStream
from petrosa.runtime.supervise import OnFailure
from petrosa.surfaces.decisions import DecisionLog
from petrosa.surfaces.desk_metrics import DeskMetrics
from petrosa.surfaces.desk_reader import DeskReader
from petrosa.surfaces.heartbeat import beat
from petrosa.surfaces.observation import Check, VenueSeen
from petrosa.surfaces.readmodel import ReadModel
from petrosa.surfaces.status import DeskStatus, Intake, journal_check

LOG_BACKLOG: Final = 10_000

Report = Callable[[str], None]
"""Says a line to people."""


class RunningDesk(Protocol):
    """A desk with everything that it turns on; `pace` is run time over wall time."""

    @property
    def settings(self) -> Settings: ...
    @property
    def parts(self) -> Parts: ...
    @property
    def observed(self) -> Observed: ...
    @property
    def model(self) -> ReadModel: ...
    @property
    def stream(self) -> DecisionStream: ...
    @property
    def journal(self) -> JournalWriter: ...
    @property
    def turns(self) -> Turns: ...
    @property
    def loop(self) -> Loop: ...
    @property
    def taken(self) -> Intake: ...
    @property
    def pace(self) -> float: ...
    def close(self) -> None: ...


@asynccontextmanager
async def changing(process: RunningDesk, configuration: LiveConfiguration, control: DeskControl) -> AsyncIterator[None]:
    """A desk whose configuration may change, which takes signals and has a kill switch, and is closed at the end."""
    parts = process.parts
    configuration.desk.attach(process.loop, parts.desk.strategist, parts.instruments, parts.trader)
    try:
        with control.attached(process.loop, reader_of(process)):
            async with control.watching():
                yield
    finally:
        configuration.desk.detach()
        process.close()


def reader_of(process: RunningDesk) -> DeskReader:
    """What the HTTP surface reads of a desk's account and orders."""
    settings, parts, observed = process.settings, process.parts, process.observed
    pace = process.pace
    return DeskReader(
        settings.account.account,
        settings.account.currency,
        parts.trader,
        process.model,
        parts.instruments,
        parts.markets,
        lambda: process.turns.now,
        lambda: observed.silence_s * pace,
        settings.feed.stale_after_seconds,
        "simulated" if settings.simulated else settings.venue.environment.value,
    )


def status_of(
    process: RunningDesk, service: str, configuration: LiveConfiguration | None = None,
    auditing: Auditing | None = None, more: Sequence[Callable[[], Check]] = (),
    venue: Callable[[], VenueSeen] | None = None,
) -> DeskStatus:  # fmt: skip
    """What the HTTP surface, the heartbeat and the terminal read of a desk."""
    settings, parts = process.settings, process.parts
    journal = partial(journal_check, process.journal.folder, settings.journal.free_mb_min)
    checks: list[Callable[[], Check]] = [journal, *more]
    if bar_strategies(settings) and parts.desk.strategist is not None:
        checks.append(partial(bars_check, settings, parts))
    if configuration is not None:
        checks.append(configuration.watch.check)
    if auditing is not None:
        checks.append(auditing.check)
    info = info_of(settings, service, [symbol_of(key) for key in parts.instruments])
    return DeskStatus(
        info,
        process.observed,
        process.model,
        parts.markets,
        parts.instruments,
        lambda: process.turns.now,
        currency=settings.account.currency,
        account=parts.trader,
        findings=parts.trader.findings,
        intake=process.taken,
        stale_after_s=settings.feed.stale_after_seconds,
        unprotected_after_s=settings.execution.unprotected_seconds,
        checks=tuple(checks),
        configuration=None if configuration is None else configuration.watch.seen,
        audit=None if auditing is None else auditing.seen,
        venue=venue,
        warmup=parts.strategist.warmup,
    )


def metrics_of(process: RunningDesk) -> MetricsSource | None:
    """The market metrics of a desk, where they are kept."""
    parts, observed = process.parts, process.observed
    if parts.analyzer is None:
        return None
    pace = process.pace
    metrics = DeskMetrics(
        parts.analyzer, parts.instruments, lambda: process.turns.now, lambda: observed.silence_s * pace
    )
    return lambda: metrics


def decisions_of(process: RunningDesk) -> Side:
    """The log of what is decided and filled, as a task beside the desk; too slow a log loses lines, counted."""
    listener = process.stream.subscribe("log", LOG_BACKLOG)

    async def write() -> None:
        log = DecisionLog()
        async for decided in listener:
            log.fold(*decided)

    return ("decision log", write, OnFailure.RESTART)


def heartbeat_of(settings: Settings, status: DeskStatus) -> list[Side]:
    """The heartbeat as a task beside the desk, where it is wanted."""
    if not settings.log.heartbeat_enabled:
        return []
    start = partial(beat, status.observe, settings.log.heartbeat_interval_seconds)
    return [("heartbeat", start, OnFailure.RESTART)]
