"""A tape gives back what was heard, up to the block that a crash tore."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.stores.tape.format import TapedFrame, segment_path
from petrosa.adapters.stores.tape.reader import TapeReader
from petrosa.adapters.stores.tape.writer import TapeWriter, open_append
from petrosa.errors import JournalError, StorageError
from tests.kit.soak import examples


def frames(count: int) -> list[TapedFrame]:
    return [TapedFrame(n, 1_000 + n, 900 + n, "binance:usdm", b'{"stream":"x","n":%d}' % n) for n in range(count)]


def taped(folder: Path, heard: list[TapedFrame], *, segment_bytes: int = 1 << 30) -> TapeWriter:
    tape = TapeWriter(folder, block_bytes=500, segment_bytes=segment_bytes)
    for frame in heard:
        tape.append(*frame)
    tape.close()
    return tape


@examples(30)
@given(
    st.lists(
        st.builds(
            TapedFrame,
            st.integers(0, 2**64 - 1), st.integers(-(2**63), 2**63 - 1), st.integers(-(2**63), 2**63 - 1),
            st.text(max_size=20), st.binary(max_size=300),
        ),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_what_was_heard_comes_back(tmp_path_factory: pytest.TempPathFactory, heard: list[TapedFrame]) -> None:
    """Any frames are read as they were written, in order, with the writer's digest."""
    folder = tmp_path_factory.mktemp("tape")
    tape = taped(folder, heard)
    assert heard == list(TapeReader(folder).frames())
    assert tape.sha256 == TapeReader(folder).sha256()


def test_segments_and_blocks_do_not_show_in_the_digest(tmp_path: Path) -> None:
    """The digest is of what was heard, however it was cut."""
    one = taped(tmp_path / "a", frames(300))
    many = taped(tmp_path / "b", frames(300), segment_bytes=300)
    assert len(TapeReader(tmp_path / "b").segments) > 3
    assert one.sha256 == many.sha256
    assert frames(300) == list(TapeReader(tmp_path / "b").frames())


def test_a_torn_last_block_is_left_out(tmp_path: Path) -> None:
    """A tape cut at any byte gives every frame of the whole blocks, and counts what it could not read."""
    taped(tmp_path / "a", frames(60))
    data = segment_path(tmp_path / "a", 1).read_bytes()
    torn = tmp_path / "b"
    torn.mkdir()
    for cut in range(len(data)):
        segment_path(torn, 1).write_bytes(data[:cut])
        reader = TapeReader(torn)
        read = list(reader.frames())
        assert frames(60)[: len(read)] == read
        assert (reader.torn_bytes > 0) == (len(read) * 0 + _whole(data, cut) != cut)


def _whole(data: bytes, cut: int) -> int:
    """Bytes of whole blocks before `cut`."""
    offset = 0
    while (end := offset + 12 + int.from_bytes(data[offset + 4 : offset + 8], "little")) <= cut and offset < cut:
        offset = end
    return offset


def test_a_start_after_a_crash_begins_a_segment(tmp_path: Path) -> None:
    """What a second process hears comes after what the first one could save."""
    taped(tmp_path, frames(40))
    path = segment_path(tmp_path, 1)
    path.write_bytes(path.read_bytes()[:-3])
    survived = list(TapeReader(tmp_path).frames())
    taped(tmp_path, frames(5))
    assert [*survived, *frames(5)] == list(TapeReader(tmp_path).frames())


def test_an_altered_block_is_found(tmp_path: Path) -> None:
    """A changed byte in the middle is an error that names the place, not an early end."""
    taped(tmp_path, frames(200))
    path = segment_path(tmp_path, 1)
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    with pytest.raises(JournalError, match="the block at byte 0 is altered"):
        list(TapeReader(tmp_path).frames())


def test_flush_makes_a_frame_readable(tmp_path: Path) -> None:
    """After `flush` another process sees the frame."""
    tape = TapeWriter(tmp_path)
    tape.append(*frames(1)[0])
    assert not list(tmp_path.glob("*.tape"))
    tape.flush()
    assert frames(1) == list(TapeReader(tmp_path).frames())
    tape.close()


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    """A tape that cannot be written says so, and goes on saying so."""
    tape = TapeWriter(tmp_path, opener=lambda path: open_append(Path("/dev/full")))
    tape.append(*frames(1)[0])
    with pytest.raises(StorageError, match="Free disk space"):
        tape.flush()
    with pytest.raises(StorageError, match="Free disk space"):
        tape.flush()
    tape.close()
