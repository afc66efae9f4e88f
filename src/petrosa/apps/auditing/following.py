"""Following a journal with the audit's projection, from a place that says all there is to know about going on."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.stores.journal.format import NO_CHAIN, Header, Turn, decode_decision, decode_event
from petrosa.adapters.stores.journal.reader import read_sidecar
from petrosa.adapters.stores.journal.tail import JournalTail
from petrosa.surfaces.audit.memory import Memory
from petrosa.surfaces.audit.projection import Entry, Projection

LINES_AT_ONCE: Final = 32
"""Lines read before others may run: a millisecond or so."""
ENTRIES_AT_ONCE: Final = 64
TO_THE_END: Final = (1 << 63) - 1


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """How far a journal has been followed: the place of the next line, the chain up to there, and what is remembered.

    `entries` are the turns read, `sequence` the last of them, `written` the records made of them.
    """

    run: str
    segment: int = 0
    offset: int = 0
    chain: str = NO_CHAIN
    sequence: int = 0
    entries: int = 0
    written: int = 0
    simulated: bool = True
    memory: Memory = msgspec.field(default_factory=Memory)


class Chunk(NamedTuple):
    """Some records, and the place after them."""

    entries: Sequence[Entry]
    place: Place


class RunName(NamedTuple):
    """A run by its name, and by a tag that no other run has: not on this machine, not on another."""

    run: str
    tag: str


def name_of(folder: Path) -> RunName:
    """Which run a folder holds, wherever the folder is moved to."""
    found = read_sidecar(folder)
    run = folder.name if found is None else found.run_id
    started = "" if found is None else found.started_at
    return RunName(run, hashlib.sha256(f"{run}|{started}".encode()).hexdigest()[:12])


class Follower:
    """One run's journal as chunks of records, from `place` on. Raises `JournalError`."""

    def __init__(self, folder: Path, name: RunName, place: Place) -> None:
        self.place = place
        self._tail = JournalTail(folder, place.segment, place.offset, place.chain)
        self._name = name
        self._simulated = place.simulated
        self._projection = Projection(name.run, name.tag, simulated=self._simulated, memory=place.memory.copy())

    def next(self, until: int = TO_THE_END) -> Chunk | None:
        """What the next lines amount to, turns up to `until`; none when there are none. May hold no record."""
        entries: list[Entry] = []
        turns = lines = 0
        sequence = self.place.sequence
        while lines < LINES_AT_ONCE and len(entries) < ENTRIES_AT_ONCE:
            record = self._tail.read(until)
            if record is None:
                break
            lines += 1
            match record:
                case Header():
                    self._begin(record)
                case Turn():
                    turns += 1
                    sequence = record.sequence
                    entries += self._fold(record)
                case _:
                    pass
        if not lines:
            return None
        before, tail = self.place, self._tail
        self.place = Place(
            run=self._name.run, segment=tail.segment, offset=tail.offset, chain=tail.chain, sequence=sequence,
            entries=before.entries + turns, written=before.written + len(entries), simulated=self._simulated,
            memory=self._projection.memory.copy(),
        )  # fmt: skip
        return Chunk(entries, self.place)

    def close(self) -> None:
        self._tail.close()

    def _begin(self, header: Header) -> None:
        """A segment says whether money is real; older ones may be gone, and their turns are counted in."""
        self._simulated = header.provenance.simulated
        if not self.place.segment:
            self.place = msgspec.structs.replace(self.place, entries=max(self.place.entries, header.entries))
        self._projection = Projection(
            self._name.run, self._name.tag, simulated=self._simulated, memory=self._projection.memory
        )

    def _fold(self, turn: Turn) -> list[Entry]:
        event = decode_event(turn.input) if bytes(turn.input) else None
        decisions = [decode_decision(raw) for raw in turn.decisions]
        return self._projection.fold(turn.sequence, turn.now, event, decisions)
