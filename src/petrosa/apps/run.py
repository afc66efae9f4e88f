"""`petrosa run`: a recording through the asyncio runtime at a chosen speed, with the HTTP surface up."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.auditing.live import Auditing, auditing_of
from petrosa.apps.configuration.live import LiveConfiguration, live_configuration
from petrosa.apps.desk_control import DeskControl
from petrosa.apps.instruments import load_instruments
from petrosa.apps.journaling import new_run_folder, run_file
from petrosa.apps.process import FRAMES_AT_ONCE, DeskProcess, Side
from petrosa.apps.recorded import open_recording
from petrosa.apps.service import info_of
from petrosa.apps.settings import Settings
from petrosa.apps.surface import MetricsSource, parts_of
from petrosa.apps.wiring import build_analyzer, build_desk, choose_instruments, symbols_of
from petrosa.backtest.summary import Summary
from petrosa.core.model.market import symbol_of
from petrosa.core.turns import Record
from petrosa.runtime.supervise import OnFailure
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.decisions import DecisionLog
from petrosa.surfaces.desk_metrics import DeskMetrics
from petrosa.surfaces.desk_reader import DeskReader
from petrosa.surfaces.heartbeat import beat
from petrosa.surfaces.observation import Check
from petrosa.surfaces.status import DeskStatus, journal_check

LOG_BACKLOG: Final = 10_000

Report = Callable[[str], None]
"""Says a line to people."""


async def run_recording(
    paths: Sequence[str | Path], settings: Settings, *, report: Report, folder: Path | None = None
) -> Summary:
    """Run a recording at `feed.speed` (0: as fast as it goes) to its end, or until a signal.

    Decides what `run_backtest` decides, to the byte. Raises what that raises, and `ConfigError` for a taken port.
    """
    async with live_configuration(settings, settings.feed.symbols) as configuration:
        control = DeskControl(settings, report)
        told = (configuration.desk.record, control.record)
        process = open_recorded(paths, configuration.settings, folder, also=told)
        async with changing(process, configuration, control), AsyncExitStack() as stack:
            report(f"arrival shifted by {process.taken.shift / 1e6:+.3f} ms, journal in {process.journal.folder}")
            auditing = auditing_of(settings, process.journal, report)
            status = status_of(process, "run", configuration, auditing)
            if settings.http.enabled:
                app = api(status, await parts_of(settings, configuration, report, metrics_of(process), control))
                url = await stack.enter_async_context(serving(app, settings.http.listen, settings.http.port))
                report(f"HTTP on {url}")
            sides = [*heartbeat_of(settings, status), decisions_of(process)]
            await audited(auditing, process, sides, report)
    return process.summary()


@asynccontextmanager
async def changing(process: DeskProcess, configuration: LiveConfiguration, control: DeskControl) -> AsyncIterator[None]:
    """A desk whose configuration may change, which takes signals and has a kill switch, and is closed at the end."""
    configuration.desk.attach(process.loop, process.parts.strategist, process.parts.instruments)
    try:
        with control.attached(process.loop, reader_of(process)):
            async with control.watching():
                yield
    finally:
        configuration.desk.detach()
        process.close()


def reader_of(process: DeskProcess) -> DeskReader:
    """What the HTTP surface reads of a desk's account and orders."""
    settings, parts, observed = process.settings, process.parts, process.observed
    pace = process.clock.speed if process.clock.paced else 1.0
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
    )


def open_recorded(
    paths: Sequence[str | Path], settings: Settings, folder: Path | None = None, *, also: Sequence[Record] = ()
) -> DeskProcess:
    """A desk on a recording, ready to run; its journal goes to `folder` or among the runs of the data directory."""
    recording = Recording(paths)
    known = load_instruments(settings.instruments.file or None)
    instruments = choose_instruments(settings, known, recording.product, symbols_of(settings, recording.symbols))
    taken = open_recording(settings, recording, instruments, FRAMES_AT_ONCE)
    folder = new_run_folder(settings.runs, "run") if folder is None else folder
    return DeskProcess(
        settings,
        build_desk(settings, instruments, build_analyzer(settings)),
        taken,
        folder=folder,
        run_file=run_file(folder, "run", recording=[str(path) for path in paths]),
        speed=settings.feed.speed or float("inf"),
        recording_sha256=recording.digest,
        also=also,
    )


async def audited(auditing: Auditing | None, process: DeskProcess, sides: Sequence[Side], report: Report) -> None:
    """Run a desk with its audit beside it, to the end of both."""
    if auditing is None:
        await process.run(sides, report)
        return
    await process.run([*sides, *auditing.sides()], report)
    await auditing.finish()


def status_of(
    process: DeskProcess, service: str, configuration: LiveConfiguration | None = None,
    auditing: Auditing | None = None,
) -> DeskStatus:  # fmt: skip
    """What the HTTP surface, the heartbeat and the terminal read of a desk."""
    settings, parts = process.settings, process.parts
    journal = partial(journal_check, process.journal.folder, settings.journal.free_mb_min)
    checks: list[Callable[[], Check]] = [journal]
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
    )


def metrics_of(process: DeskProcess) -> MetricsSource | None:
    """The market metrics of a desk, where they are kept."""
    parts, observed = process.parts, process.observed
    if parts.analyzer is None:
        return None
    pace = process.clock.speed if process.clock.paced else 1.0
    metrics = DeskMetrics(
        parts.analyzer, parts.instruments, lambda: process.turns.now, lambda: observed.silence_s * pace
    )
    return lambda: metrics


def decisions_of(process: DeskProcess) -> Side:
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
