"""Writing a tape: gathered into blocks, flushed whenever something that refers to it is about to be written."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from petrosa.adapters.stores.tape.format import (
    FRAME_HEADER,
    pack_block,
    segment_numbers,
    segment_path,
)
from petrosa.errors import StorageError

BLOCK_BYTES: Final = 64 * 1024
SEGMENT_BYTES: Final = 64 * 1024 * 1024


class AppendFile(Protocol):
    """An unbuffered binary file that is only appended to."""

    def write(self, data: bytes, /) -> int | None: ...
    def fileno(self) -> int: ...
    def close(self) -> None: ...


def open_append(path: Path) -> AppendFile:
    return path.open("ab", buffering=0)


class TapeWriter:
    """Appends frames. A block is written when it is full or at `flush`; then it survives the death of the process.

    Every start begins a new segment, so a block that a crash tore stays the last of its own. Raises `StorageError`
    once the disk does not take a block, and ever after.
    """

    def __init__(
        self,
        folder: Path,
        *,
        block_bytes: int = BLOCK_BYTES,
        segment_bytes: int = SEGMENT_BYTES,
        opener: Callable[[Path], AppendFile] = open_append,
    ) -> None:
        self.folder = folder
        self.failure: StorageError | None = None
        self.frames = 0
        self._block_bytes = block_bytes
        self._segment_bytes = segment_bytes
        self._opener = opener
        self._pending = bytearray()
        self._digest = hashlib.sha256()
        self._tags: dict[str, bytes] = {}
        self._file: AppendFile | None = None
        self._size = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refused(error) from error
        self._segment = max(segment_numbers(folder), default=0)

    @property
    def sha256(self) -> str:
        """Digest of everything appended by this writer."""
        digest = self._digest.copy()
        digest.update(self._pending)
        return digest.hexdigest()

    def append(self, sequence: int, now: int, arrival: int, tag: str, payload: bytes) -> None:
        """Take one frame, in the order in which the desk will see it."""
        encoded = self._tags.get(tag)
        if encoded is None:
            encoded = self._tags[tag] = tag.encode()
        pending = self._pending
        pending += FRAME_HEADER.pack(sequence, now, arrival, len(encoded), len(payload))
        pending += encoded
        pending += payload
        self.frames += 1
        if len(pending) >= self._block_bytes:
            self.flush()

    def flush(self) -> None:
        """Write what is pending, so that it survives the death of the process."""
        if self.failure is not None:
            raise self.failure
        if not self._pending:
            return
        self._digest.update(self._pending)
        block = pack_block(bytes(self._pending))
        self._pending.clear()
        try:
            if self._file is None or self._size >= self._segment_bytes:
                self._next_segment()
            written = self._file.write(block) if self._file is not None else 0
        except OSError as error:
            raise self._refused(error) from error
        if written != len(block):
            raise self._refused(OSError(f"only {written} of {len(block)} bytes were taken"))
        self._size += len(block)

    def sync(self) -> None:
        """Flush, and let it survive a power cut."""
        self.flush()
        if self._file is not None:
            try:
                os.fdatasync(self._file.fileno())
            except OSError as error:
                raise self._refused(error) from error

    def close(self) -> None:
        """Sync and release; calling it twice is harmless, and a failed tape is just released."""
        try:
            if self.failure is None:
                self.sync()
        finally:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _next_segment(self) -> None:
        if self._file is not None:
            os.fdatasync(self._file.fileno())
            self._file.close()
        self._segment += 1
        self._file = self._opener(segment_path(self.folder, self._segment))
        self._size = 0

    def _refused(self, error: OSError) -> StorageError:
        self.failure = StorageError(
            f"tape {self.folder} does not take a block: {error}; nothing is heard any more. "
            "Free disk space (petrosa journal prune) or make the folder writable, then start again"
        )
        return self.failure
