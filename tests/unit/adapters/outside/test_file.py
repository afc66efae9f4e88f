"""Files of readings: appended whole, mended after a crash, never anybody else's, and read as a source."""

import gzip
from pathlib import Path

import pytest

from petrosa.adapters.outside.file import FileReadings, ReadingFile
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.readings import encode_reading, line_of
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Reading
from petrosa.errors import FrameError, StorageError

TS = 1_767_225_600 * NS_PER_SECOND


def reading(number: int) -> Reading:
    return Reading("kraken", "quote", "BTC/USD", TS + number, TS + number, {"bid": float(number), "ask": number + 1.0})


def appended(path: Path, *numbers: int) -> ReadingFile:
    file = ReadingFile(path)
    for number in numbers:
        file.append([reading(number)])
    file.close()
    return file


async def read(path: Path) -> list[int]:
    """The readings of a file, by number."""
    source, found = FileReadings(Recording([path]).batches()), []
    while readings := await source.poll():
        found += [one.ts_event - TS for one in readings]
    assert not source.refused
    return found


@pytest.fixture(params=["r.gz", "r.jsonl"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / "folder" / str(request.param)


async def test_what_is_appended_is_read_again(path: Path) -> None:
    """Over two openings, in order, packed or plain."""
    assert 0 == appended(path, 1, 2).cut
    assert 0 == appended(path, 3).cut
    assert [1, 2, 3] == await read(path)


async def test_a_file_that_broke_off_anywhere_is_mended_on_opening(path: Path) -> None:
    """Every length at which a crash can leave the third append: what came before stays, what comes next is read."""
    whole = path.parent / "whole"
    appended(path, 1, 2)
    sound = path.stat().st_size
    appended(path, 3)
    complete = path.read_bytes()
    for size in range(sound + 1, len(complete)):
        path.write_bytes(complete[:size])
        assert size - sound == appended(path, 4).cut
        assert [1, 2, 4] == await read(path)
    assert not whole.exists()


@pytest.mark.parametrize("name", ["r.gz", "r.jsonl"])
@pytest.mark.parametrize("content", [b"name;value\n1;2\n", b"PK\x03\x04", gzip.compress(b"a letter\n", mtime=0)])
def test_somebody_elses_file_is_left_alone(name: str, content: bytes, tmp_path: Path) -> None:
    """What does not begin as a recording is refused, and not a byte of it is changed."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StorageError, match="choose another"):
        ReadingFile(tmp_path / name)
    assert content == (tmp_path / name).read_bytes()


def test_a_file_damaged_in_the_middle_is_not_cut(tmp_path: Path) -> None:
    """Only a tail that broke off may go: readings behind the damage are somebody's."""
    path = tmp_path / "r.gz"
    appended(path, 1, 2, 3)
    damaged = bytearray(path.read_bytes())
    damaged[path.stat().st_size // 2] ^= 0xFF
    path.write_bytes(damaged)
    with pytest.raises(StorageError, match="choose another"):
        ReadingFile(path)
    assert bytes(damaged) == path.read_bytes()


def test_a_place_that_takes_nothing_is_named(tmp_path: Path) -> None:
    """A folder is no file."""
    with pytest.raises(StorageError, match="does not take readings"):
        ReadingFile(tmp_path)


def test_a_reading_that_no_frame_can_hold_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    """All of an append or nothing."""
    file = ReadingFile(tmp_path / "r.jsonl")
    with pytest.raises(FrameError):
        file.append([reading(1), Reading("Kraken", "quote", "BTC/USD", TS, TS, {"bid": 1.0})])
    file.close()
    assert b"" == (tmp_path / "r.jsonl").read_bytes()


async def test_other_frames_of_a_recording_are_counted(tmp_path: Path) -> None:
    """A market's frames are no readings, and a reading that cannot be read has its reason."""
    frames = [
        RawFrame(TS, b'{"stream":"btcusdt@trade","data":{}}'),
        RawFrame(TS, encode_reading(reading(1))),
        RawFrame(TS, encode_reading(reading(2)).replace(b'"bid":2.0', b'"bid":"x"')),
    ]
    source = FileReadings(iter([frames]))
    assert [1] == [one.ts_event - TS for one in await source.poll()]
    assert {"no_reading": 1, "malformed": 1} == source.refused
    assert () == await source.poll()
    assert line_of(reading(1)).endswith(b"}}}\n")
