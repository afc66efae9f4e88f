"""`petrosa reconcile` shows what differs and has it resolved, by the desk that has the finding."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path

import pytest

from petrosa.apps.main import run
from petrosa.core.model.account import AccountStated, AccountUnclear, StatedPosition
from petrosa.core.model.positions import PositionSide
from petrosa.errors import EXIT_ERROR, EXIT_NOT_RUNNING, EXIT_OK, EXIT_USAGE
from petrosa.surfaces.api.serve import bind, serving
from tests.kit.desk import Served, served
from tests.kit.toys import BTC

Captured = pytest.CaptureFixture[str]


async def command(*words: str) -> int:
    """The exit code of a command line, run beside the desk."""
    return await asyncio.to_thread(run, ["reconcile", *words])


async def differing(desk: Served) -> str:
    """The venue states a position that nobody here has traded; the finding."""
    now = desk.desk.turns.now
    positions = (StatedPosition("paper", BTC, PositionSide.NET, Decimal("0.5"), Decimal(64_000)),)
    desk.desk.inbox.tell(AccountUnclear("paper", "a test"))
    for _ in range(2):
        desk.desk.inbox.tell(
            AccountStated("paper", "test", (), (), (), positions, {"USDT": Decimal(10_000)}, now + 1, now + 1)
        )
    await desk.desk.move()
    return next(iter(desk.desk.trader.findings)).finding_id


async def test_a_difference_is_shown_with_what_can_be_done(tmp_path: Path, capsys: Captured) -> None:
    """In words, and as JSON by the desk's address."""
    async with served(tmp_path) as desk, serving(desk.app, "127.0.0.1", 0) as url:
        assert EXIT_OK == await command("--url", url)
        assert "not_compared, last compared never" in capsys.readouterr().out
        finding = await differing(desk)
        assert EXIT_OK == await command("--url", url)
        shown = capsys.readouterr().out
        for text in ("differs", "position_differs", "the venue holds 0.5", f"--adopt {finding}: take", "entries are"):
            assert text in shown
        assert EXIT_OK == await command("--url", url, "--json")
        assert [finding] == [one["finding_id"] for one in json.loads(capsys.readouterr().out)[url]["findings"]]


async def test_a_finding_is_resolved_by_the_desk_that_has_it(tmp_path: Path, capsys: Captured) -> None:
    """One that has none of that name says so, which is no failure when another has it."""
    async with (
        served(tmp_path / "one") as desk,
        served(tmp_path / "two") as other,
        serving(desk.app, "127.0.0.1", 0) as url,
        serving(other.app, "127.0.0.1", 0) as there,
    ):
        finding = await differing(desk)
        ports = (url.rpartition(":")[2], there.rpartition(":")[2])
        here = ("--home", str(tmp_path), "--set", f"http.port={ports[1]}", "--set", f"http.engine_port={ports[0]}")
        assert EXIT_OK == await command("--ignore", finding, "--reason", "known", *here)
        assert "clean (done)" in capsys.readouterr().out
        assert EXIT_ERROR == await command("--adopt", "nothing", "--reason", "a test", *here)
        assert "answers 404: there is no finding 'nothing'" in capsys.readouterr().err
    assert next(iter(desk.desk.trader.findings)).is_ignored


async def test_a_comparison_is_asked_for(tmp_path: Path, capsys: Captured) -> None:
    """Of a desk that has a venue to ask; another says that it has none."""
    async with served(tmp_path) as desk, serving(desk.app, "127.0.0.1", 0) as url:
        assert EXIT_ERROR == await command("--now", "--reason", "a test", "--url", url)
        assert "the venue of this desk is simulated" in capsys.readouterr().err
        asked: list[str] = []
        desk.desk.control.reconciling.asks(asked.append)
        assert EXIT_OK == await command("--now", "--reason", "a test", "--url", url)
    assert ["asked by local: a test"] == asked


def test_where_no_desk_answers(tmp_path: Path, capsys: Captured) -> None:
    """The address that was tried is named."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
    assert EXIT_NOT_RUNNING == run(["reconcile", "--home", str(tmp_path), "--url", f"http://127.0.0.1:{port}"])
    assert f"no desk answers on http://127.0.0.1:{port}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--adopt", "a"], ["--adopt", "a", "--ignore", "b", "--reason", "r"], ["--now"], ["--url", "desk"]]
)
def test_what_cannot_be_meant(words: list[str], capsys: Captured) -> None:
    """One thing at a time, and a reason for it."""
    assert EXIT_USAGE == run(["reconcile", *words])
    assert capsys.readouterr().err
