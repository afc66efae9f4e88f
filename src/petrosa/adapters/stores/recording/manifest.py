"""The manifest of a recording: what its segments are, whether they are whole, and what is missing in them.

recording/
  manifest.json      this, replaced as a whole whenever a segment is closed
  000001.gz          a segment: gzip members of lines `<arrival ns> <frame>`, one after the other
  000002.gz          the last one may still be written; then it has no digest yet
"""

import os
from pathlib import Path
from typing import Final, Literal

import msgspec

from petrosa.core.model.instruments import Instrument
from petrosa.errors import RecordingError, StorageError

NAME: Final = "manifest.json"
SCHEMA: Final = 1
GAPS_MAX: Final = 10_000

Ended = Literal["size", "time", "end", "repaired"]


class Segment(msgspec.Struct, frozen=True):
    """A closed segment. Times are arrivals in ns UTC, `bytes` is on disk, `sha256` of the file as it lies there.

    `ended`: it had its size or its time, the recorder ended, or died and the next one closed it.
    """

    name: str
    first_ns: int
    last_ns: int
    frames: int
    bytes: int
    sha256: str
    ended: Ended


class Gap(msgspec.Struct, frozen=True):
    """What is missing. `book`: differences `first` (expected) to `last` (got). `trades`: ids that nobody will hear.

    `stream`: it was stale or dead from `at_ns` to `until_ns` (0: to the end). The first is found in the frames again,
    and the last is told in them. Trades of a venue whose ids do not count have no `first` and `last`: those that may be
    missing are between the trades of `at_ns` and `until_ns`.
    """

    kind: Literal["book", "trades", "stream"]
    stream: str
    at_ns: int
    why: str
    until_ns: int = 0
    first: int = 0
    last: int = 0


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A recording in words. `open_segment` is being written, or was when the recorder died."""

    schema: int = SCHEMA
    version: str
    venue: str
    market: str
    environment: str
    symbols: tuple[str, ...]
    streams: tuple[str, ...]
    begun_ns: int
    ended_ns: int = 0
    frames: int = 0
    segments: tuple[Segment, ...] = ()
    open_segment: str = ""
    gaps: tuple[Gap, ...] = ()
    gaps_left_out: int = 0
    """Gaps beyond the first ten thousand."""
    instruments: tuple[Instrument, ...] = ()
    """The rules of the symbols, as the venue told them when it was recorded last."""


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest of a folder; none where there is none. Raises `RecordingError` for one that cannot be read."""
    path = folder / NAME
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise RecordingError(
            f"{path} cannot be read: {problem}; restore it, or remove it to read the segments without it"
        ) from problem
    if manifest.schema > SCHEMA:
        raise RecordingError(f"{path} has schema {manifest.schema}, this version reads up to {SCHEMA}; update Petrosa")
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest as a whole: a reader sees the old one or the new one. Raises `StorageError`."""
    path, new = folder / NAME, folder / f".{NAME}.new"
    try:
        with new.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=2))
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}; make room, or give another folder") from error
