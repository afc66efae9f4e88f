"""A journal remembers exactly what it was told, and shows when somebody changed it."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.stores.journal.format import Header, Turn, decode_decision, segment_path
from petrosa.adapters.stores.journal.listing import list_runs, verify
from petrosa.adapters.stores.journal.prune import prune, prune_segments
from petrosa.adapters.stores.journal.reader import JournalReader, read_header
from petrosa.adapters.stores.journal.repair import repair_tail
from petrosa.adapters.stores.journal.writer import AppendFile, JournalWriter, open_append
from petrosa.core.model.base import Side
from petrosa.core.model.events import Alarm, Started
from petrosa.core.model.market import FeedState, FeedStateChanged
from petrosa.core.model.orders import Approved
from petrosa.core.turns import Turns
from petrosa.errors import JournalError, StorageError
from tests.kit.disks import FullDisk
from tests.kit.soak import examples
from tests.kit.toys import BTC, PROVENANCE, RUN, START, ToyDesk, fill, intent, market, nowhere, trade


def written(folder: Path, count: int = 200, *, segment_bytes: int = 1 << 30, durable: bool = False) -> JournalWriter:
    """A whole toy run in `folder`, closed."""
    journal = JournalWriter(folder, PROVENANCE, RUN, durable=durable, segment_bytes=segment_bytes)
    desk = ToyDesk()
    turns = Turns(desk, journal.record, nowhere)
    journal.rotate(0, START, b"{}")
    turns.other(Started("toy"), START)
    for now, event in market(count):
        if journal.full:
            journal.rotate(turns.sequence, turns.now, b'{"trades":%d}' % desk.trades)
        turns.market(event, now)
    journal.finish(turns.sequence, turns.now)
    journal.close()
    return journal


def test_what_was_decided_comes_back(tmp_path: Path) -> None:
    """Every input and decision is read as it was written, with the sequence and time of its turn."""
    with_journal = JournalWriter(tmp_path, PROVENANCE, RUN)
    with_journal.rotate(0, START, b'{"a":1}')
    told = FeedStateChanged(BTC, START, START, "trade", FeedState.STALE, "quiet")
    with_journal.record(1, START, told, ())
    with_journal.record(2, START + 1, trade(1), ())
    with_journal.record(3, START + 2, trade(2), (Approved(intent(1)), Alarm("x", "y")))
    with_journal.close()
    turns = list(JournalReader(tmp_path).turns())
    assert [turn.sequence for turn in turns] == [1, 3]
    assert told == turns[0].event
    assert turns[1].event is None
    assert [Approved(intent(1)), Alarm("x", "y")] == [decode_decision(msgspec.Raw(d)) for d in turns[1].decisions]


def test_the_same_run_has_the_same_digests(tmp_path: Path) -> None:
    """Two runs of the same events have the same bytes wherever they are kept and whatever they are called."""
    first, second = written(tmp_path / "a"), written(tmp_path / "b")
    assert (first.sha256, first.decisions_sha256) == (second.sha256, second.decisions_sha256)
    assert segment_path(tmp_path / "a", 1).read_bytes() == segment_path(tmp_path / "b", 1).read_bytes()


def test_reading_gives_the_digests_of_writing(tmp_path: Path) -> None:
    """`verify` computes from the bytes alone what the writer said."""
    journal = written(tmp_path, segment_bytes=3_000)
    proved = verify(tmp_path)
    assert (journal.sha256, journal.decisions_sha256, journal.entries) == (
        proved.sha256, proved.decisions_sha256, proved.entries,
    )  # fmt: skip
    assert proved.closed
    assert proved.segments > 2


def test_rotation_changes_no_decision_digest(tmp_path: Path) -> None:
    """How a journal is cut into segments shows in its digest, but not in that of its decisions."""
    whole, cut = written(tmp_path / "a"), written(tmp_path / "b", segment_bytes=2_000)
    assert whole.decisions_sha256 == cut.decisions_sha256


def test_rotation_is_deterministic(tmp_path: Path) -> None:
    """The same run is cut at the same turns, with the same checkpoints."""
    written(tmp_path / "a", segment_bytes=2_000)
    written(tmp_path / "b", segment_bytes=2_000)
    names = sorted(path.name for path in (tmp_path / "a").glob("*.journal"))
    assert names == sorted(path.name for path in (tmp_path / "b").glob("*.journal"))
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in names)


def test_a_header_holds_the_checkpoint_of_its_boundary(tmp_path: Path) -> None:
    """A segment begins with the state after the last turn before it."""
    written(tmp_path, segment_bytes=2_000)
    header = read_header(tmp_path, 2)
    assert b'{"trades":%d}' % (header.sequence - _turns_that_were_no_trade(tmp_path, header)) == bytes(
        header.checkpoint
    )


def _turns_that_were_no_trade(folder: Path, header: Header) -> int:
    turns = JournalReader(folder).turns()
    return sum(1 for turn in turns if turn.event is not None and turn.sequence <= header.sequence)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], JournalWriter]:
    folder = tmp_path_factory.mktemp("whole")
    journal = written(folder, 60)
    return segment_path(folder, 1).read_bytes().splitlines(keepends=True), journal


def test_a_tail_torn_at_any_byte_is_repaired(tmp_path: Path, whole: tuple[list[bytes], JournalWriter]) -> None:
    """Whatever part of the last record a crash left, the record before it is the last, and the rest is kept aside."""
    lines, _ = whole
    kept = b"".join(lines[:-1])
    for cut in range(1, len(lines[-1])):
        folder = tmp_path / str(cut)
        folder.mkdir()
        path = segment_path(folder, 1)
        path.write_bytes(kept + lines[-1][:cut])
        _, message = repair_tail(folder)
        assert message is not None
        assert kept == path.read_bytes()
        assert lines[-1][:cut] == path.with_suffix(".torn").read_bytes()


def test_a_torn_header_is_set_aside(tmp_path: Path) -> None:
    """A crash between opening a segment and its first line leaves the segment before it as the last."""
    written(tmp_path)
    segment_path(tmp_path, 2).write_bytes(b'{"record":"header","sche')
    head, message = repair_tail(tmp_path)
    assert message is not None
    assert head.segment == 1
    assert not segment_path(tmp_path, 2).exists()


@examples(150)
@given(place=st.integers(0, 10**9), bit=st.integers(0, 7))
def test_an_altered_byte_is_found(
    tmp_path_factory: pytest.TempPathFactory, whole: tuple[list[bytes], JournalWriter], place: int, bit: int
) -> None:
    """No bit of a journal can change without `verify` naming the segment, the line and the byte."""
    data = bytearray(b"".join(whole[0]))
    place %= len(data) - 1
    data[place] ^= 1 << bit
    folder = tmp_path_factory.mktemp("altered")
    segment_path(folder, 1).write_bytes(data)
    with pytest.raises(JournalError, match=r"segment 000001, line \d+, byte \d+"):
        verify(folder)


def test_altered_rules_of_an_instrument_are_found(tmp_path: Path, whole: tuple[list[bytes], JournalWriter]) -> None:
    """Rules that cannot be are an alteration of the journal, and no mistake in the configuration of whoever reads."""
    lines, _ = whole
    header = lines[0].replace(b'"contract_size":"1"', b'"contract_size":"0"')
    assert header != lines[0]
    segment_path(tmp_path, 1).write_bytes(b"".join([header, *lines[1:]]))
    with pytest.raises(JournalError, match=r"segment 000001, line 1, byte \d+"):
        verify(tmp_path)


def test_a_removed_line_is_found(tmp_path: Path, whole: tuple[list[bytes], JournalWriter]) -> None:
    """A record cannot be taken out."""
    lines, _ = whole
    segment_path(tmp_path, 1).write_bytes(b"".join([*lines[:3], *lines[4:]]))
    with pytest.raises(JournalError, match="line 4"):
        verify(tmp_path)


def test_a_missing_segment_is_found(tmp_path: Path) -> None:
    """A segment cannot be taken out of the middle."""
    written(tmp_path, segment_bytes=2_000)
    segment_path(tmp_path, 2).unlink()
    with pytest.raises(JournalError, match="000002 is missing"):
        verify(tmp_path)


def test_a_second_writer_is_refused(tmp_path: Path) -> None:
    """One folder has one writer, and the refusal names the process."""
    first = JournalWriter(tmp_path, PROVENANCE, RUN)
    with pytest.raises(StorageError, match=r"in use by process \d+"):
        JournalWriter(tmp_path, PROVENANCE, RUN)
    first.close()
    JournalWriter(tmp_path, PROVENANCE, RUN).close()


def test_a_restart_goes_on_in_a_new_segment(tmp_path: Path) -> None:
    """The chain, the counts and the segments of a journal go on over a restart."""
    before = written(tmp_path, 50)
    again = JournalWriter(tmp_path, PROVENANCE, RUN)
    again.rotate(before.head.sequence, before.head.now, b"{}")
    again.record(before.head.sequence + 1, before.head.now, Started("again"), ())
    again.close()
    proved = verify(tmp_path)
    assert (2, before.entries + 1, again.sha256) == (proved.segments, proved.entries, proved.sha256)
    assert not proved.closed


@pytest.mark.parametrize("room", [1_200, 1_300, 1_301])
def test_a_full_disk_lets_nothing_leave(tmp_path: Path, room: int) -> None:
    """When the disk is full the order is not sent, and nothing is recorded ever after."""

    def opener(path: Path) -> AppendFile:
        return FullDisk(path, room)

    journal = JournalWriter(tmp_path, PROVENANCE, RUN, opener=opener)
    journal.rotate(0, START, b"{}")
    sent: list[object] = []
    turns = Turns(ToyDesk(), journal.record, lambda order, now: sent.append(order))

    def turn_on() -> None:
        for now, event in market(1_000):
            turns.market(event, now)

    with pytest.raises(StorageError, match="Free disk space"):
        turn_on()
    count = len(sent)
    with pytest.raises(StorageError):
        journal.record(10_000, START, trade(1), (Approved(intent(9)),))
    with pytest.raises(StorageError):
        journal.sync()
    journal.close()
    repair_tail(tmp_path)
    decided = sum(
        isinstance(decode_decision(msgspec.Raw(d)), Approved)
        for t in JournalReader(tmp_path).turns()
        for d in t.decisions
    )
    assert count == decided


def test_a_device_that_is_always_full_is_named(tmp_path: Path) -> None:
    """The kernel's own full device is refused at the first line, with the remedy."""
    journal = JournalWriter(tmp_path, PROVENANCE, RUN, opener=lambda path: open_append(Path("/dev/full")))
    with pytest.raises(StorageError, match="No space left on device"):
        journal.rotate(0, START, b"{}")
    journal.close()


def test_only_intents_are_synced_at_once(tmp_path: Path) -> None:
    """A refusal waits for the next sync, an intent does not."""
    journal = JournalWriter(tmp_path, PROVENANCE, RUN)
    journal.rotate(0, START, b"{}")
    synced = journal.syncs
    journal.record(1, START, trade(1), (Alarm("a", "b"),))
    assert synced == journal.syncs
    journal.record(2, START, trade(2), (Approved(intent(1)),))
    assert synced + 1 == journal.syncs
    journal.sync()
    assert synced + 1 == journal.syncs
    journal.close()


def test_the_tape_is_written_first(tmp_path: Path) -> None:
    """What a record refers to is flushed before the record is written."""
    order: list[str] = []
    journal = JournalWriter(
        tmp_path, PROVENANCE, RUN, before_write=lambda: order.append("tape"), crash_point=order.append
    )
    journal.rotate(0, START, b"{}")
    order.clear()
    journal.record(1, START, trade(1), (Approved(intent(1)),))
    assert order == ["tape", "journal.before_write", "journal.after_write", "journal.after_sync"]
    journal.close()


def flat_run(folder: Path, rounds: int, *, closes_last: bool) -> None:
    """A position opened and closed once in each segment, the last one left open on demand."""
    journal = JournalWriter(folder, PROVENANCE, RUN)
    sequence = 0
    for number in range(rounds):
        journal.rotate(sequence, START, b"{}")
        opening, closing = intent(2 * number), intent(2 * number + 1)
        events = [(trade(1), (Approved(opening),)), (fill(opening, 2 * number, START), ())]
        if closes_last or number != 1:
            events += [(trade(2), (Approved(closing),)), (fill(closing, 2 * number + 1, START, Side.SELL), ())]
        for event, decisions in events:
            sequence += 1
            journal.record(sequence, START, event, decisions)
    journal.close()


def test_pruning_leaves_a_journal_that_verifies(tmp_path: Path) -> None:
    """From the first kept header on, everything still verifies, and the newest segment stays."""
    flat_run(tmp_path, 4, closes_last=True)
    pruned = prune_segments(tmp_path, seconds_max=1e12, bytes_max=0, wall_now=0.0)
    assert len(pruned.removed) == 3
    proved = verify(tmp_path)
    assert (proved.first_segment, proved.entries) == (4, 16)


def test_an_open_position_keeps_its_segment(tmp_path: Path) -> None:
    """The segment with the intent of a position that is still open is not removed, and is named."""
    flat_run(tmp_path, 4, closes_last=False)
    pruned = prune_segments(tmp_path, seconds_max=1e12, bytes_max=0, wall_now=0.0)
    assert len(pruned.removed) == 1
    assert "000002" in pruned.kept[0]
    assert verify(tmp_path).first_segment == 2


def test_whole_simulated_runs_go_the_newest_stays(tmp_path: Path) -> None:
    """Runs on recordings are removed entire, oldest first, but never the newest."""
    for name in ("a", "b", "c"):
        written(tmp_path / name)
    assert len(list_runs(tmp_path)) == 3
    prune(tmp_path, days_max=1e6, bytes_max=1, wall_now=0.0)
    left = list_runs(tmp_path)
    assert len(left) == 1


def test_the_list_knows_a_run_without_reading_it_all(tmp_path: Path) -> None:
    """One line of the list: segments, entries, where it stood, and whether it is being written."""
    written(tmp_path / "a", segment_bytes=2_000)
    journal = JournalWriter(tmp_path / "b", PROVENANCE, RUN)
    journal.rotate(0, START, b"{}")
    first, second = list_runs(tmp_path)
    assert first.segments > 2
    assert (first.being_written, second.being_written) == (False, True)
    assert first.run_id == "toy"
    journal.close()


def test_records_are_headers_and_turns(tmp_path: Path) -> None:
    """Each segment has one header, first, and turns after it."""
    written(tmp_path, segment_bytes=2_000)
    kinds: dict[int, list[type]] = {}
    for segment, record in JournalReader(tmp_path).records():
        kinds.setdefault(segment, []).append(type(record))
    assert all(of[0] is Header and Header not in of[1:] for of in kinds.values())
    assert Turn in kinds[1]
