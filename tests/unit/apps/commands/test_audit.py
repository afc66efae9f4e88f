"""`petrosa audit` shows what was traded, newest first, and writes what a run could not."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from petrosa.apps.main import run
from petrosa.errors import EXIT_OK, EXIT_USAGE
from tests.kit.audited import from_nothing, ran


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data directory with one run that is not audited yet."""
    made = tmp_path_factory.mktemp("home")
    asyncio.run(ran(made))
    return str(made)


def audit(home: str, *words: str, command: str = "audit") -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    with CliRunner().isolation() as (out, err, _):
        code = run([*command.split(), *words, "--home", home])
        return code, out.getvalue().decode(), err.getvalue().decode()


def records(home: str, *words: str) -> list[dict[str, Any]]:
    code, out, err = audit(home, *words, "--json")
    assert EXIT_OK == code, err
    found: list[dict[str, Any]] = json.loads(out)["records"]
    return found


def test_looking_at_nothing_makes_nothing(tmp_path: Path) -> None:
    """No store: no records, and no file afterwards."""
    assert ([], []) == (records(str(tmp_path)), list(tmp_path.iterdir()))


def test_what_a_run_left_is_written_and_shown(home: str) -> None:
    """Then by symbol in any spelling, by signal, by kind, and by time; people get a table."""
    (folder,) = (Path(home) / "runs").iterdir()
    whole = from_nothing(folder)
    code, out, err = audit(home, "--catch-up", "--limit", "1")
    assert (EXIT_OK, f"petrosa: {len(whole)} records were missing and are written\n") == (code, err)
    assert "BTCUSDT" in out or "ETHUSDT" in out
    assert list(reversed(whole)) == [record["id"] for record in records(home, "--limit", "10000")]
    fills = records(home, "--event", "order_filled", "--symbol", "btc/usdt:usdt", "--limit", "1000")
    wanted = [key for key, one in whole.items() if (one["event"], one["symbol"]) == ("order_filled", "BTCUSDT")]
    assert list(reversed(wanted)) == [record["id"] for record in fills]
    first = fills[-1]
    story = records(home, "--signal", first["signal_id"], "--strategy", first["strategy_id"], "--run", "a-run")
    assert {"order_placed", "order_filled"} <= {record["event"] for record in story}
    between = records(home, "--since", first["timestamp"], "--until", fills[0]["timestamp"], "--limit", "10000")
    assert first["timestamp"] == min(record["timestamp"] for record in between)
    assert fills[0]["timestamp"] > max(record["timestamp"] for record in between)


def test_a_time_that_is_none(home: str) -> None:
    """The option is named."""
    code, _, err = audit(home, "--since", "yesterday")
    assert (EXIT_USAGE, True) == (code, "--since 'yesterday' is no time" in err)


def test_what_is_not_in_the_audit_is_not_pruned(tmp_path: Path) -> None:
    """Neither the run nor its segments, until the audit has them or is not wanted."""

    async def runs() -> None:
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            folder, _ = await ran(tmp_path / name, seconds=5)
            (tmp_path / "runs").mkdir(exist_ok=True)
            folder.rename(tmp_path / "runs" / name)

    asyncio.run(runs())
    words = ("--set", "journal.retention_mb=16", "--set", "journal.retention_days=1", "--json")
    for folder in (tmp_path / "runs").iterdir():
        age(folder)
    _, out, _ = audit(str(tmp_path), *words, command="journal prune")
    assert ([], 1) == (json.loads(out)["removed"], len(json.loads(out)["kept"]))
    assert "petrosa audit --catch-up" in json.loads(out)["kept"][0]
    audit(str(tmp_path), "--catch-up")
    _, out, _ = audit(str(tmp_path), *words, command="journal prune")
    assert (1, []) == (len(json.loads(out)["removed"]), json.loads(out)["kept"])


def age(folder: Path) -> None:
    """As if it had been written in 2001."""
    import os

    for path in folder.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
