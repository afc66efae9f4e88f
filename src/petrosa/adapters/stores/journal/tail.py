"""Reading a journal on from a place, while it is written or long after: each line follows from the one before it."""

from pathlib import Path
from typing import BinaryIO

from petrosa.adapters.stores.journal.format import (
    NO_CHAIN,
    Header,
    Record,
    Turn,
    read_line,
    segment_numbers,
    segment_path,
    verified,
)
from petrosa.errors import JournalError


class JournalTail:
    """The lines of one run after a place. `segment`, `offset` and `chain` say how far it has come; 0 is the beginning.

    Only whole lines are read, so nothing is that a repair would cut off. Raises `JournalError` when the journal at the
    place is not the one that was read up to there, or has been pruned.
    """

    def __init__(self, folder: Path, segment: int = 0, offset: int = 0, chain: str = NO_CHAIN) -> None:
        self.segment = segment
        self.offset = offset
        self.chain = chain
        self._folder = folder
        self._file: BinaryIO | None = None

    def read(self, until: int) -> Record | None:
        """The next line, if there is one whole; none for a turn after turn `until`, which is read another time."""
        file = self._file or self._open()
        if file is None:
            return None
        line = file.readline()
        if not line and self._is_over():
            file = self._go_to(self.segment + 1)
            line = file.readline()
        if not line.endswith(b"\n"):
            file.seek(self.offset)
            return None
        chain, record = self._verified(line)
        if isinstance(record, Turn) and record.sequence > until:
            file.seek(self.offset)
            return None
        self.chain = chain
        self.offset += len(line)
        return record

    def close(self) -> None:
        """Let go of the file; the next `read` opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> BinaryIO | None:
        """The file of the place; none when nothing is written yet."""
        segments = segment_numbers(self._folder)
        if not segments:
            return None
        if self.segment == 0:
            return self._go_to(segments[0]) if _begins(segment_path(self._folder, segments[0])) else None
        if self.segment < segments[0]:
            raise JournalError(
                f"{self._folder}: segment {self.segment:06d} was removed before it was read to its end; restore it from"
                " a copy to read on"
            )
        return self._go_to(self.segment, self.offset)

    def _go_to(self, segment: int, offset: int = 0) -> BinaryIO:
        self.close()
        path = segment_path(self._folder, segment)
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise JournalError(f"cannot read {path}: {error.strerror}; restore it, or make it readable") from error
        self._file.seek(offset)
        self.segment, self.offset = segment, offset
        return self._file

    def _is_over(self) -> bool:
        """Whether the next segment has begun; one whose header is not whole yet may still be set aside."""
        return _begins(segment_path(self._folder, self.segment + 1))

    def _verified(self, line: bytes) -> tuple[str, Record]:
        previous = self.chain
        try:
            if previous == NO_CHAIN:
                first = read_line(line)
                previous = first.previous if isinstance(first, Header) else NO_CHAIN
            return verified(previous, line)
        except ValueError as error:
            raise JournalError(
                f"{self._folder}: segment {self.segment:06d}, byte {self.offset}: {error}; what was read before was of"
                " another journal, or this one was changed: see `petrosa journal verify`"
            ) from error


def _begins(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.readline().endswith(b"\n")
    except OSError:
        return False
