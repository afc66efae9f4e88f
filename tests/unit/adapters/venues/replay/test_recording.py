"""Reading recorded files: order, names, digests, and everything that can be wrong with a file."""

import gzip
import json
from pathlib import Path

import pytest

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.frame import RawFrame
from petrosa.errors import RecordingError

SNAPSHOT = b'{"lastUpdateId":7,"bids":[],"asks":[]}'


def payload(symbol: str, number: int, stream: str = "trade") -> bytes:
    data = {"e": "trade", "s": symbol.upper(), "t": number, "M": True}
    return json.dumps({"stream": f"{symbol}@{stream}", "data": data}, separators=(",", ":")).encode()


def lines(symbol: str, arrivals: list[int]) -> bytes:
    return b"".join(b"%d %s\n" % (arrival, payload(symbol, arrival)) for arrival in arrivals)


def write(path: Path, text: bytes) -> Path:
    path.write_bytes(gzip.compress(text, mtime=0) if path.suffix == ".gz" else text)
    return path


def read(recording: Recording, size: int = 4_096) -> list[RawFrame]:
    return [frame for batch in recording.batches(size) for frame in batch]


def arrivals(recording: Recording) -> list[int]:
    return [frame.arrival for frame in read(recording)]


def test_files_are_merged_by_arrival(tmp_path: Path) -> None:
    """Two symbols and two days come out in the one order in which they were heard."""
    write(tmp_path / "b_1.gz", lines("btcusdt", [1, 4, 5]))
    write(tmp_path / "e_1.gz", lines("ethusdt", [2, 3, 9]))
    write(tmp_path / "b_2.gz", lines("btcusdt", [6, 7]))
    recording = Recording([tmp_path])
    assert [1, 2, 3, 4, 5, 6, 7, 9] == arrivals(recording)
    assert (("BTCUSDT", "ETHUSDT"), "spot", tmp_path.name) == (recording.symbols, recording.product, recording.name)


def test_many_blocks_are_merged_as_few_are(tmp_path: Path) -> None:
    """Files longer than a block, of uneven pace, come out sorted and complete."""
    first, second = list(range(1, 60_000, 3)), list(range(2, 90_000, 5))
    write(tmp_path / "b.gz", lines("btcusdt", first))
    write(tmp_path / "e.gz", lines("ethusdt", second))
    write(tmp_path / "s.gz", lines("solusdt", [70_000, 70_001]))
    assert sorted([*first, *second, 70_000, 70_001]) == arrivals(Recording([tmp_path]))


def test_batches_have_the_size_asked_for(tmp_path: Path) -> None:
    """All but the last."""
    recording = Recording([write(tmp_path / "b.gz", lines("btcusdt", list(range(1, 26))))])
    assert [10, 10, 5] == [len(batch) for batch in recording.batches(10)]
    assert list(range(1, 26)) == arrivals(recording)


def test_equal_arrivals_keep_their_order(tmp_path: Path) -> None:
    """Within a file its own order, between files the order of the files, run after run."""
    write(tmp_path / "b.gz", b"".join(b"5 %s\n" % payload("btcusdt", n) for n in range(3)))
    write(tmp_path / "e.gz", b"".join(b"5 %s\n" % payload("ethusdt", n) for n in range(3)))
    names = [(frame.payload[11:18], json.loads(frame.payload)["data"]["t"]) for frame in read(Recording([tmp_path]))]
    assert [0, 1, 2, 0, 1, 2] == [number for _, number in names]
    assert names == [(f.payload[11:18], json.loads(f.payload)["data"]["t"]) for f in read(Recording([tmp_path]))]


def test_the_digest_is_of_contents_alone(tmp_path: Path) -> None:
    """Neither names nor folders nor the order of arguments change it; a byte does."""
    one = [write(tmp_path / "a.gz", lines("btcusdt", [1, 4])), write(tmp_path / "b.gz", lines("ethusdt", [2, 3]))]
    (tmp_path / "moved").mkdir()
    two = [
        write(tmp_path / "moved" / "z.gz", lines("btcusdt", [1, 4])),
        write(tmp_path / "moved" / "y.gz", lines("ethusdt", [2, 3])),
    ]
    assert Recording(one).digest == Recording(reversed(two)).digest == Recording([tmp_path / "moved"]).digest
    write(two[0], lines("btcusdt", [1, 5]))
    assert Recording(one).digest != Recording(two).digest


def test_a_file_given_twice_is_read_once(tmp_path: Path) -> None:
    """A folder and a file in it do not double the market."""
    file = write(tmp_path / "b.gz", lines("btcusdt", [1, 2]))
    assert [1, 2] == arrivals(Recording([tmp_path, file]))


def test_a_bare_snapshot_gets_the_name_of_its_files_symbol(tmp_path: Path) -> None:
    """It becomes a frame of the stream `@snapshot`."""
    file = write(tmp_path / "x.gz", b"1 " + SNAPSHOT + b"\n" + lines("btcusdt", [2]))
    assert b'{"stream":"btcusdt@snapshot","data":' + SNAPSHOT + b"}" == read(Recording([file]))[0].payload


def test_a_bare_snapshot_among_several_symbols_goes_by_the_files_name(tmp_path: Path) -> None:
    """Without a telling name it is counted and left out."""
    text = b"1 " + SNAPSHOT + b"\n" + lines("btcusdt", [2]) + lines("ethusdt", [3])
    named = Recording([write(tmp_path / "ethusdt_2024.gz", text)])
    assert read(named)[0].payload.startswith(b'{"stream":"ethusdt@snapshot"')
    unnamed = Recording([write(tmp_path / "day.gz", text)])
    assert ([2, 3], {"snapshot_without_symbol": 1}) == (arrivals(unnamed), unnamed.faults.counts)


def test_plain_files_are_read_too(tmp_path: Path) -> None:
    """With or without a newline at the end."""
    assert [1, 2] == arrivals(Recording([write(tmp_path / "b.txt", lines("btcusdt", [1, 2]).rstrip())]))


def test_members_of_a_gzip_file_are_one_text(tmp_path: Path) -> None:
    """Files that were appended to in several sittings."""
    file = tmp_path / "b.gz"
    file.write_bytes(gzip.compress(lines("btcusdt", [1, 2])) + gzip.compress(lines("btcusdt", [3])))
    assert [1, 2, 3] == arrivals(Recording([file]))


def test_bad_lines_are_counted_and_the_rest_is_read(tmp_path: Path) -> None:
    """No arrival, a negative one, one beyond 64 bits, no frame after it; blank lines are nothing."""
    bad = b"hello\n-5 {}\n1_0 {}\n99999999999999999999 {}\n12 \n\n{}\n"
    recording = Recording([write(tmp_path / "b.gz", lines("btcusdt", [1]) + bad + lines("btcusdt", [20]))])
    assert ([1, 20], {"no_arrival": 6}) == (arrivals(recording), recording.faults.counts)
    assert "b.gz: a line must be `<arrival ns> <frame>`, got 'hello'" == recording.faults.first["no_arrival"]
    assert ([1, 20], {"no_arrival": 6}) == (arrivals(recording), recording.faults.counts)


def test_an_arrival_is_digits_only(tmp_path: Path) -> None:
    """What Python would read as a number is not one for that."""
    recording = Recording([write(tmp_path / "b.gz", lines("btcusdt", [1]) + b"1_0 {}\n+7 {}\n")])
    assert ([1], {"no_arrival": 2}) == (arrivals(recording), recording.faults.counts)


def test_an_arrival_that_goes_back_keeps_the_files_order(tmp_path: Path) -> None:
    """The recorder's clock was set back; the frames were still heard in the order in which they stand."""
    recording = Recording([write(tmp_path / "b.gz", lines("btcusdt", [10, 20, 15, 30]))])
    found = read(recording)
    assert [10, 20, 20, 30] == [frame.arrival for frame in found]
    assert [10, 20, 15, 30] == [json.loads(frame.payload)["data"]["t"] for frame in found]
    assert {"arrival_out_of_order": 1} == recording.faults.counts


def test_a_file_that_breaks_off_is_read_up_to_there(tmp_path: Path) -> None:
    """What came before is used, the torn line and the torn file are counted."""
    whole = lines("btcusdt", list(range(1, 20_001)))
    file = tmp_path / "b.gz"
    file.write_bytes(gzip.compress(whole, mtime=0)[:-5_000])
    recording = Recording([file])
    found = arrivals(recording)
    assert list(range(1, len(found) + 1)) == found
    assert 10_000 < len(found) < 20_000
    assert {"truncated_gzip": 1, "truncated_line": 1} == recording.faults.counts


def test_a_damaged_file_is_read_up_to_the_damage(tmp_path: Path) -> None:
    """Bytes that do not inflate end the file with a named fault."""
    whole = bytearray(gzip.compress(lines("btcusdt", list(range(1, 60_001))), mtime=0))
    middle = len(whole) * 3 // 4
    whole[middle : middle + 40] = bytes(range(40))
    file = tmp_path / "b.gz"
    file.write_bytes(whole)
    recording = Recording([file])
    assert 1_000 < len(read(recording)) < 60_000
    assert 1 == recording.faults.counts["damaged_gzip"]


def test_a_file_without_lines_does_not_fill_the_memory(tmp_path: Path) -> None:
    """A line without end is given up."""
    recording = Recording([write(tmp_path / "b.gz", lines("btcusdt", [1]) + b"x" * 5_000_000)])
    assert [1] == arrivals(recording)
    assert {"line_too_long": 1} == recording.faults.counts


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("b.gz", b"", "is empty"),
        ("b.gz", b"1 {}", "is named .gz and is not gzip"),
        ("b.txt", b"hello\nworld\n", r"holds no frame \(b.txt: a line must be"),
        ("b.gz", gzip.compress(b"", mtime=0), "holds no frame"),
    ],
)
def test_a_file_that_is_no_recording_says_why(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    """And what to do about it."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RecordingError, match=words):
        Recording([tmp_path / name])


def test_a_path_without_a_recording_says_so(tmp_path: Path) -> None:
    """Missing, an empty folder, or nothing at all."""
    with pytest.raises(RecordingError, match="does not exist; give a recorded file or a folder"):
        Recording([tmp_path / "nothing"])
    with pytest.raises(RecordingError, match=r"a folder without \*\.gz files"):
        Recording([tmp_path])
    with pytest.raises(RecordingError, match="no recording given"):
        Recording([])


def test_the_product_is_read_off_the_frames(tmp_path: Path) -> None:
    """Each product sends something the other does not; a mixture or no sign is refused unless it is named."""
    futures = b'5 {"stream":"ethusdt@trade","data":{"e":"trade","X":"MARKET"}}\n'
    dull = write(tmp_path / "d.gz", b'5 {"stream":"btcusdt@ticker","data":{"e":"24hrTicker"}}\n')
    usdm = write(tmp_path / "u.gz", futures)
    spot = write(tmp_path / "s.gz", lines("btcusdt", [1]))
    assert ("usdm", "usdm") == (Recording([usdm]).product, Recording([usdm, dull]).product)
    with pytest.raises(RecordingError, match="mixes spot and usdm"):
        _ = Recording([usdm, spot]).product
    with pytest.raises(RecordingError, match="does not show whether it is spot or usdm"):
        _ = Recording([dull]).product
    assert "spot" == Recording([dull], product="spot").product
