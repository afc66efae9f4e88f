"""Disks that do what disks do."""

import errno
from pathlib import Path

from petrosa.adapters.stores.journal.writer import open_append


class FullDisk:
    """A file on a disk that takes `room` bytes more."""

    def __init__(self, path: Path, room: int) -> None:
        self._file = open_append(path)
        self._room = room

    def write(self, data: bytes, /) -> int | None:
        if self._room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = self._file.write(data[: self._room]) or 0
        self._room -= taken
        return taken

    def flush(self) -> None:
        self._file.flush()

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()
