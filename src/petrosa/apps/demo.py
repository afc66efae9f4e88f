"""`petrosa demo`: a whole desk on a synthetic market, with its HTTP surface, in the terminal.

It is `petrosa run` with another source. The market is made as it is turned and goes on the tape first, so that a demo's
journal can be turned again like any other.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

from petrosa.adapters.stores.tape.writer import TapeWriter
from petrosa.apps.auditing.live import auditing_of
from petrosa.apps.configuration.live import live_configuration
from petrosa.apps.desk_bars import check_strategies, lengths_made
from petrosa.apps.desk_control import DeskControl
from petrosa.apps.instruments import load_instruments
from petrosa.apps.journaling import new_run_folder, run_file
from petrosa.apps.over_nats import OverNats, run_over_nats
from petrosa.apps.process import DeskProcess, Side
from petrosa.apps.recorded import Input, taping
from petrosa.apps.run import audited
from petrosa.apps.running import changing, decisions_of, heartbeat_of, metrics_of, status_of
from petrosa.apps.settings import Settings
from petrosa.apps.surface import parts_of
from petrosa.apps.synth import synthetic_feed, write_recording
from petrosa.apps.wiring import build_analyzer, build_desk, choose_instruments
from petrosa.backtest.summary import Summary
from petrosa.core.turns import Record
from petrosa.errors import ConfigError
from petrosa.runtime.supervise import OnFailure, Start
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.status import DeskStatus
from petrosa.surfaces.terminal.screen import Money, Screen, screen_of, symbol_row

BATCH: Final = 64
"""Frames made at once: few, so that a paced run is smooth."""
TAPE: Final = "tape"
NATS_SECONDS: Final = 15.0
"""Wall time of a demo over NATS that was not told how long: its market is recorded before it is fed."""

Report = Callable[[str], None]

View = Callable[[Callable[[], Screen]], Coroutine[object, object, None]]
"""Shows what it is given the maker of, until cancelled."""


def require_nothing_outside(settings: Settings) -> None:
    """Raises `ConfigError`: a made-up market cannot be compared with what is said of the real one."""
    if settings.outside.sources:
        raise ConfigError(
            f"outside.sources = {', '.join(settings.outside.sources)}: they speak of the real market, and a demo's is"
            " synthetic; leave them out (outside.sources=), or listen to them beside a venue with petrosa run --venue"
        )


async def run_demo(settings: Settings, *, seconds: float | None, view: View, report: Report) -> Summary:
    """Run until `seconds` of wall time are over or a signal asks to stop, with `view` looking on.

    Raises `ConfigError` for settings and addresses, `StorageError` when the data directory takes nothing.
    """
    require_nothing_outside(settings)
    async with live_configuration(settings, settings.feed.symbols) as configuration:
        control = DeskControl(settings, report)
        process = open_demo(configuration.settings, also=(configuration.desk.record, control.record))
        async with changing(process, configuration, control), AsyncExitStack() as stack:
            auditing = auditing_of(settings, process.journal, report)
            status = status_of(process, "demo", configuration, auditing)
            url = ""
            if settings.http.enabled:
                where = (settings.http.listen, settings.http.port)
                app = api(status, await parts_of(settings, configuration, report, metrics_of(process), control))
                url = await stack.enter_async_context(serving(app, *where, or_free=True))
                report(f"HTTP on {url}")
            sides = _sides(process, status, seconds, partial(view, partial(screen, process, status, url)))
            await audited(auditing, process, sides, report)
    return process.summary()


async def run_demo_over_nats(settings: Settings, *, seconds: float | None, report: Report) -> OverNats:
    """The same market, recorded first, through three services around a NATS server that is started for it.

    Raises `ConfigError`.
    """
    require_nothing_outside(settings)
    length = (seconds or NATS_SECONDS) * (settings.feed.speed or 1.0)
    recording = new_run_folder(settings.runs, "demo-recording")
    known = load_instruments(settings.instruments.file or None)
    seed, market = settings.simulation.seed, settings.feed.market
    write_recording(seed, settings.feed.symbols, length, recording, market=market, instruments=known)
    report(f"{banner(settings)}: {length:g} s of it are in {recording}")
    return await run_over_nats(settings, [recording], "demo-nats", report=report)


def banner(settings: Settings) -> str:
    """What must be read before anything else."""
    return f"SIMULATED MARKET, profile {settings.profile}, seed {settings.simulation.seed}"


def open_demo(settings: Settings, folder: Path | None = None, *, also: Sequence[Record] = ()) -> DeskProcess:
    """A desk on the synthetic market, ready to run; `simulation.seed` seeds the market and the exchange."""
    known = load_instruments(settings.instruments.file or None)
    market = settings.feed.market
    instruments = choose_instruments(settings, known, market, settings.feed.symbols)
    check_strategies(settings, len(instruments))
    folder = new_run_folder(settings.runs, "demo") if folder is None else folder
    tape = TapeWriter(folder / TAPE) if settings.journal.tape else None
    frames = synthetic_feed(list(instruments.values()), settings.simulation.seed).batches(BATCH)
    opened: list[DeskProcess] = []
    if tape is not None:
        sequence = lambda: opened[0].turns.sequence if opened else 0  # noqa: E731 - read before there is a process
        frames = taping(frames, tape, f"{settings.feed.venue}:{market}", sequence)
    process = DeskProcess(
        settings,
        build_desk(settings, instruments, build_analyzer(settings)),
        Input(settings, market, instruments, frames, 0, lengths=lengths_made(settings)),
        folder=folder,
        run_file=run_file(folder, "demo", tape=TAPE if tape is not None else ""),
        speed=settings.feed.speed or float("inf"),
        tape=tape,
        also=also,
    )
    opened.append(process)
    return process


def screen(process: DeskProcess, status: DeskStatus, url: str) -> Screen:
    """What the terminal shows now."""
    settings, model, now = process.settings, process.model, process.turns.now
    lines = status.lines()
    by_instrument = {line.instrument: line for line in lines}
    pnl = status.pnl(lines)
    currency = settings.account.currency
    money = Money(currency, float(status.equity or 0), 0.0, 0.0, {})
    if pnl is not None:
        fees = {asset: f"{amount:.4f}" for asset, amount in pnl.fees.items()}
        money = Money(currency, float(status.equity or 0), float(pnl.realized), float(pnl.unrealized), fees)
    return screen_of(
        model,
        banner=banner(settings),
        now=now,
        uptime_s=status.uptime_s,
        speed=settings.feed.speed,
        url=url,
        events=process.observed.turns,
        symbols=[symbol_row(market, now, by_instrument.get(key)) for key, market in process.parts.markets.items()],
        money=money,
        alarm=model.halted or (model.alarms[-1].message if model.alarms else ""),
    )


def _sides(process: DeskProcess, status: DeskStatus, seconds: float | None, view: Start) -> Sequence[Side]:
    """The view, the heartbeat, the log, and the end of a run that has one."""
    sides: list[Side] = [
        ("view", view, OnFailure.RESTART),
        decisions_of(process),
        *heartbeat_of(process.settings, status),
    ]
    if seconds is not None:
        sides.append(("end", partial(_end_after, process, seconds), OnFailure.HALT))
    return sides


async def _end_after(process: DeskProcess, seconds: float) -> None:
    await asyncio.sleep(seconds)
    process.stop(f"the {seconds:g} s asked for are over")
