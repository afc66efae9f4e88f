"""Writing a journal: one write a turn, on disk before an intent may leave, and never again after a failed write."""

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

from msgspec import Raw

from petrosa.adapters.stores.journal.format import (
    LOCK,
    SIDECAR,
    Closed,
    Header,
    Provenance,
    RunFile,
    chained,
    decision_chain,
    encode,
    segment_numbers,
    segment_path,
)
from petrosa.adapters.stores.journal.reader import Head
from petrosa.adapters.stores.journal.repair import repair_tail
from petrosa.adapters.stores.lockfile import LockFile
from petrosa.core.model.base import NEVER, SCHEMA
from petrosa.core.model.commands import CancelEntries, Flatten, PauseEntries, ResumeEntries
from petrosa.core.model.events import REPEATED, Configured, Decision, Event, Halted, TradingConfigured
from petrosa.core.model.findings import FindingResolved
from petrosa.core.model.orders import Approved, Reducing
from petrosa.errors import InvariantError, StorageError

SEGMENT_BYTES: Final = 64 * 1024 * 1024
BUFFER_BYTES: Final = 256 * 1024
PROMISED: Final = (Approved, Reducing, Configured, TradingConfigured, Halted, FindingResolved)
"""Decisions that others act on or are told of: they are on disk first."""
LATCHING: Final = (PauseEntries, ResumeEntries, CancelEntries, Flatten, Halted)
"""What stops a desk, or lets it go on, holds over a power cut from when it was answered."""


class AppendFile(Protocol):
    """A binary file that is only appended to."""

    def write(self, data: bytes, /) -> int | None: ...
    def flush(self) -> None: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...


def open_append(path: Path) -> AppendFile:
    """Each record is the operating system's when it is written, and survives the death of the process."""
    return path.open("ab", buffering=0)


def open_buffered(path: Path) -> AppendFile:
    """Records wait for each other: for a run that can be made again, such as a backtest."""
    return path.open("ab", buffering=BUFFER_BYTES)


class JournalWriter:
    """The one writer of a folder, which it locks. Implements `ports.Journal`.

    Call `rotate` before the first record, and between two turns whenever `full`: a segment has `segment_bytes`, or goes
    back `segment_ns` of the run's time. Without `verify_all` only the last segment is verified at the start.

    With `durable`, a turn with an intent, a change of configuration or of the kill switch is on disk (fdatasync) when
    `record` returns; everything else survives the death of the process at once and a power cut after `sync`. With
    `grouped` too, such a turn is `owed` instead until whoever lets its orders leave has called `sync`: one sync for
    several turns. `before_write` runs before each write, to flush what the journal refers to. `crash_point` is told the
    names `journal.before_write`, `.after_write`, `.after_sync` in passing, `on_sync` the seconds that a sync took.
    `synced` is the last turn that survives a power cut. Once a write has failed, every further one raises
    `StorageError`: a journal with a hole is worse than none.
    """

    def __init__(
        self,
        folder: Path,
        provenance: Provenance,
        run: RunFile,
        *,
        durable: bool = True,
        grouped: bool = False,
        segment_bytes: int = SEGMENT_BYTES,
        segment_ns: int = NEVER,
        verify_all: bool = True,
        before_write: Callable[[], None] | None = None,
        crash_point: Callable[[str], None] | None = None,
        on_sync: Callable[[float], None] | None = None,
        opener: Callable[[Path], AppendFile] = open_append,
    ) -> None:
        self.folder = folder
        self.repaired: str | None = None
        self.full = True
        self.syncs = 0
        self.failure: StorageError | None = None
        self._provenance = provenance
        self._durable = durable
        self._grouped = grouped
        self.owed = False
        self._segment_bytes = segment_bytes
        self._segment_ns = segment_ns
        self._verify_all = verify_all
        self._begun = NEVER
        self._before_write = before_write
        self._crash_point = crash_point
        self._on_sync = on_sync
        self._opener = opener
        self._file: AppendFile | None = None
        self._size = 0
        self._unsynced = False
        self._lock = LockFile(folder / LOCK, f"journal {folder}").acquire()
        try:
            self.head = self._prepare(run)
            self.synced = self.head.sequence
        except BaseException:
            self._lock.release()
            raise

    def _prepare(self, run: RunFile) -> Head:
        if segment_numbers(self.folder):
            head, self.repaired = repair_tail(self.folder, last_only=not self._verify_all)
            return head
        try:
            (self.folder / SIDECAR).write_bytes(encode(run) + b"\n")
        except OSError as error:
            raise self._refused(error) from error
        return Head()

    @property
    def decisions_sha256(self) -> str:
        return self.head.decisions

    @property
    def sha256(self) -> str:
        return self.head.chain

    @property
    def entries(self) -> int:
        """Turns written to this journal, pruned ones included."""
        return self.head.entries

    def rotate(self, sequence: int, now: int, checkpoint: bytes) -> None:
        """Begin a segment with a checkpoint (JSON) of the state after turn `sequence`. Call it between two turns."""
        self._close_file()
        head = self.head
        header = Header(
            schema=SCHEMA, segment=head.segment + 1, sequence=sequence, now=now, entries=head.entries,
            previous=head.chain, decisions=head.decisions, provenance=self._provenance, checkpoint=Raw(checkpoint),
        )  # fmt: skip
        try:
            self._file = self._opener(segment_path(self.folder, header.segment))
        except OSError as error:
            raise self._refused(error) from error
        self._size, self._begun = 0, NEVER
        chain, line = chained(head.chain, encode(header)[:-1])
        self._write(line)
        head.chain, head.segment, head.sequence, head.now = chain, header.segment, sequence, now
        self._sync_folder()
        self.full = False

    def record(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """Write what a turn was told (unless the recording or tape tells it again) and what it decided."""
        repeated = type(event) in REPEATED
        if repeated and not decisions:
            return
        encoded = [encode(decision) for decision in decisions]
        told = b"" if repeated else b',"input":' + encode(event)
        body = b'{"record":"turn","sequence":%d,"now":%d%b,"decisions":[%b]' % (sequence, now, told, b",".join(encoded))
        head = self.head
        chain, line = chained(head.chain, body)
        self._write(line)
        self._begun = min(self._begun, now)
        self.full = self.full or now - self._begun >= self._segment_ns
        head.chain, head.sequence, head.now = chain, sequence, now
        head.entries += 1
        for decision in encoded:
            head.decisions = decision_chain(head.decisions, sequence, now, decision)
        if self._durable and (isinstance(event, LATCHING) or any(isinstance(one, PROMISED) for one in decisions)):
            self.owed = True
            if not self._grouped:
                self.sync()

    def finish(self, sequence: int, now: int) -> None:
        """Say that the run ended in order after turn `sequence`, so that a replay knows where to stop."""
        chain, line = chained(self.head.chain, encode(Closed(sequence, now))[:-1])
        self._write(line)
        self.head.chain, self.head.sequence, self.head.now = chain, sequence, now

    def sync(self) -> None:
        """Everything written so far survives a power cut when this returns."""
        if self.failure is not None:
            raise self.failure
        if self._file is None or not self._unsynced:
            return
        began = time.perf_counter()
        try:
            self._file.flush()
            os.fdatasync(self._file.fileno())
        except OSError as error:
            raise self._refused(error) from error
        self._unsynced = self.owed = False
        self.synced = self.head.sequence
        self.syncs += 1
        if self._on_sync is not None:
            self._on_sync(time.perf_counter() - began)
        if self._crash_point is not None:
            self._crash_point("journal.after_sync")

    def close(self) -> None:
        """Sync and release the folder; calling it twice is harmless, and a failed journal is just released."""
        try:
            self._close_file()
        finally:
            self._lock.release()

    def _write(self, line: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        if self._file is None:
            raise InvariantError(f"journal {self.folder}: a record before the first rotate")
        if self._before_write is not None:
            self._before_write()
        if self._crash_point is not None:
            self._crash_point("journal.before_write")
        try:
            written = self._file.write(line)
        except OSError as error:
            raise self._refused(error) from error
        if written != len(line):
            raise self._refused(OSError(f"only {written} of {len(line)} bytes were taken"))
        self._unsynced = True
        self._size += len(line)
        self.full = self._size >= self._segment_bytes
        if self._crash_point is not None:
            self._crash_point("journal.after_write")

    def _refused(self, error: OSError) -> StorageError:
        self.failure = StorageError(
            f"journal {self.folder} does not take a record: {error}; nothing leaves any more. "
            "Free disk space (petrosa journal prune) or make the folder writable, then start again"
        )
        return self.failure

    def _close_file(self) -> None:
        if self._file is None:
            return
        file = self._file
        try:
            if self.failure is None:
                self.sync()
        finally:
            self._file = None
            with suppress(OSError):  # what it still holds was refused before, and that was said
                file.close()

    def _sync_folder(self) -> None:
        """Make a new segment's name durable."""
        self.sync()
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
