"""`petrosa readings`: recorded from a service on loopback, shown again, and read by a backtest."""

import asyncio
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.outside.file import ReadingFile
from petrosa.apps.backtest import run_backtest
from petrosa.apps.main import run
from petrosa.apps.readings import open_source, record, told
from petrosa.apps.settings import load
from petrosa.apps.synth import write_recording
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Reading
from petrosa.errors import EXIT_ERROR, EXIT_OK, EXIT_USAGE, DataError, PetrosaError, TransportError, UsageError
from tests.kit import outside
from tests.kit.ending import ends_with_its_test

TS = 1_767_225_600 * NS_PER_SECOND


def quiet(_: str) -> None:
    """Says nothing."""


class Script:
    """A source that says what it was given, one thing a poll, and stops the recorder at the end."""

    source = "script"

    def __init__(self, *says: Sequence[Reading] | PetrosaError) -> None:
        self.stopped = asyncio.Event()
        self._says = list(says)

    async def poll(self) -> Sequence[Reading]:
        said = self._says.pop(0)
        if not self._says:
            self.stopped.set()
        await asyncio.sleep(0)
        if isinstance(said, PetrosaError):
            raise said
        return said

    async def close(self) -> None:
        """Nothing is open."""


def reading(ts: int, value: float = 1.0) -> Reading:
    return Reading("script", "onchain", "BTC", TS + ts, TS + ts, {"active_addresses": value})


async def recorded(path: Path, script: Script, count: int) -> tuple[int, int, int, int]:
    """(polls, failed, written, repeated)."""
    file = ReadingFile(path)
    try:
        said = await record(script, file, every_s=0.001, count=count, stopped=asyncio.Event(), report=quiet)
        return said.polls, said.failed, said.written, said.repeated
    finally:
        file.close()


async def test_what_is_repeated_is_written_once(tmp_path: Path) -> None:
    """A history that comes with every poll: only what is new or corrected is news."""
    days = [reading(1), reading(2)]
    script = Script(days, [*days, reading(3)], [reading(1), reading(2, 7.0)], [])
    assert (3, 0, 4, 3) == await recorded(tmp_path / "r.gz", script, 3)
    (line,) = await told([tmp_path / "r.gz"], quiet)
    assert (4, ("active_addresses",)) == (line.count, line.values)


async def test_a_poll_that_fails_is_followed_by_the_next(tmp_path: Path) -> None:
    """Away, nonsense, a reading that no file can hold, and then an answer."""
    wrong = Reading("Bad Name", "quote", "BTC/USD", TS, TS, {"bid": 1.0})
    script = Script(TransportError("away"), DataError("html"), [wrong], [reading(1)], [])
    assert (4, 3, 1, 0) == await recorded(tmp_path / "r.gz", script, 4)


async def test_a_source_that_never_answers_is_an_error(tmp_path: Path) -> None:
    """With what it raised last."""
    with pytest.raises(TransportError, match="still away"):
        await recorded(tmp_path / "r.gz", Script(TransportError("away"), TransportError("still away"), []), 2)


async def test_a_poll_that_hangs_does_not_keep_it_from_stopping(tmp_path: Path) -> None:
    """Told to stop while the source is thinking, it stops, and what was written stays."""

    class Thinking(Script):
        async def poll(self) -> Sequence[Reading]:
            self.stopped.set()
            await asyncio.Event().wait()
            raise AssertionError("never")

    script, file = Thinking(), ReadingFile(tmp_path / "r.gz")
    async with asyncio.timeout(5):
        said = await record(script, file, every_s=60, count=0, stopped=script.stopped, report=quiet)
    file.close()
    assert (1, 0, 0) == (said.polls, said.failed, said.written)


def test_a_source_is_recorded_shown_and_backtested(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole way: from a service that answers as documented to facts that a desk hears."""
    out = tmp_path / "market" / "readings.gz"

    async def recording() -> int:
        async with outside.service(outside.kraken) as service:
            words = ["readings", "record", "kraken", "--count", "2", "--every", "1", "--out", str(out)]
            return await asyncio.to_thread(in_its_own_process, [*words, "--base-url", service.url, "--json"])

    assert EXIT_OK == asyncio.run(recording())
    capsys.readouterr()
    assert EXIT_OK == run(["readings", "show", str(out), "--json"])
    shown = msgspec.json.decode(capsys.readouterr().out)["readings"]
    assert [("BTC/USD", 2), ("ETH/USD", 2), ("USDT/USD", 2)] == [(one["subject"], one["count"]) for one in shown]
    write_recording(3, ["BTCUSDT"], 3, tmp_path / "market")
    made = run_backtest([tmp_path / "market"], load(environ={}, home=str(tmp_path / "home")), folder=tmp_path / "run")
    assert ({"quote": 6}, {}) == (made.events["reading"], made.errors)


def in_its_own_process(words: list[str]) -> int:
    """The command as a person starts it: it handles signals, which only a main thread can."""
    import subprocess
    import sys

    program = [sys.executable, "-c", "from petrosa.apps.main import main; main()", *words]
    return subprocess.run(program, capture_output=True, timeout=60, check=False).returncode


async def test_a_signal_ends_it_in_order(tmp_path: Path) -> None:
    """SIGINT after the first reading: the summary is printed, the file is whole."""
    import sys

    out = tmp_path / "readings.gz"
    async with outside.service(outside.coingecko) as service:
        program = [sys.executable, "-c", "from petrosa.apps.main import main; main()"]
        words = ["readings", "record", "coingecko", "--out", str(out), "--base-url", service.url, "--json"]
        process = await asyncio.create_subprocess_exec(
            *program, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        ends_with_its_test(process)
        assert process.stderr is not None
        async with asyncio.timeout(30):
            assert b"coingecko dominance BTC share_pct=52.3" in await process.stderr.readline()
            os.kill(process.pid, signal.SIGINT)
            printed, _ = await process.communicate()
    assert EXIT_OK == process.returncode
    assert (1, 1) == (msgspec.json.decode(printed)["polls"], msgspec.json.decode(printed)["written"])
    assert 1 == (await told([out], quiet))[0].count


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["coingecko", "--subjects", "BTC/USD"], "leave --subjects out"),
        (["kraken", "--subjects", "BTCUSD"], "subject 'BTCUSD'; give at most 20 pairs as BTC/USD"),
        (["kraken", "--base-url", "ftp://x"], "begins with http:// or https://"),
        (["binance"], "is not one of"),
        (["kraken", "--every", "0.1"], "is not in the range"),
    ],
)
def test_a_wrong_wish_is_a_usage_error(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was wrong is in the message, and no file is made."""
    assert EXIT_USAGE == run(["readings", "record", *words, "--out", str(tmp_path / "r.gz")])
    assert said in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


def test_too_many_subjects_are_refused() -> None:
    """Each is a call of its own."""
    with pytest.raises(UsageError, match="21 subjects"):
        open_source("kraken", subjects=[f"C{n}/USD" for n in range(21)])


def test_a_file_that_is_no_recording_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Showing what is not there."""
    assert EXIT_ERROR == run(["readings", "show", str(tmp_path / "none.gz")])
    assert "none.gz does not exist" in capsys.readouterr().err
