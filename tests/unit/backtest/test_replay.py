"""A journal and its market can be turned again, and the first difference is shown."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.backtest.replay import Replay, check_version
from petrosa.backtest.run import run
from petrosa.backtest.source import TimedSource, peek
from petrosa.core.model.events import Decision, Event
from petrosa.core.turns import Turns
from petrosa.errors import JournalError
from tests.kit.toys import PROVENANCE, RUN, START, ToyDesk, batches, nowhere


def recorded(folder: Path, count: int, segment_bytes: int = 1 << 30) -> JournalWriter:
    journal = JournalWriter(folder, PROVENANCE, RUN, durable=False, segment_bytes=segment_bytes)
    turns = Turns(ToyDesk(), journal.record, nowhere)
    run(batches(count), turns, journal, lambda: b"{}", START)
    journal.close()
    return journal


def last_of(folder: Path) -> int:
    return JournalReader(folder).verify().sequence


def test_a_run_replays_identically(tmp_path: Path) -> None:
    """Inputs and facts turned again make every decision again, over segment boundaries."""
    journal = recorded(tmp_path, 500, 3_000)
    replayed = Replay(ToyDesk(), JournalReader(tmp_path).turns(), batches(500), last_of(tmp_path)).run()
    assert replayed.difference is None
    assert (journal.head.sequence, journal.head.now) == (replayed.sequence, replayed.now)
    assert replayed.decisions > 50


def test_the_same_data_makes_the_same_digests(tmp_path: Path) -> None:
    """A run made twice has the same two digests, and its first part the same decisions as the whole."""
    whole, again, part = (recorded(tmp_path / name, count) for name, count in (("a", 500), ("b", 500), ("c", 300)))
    assert (whole.sha256, whole.decisions_sha256) == (again.sha256, again.decisions_sha256)
    turns = [list(JournalReader(tmp_path / name).turns()) for name in ("a", "c")]
    assert turns[0][: len(turns[1])] == turns[1]
    assert part.entries == len(turns[1])


class Different(ToyDesk):
    """A toy desk that has changed its mind about one trade."""

    def handle(self, event: Event, now: int) -> Sequence[Decision]:
        decisions = super().handle(event, now)
        return () if self.trades == 130 else decisions


def test_the_first_difference_is_shown(tmp_path: Path) -> None:
    """A replay stops at the first decision that is not the same and shows both sides."""
    recorded(tmp_path, 500)
    replayed = Replay(Different(), JournalReader(tmp_path).turns(), batches(500), last_of(tmp_path)).run()
    difference = replayed.difference
    assert difference is not None
    assert (b"", 1) == (bytes(difference.ours), difference.position)
    assert b"refused-130" in bytes(difference.theirs)
    assert f"turn {difference.sequence} differs" in str(difference)


def test_a_recording_that_is_too_short_is_named(tmp_path: Path) -> None:
    """A replay with another recording does not end as if all were well."""
    recorded(tmp_path, 500)
    with pytest.raises(JournalError, match="give the recording that the journal names"):
        Replay(ToyDesk(), JournalReader(tmp_path).turns(), batches(100), last_of(tmp_path)).run()


def test_an_observer_can_stop_a_replay(tmp_path: Path) -> None:
    """A replay goes exactly as far as the observer wants."""
    recorded(tmp_path, 500)
    replay = Replay(ToyDesk(), JournalReader(tmp_path).turns(), batches(500), last_of(tmp_path))
    assert 40 == replay.run(lambda sequence, now, event, decisions: sequence < 40).sequence


def test_another_version_is_refused_unless_asked_for() -> None:
    """Identity is promised per version of the code."""
    assert check_version("1", "1", across_versions=False) is None
    assert "differences may come from the code" in (check_version("1", "2", across_versions=True) or "")
    with pytest.raises(JournalError, match="written by 1, this is 2"):
        check_version("1", "2", across_versions=False)


def test_a_source_hands_out_what_is_held_back() -> None:
    """Facts that decoding holds back come at the end, and the first time is known without losing the first batch."""
    heard = [item for batch in batches(30, 10) for item in batch]
    source = TimedSource(iter([[0, 1], [2]]), lambda frames: heard[: 10 * len(frames)], lambda: heard[20:])
    at, again = peek(iter(source))
    assert START == at
    assert [20, 10, 10] == [len(batch) for batch in again]
    assert source.read_s >= 0.0
    assert (0, []) == (peek(iter(()))[0], list(peek(iter(()))[1]))
