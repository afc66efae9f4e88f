"""`petrosa run`: a recording through the asyncio runtime at a chosen speed, with the HTTP surface up."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from petrosa.apps.auditing.live import Auditing, auditing_of
from petrosa.apps.bar_history import stored_history
from petrosa.apps.configuration.live import live_configuration
from petrosa.apps.desk_bars import check_recording, check_strategies, lengths_made
from petrosa.apps.desk_control import DeskControl
from petrosa.apps.journaling import new_run_folder, run_file
from petrosa.apps.process import FRAMES_AT_ONCE, DeskProcess, Side
from petrosa.apps.recorded import open_recording
from petrosa.apps.recordings import open_for
from petrosa.apps.running import Report, changing, decisions_of, heartbeat_of, metrics_of, status_of
from petrosa.apps.settings import Settings
from petrosa.apps.surface import parts_of
from petrosa.apps.wiring import bar_strategies, build_analyzer, build_desk
from petrosa.backtest.summary import Summary
from petrosa.core.turns import Record
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.serve import serving


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
        process.history = await stored_history(process.settings, process.parts.instruments, process.started_at)
        async with changing(process, configuration, control), AsyncExitStack() as stack:
            if bar_strategies(process.settings):
                report(f"bars: {len(process.history):,} of the past to warm up with")
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


def open_recorded(
    paths: Sequence[str | Path], settings: Settings, folder: Path | None = None, *, also: Sequence[Record] = ()
) -> DeskProcess:
    """A desk on a recording, ready to run; its journal goes to `folder` or among the runs of the data directory."""
    recording, settings, instruments = open_for(settings, paths)
    check_strategies(settings, len(instruments))
    check_recording(settings, instruments, recording)
    taken = open_recording(settings, recording, instruments, FRAMES_AT_ONCE, lengths_made(settings))
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
