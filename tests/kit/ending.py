"""Processes that tests start: what is still there when its test is over is ended then, whatever the test came to."""

import asyncio
import subprocess
from contextlib import suppress
from typing import Any, Final, TypeVar

GRACE_S: Final = 10.0
"""A desk ends in order within this, and takes the servers that it has started with it."""

Started = TypeVar("Started", subprocess.Popen[bytes], subprocess.Popen[str], asyncio.subprocess.Process)

_STARTED: Final[list[Any]] = []


def ends_with_its_test(process: Started) -> Started:
    """The process, which nobody has to end when a test fails."""
    _STARTED.append(process)
    return process


def end_started() -> list[int]:
    """End what is left; the ids of what was."""
    left = []
    while _STARTED:
        process = _STARTED.pop()
        if not isinstance(process, subprocess.Popen):
            # The loop that watched over it may be closed; what asyncio holds inside knows whether it has ended.
            process = process._transport.get_extra_info("subprocess")
        if process.poll() is None:
            left.append(process.pid)
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_S)
            process.kill()
            process.wait()
    return left
