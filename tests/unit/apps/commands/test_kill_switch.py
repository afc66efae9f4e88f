"""`petrosa kill-switch` stops desks over HTTP, and says which answered."""

import asyncio
import json
from pathlib import Path

import pytest

from petrosa.apps.main import run
from petrosa.errors import EXIT_ERROR, EXIT_NOT_RUNNING, EXIT_OK, EXIT_USAGE
from petrosa.surfaces.access import Scope
from petrosa.surfaces.api.serve import bind, serving
from tests.kit.desk import served

Captured = pytest.CaptureFixture[str]


async def command(*words: str) -> int:
    """The exit code of a command line, run beside the desk."""
    return await asyncio.to_thread(run, ["kill-switch", *words])


async def test_desks_on_the_usual_ports_are_stopped_and_opened(tmp_path: Path, capsys: Captured) -> None:
    """Without an address; what answers and is no desk of ours is left out."""
    async with served(tmp_path) as desk, serving(desk.app, "127.0.0.1", 0) as url:
        port = url.rpartition(":")[2]
        here = ("--home", str(tmp_path), "--set", "http.port=1", "--set", f"http.engine_port={port}", "--json")
        assert EXIT_OK == await command("flatten", "--reason", "a test", *here)
        assert "flattened by local: a test" == desk.desk.trader.closed
        assert EXIT_OK == await command("resume", "--reason", "over", *here)
        assert "" == desk.desk.trader.closed
        capsys.readouterr()
        assert EXIT_OK == await command("status", *here)
        said = json.loads(capsys.readouterr().out)
    assert ([url], False) == (list(said), said[url]["engaged"])


async def test_a_key_is_read_from_a_file(tmp_path: Path, capsys: Captured) -> None:
    """Without one a desk that has keys says no, in its own words."""
    async with served(tmp_path) as desk, serving(desk.app, "127.0.0.1", 0) as url:
        (tmp_path / "key").write_text(await desk.key("ops", Scope.TRADE) + "\n")
        why = ("--reason", "r", "--url", url)
        assert EXIT_ERROR == await command("halt", *why)
        assert "answers 401: this needs a key" in capsys.readouterr().err
        assert EXIT_OK == await command("halt", *why, "--key-file", str(tmp_path / "key"))
        assert "ops" == desk.desk.control.switch.latch.engagements[0].actor
        assert EXIT_ERROR == await command("resume", *why, "--key-file", str(tmp_path / "key"))
        assert "needs the scope admin" in capsys.readouterr().err


def test_where_no_desk_answers(tmp_path: Path, capsys: Captured) -> None:
    """The file that needs no desk to answer is named."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
    code = run(["kill-switch", "status", "--home", str(tmp_path), "--url", f"http://127.0.0.1:{port}"])
    assert (EXIT_NOT_RUNNING, True) == (code, str(tmp_path / "KILL") in capsys.readouterr().err)


def test_a_desk_that_hangs_is_not_passed_over(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever stops desks must know of one that was not stopped."""
    monkeypatch.setattr("petrosa.apps.desk_client.TIMEOUT_S", 0.05)
    with bind("127.0.0.1", 0) as hangs:
        url = f"http://127.0.0.1:{hangs.getsockname()[1]}"
        code = run(["kill-switch", "halt", "--reason", "r", "--home", str(tmp_path), "--url", url])
    assert (EXIT_NOT_RUNNING, True) == (code, f"{url} takes connections and does not answer" in capsys.readouterr().err)


@pytest.mark.parametrize("words", [["flatten"], ["resume", "--reason", " "], ["stop"], ["status", "--url", "desk"]])
def test_what_cannot_be_meant(words: list[str], capsys: Captured) -> None:
    """A reason is needed, and a level that there is."""
    assert EXIT_USAGE == run(["kill-switch", *words])
    assert capsys.readouterr().err
