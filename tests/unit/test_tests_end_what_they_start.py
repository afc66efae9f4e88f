"""A process that a failed test has left is ended, in order if it can, and by force if it cannot."""

import asyncio
import subprocess
import sys

import pytest

from tests.kit import ending
from tests.kit.ending import end_started, ends_with_its_test

WAITS = "import time; print('up', flush=True); time.sleep(600)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"


async def test_what_is_left_is_ended_and_what_has_ended_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ending, "GRACE_S", 0.05)
    pipe = subprocess.PIPE
    waits = ends_with_its_test(await asyncio.create_subprocess_exec(sys.executable, "-c", WAITS, stdout=pipe))
    gone = ends_with_its_test(await asyncio.create_subprocess_exec(sys.executable, "-c", ""))
    with ends_with_its_test(subprocess.Popen([sys.executable, "-c", DEAF], stdout=pipe)) as deaf:
        assert waits.stdout is not None
        assert deaf.stdout is not None
        assert (b"up\n", b"up\n") == (await waits.stdout.readline(), deaf.stdout.readline())
        await gone.wait()
        assert [deaf.pid, waits.pid] == end_started()
    await waits.wait()
    assert [] == end_started()
