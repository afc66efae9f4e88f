"""What `petrosa journal list` and `verify` say about the runs of a data directory."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from petrosa.adapters.stores.journal.format import LOCK, SUFFIX, segment_numbers, segment_path
from petrosa.adapters.stores.journal.reader import JournalReader, read_header, read_sidecar
from petrosa.adapters.stores.lockfile import is_locked


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the list, from the headers alone. `entries` counts what stood before the newest segment."""

    path: str
    run_id: str
    started_at: str
    command: str
    segments: int
    first_segment: int
    bytes: int
    entries: int
    sequence: int
    now: int
    code_version: str
    recording_sha256: str
    being_written: bool


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """What a whole reading of a journal proved."""

    path: str
    segments: int
    first_segment: int
    entries: int
    sequence: int
    now: int
    closed: bool
    torn_bytes: int
    decisions_sha256: str
    sha256: str


def runs(folder: Path) -> Iterator[Path]:
    """The folder itself when it is a run, else the runs in it, by name."""
    if any(folder.glob(f"*{SUFFIX}")):
        yield folder
        return
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.is_dir() and any(path.glob(f"*{SUFFIX}")):
            yield path


def summarise(folder: Path) -> RunSummary:
    """One run's line. Raises `JournalError` when its headers cannot be read."""
    numbers = segment_numbers(folder)
    newest = read_header(folder, numbers[-1])
    sidecar = read_sidecar(folder)
    return RunSummary(
        path=str(folder),
        run_id=sidecar.run_id if sidecar else folder.name,
        started_at=sidecar.started_at if sidecar else "",
        command=sidecar.command if sidecar else "",
        segments=len(numbers),
        first_segment=numbers[0],
        bytes=sum(segment_path(folder, number).stat().st_size for number in numbers),
        entries=newest.entries,
        sequence=newest.sequence,
        now=newest.now,
        code_version=newest.provenance.code_version,
        recording_sha256=newest.provenance.recording_sha256,
        being_written=is_locked(folder / LOCK),
    )


def list_runs(folder: Path) -> list[RunSummary]:
    return [summarise(path) for path in runs(folder)]


def verify(folder: Path) -> Verified:
    """Check every line of one run. Raises `JournalError` at the first that is not what was written."""
    reader = JournalReader(folder)
    head = reader.verify()
    return Verified(
        path=str(folder),
        segments=len(reader.segments),
        first_segment=reader.segments[0],
        entries=head.entries,
        sequence=head.sequence,
        now=head.now,
        closed=reader.closed is not None,
        torn_bytes=reader.torn_bytes,
        decisions_sha256=head.decisions,
        sha256=head.chain,
    )
