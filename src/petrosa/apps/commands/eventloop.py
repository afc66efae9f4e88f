"""Runs a coroutine on the fastest event loop there is."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_async(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of the coroutine. uvloop where it is installed, asyncio's own loop elsewhere: same behaviour."""
    with asyncio.Runner(loop_factory=_factory()) as runner:
        return runner.run(coroutine)


async def until_stopped(coroutine: Coroutine[Any, Any, T]) -> T | None:
    """The result of something without signal handling of its own; none when SIGTERM or SIGINT ended it in order.

    The first signal cancels it, so that its `finally` blocks run; a second one exits at once.
    """
    task = asyncio.ensure_future(coroutine)
    loop = asyncio.get_running_loop()
    stopped = False

    def stop(number: signal.Signals) -> None:
        nonlocal stopped
        if stopped:
            os._exit(128 + number)
        stopped = True
        task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    try:
        return await task
    except asyncio.CancelledError:
        if stopped:
            return None
        raise
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


def _factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
