"""Recordings have names, and a name stands wherever a recording is asked for."""

import shutil
from pathlib import Path

import msgspec
import pytest

from petrosa.apps import catalogue
from petrosa.apps.catalogue import listed, packaged_recordings, resolve
from petrosa.apps.main import run
from petrosa.apps.settings import Settings, load
from petrosa.apps.synth import write_recording
from petrosa.errors import EXIT_OK, EXIT_USAGE, RecordingError, UsageError

Captured = pytest.CaptureFixture[str]


def settings(home: Path, *folders: Path) -> Settings:
    return load(sets=[f"feed.recordings={','.join(map(str, folders))}"] if folders else (), environ={}, home=str(home))


def keep(folder: Path, symbol: str = "BTCUSDT") -> Path:
    """A second of a market in a folder."""
    write_recording(5, [symbol], 1, folder)
    return folder


def test_the_recordings_that_come_with_petrosa_have_names(tmp_path: Path) -> None:
    """Whose market, which symbols, how long, how much, and the digest by which a journal names them."""
    rows = {row.name: row for row in listed(settings(tmp_path))}
    assert {"synthetic-spot", "synthetic-two-venues", "synthetic-usdm"} == set(rows)
    usdm = rows["synthetic-usdm"]
    assert ("usdm", ("BTCUSDT", "ETHUSDT"), "") == (usdm.market, usdm.symbols, usdm.problem)
    assert (150, 5_206 + 5_144) == (round(usdm.seconds or 0), usdm.frames)
    assert 64 == len(usdm.digest or "")


def test_folders_and_files_of_the_data_directory_and_of_the_setting_have_names(tmp_path: Path) -> None:
    """A folder is named by itself, a file without its endings; what cannot be a recording is not listed."""
    home, other = tmp_path / "home", tmp_path / "other"
    keep(home / "recordings" / "may")
    keep(other / "june")
    shutil.copy(other / "june" / "btcusdt.gz", other / "one.jsonl.gz")
    (other / "notes.md").write_text("no recording")
    (other / "empty").mkdir()
    found = {row.name: row.place for row in listed(settings(home, other))}
    expected = {"may": "data directory", "june": "feed.recordings", "one": "feed.recordings"}
    assert expected == {name: place for name, place in found.items() if not name.startswith("synthetic")}
    assert [other / "one.jsonl.gz", home / "recordings" / "may"] == resolve(settings(home, other), ["one", "may"])


def test_a_path_wins_over_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies where the person stands is meant first; what looks like a path is left for whoever opens it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "synthetic-usdm").mkdir()
    assert [Path("synthetic-usdm")] == resolve(settings(tmp_path), ["synthetic-usdm"])
    assert [Path("no/such"), Path("nope.gz")] == resolve(settings(tmp_path), ["no/such", "nope.gz"])


def test_a_name_of_two_recordings_is_refused_with_both_places(tmp_path: Path) -> None:
    """The same folder found twice is one recording; two folders of one name are none."""
    one, two = keep(tmp_path / "one" / "may"), keep(tmp_path / "two" / "may", "ETHUSDT")
    both = settings(tmp_path, one.parent, two.parent, one.parent)
    with pytest.raises(UsageError, match=f"could be {one} and {two}; give the path"):
        resolve(both, ["may"])
    problems = [row.problem for row in listed(both) if row.name == "may"]
    assert [f"{two} has the same name; give the path", f"{one} has the same name; give the path"] == problems


@pytest.mark.parametrize(
    ("name", "said"),
    [("sinthetic-usdm", "did you mean synthetic-usdm"), ("zzz", "`petrosa recordings` lists those that have names")],
)
def test_an_unknown_name_has_a_remedy(name: str, said: str, tmp_path: Path) -> None:
    """The nearest name, or how to see them all."""
    with pytest.raises(UsageError, match=said):
        resolve(settings(tmp_path), [name])


def test_what_is_no_recording_is_listed_with_the_reason(tmp_path: Path) -> None:
    """One bad file takes nothing from the others."""
    bad = tmp_path / "recordings" / "bad"
    bad.mkdir(parents=True)
    (bad / "a.gz").write_bytes(b"not gzip")
    rows = {row.name: row for row in listed(settings(tmp_path))}
    assert "is not gzip" in rows["bad"].problem
    assert "" == rows["synthetic-usdm"].problem


def test_large_recordings_are_read_whole_only_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, markets and symbols are cheap; length, frames and digest are not."""
    monkeypatch.setattr(catalogue, "WHOLE_BYTES", 1_000)
    quick = listed(settings(tmp_path))[0]
    assert (None, None, None) == (quick.seconds, quick.frames, quick.digest)
    assert ("spot", ("BTCUSDT", "ETHUSDT")) == (quick.market, quick.symbols)
    assert 9_897 == listed(settings(tmp_path), whole=True)[0].frames


def test_a_folder_of_the_setting_must_be_there(tmp_path: Path) -> None:
    """The data directory's may be missing; what was named on purpose may not."""
    with pytest.raises(RecordingError, match=r"feed\.recordings names .*nowhere"):
        listed(settings(tmp_path, tmp_path / "nowhere"))


def test_the_command_prints_a_table_and_json(tmp_path: Path, capsys: Captured) -> None:
    """The same recordings in both."""
    assert EXIT_OK == run(["recordings", "--home", str(tmp_path), "--json"])
    shown = msgspec.json.decode(capsys.readouterr().out)
    assert [str(packaged_recordings()), str(tmp_path / "recordings")] == shown["places"]
    assert EXIT_OK == run(["recordings", "--home", str(tmp_path)])
    table = capsys.readouterr().out
    assert [] == [row["name"] for row in shown["recordings"] if row["name"] not in table]


def test_commands_take_names(tmp_path: Path, capsys: Captured) -> None:
    """A backtest by name is the backtest by path; an unknown name ends with the code of a wrong command line."""
    digests = []
    for recording in ("synthetic-usdm", str(packaged_recordings() / "synthetic-usdm")):
        assert EXIT_OK == run(["backtest", recording, "--home", str(tmp_path), "--json"])
        digests.append(msgspec.json.decode(capsys.readouterr().out)["journal"]["decisions_sha256"])
    assert digests[0] == digests[1]
    assert EXIT_OK == run(["candles", "synthetic-usdm", "--csv"])
    assert EXIT_USAGE == run(["backtest", "synthetic-usd", "--home", str(tmp_path)])
    assert "did you mean synthetic-usdm?" in capsys.readouterr().err
