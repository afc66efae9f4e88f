"""Bad input at the command line: counted, named, and what is left is done; the exit code says which of it was fatal."""

import gzip
import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from petrosa.adapters.stores.journal.format import NO_CHAIN, chained
from petrosa.errors import EXIT_CONFIG, EXIT_ERROR, EXIT_OK, EXIT_USAGE
from tests.kit.recordings import ROOT

PROGRAM = [sys.executable, "-c", "from petrosa.apps.main import main; main()"]
TWIN = ROOT / "recordings" / "synthetic-usdm" / "btcusdt.gz"
AT = 2_000
"""The line of the twin before which something wrong is put."""
STAMP = 1_704_067_265_600
"""What the venue's clock says there, in milliseconds."""


def told(*words: str, limit: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    """A command as a process; whatever happens, nobody is shown a traceback."""
    done = subprocess.run(
        [*PROGRAM, *words], capture_output=True, text=True, timeout=120, check=False, preexec_fn=limit
    )
    assert "Traceback" not in done.stderr
    assert "internal error" not in done.stderr
    return done


def trade(price: str = "61450", stamp: int = STAMP, symbol: str = "BTCUSDT") -> str:
    data = {"e": "trade", "E": STAMP, "T": stamp, "s": symbol, "t": 1, "p": price, "q": "1", "X": "MARKET", "m": True}
    return json.dumps({"stream": f"{symbol.lower()}@trade", "data": data}, separators=(",", ":"))


def crossed() -> str:
    data = {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "61500", "B": "1", "a": "61400", "A": "1"}
    stamps = {"T": STAMP, "E": STAMP}
    return json.dumps({"stream": "btcusdt@bookTicker", "data": {**data, **stamps}}, separators=(",", ":"))


def lines_of(wrong: list[str]) -> bytes:
    """The twin with these frames in the middle of it, arriving with the line that they are put before."""
    lines = gzip.decompress(TWIN.read_bytes()).splitlines()
    arrival = lines[AT].split(b" ", 1)[0]
    return b"\n".join([*lines[:AT], *(arrival + b" " + frame.encode() for frame in wrong), *lines[AT:]]) + b"\n"


def backtested(home: Path, data: bytes) -> tuple[dict[str, Any], str]:
    """(summary, what was said) of a backtest on these lines."""
    recording = home / "btcusdt.txt"
    recording.write_bytes(data)
    done = told("backtest", str(recording), "--json", "--home", str(home))
    assert EXIT_OK == done.returncode, done.stderr
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary, done.stderr


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    home = tmp_path_factory.mktemp("clean")
    summary, said = backtested(home, lines_of([]))
    assert (said, {}, {}) == ("", summary["errors"], summary["skipped"])
    return summary, Path(summary["journal"]["path"])


def test_wrong_frames_change_nothing_but_the_counts(tmp_path: Path, clean: tuple[dict[str, Any], Path]) -> None:
    """One of each kind in the middle: each is counted and named, and every decision is what it was without them."""
    wrong = {
        "malformed": '{"stream":"btcusdt@trade","data":{"e":"trade"}}',
        "truncated": '{"stream":"btcusdt@trade","data":{"e":"tra',
        "no_stream_name": "hello",
        "unknown_stream": '{"stream":"btcusdt@wonder","data":{}}',
        "absurd_value": trade("-1"),
        "absurd_price": trade("614500"),
        "crossed_book": crossed(),
        "stale_time": trade(stamp=1),
        "future_time": trade(stamp=STAMP + 86_400_000),
    }
    summary, said = backtested(tmp_path, lines_of([*wrong.values(), trade(symbol="DOGEUSDT")]))
    expected, _ = clean
    assert (dict.fromkeys(wrong, 1), {"symbol_not_configured": 1}) == (summary["errors"], summary["skipped"])
    assert expected["journal"]["decisions_sha256"] == summary["journal"]["decisions_sha256"]
    assert expected["events"] == summary["events"]
    named = [line.removeprefix("petrosa: not used: 1 ").partition(",")[0] for line in said.splitlines()]
    assert sorted([*wrong, "symbol_not_configured"]) == named


def test_wrong_lines_and_a_cut_file_are_told(tmp_path: Path) -> None:
    """A line without an arrival, an arrival next year, a file that breaks off: told, and the clock stays right."""
    lines = lines_of([]).splitlines()
    year = 365 * 86_400 * 10**9
    late = b"%d %b" % (int(lines[AT].split(b" ", 1)[0]) + year, lines[AT].split(b" ", 1)[1])
    packed = gzip.compress(b"\n".join([*lines[:AT], late, b"no arrival", *lines[AT + 1 :]]))
    recording = tmp_path / "btcusdt.gz"
    recording.write_bytes(packed[: len(packed) * 4 // 5])
    done = told("backtest", str(recording), "--json", "--home", str(tmp_path))
    summary = json.loads(done.stdout)
    expected = {"arrival_out_of_order": 1, "no_arrival": 1, "truncated_gzip": 1, "truncated_line": 1}
    assert (EXIT_OK, expected) == (done.returncode, summary["errors"])
    assert all(f"1 {reason}, the first: btcusdt.gz: " in done.stderr for reason in expected)


@pytest.mark.parametrize("command", [("backtest",), ("run", "--speed", "0", "--port", "0", "--recording")])
def test_a_full_disk_ends_a_run_before_an_order_leaves(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Exit 1 with the remedy; what had been written verifies, up to the turn before the one that did not fit."""
    room = 48 * 1024  # the document store fits, most of the journal does not
    done = told(
        *command, str(TWIN), "--json", "--home", str(tmp_path),
        limit=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )  # fmt: skip
    assert (EXIT_ERROR, "") == (done.returncode, done.stdout)
    assert "does not take a record" in done.stderr
    assert "Free disk space (petrosa journal prune)" in done.stderr
    (journal,) = (tmp_path / "runs").iterdir()
    verified = told("journal", "verify", str(journal), "--json")
    assert EXIT_OK == verified.returncode, verified.stderr
    proved = json.loads(verified.stdout)
    assert proved["entries"] > 0
    assert proved["torn_bytes"] > 0
    assert EXIT_OK == told("replay", str(journal), "--assert-identical").returncode


def test_a_torn_tail_is_no_reason_to_distrust_the_rest(tmp_path: Path, clean: tuple[dict[str, Any], Path]) -> None:
    """The journal verifies up to its last whole line, says how much is torn, and can be turned again."""
    torn = copied(clean[1], tmp_path, lambda data: data[:-40])
    assert 0 < json.loads(told("journal", "verify", str(torn), "--json").stdout)["torn_bytes"]
    assert EXIT_OK == told("replay", str(torn), "--assert-identical").returncode


def test_an_altered_line_is_named(tmp_path: Path, clean: tuple[dict[str, Any], Path]) -> None:
    """Segment, line and byte of the first one that does not follow."""
    altered = copied(clean[1], tmp_path, lambda data: data.replace(b'"quantity":"0.0', b'"quantity":"0.1', 1))
    done = told("journal", "verify", str(altered))
    assert EXIT_ERROR == done.returncode
    assert "segment 000001, line 3, byte " in done.stderr


def test_a_forged_decision_is_shown(tmp_path: Path, clean: tuple[dict[str, Any], Path]) -> None:
    """A decision that was changed and hashed anew passes `verify`, and is what a replay finds."""
    forged = copied(clean[1], tmp_path, lambda data: rechained(data, b'"side":"buy"', b'"side":"sell"'))
    assert EXIT_OK == told("journal", "verify", str(forged)).returncode
    done = told("replay", str(forged), "--assert-identical")
    assert EXIT_ERROR == done.returncode
    assert "differs at decision" in done.stdout
    assert '"side":"sell"' in done.stdout
    assert '"side":"buy"' in done.stdout


def test_a_journal_of_other_code_is_refused(tmp_path: Path, clean: tuple[dict[str, Any], Path]) -> None:
    """Both versions are named, and so is the way to look at it all the same."""
    older = copied(clean[1], tmp_path, lambda data: rechained(data, b'"code_version":"0.', b'"code_version":"9.'))
    done = told("replay", str(older), "--assert-identical")
    assert EXIT_ERROR == done.returncode
    assert "was written by 9." in done.stderr
    assert EXIT_OK == told("replay", str(older), "--assert-identical", "--across-versions").returncode


@pytest.mark.parametrize(
    ("words", "code", "answer"),
    [
        (("--signal", "nobody"), EXIT_USAGE, "signal nobody is not in this journal"),
        (("--symbol", "BTCUSDT", "--at", "2020-01-01T00:00:00Z"), EXIT_USAGE, "the run began at 2024-01-01T00:00:00"),
        (("--symbol", "NOPEUSDT", "--at", "2024-01-01T00:01:00Z"), EXIT_USAGE, "it holds BTCUSDT"),
        (("--symbol", "BTCUSDT", "--at", "yesterday"), EXIT_USAGE, "is no time"),
    ],
)
def test_explain_says_what_it_cannot_answer(
    clean: tuple[dict[str, Any], Path], words: tuple[str, ...], code: int, answer: str
) -> None:
    """An unknown signal, a time before the beginning, a symbol that is not there, a time that is none."""
    done = told("explain", str(clean[1]), *words)
    assert (code, "") == (done.returncode, done.stdout)
    assert answer in done.stderr


def test_a_recording_that_is_gone_can_be_named(tmp_path: Path) -> None:
    """The message names the option that says where it is now."""
    summary, _ = backtested(tmp_path, lines_of([]))
    (tmp_path / "btcusdt.txt").rename(tmp_path / "moved.txt")
    journal = summary["journal"]["path"]
    done = told("replay", journal)
    assert EXIT_ERROR == done.returncode
    assert "if it was moved, name it with --recording" in done.stderr
    moved = ("--recording", str(tmp_path / "moved.txt"))
    assert EXIT_OK == told("replay", journal, "--assert-identical", *moved).returncode


def test_an_address_that_is_none_is_a_configuration_error(tmp_path: Path) -> None:
    """Exit 4, with what was given."""
    done = told("trade", "--home", str(tmp_path), "--set", "nats.url=nats://host:port")
    assert EXIT_CONFIG == done.returncode
    assert "'nats://host:port' is no address of a NATS server" in done.stderr


def copied(journal: Path, to: Path, change: Callable[[bytes], bytes]) -> Path:
    """A copy of a journal of one segment, changed."""
    folder = to / "copy"
    folder.mkdir()
    for name in ("run.json", "000001.journal"):
        data = (journal / name).read_bytes()
        (folder / name).write_bytes(data if name == "run.json" else change(data))
    return folder


def rechained(data: bytes, old: bytes, new: bytes) -> bytes:
    """The lines with the first `old` replaced, and the chain made anew as somebody with bad intentions would."""
    chain, out = NO_CHAIN, b""
    for line in data.replace(old, new, 1).splitlines():
        chain, made = chained(chain, line[: line.rindex(b',"chain":')])
        out += made
    return out
