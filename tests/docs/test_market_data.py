"""The page about market data: its commands about recordings of Bybit, and of two venues, are run."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from threading import Thread

import pytest
from click.testing import CliRunner

from petrosa.apps.main import cli
from tests.integration.test_bybit_recorder import lives
from tests.kit.bybit_recording import write_bybit_recording
from tests.kit.bybit_server import Bybit, bybit
from tests.kit.small_recording import write_small_recording
from tests.kit.sockets import running
from tests.kit.source import ROOT

PAGE = (ROOT / "docs" / "market-data.md").read_text(encoding="utf-8")


def commands(heading: str) -> list[list[str]]:
    """The words after `petrosa` of every command under a heading."""
    section = PAGE.split(f"### {heading}\n")[1].split("\n## ")[0].split("\n### ")[0]
    (block,) = re.findall(r"```\n(petrosa .*?)```", section, re.DOTALL)
    return [line.split()[1:] for line in block.replace("\\\n", " ").splitlines()]


@contextmanager
def served() -> Iterator[str]:
    """A market of Bybit that lives, on a thread of its own: its address."""
    addresses: Queue[str] = Queue()
    ends: Queue[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def serve() -> None:
        market, end = Bybit(market="linear", ms=lambda: time.time_ns() // 1_000_000), asyncio.Event()
        ends.put((asyncio.get_running_loop(), end))
        async with bybit(market), running(lives(market)):
            addresses.put(market.url)
            await end.wait()

    thread = Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    loop, end = ends.get()
    try:
        yield addresses.get()
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join()


def petrosa(words: list[str], *more: str) -> str:
    """What a command says, in the folder that the test is in."""
    result = CliRunner().invoke(cli, [*words, *more])
    assert 0 == result.exit_code, result.output
    return result.output


def test_a_recording_of_bybit_needs_no_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded for a second and a half instead of ten minutes, from a server of ours."""
    record, backtest, run = commands("Of which venue")
    monkeypatch.chdir(tmp_path)
    with served() as url:
        words = ["1.5s" if word == "10m" else word for word in record]
        petrosa(words, "--port", "0", "--set", f"outside.addresses=bybit={url}")
    tested = petrosa(backtest, "--json")
    assert {"BTCUSDT": 0} == json.loads(tested)["gaps"]
    ran = petrosa([*run, "--json"], "--port", "0")
    assert json.loads(tested)["journal"]["decisions_sha256"] in ran


def test_two_recordings_are_two_venues(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bybit is cheaper by 2 %, and that makes a signal."""
    (backtest,) = commands("Two venues")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rec" / "binance").mkdir(parents=True)
    write_small_recording(tmp_path / "rec" / "binance" / "market.gz", 10)
    write_bybit_recording(tmp_path / "rec" / "bybit", "linear", 10, prices={"BTCUSDT": 62_700.0})
    summary = json.loads(petrosa(backtest, "--json"))
    assert {"quote": 10} == summary["events"]["reading"]
    assert {"sell": 1} == summary["signals"]["cross_exchange_spread"]
