"""A recording is readable whatever happened to its recorder, and nothing in it changes unnoticed."""

import gzip
import hashlib
from functools import partial
from pathlib import Path

import pytest

from petrosa.adapters.stores.recording.manifest import GAPS_MAX, NAME, Gap, Manifest, read_manifest
from petrosa.adapters.stores.recording.writer import RecordingWriter
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.frame import RawFrame
from petrosa.errors import ConfigError, RecordingError, StorageError
from tests.kit.disks import FullDisk
from tests.kit.soak import sample

START = 1_800_000_000_000_000_000
ABOUT = Manifest(
    version="1", venue="binance", market="usdm", environment="paper", symbols=("BTCUSDT",), streams=("aggTrade",),
    begun_ns=START,
)  # fmt: skip
BIG = 1 << 30


def frame(number: int) -> RawFrame:
    at = START + number
    payload = b'{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":%d,"s":"BTCUSDT","a":%d}}' % (at, number)
    return RawFrame(at, payload)


def writer(
    folder: Path, *, size: int = BIG, span: int = BIG, about: Manifest = ABOUT, **more: object
) -> RecordingWriter:
    return RecordingWriter(folder, about, segment_bytes=size, segment_ns=span, **more)  # type: ignore[arg-type]


def written(folder: Path, numbers: range, *, every: int = 5, close: bool = True) -> RecordingWriter:
    """A recording of these frames, flushed every so many, with a segment for ten."""
    made = writer(folder, span=9)
    for number in numbers:
        made.append(*frame(number))
        if number % every == every - 1:
            made.flush()
            if (ended := made.full()) is not None:
                made.close_segment(ended)
    if close:
        made.close(START + numbers.stop)
    else:
        made.abandon()
    return made


def frames_of(folder: Path) -> list[RawFrame]:
    return [one for batch in Recording([folder]).batches() for one in batch]


def test_segments_hold_every_frame_once(tmp_path: Path) -> None:
    """What is in the manifest is what lies beside it, and a recording reads it whole."""
    written(tmp_path, range(27))
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    assert [(one.name, one.frames, one.ended) for one in manifest.segments] == [
        ("000001.gz", 10, "time"), ("000002.gz", 10, "time"), ("000003.gz", 7, "end"),
    ]  # fmt: skip
    for one in manifest.segments:
        data = (tmp_path / one.name).read_bytes()
        assert (one.bytes, one.sha256) == (len(data), hashlib.sha256(data).hexdigest())
        lines = gzip.decompress(data).splitlines()
        assert (one.first_ns, one.last_ns) == tuple(int(line.split()[0]) for line in (lines[0], lines[-1]))
    assert manifest.frames == 27
    assert manifest.ended_ns == START + 27
    assert manifest.open_segment == ""
    assert frames_of(tmp_path) == [frame(number) for number in range(27)]


def test_a_segment_is_closed_at_its_size(tmp_path: Path) -> None:
    made = writer(tmp_path, size=200)
    made.append(*frame(1))
    assert made.full() is None
    for number in range(2, 40):
        made.append(*frame(number))
    made.flush()
    assert made.full() == "size"
    made.close(START)


def test_killed_at_any_byte_it_is_readable_and_goes_on(tmp_path: Path) -> None:
    """Whatever part of the last member is on the disk: what was flushed before is read, and the next recorder closes
    the segment and begins another."""
    whole = tmp_path / "whole"
    written(whole, range(15), close=False)
    data, manifest = (whole / "000002.gz").read_bytes(), (whole / NAME).read_bytes()
    first = (whole / "000001.gz").read_bytes()
    torn = gzip.compress(b"".join(b"%d %b\n" % frame(number) for number in range(15, 20)))
    for cut in sample(range(0, len(torn), 7), range(len(torn))):
        folder = tmp_path / str(cut)
        folder.mkdir()
        (folder / NAME).write_bytes(manifest)
        (folder / "000001.gz").write_bytes(first)
        (folder / "000002.gz").write_bytes(data + torn[:cut])
        recording = Recording([folder])
        read = [one for batch in recording.batches() for one in batch]
        assert read[:15] == [frame(number) for number in range(15)]
        assert recording.faults.counts["open_segment"] == 1
        again = writer(folder)
        assert f"with 15 frames; {cut} torn" not in again.repaired
        assert f"with 5 frames; {cut} torn bytes" in again.repaired
        again.append(*frame(30))
        again.close(START + 30)
        assert frames_of(folder) == [*(frame(number) for number in range(15)), frame(30)]
        assert not Recording([folder]).faults.counts


def test_nothing_of_an_open_segment_is_whole(tmp_path: Path) -> None:
    """Its recorder died in its first member: the rest is read, and the next recorder begins anew."""
    written(tmp_path, range(10), close=False)
    manifest = read_manifest(tmp_path)
    assert manifest is not None
    made = writer(tmp_path)
    made.append(*frame(11))
    made.flush()
    made.abandon()
    (tmp_path / "000002.gz").write_bytes((tmp_path / "000002.gz").read_bytes()[:12])
    assert frames_of(tmp_path) == [frame(number) for number in range(10)]
    again = writer(tmp_path)
    again.append(*frame(12))
    again.close(START)
    assert frames_of(tmp_path) == [*(frame(number) for number in range(10)), frame(12)]


@pytest.mark.parametrize("harm", ["changed", "missing", "truncated"])
def test_a_harmed_segment_is_refused(tmp_path: Path, harm: str) -> None:
    written(tmp_path, range(20))
    path = tmp_path / "000001.gz"
    if harm == "changed":
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()).replace(b'"a":3', b'"a":4')))
    elif harm == "truncated":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        path.unlink()
    with pytest.raises(RecordingError, match=r"segment 000001\.gz (is missing|has digest)"):
        Recording([tmp_path])
    (tmp_path / NAME).unlink()
    assert frames_of(tmp_path)


@pytest.mark.parametrize("room", [0, 10, 60, 200])
def test_a_full_disk_keeps_what_was_whole(tmp_path: Path, room: int) -> None:
    """The member that did not fit is cut off, the message says what to do, and with room it goes on."""
    made = writer(tmp_path, opener=partial(FullDisk, room=150 + room))
    number = 0
    with pytest.raises(StorageError, match=r"No space left on device; [0-9]+ frames are kept: make room"):  # noqa: PT012
        while True:
            made.append(*frame(number))
            number += 1
            made.flush()
    made.abandon()
    assert frames_of(tmp_path) == [frame(one) for one in range(number - 1)]
    again = writer(tmp_path)
    again.append(*frame(100))
    again.close(START)
    assert frames_of(tmp_path) == [*(frame(one) for one in range(number - 1)), frame(100)]


def test_a_folder_has_one_recorder_and_one_market(tmp_path: Path) -> None:
    made = writer(tmp_path / "a")
    with pytest.raises(StorageError, match="in use by process"):
        writer(tmp_path / "a")
    made.close(START)
    spot = Manifest(
        version="1", venue="binance", market="spot", environment="paper", symbols=(), streams=(), begun_ns=1
    )
    with pytest.raises(ConfigError, match="is a recording of binance usdm paper, not of binance spot paper"):
        writer(tmp_path / "a", about=spot)
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "strange.gz").write_bytes(b"")
    with pytest.raises(ConfigError, match="holds files without a manifest"):
        writer(tmp_path / "b")


def test_gaps_are_kept_in_bounds_and_told_to_readers(tmp_path: Path) -> None:
    made = writer(tmp_path)
    made.append(*frame(1))
    made.note(Gap("trades", "btcusdt@aggTrade", START, "the venue does not list them", first=5, last=9))
    for number in range(GAPS_MAX):
        made.note(Gap("book", "BTCUSDT", START + number, "differences are missing"))
    made.close(START)
    recording = Recording([tmp_path])
    list(recording.batches())
    assert recording.faults.counts == {"recorded_gap": 1}
    assert "btcusdt@aggTrade 5 to 9 were lost: the venue does not list them" in recording.faults.first["recorded_gap"]
    assert recording.product == "usdm"
    assert made.manifest.gaps_left_out == 1


@pytest.mark.parametrize("text", ["", "{", '{"schema": 1}', '{"schema": 2}'])
def test_a_manifest_that_cannot_be_read_is_no_manifest_to_pass_over(tmp_path: Path, text: str) -> None:
    written(tmp_path, range(3))
    (tmp_path / NAME).write_text(text)
    with pytest.raises(RecordingError, match=r"manifest\.json cannot be read"):
        Recording([tmp_path])


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    written(tmp_path, range(3))
    text = (tmp_path / NAME).read_text().replace('"schema": 1', '"schema": 2')
    (tmp_path / NAME).write_text(text)
    with pytest.raises(RecordingError, match="has schema 2, this version reads up to 1"):
        read_manifest(tmp_path)
