"""`petrosa candles` prints the table it was asked for, and nothing else, on standard output."""

import csv
import io
from pathlib import Path

import msgspec
import pytest

from petrosa.apps.main import run
from petrosa.errors import EXIT_ERROR, EXIT_OK, EXIT_USAGE
from tests.unit.apps.test_candles import record

HEADER = "open_time,open,high,low,close,volume,quote_volume,trades,buy_volume"


@pytest.fixture
def recording(tmp_path: Path) -> str:
    return str(record(tmp_path, "BTCUSDT", [(0, "100.00", "0.1", False), (61_000, "101", "0.2", True)]))


def test_csv_has_a_header_and_a_line_for_each_bar(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The documented columns in the documented order."""
    assert EXIT_OK == run(["candles", recording, "--csv"])
    lines = capsys.readouterr().out.splitlines()
    assert (HEADER, "2024-08-09T00:00:00Z", 3) == (lines[0], lines[1].split(",")[0], len(lines))


def test_json_csv_and_table_say_the_same(recording: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Three forms of one answer."""
    run(["candles", recording, "--csv"])
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    run(["candles", recording, "--json"])
    decoded = msgspec.json.decode(capsys.readouterr().out)["candles"]
    run(["candles", recording])
    table = capsys.readouterr().out
    assert rows == [{name: str(row[name]) for name in rows[0]} for row in decoded]
    assert [] == [cell for row in rows for cell in row.values() if cell not in table]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--csv", "--json"], EXIT_USAGE, "exclude each other"),
        (["--interval", "7x"], EXIT_USAGE, "7x"),
    ],
)
def test_a_wrong_wish_is_a_usage_error(
    recording: str, words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was wrong is in the message."""
    assert code == run(["candles", recording, *words])
    assert said in capsys.readouterr().err


def test_a_missing_recording_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Its name is in the message, and there is no traceback."""
    assert EXIT_ERROR == run(["candles", "/nowhere/at-all.gz"])
    err = capsys.readouterr().err
    assert "/nowhere/at-all.gz" in err
    assert "Traceback" not in err
