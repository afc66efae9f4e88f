"""A journal is read on from a place while it is written, and only when it is the same journal."""

from pathlib import Path

import pytest

from petrosa.adapters.stores.journal.format import NO_CHAIN, Turn, segment_path
from petrosa.adapters.stores.journal.tail import JournalTail
from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.core.model.events import Started
from petrosa.errors import JournalError
from tests.kit.toys import PROVENANCE, RUN, START

FOREVER = 1 << 62


def journal_of(folder: Path) -> JournalWriter:
    return JournalWriter(folder, PROVENANCE, RUN)


def turn(journal: JournalWriter, sequence: int) -> None:
    journal.record(sequence, START + sequence, Started("toy"), ())


def read(tail: JournalTail, until: int = FOREVER) -> list[int]:
    """The turns that are there now."""
    found = []
    while (record := tail.read(until)) is not None:
        found += [record.sequence] if isinstance(record, Turn) else []
    return found


def test_lines_are_read_as_they_are_written(tmp_path: Path) -> None:
    """Before there is a journal, over the beginning of a segment, and after an orderly end."""
    tail = JournalTail(tmp_path)
    assert [] == read(tail)
    with_journal = journal_of(tmp_path)
    with_journal.rotate(0, START, b"{}")
    turn(with_journal, 1)
    assert [1] == read(tail)
    turn(with_journal, 2)
    with_journal.rotate(2, START, b"{}")
    turn(with_journal, 3)
    with_journal.finish(3, START)
    assert [2, 3] == read(tail)
    assert [] == read(tail)
    with_journal.close()
    tail.close()


def test_what_is_not_safe_yet_is_read_later(tmp_path: Path) -> None:
    """Up to the last turn that survives a power cut, which the writer knows."""
    journal = journal_of(tmp_path)
    journal.rotate(0, START, b"{}")
    turn(journal, 1)
    journal.sync()
    turn(journal, 2)
    tail = JournalTail(tmp_path)
    assert ([1], 1) == (read(tail, journal.synced), journal.synced)
    journal.sync()
    assert ([2], 2) == (read(tail, journal.synced), journal.synced)
    tail.close()
    journal.close()


def test_a_place_is_enough_to_go_on(tmp_path: Path) -> None:
    """From anywhere in any segment, a torn end left alone until it is whole."""
    journal = journal_of(tmp_path)
    for first in (0, 10):
        journal.rotate(first, START, b"{}")
        for sequence in range(first + 1, first + 6):
            turn(journal, sequence)
    journal.close()
    tail = JournalTail(tmp_path)
    seen: list[int] = []
    while (record := tail.read(FOREVER)) is not None:
        seen += [record.sequence] if isinstance(record, Turn) else []
        onward = JournalTail(tmp_path, tail.segment, tail.offset, tail.chain)
        assert [1, 2, 3, 4, 5, 11, 12, 13, 14, 15] == seen + read(onward)
        onward.close()
    with segment_path(tmp_path, 2).open("ab") as file:
        file.write(b'{"record":"turn"')
    assert [] == read(tail)
    tail.close()


def test_another_journal_is_refused(tmp_path: Path) -> None:
    """A chain that does not lead here, a segment that is gone: said, with what to do."""
    journal = journal_of(tmp_path)
    for sequence in (1, 2):
        journal.rotate(sequence - 1, START, b"{}")
        turn(journal, sequence)
    journal.close()
    tail = JournalTail(tmp_path)
    tail.read(FOREVER)
    altered = JournalTail(tmp_path, tail.segment, tail.offset, "f" * 64)
    with pytest.raises(JournalError, match="of another journal"):
        altered.read(FOREVER)
    segment_path(tmp_path, 1).unlink()
    with pytest.raises(JournalError, match="segment 000001 was removed"):
        JournalTail(tmp_path, 1, 10, tail.chain).read(FOREVER)
    kept = JournalTail(tmp_path, 0, 0, NO_CHAIN)
    assert [2] == read(kept)
    kept.close()
    altered.close()
    tail.close()
