"""Reading a journal: every line verified against the chain, a torn end told apart from an altered middle."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from petrosa.adapters.stores.journal.format import (
    NO_CHAIN,
    SIDECAR,
    Closed,
    Header,
    Record,
    RunFile,
    Turn,
    decision_chain,
    decode_event,
    read_line,
    segment_numbers,
    segment_path,
    verified,
)
from petrosa.core.model.base import SCHEMA
from petrosa.errors import JournalError
from petrosa.ports import JournaledTurn


class Head:
    """Where a journal stands after the lines read or written so far: its chains, counts and last turn."""

    __slots__ = ("chain", "decisions", "entries", "now", "segment", "sequence")

    def __init__(self) -> None:
        self.chain = self.decisions = NO_CHAIN
        self.entries = self.segment = self.sequence = self.now = 0

    def take(self, record: Record) -> None:
        """Count a line in. A header must say what the lines before it amount to; raises `ValueError` when not."""
        match record:
            case Header():
                self._take_header(record)
            case Turn():
                if record.sequence <= self.sequence:
                    raise ValueError(f"turn {record.sequence} after turn {self.sequence}")
                self.entries += 1
                for decision in record.decisions:
                    self.decisions = decision_chain(self.decisions, record.sequence, record.now, bytes(decision))
            case Closed():
                pass
        self.sequence, self.now = record.sequence, record.now

    def _take_header(self, header: Header) -> None:
        if header.schema > SCHEMA:
            raise ValueError(f"schema {header.schema}; this version reads up to {SCHEMA}: use a newer petrosa")
        if self.segment:
            expected = (self.segment + 1, self.chain, self.decisions, self.entries)
            if expected != (header.segment, header.previous, header.decisions, header.entries):
                raise ValueError("the header does not continue the segment before it")
        self.segment, self.decisions, self.entries = header.segment, header.decisions, header.entries


class JournalReader:
    """One run's journal, verified while it is read.

    The first kept segment (or the first one from `since` on) is trusted to say what came before it. Raises
    `JournalError`, naming segment, line and byte, for a line that is altered, missing or of an unknown schema.
    Bytes after the last line feed of the last segment are a torn write: `torn_bytes` says how many, nothing is raised.
    """

    def __init__(self, folder: Path, since: int = 0) -> None:
        self.folder = folder
        self.segments = [number for number in segment_numbers(folder) if number >= since]
        if not self.segments:
            raise JournalError(f"{folder}: no journal here (expected files like 000001.journal); check the path")
        self.head = Head()
        self.torn_bytes = 0
        self.closed: Closed | None = None

    def header(self) -> Header:
        """The first kept header, its chain not verified."""
        return read_header(self.folder, self.segments[0])

    def records(self) -> Iterator[tuple[int, Record]]:
        """(segment, line) for every whole line, verified."""
        self.head = Head()
        for number in self.segments:
            for record in self._segment(number):
                yield number, record

    def turns(self) -> Iterator[JournaledTurn]:
        """Every remembered turn in order, its input decoded and its decisions as the bytes they were written in."""
        for _, record in self.records():
            if isinstance(record, Turn):
                yield journaled_turn(record)

    def verify(self) -> Head:
        """Read everything; where the journal ends."""
        for _ in self.records():
            pass
        return self.head

    def _segment(self, number: int) -> Iterator[Record]:
        path = segment_path(self.folder, number)
        offset = line_number = 0
        with path.open("rb") as file:
            for line in file:
                line_number += 1
                if not line.endswith(b"\n"):
                    if number != self.segments[-1]:
                        raise _broken(path, line_number, offset, "the line is cut short, and a later segment exists")
                    self.torn_bytes = len(line)
                    return
                try:
                    record = self._line(line, line_number)
                except ValueError as error:
                    raise _broken(path, line_number, offset, str(error)) from error
                offset += len(line)
                yield record

    def _line(self, line: bytes, line_number: int) -> Record:
        previous = self.head.chain
        if line_number == 1 and not self.head.segment:
            first = read_line(line)
            previous = first.previous if isinstance(first, Header) else NO_CHAIN
        chain, record = verified(previous, line)
        if (line_number == 1) != isinstance(record, Header):
            raise ValueError("a segment starts with its header, and has one")
        self.head.take(record)
        self.head.chain = chain
        self.closed = record if isinstance(record, Closed) else None
        return record


def journaled_turn(turn: Turn) -> JournaledTurn:
    event = decode_event(turn.input) if bytes(turn.input) else None
    return JournaledTurn(turn.sequence, turn.now, event, tuple(bytes(raw) for raw in turn.decisions))


def read_header(folder: Path, number: int) -> Header:
    """The header of one segment, its chain not verified. Raises `JournalError`."""
    path = segment_path(folder, number)
    try:
        with path.open("rb") as file:
            record = read_line(file.readline())
    except (OSError, ValueError) as error:
        raise _broken(path, 1, 0, str(error)) from error
    if not isinstance(record, Header):
        raise _broken(path, 1, 0, "a segment starts with its header")
    return record


def is_begun(folder: Path, number: int) -> bool:
    """Whether a segment's header is there whole: a crash may have come before it, or cut it short."""
    with segment_path(folder, number).open("rb") as file:
        return file.readline().endswith(b"\n")


def read_sidecar(folder: Path) -> RunFile | None:
    """What `run.json` says; none when it is absent, for it is a convenience and in no digest."""
    try:
        return msgspec.json.decode((folder / SIDECAR).read_bytes(), type=RunFile)
    except (OSError, ValueError):
        return None


def _broken(path: Path, line: int, offset: int, why: str) -> JournalError:
    return JournalError(
        f"{path.parent}: segment {path.stem}, line {line}, byte {offset}: {why}; "
        "what follows cannot be trusted: restore the segment from a copy, or start a new journal"
    )
