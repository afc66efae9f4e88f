"""Reading a tape again, up to the block that a crash tore."""

import hashlib
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

from petrosa.adapters.stores.tape.format import (
    BLOCK_HEADER,
    MAGIC,
    TapedFrame,
    segment_numbers,
    segment_path,
    unpack_frames,
)
from petrosa.errors import JournalError

_UNPACKED_MAX: Final = 64 * 1024 * 1024


class TapeReader:
    """Frames in the order in which they were heard. A torn last block of a segment ends that segment, and is counted.

    Raises `JournalError` for a block that does not match its check sum although more follows it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.segments = segment_numbers(folder)
        if not self.segments:
            raise JournalError(f"{folder}: no tape here (expected files like 000001.tape); check the path")
        self.torn_bytes = 0

    def frames(self) -> Iterator[TapedFrame]:
        for block in self._blocks():
            yield from unpack_frames(block)

    def sha256(self) -> str:
        """Digest of all frames; equal to the writer's for a tape that one process wrote."""
        digest = hashlib.sha256()
        for block in self._blocks():
            digest.update(block)
        return digest.hexdigest()

    def _blocks(self) -> Iterator[bytes]:
        self.torn_bytes = 0
        for number in self.segments:
            path = segment_path(self.folder, number)
            with path.open("rb") as file:
                yield from self._segment(path, file)

    def _segment(self, path: Path, file: BinaryIO) -> Iterator[bytes]:
        size = path.stat().st_size
        offset = 0
        while offset < size:
            header = file.read(BLOCK_HEADER.size)
            if len(header) < BLOCK_HEADER.size:
                self.torn_bytes += size - offset
                return
            magic, length, check = BLOCK_HEADER.unpack(header)
            end = offset + BLOCK_HEADER.size + length
            packed = file.read(min(length, size))
            if magic != MAGIC or len(packed) < length or zlib.crc32(packed) != check:
                if end < size and any(header):
                    raise JournalError(f"{path}: the block at byte {offset} is altered; restore the file from a copy")
                self.torn_bytes += size - offset
                return
            yield zlib.decompressobj().decompress(packed, _UNPACKED_MAX)
            offset = end
