"""What is written down about a run, and where: the provenance in its journal, the folder that it lives in."""

import hashlib
import platform
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

import petrosa
from petrosa.adapters.stores.journal.format import Provenance, RunFile
from petrosa.adapters.stores.journal.writer import AppendFile, JournalWriter, open_append
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Instruments
from petrosa.core.model.base import NEVER, NS_PER_SECOND
from petrosa.core.model.events import REPEATED, Decision, Event
from petrosa.core.turns import Record
from petrosa.errors import StorageError

MB: Final = 1024 * 1024
RUNS_A_SECOND: Final = 1_000


def code_version() -> str:
    """The version and the first 12 hex digits of a SHA-256 over the sources that decide: the promise of identity."""
    core = Path(petrosa.__file__).parent / "core"
    digest = hashlib.sha256()
    for path in sorted(core.rglob("*.py")):
        digest.update(path.relative_to(core).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return f"{petrosa.__version__}+{digest.hexdigest()[:12]}"


def platform_name() -> str:
    """What floating point and its text may depend on."""
    return f"{sys.implementation.name} {platform.python_version()} {sys.platform} {platform.machine()}"


def provenance_of(
    settings: Settings,
    instruments: Instruments,
    *,
    recording_sha256: str = "",
    taped: bool = False,
    shift: int = 0,
    has_strategist: bool = True,
    has_trader: bool = True,
) -> Provenance:
    """What a run is made of, in the order of keys, so that two runs of the same write the same."""
    return Provenance(
        code_version=code_version(),
        platform=platform_name(),
        configuration=msgspec.Raw(settings.decisive()),
        instruments=tuple(instruments[key] for key in sorted(instruments)),
        recording_sha256=recording_sha256,
        taped=taped,
        arrival_shift_ns=shift,
        has_strategist=has_strategist,
        has_trader=has_trader,
    )


def new_run_folder(runs: Path, command: str) -> Path:
    """A folder of its own for a run, named by the wall clock: `20240719T000500-backtest`."""
    stem = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{command}"
    for number in range(RUNS_A_SECOND):
        folder = runs / (f"{stem}-{number}" if number else stem)
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise StorageError(f"cannot make {folder}: {error.strerror}; choose another --home") from error
        return folder
    raise StorageError(f"{runs} holds {RUNS_A_SECOND} runs of this second; wait a second and start again")


def run_file(folder: Path, command: str, *, recording: Sequence[str] = (), tape: str = "") -> RunFile:
    return RunFile(
        run_id=folder.name,
        started_at=datetime.now(UTC).isoformat(),
        command=command,
        recording=tuple(str(Path(path).resolve()) for path in recording),
        tape=tape,
    )


def open_journal(
    settings: Settings,
    folder: Path,
    provenance: Provenance,
    run: RunFile,
    *,
    durable: bool,
    before_write: Callable[[], None] | None = None,
    crash_point: Callable[[str], None] | None = None,
    on_sync: Callable[[float], None] | None = None,
    opener: Callable[[Path], AppendFile] = open_append,
    live: bool = False,
) -> JournalWriter:
    """The journal of a run, locked and repaired; see `JournalWriter` for what the hooks are told.

    That of a `live` desk, which `resuming.resume` starts again, begins a segment after some minutes too, only its last
    segment is verified here, and its loop syncs several turns together.
    """
    return JournalWriter(
        folder,
        provenance,
        run,
        durable=durable,
        grouped=live,
        segment_bytes=settings.journal.segment_mb * MB,
        segment_ns=round(settings.journal.segment_minutes * 60 * NS_PER_SECOND) if live else NEVER,
        verify_all=not live,
        before_write=before_write,
        crash_point=crash_point,
        on_sync=on_sync,
        opener=opener,
    )


def record_to(first: Record, *others: Record) -> Record:
    """One record of several, asked in order, and none of them for a market fact without consequence."""

    def record(sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        if not decisions and type(event) in REPEATED:
            return
        first(sequence, now, event, decisions)
        for other in others:
            other(sequence, now, event, decisions)

    return record
