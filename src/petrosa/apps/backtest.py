"""`petrosa backtest`: recordings through a whole desk at full speed, and what it came to."""

import asyncio
import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from petrosa.adapters.stores.journal.writer import JournalWriter, open_append, open_buffered
from petrosa.apps.bar_history import stored_history
from petrosa.apps.desk_bars import check_recording, check_strategies, lengths_made, warming_up
from petrosa.apps.journaling import new_run_folder, open_journal, provenance_of, record_to, run_file
from petrosa.apps.recorded import Input, open_recording
from petrosa.apps.recordings import open_for
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Parts, bar_strategies, build_desk, build_exchange, checkpoint_of
from petrosa.backtest.run import run
from petrosa.backtest.source import peek
from petrosa.backtest.summary import JournalLine, Summary, Tally, pnl_of, position_lines
from petrosa.core.turns import Turns

GC_THRESHOLDS: Final = (200_000, 20, 100)


def run_backtest(
    paths: Sequence[str | Path], settings: Settings, *, folder: Path | None = None, durable: bool = False
) -> Summary:
    """Run recordings whole. The journal goes to `folder`, or to a new one among the runs of the data directory.

    Raises `RecordingError`, `ConfigError` or `StorageError`, each with its remedy.
    """
    began = time.perf_counter()
    recording, settings, instruments = open_for(settings, paths)
    check_strategies(settings, len(instruments))
    check_recording(settings, instruments, recording)
    parts = build_desk(settings, instruments)
    exchange = build_exchange(settings, instruments)
    opened_s = time.perf_counter() - began
    taken = open_recording(settings, recording, instruments, lengths=lengths_made(settings))
    started_at, batches = peek(taken.batches())
    history = asyncio.run(stored_history(settings, instruments, started_at)) if bar_strategies(settings) else ()
    folder = new_run_folder(settings.runs, "backtest") if folder is None else folder
    provenance = provenance_of(settings, instruments, recording_sha256=recording.digest, shift=taken.shift)
    sidecar = run_file(folder, "backtest", recording=[str(path) for path in paths])
    opener = open_append if durable else open_buffered
    journal = open_journal(settings, folder, provenance, sidecar, durable=durable, opener=opener)
    tally = Tally()
    try:
        turns = Turns(parts.desk, record_to(journal.record, tally.take), exchange.submit, exchange)
        with rare_collection():
            checkpoint = partial(checkpoint_of, turns, parts.desk, exchange)
            decide_s = run(batches, turns, journal, checkpoint, started_at, history)
    finally:
        journal.close()
    elapsed = time.perf_counter() - began
    return summary_of(settings, parts, taken, tally, journal, elapsed_s=elapsed, opened_s=opened_s, decide_s=decide_s)


def summary_of(
    settings: Settings, parts: Parts, taken: Input, tally: Tally, journal: JournalWriter, *,
    elapsed_s: float, opened_s: float, decide_s: float,
) -> Summary:  # fmt: skip
    """What any run on kept or made data came to, in a backtest or in real time."""
    events = sum(sum(by_symbol.values()) for by_symbol in taken.counts.values())
    currency = settings.account.currency
    lines = position_lines(parts.trader.positions, parts.instruments, parts.markets)
    return Summary(
        events=taken.counts,
        gaps=taken.gaps,
        errors=dict(taken.errors),
        skipped=dict(taken.skipped),
        faults=taken.first_faults,
        signals={name: dict(counts) for name, counts in tally.signals.items()},
        refusals=dict(tally.refusals),
        orders=tally.orders,
        fills=tally.fills,
        modelled_fills=tally.modelled_fills,
        positions=lines,
        pnl=pnl_of(parts.trader, lines, parts.instruments, parts.markets, currency),
        journal=JournalLine(
            path=str(journal.folder), entries=journal.entries,
            decisions_sha256=journal.decisions_sha256, sha256=journal.sha256,
        ),
        arrival_shift_ns=taken.shift,
        elapsed_s=round(elapsed_s, 6),
        read_s=round(opened_s + taken.source.read_s, 6),
        decode_s=round(taken.source.decode_s, 6),
        decide_s=round(decide_s, 6),
        events_per_s=round(events / elapsed_s, 1) if elapsed_s > 0.0 else 0.0,
        warming_up=warming_up(settings, parts),
    )  # fmt: skip


@contextmanager
def rare_collection() -> Iterator[None]:
    """Messages make no cycles, so the collector has next to nothing to find: let it look rarely."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
