"""`petrosa journal` lists, verifies and prunes what runs have left."""

from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.stores.journal.format import segment_path
from petrosa.apps.main import run
from petrosa.errors import EXIT_ERROR, EXIT_OK
from tests.unit.adapters.stores.journal.test_journal import written


@pytest.fixture
def home(tmp_path: Path) -> Path:
    for name in ("run-1", "run-2"):
        written(tmp_path / "runs" / name, 50)
    return tmp_path


def test_list_shows_every_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a table and as JSON."""
    assert EXIT_OK == run(["journal", "list", "--home", str(home), "--json"])
    listed = [Path(found["path"]).name for found in msgspec.json.decode(capsys.readouterr().out)]
    assert ["run-1", "run-2"] == listed
    assert EXIT_OK == run(["journal", "list", "--home", str(home)])
    assert str(home / "runs") in capsys.readouterr().out


def test_an_empty_data_directory_has_no_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """That is no error."""
    assert EXIT_OK == run(["journal", "list", "--home", str(tmp_path), "--json"])
    assert [] == msgspec.json.decode(capsys.readouterr().out)


def test_a_whole_journal_verifies(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its two digests."""
    assert EXIT_OK == run(["journal", "verify", str(home / "runs" / "run-1"), "--json"])
    proved = msgspec.json.decode(capsys.readouterr().out)
    assert (True, 64, 64) == (proved["closed"], len(proved["decisions_sha256"]), len(proved["sha256"]))
    assert EXIT_OK == run(["journal", "verify", str(home / "runs" / "run-1")])
    assert proved["sha256"] in capsys.readouterr().out


def test_an_altered_journal_does_not(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One changed digit is an error with a place."""
    path = segment_path(home / "runs" / "run-1", 1)
    text = path.read_bytes()
    place = text.index(b'"sequence":', 5000)
    path.write_bytes(text[: place + 11] + b"9" + text[place + 12 :])
    assert EXIT_ERROR == run(["journal", "verify", str(home / "runs" / "run-1")])
    assert "segment 000001, line" in capsys.readouterr().err


def test_prune_keeps_what_is_young_and_small(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By default nothing of today goes."""
    assert EXIT_OK == run(["journal", "prune", "--home", str(home), "--json"])
    assert {"removed": [], "bytes": 0, "kept": []} == msgspec.json.decode(capsys.readouterr().out)
    assert 2 == len(list((home / "runs").iterdir()))
