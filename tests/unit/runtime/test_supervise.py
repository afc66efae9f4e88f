"""Every task of a process is known: restarted, halting, or ending the run, and all end together."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from petrosa.adapters.stores.journal.listing import verify
from petrosa.errors import StorageError, TransportError
from petrosa.runtime.observed import Observed
from petrosa.runtime.supervise import OnFailure, Supervisor
from tests.kit.ending import ends_with_its_test

ROOT = Path(__file__).parents[3]


def supervisor(observed: Observed, said: list[str], grace_s: float = 5.0) -> Supervisor:
    return Supervisor(
        observed,
        lambda reason: said.append(f"stop {reason}"),
        lambda reason: said.append(f"halt {reason}"),
        grace_s=grace_s,
        report=lambda message: None,
    )


async def test_a_connection_is_started_again() -> None:
    """A task that may be restarted is, and each time is counted by its name."""
    observed = Observed()
    said: list[str] = []
    done = asyncio.Event()
    attempts = 0

    async def feed() -> None:
        nonlocal attempts
        attempts += 1
        if attempts < 2:
            raise TransportError("away")
        done.set()

    async def main() -> None:
        await done.wait()

    async with supervisor(observed, said) as tasks:
        tasks.side("feed", feed, OnFailure.RESTART)
        await asyncio.wait_for(tasks.run(main()), 10.0)
    assert (observed.restarts, said) == ({"feed": 1}, [])


async def test_a_task_the_desk_needs_halts_it() -> None:
    """A side task that must not fail halts the desk with its reason, and the main task goes on."""
    said: list[str] = []
    failed = asyncio.Event()

    async def store() -> None:
        failed.set()
        raise StorageError("disk full")

    async def main() -> None:
        await failed.wait()
        await asyncio.sleep(0)

    async with supervisor(Observed(), said) as tasks:
        tasks.side("store", store, OnFailure.HALT)
        await asyncio.wait_for(tasks.run(main()), 10.0)
    assert said == ["halt store: disk full"]


async def test_a_mistake_of_ours_ends_the_run() -> None:
    """An exception nobody planned for is not swallowed with its task."""

    async def wrong() -> None:
        raise ZeroDivisionError("ours")

    async def main() -> None:
        await asyncio.Event().wait()

    async with supervisor(Observed(), []) as tasks:
        tasks.side("wrong", wrong, OnFailure.RESTART)
        with pytest.raises(ZeroDivisionError):
            await asyncio.wait_for(tasks.run(main()), 10.0)


async def test_side_tasks_end_with_the_main_task() -> None:
    """When the main task is over, whoever ran beside it is cancelled and awaited."""
    ended: list[str] = []

    async def beside() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("beside")

    async def main() -> None:
        await asyncio.sleep(0)

    async with supervisor(Observed(), []) as tasks:
        tasks.side("beside", beside, OnFailure.RESTART)
        await tasks.run(main())
    assert ended == ["beside"]


async def test_who_does_not_stop_is_stopped() -> None:
    """A main task that ignores the stop is cancelled when its grace is over."""
    said: list[str] = []

    async def main() -> None:
        await asyncio.Event().wait()

    async with supervisor(Observed(), said, grace_s=0.0) as tasks:
        running = asyncio.create_task(tasks.run(main()))
        await asyncio.sleep(0)
        tasks.request_stop("enough")
        tasks.request_stop("again")
        await asyncio.wait_for(running, 10.0)
    assert said == ["stop enough"]


def started(folder: Path, kind: str) -> subprocess.Popen[str]:
    process = ends_with_its_test(subprocess.Popen(
        [sys.executable, "-m", "tests.kit.stoppable", str(folder), kind],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    ))  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_process_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """The first SIGTERM or SIGINT is a shutdown command: journaled, settled, closed, exit code 0."""
    process = started(tmp_path, "graceful")
    process.send_signal(number)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "ended" in output
    assert verify(tmp_path).closed


def test_a_second_signal_exits_at_once(tmp_path: Path) -> None:
    """A process that does not stop is gone at the second signal, with the journal as it was."""
    process = started(tmp_path, "stuck")
    assert process.stdout is not None
    process.send_signal(signal.SIGTERM)
    assert "no new entries" in process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 128 + signal.SIGTERM
    assert not verify(tmp_path).closed


async def test_one_of_several_in_a_process_leaves_signals_alone() -> None:
    """A supervisor that does not speak for the process neither takes its signals nor takes them from another."""
    caught: list[str] = []
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, caught.append, "mine")
    said: list[str] = []
    try:
        quiet = Supervisor(Observed(), said.append, said.append, report=said.append, catches_signals=False)
        async with quiet:
            os.kill(os.getpid(), signal.SIGTERM)
            while not caught:
                await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGTERM)
        while len(caught) < 2:
            await asyncio.sleep(0)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
    assert (["mine", "mine"], []) == (caught, said)
