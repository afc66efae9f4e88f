"""Readings of a file: one more file of a recording, read as a source, and written line by line."""

import gzip
import os
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.readings import line_of, parse_reading
from petrosa.core.model.market import Reading
from petrosa.errors import FrameError, StorageError

BLOCK: Final = 1 << 20
_LINE: Final = re.compile(rb'[0-9]{1,19} \{"')


class FileReadings:
    """The readings among the frames of a recording, a batch a poll; nothing any more when all have been told.

    `refused` counts what is no reading by reason, and `first` has the first case of each in words.
    """

    source = "file"

    def __init__(self, batches: Iterator[Sequence[RawFrame]]) -> None:
        self.refused: Counter[str] = Counter()
        self.first: dict[str, str] = {}
        self._batches = batches

    async def poll(self) -> Sequence[Reading]:
        for batch in self._batches:
            found = [reading for frame in batch if (reading := self._read(frame)) is not None]
            if found:
                return found
        return ()

    async def close(self) -> None:
        """Nothing is open."""

    def _read(self, frame: RawFrame) -> Reading | None:
        try:
            return parse_reading(frame)
        except FrameError as problem:
            self.refused[problem.reason] += 1
            self.first.setdefault(problem.reason, str(problem))
            return None


class ReadingFile:
    """Appends readings to a file of a recording, plain or (`.gz`) as one gzip member an append.

    An append is whole or, after a crash, cut off when the file is opened again: `cut` is how many bytes that took.
    Raises `StorageError` where the file does not take it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._packed = path.suffix == ".gz"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("r+b" if path.exists() else "w+b")
            size = self._file.seek(0, os.SEEK_END)
            sound = (self._sound_gzip() if self._packed else self._sound_lines()) if size else 0
            self.cut = size - sound
            self._file.truncate(sound)
            self._file.seek(sound)
        except OSError as problem:
            raise self._refused(problem) from problem

    def append(self, readings: Sequence[Reading]) -> None:
        """Write them, whole, and hand them to the system. Raises `FrameError`, before anything is written, for one
        that no frame can hold.
        """
        lines = b"".join(map(line_of, readings))
        if not lines:
            return
        try:
            self._file.write(gzip.compress(lines, mtime=0) if self._packed else lines)
            self._file.flush()
        except OSError as problem:
            raise self._refused(problem) from problem

    def close(self) -> None:
        self._file.close()

    def _sound_lines(self) -> int:
        """Where the last whole line ends."""
        self._file.seek(0)
        sound = place = 0
        while block := self._file.read(BLOCK):
            if not place and not _LINE.match(block):
                raise self._foreign()
            last = block.rfind(b"\n")
            sound = place + last + 1 if last >= 0 else sound
            place += len(block)
        return sound

    def _sound_gzip(self) -> int:
        """Where the last whole member ends. Only what breaks off at the end of the file may be cut."""
        self._file.seek(0)
        sound = place = 0
        inflate = zlib.decompressobj(wbits=31)
        rest = b""
        while rest or (rest := self._file.read(BLOCK)):
            try:
                text = inflate.decompress(rest, BLOCK)
            except zlib.error:
                raise self._foreign() from None
            if not place and not _LINE.match(text):
                raise self._foreign()
            left = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            place, rest = place + len(rest) - len(left), left
            if inflate.eof:
                sound, inflate = place, zlib.decompressobj(wbits=31)
        return sound

    def _foreign(self) -> StorageError:
        self._file.close()
        kind = "gzip file" if self._packed else "file"
        return StorageError(f"{self.path} is there and is no {kind} of `<arrival ns> <frame>` lines; choose another")

    def _refused(self, problem: OSError) -> StorageError:
        return StorageError(f"{self.path} does not take readings: {problem}; choose another file, or make room")
