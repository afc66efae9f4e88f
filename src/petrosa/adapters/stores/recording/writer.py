"""Writing a recording: lines gathered into gzip members, members into segments, segments into a manifest.

A member is written whole and forced to the disk before the next is begun, so a kill leaves at most one torn member at
the end of the last segment; the next recorder cuts it off, and a reader leaves it aside.
"""

import contextlib
import errno
import gzip
import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.stores.lockfile import LockFile
from petrosa.adapters.stores.recording.manifest import (
    GAPS_MAX,
    Ended,
    Gap,
    Manifest,
    Segment,
    read_manifest,
    write_manifest,
)
from petrosa.adapters.stores.tape.writer import AppendFile, open_append
from petrosa.errors import ConfigError, StorageError

LOCK: Final = ".lock"
LEVEL: Final = 6
READ_BYTES: Final = 1024 * 1024


class RecordingWriter:
    """Appends frames. What was given before the last `flush` survives a power cut.

    The folder may hold a recording of the same venue and market already, which then goes on. Raises `ConfigError` for
    one of another, `StorageError` while another process writes it, or when the disk does not take what it must.
    """

    def __init__(
        self, folder: Path, about: Manifest, *, segment_bytes: int, segment_ns: int,
        opener: Callable[[Path], AppendFile] = open_append,
    ) -> None:  # fmt: skip
        """`about` says what is recorded from now on."""
        self.folder = folder
        self.repaired = ""
        """What was found of a recorder that died here, in words."""
        self._segment_bytes = segment_bytes
        self._segment_ns = segment_ns
        self._opener = opener
        self._pending = bytearray()
        self._pending_frames = 0
        self._file: AppendFile | None = None
        self._digest = hashlib.sha256()
        self._size = self._frames = self._first = self._last = 0
        self._gaps: list[Gap] = []
        self._gaps_left_out = 0
        self._lock = LockFile(folder / LOCK, f"recording {folder}").acquire()
        try:
            self.manifest = self._begin(about)
        except BaseException:
            self._lock.release()
            raise

    def _begin(self, about: Manifest) -> Manifest:
        known = read_manifest(self.folder)
        if known is None:
            if any(self.folder.glob("*.gz")):
                raise ConfigError(f"{self.folder} holds files without a manifest; give a folder of its own with --out")
            manifest = about
        else:
            of, wanted = (known.venue, known.market, known.environment), (about.venue, about.market, about.environment)
            if of != wanted:
                raise ConfigError(
                    f"{self.folder} is a recording of {' '.join(of)}, not of {' '.join(wanted)}; give another --out"
                )
            manifest = msgspec.structs.replace(
                self._mended(known),
                symbols=tuple(sorted({*known.symbols, *about.symbols})),
                streams=tuple(sorted({*known.streams, *about.streams})),
                instruments=tuple({one.id: one for one in (*known.instruments, *about.instruments)}.values()),
                ended_ns=0,
            )
        self._gaps, self._gaps_left_out = list(manifest.gaps), manifest.gaps_left_out
        write_manifest(self.folder, manifest)
        return manifest

    def _mended(self, known: Manifest) -> Manifest:
        """The manifest with the segment in it that a recorder which died has left open."""
        path = self.folder / known.open_segment
        if not known.open_segment:
            return known
        found = mend(path) if path.exists() else None
        if found is None:
            path.unlink(missing_ok=True)
            return msgspec.structs.replace(known, open_segment="")
        segment, cut = found
        self.repaired = f"{path.name} was left open with {segment.frames} frames; {cut} torn bytes were cut off"
        return msgspec.structs.replace(
            known, open_segment="", segments=(*known.segments, segment), frames=known.frames + segment.frames
        )

    @property
    def frames(self) -> int:
        """Everything that was given to this recording, earlier recorders' part included."""
        return self.manifest.frames + self._frames + self._pending_frames

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return sum(one.bytes for one in self.manifest.segments) + self._size

    def append(self, arrival: int, payload: bytes) -> None:
        """Take a frame; arrivals never decrease."""
        if not self._first:
            self._first = arrival
        self._last = arrival
        self._pending += b"%d %b\n" % (arrival, payload)
        self._pending_frames += 1

    def flush(self) -> None:
        """Have everything on the disk."""
        if not self._pending:
            return
        member = gzip.compress(self._pending, LEVEL, mtime=0)
        try:
            if self._file is None:
                self._open()
            assert self._file is not None
            written = self._file.write(member) or 0
            if written < len(member):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fdatasync(self._file.fileno())
        except OSError as error:
            raise self._refused(error) from error
        self._digest.update(member)
        self._size += len(member)
        self._frames += self._pending_frames
        self._pending.clear()
        self._pending_frames = 0

    def full(self) -> Ended | None:
        """Why the segment is to be closed, if it is."""
        if self._size >= self._segment_bytes:
            return "size"
        return "time" if self._frames and self._last - self._first >= self._segment_ns else None

    def close_segment(self, ended: Ended) -> None:
        """Flush, and say in the manifest what the segment holds; what comes next is in another."""
        self.flush()
        if self._file is None:
            return
        self._file.close()
        self._file = None
        name, sha256 = self.manifest.open_segment, self._digest.hexdigest()
        segment = Segment(name, self._first, self._last, self._frames, self._size, sha256, ended)
        self._write(
            segments=(*self.manifest.segments, segment), frames=self.manifest.frames + self._frames, open_segment=""
        )
        self._digest = hashlib.sha256()
        self._size = self._frames = self._first = self._last = 0

    def note(self, gap: Gap) -> None:
        """Remember what is missing; it is in the manifest when that is written next. May be called at any time."""
        if len(self._gaps) < GAPS_MAX:
            self._gaps.append(gap)
        else:
            self._gaps_left_out += 1

    def close(self, now: int) -> None:
        """End in order. Raises `StorageError`."""
        try:
            self.close_segment("end")
            self._write(ended_ns=now)
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of the folder as it is; calling it again is harmless."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._lock.release()

    def _open(self) -> None:
        """The manifest names a segment before it exists, so that no reader takes it for a stranger."""
        number = max((int(one.name.partition(".")[0]) for one in self.manifest.segments), default=0) + 1
        self._write(open_segment=f"{number:06d}.gz")
        self._file = self._opener(self.folder / self.manifest.open_segment)

    def _write(self, **changed: object) -> None:
        gaps, more = tuple(self._gaps), self._gaps_left_out
        manifest = msgspec.structs.replace(self.manifest, gaps=gaps, gaps_left_out=more, **changed)
        write_manifest(self.folder, manifest)
        self.manifest = manifest

    def _refused(self, error: OSError) -> StorageError:
        """Cut off what the disk has taken of a member, which needs no room."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), self._size)
        return StorageError(
            f"recording {self.folder} cannot be written: {error.strerror}; {self.frames - self._pending_frames} frames"
            " are kept: make room and start again with the same --out, or give another folder"
        )


class Mended(NamedTuple):
    """A segment that was left open, and how many bytes were cut off it."""

    segment: Segment
    cut: int


def mend(path: Path) -> Mended | None:
    """Cut off a torn end, and say what is left; none when nothing is."""
    digest, frames, first, last, kept = hashlib.sha256(), 0, 0, 0, 0
    data = path.read_bytes()
    while kept < len(data):
        inflate = zlib.decompressobj(wbits=31)
        try:
            text = inflate.decompress(data[kept:])
        except zlib.error:
            break
        if not inflate.eof:
            break
        end = len(data) - len(inflate.unused_data)
        digest.update(data[kept:end])
        lines = text.splitlines()
        first, last = first or _arrival(lines[0]), _arrival(lines[-1])
        frames, kept = frames + len(lines), end
    if not frames:
        return None
    os.truncate(path, kept)
    return Mended(Segment(path.name, first, last, frames, kept, digest.hexdigest(), "repaired"), len(data) - kept)


def _arrival(line: bytes) -> int:
    return int(line.partition(b" ")[0])
