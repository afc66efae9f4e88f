"""One place that knows every task of a process: what is started again, what stops the desk, and how all of it ends."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from enum import Enum
from types import TracebackType
from typing import Final

from petrosa.errors import PetrosaError
from petrosa.runtime.observed import Observed

GRACE_S: Final = 10.0
DESK_LEAVES: Final = "no new entries, cancelling entry orders, leaving protection"
BACKOFF_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)

Start = Callable[[], Coroutine[object, object, None]]


class OnFailure(Enum):
    """What a task's failure means. RESTART suits connections, HALT whatever the desk cannot trade without."""

    RESTART = "restart"
    HALT = "halt"


class Supervisor:
    """Runs side tasks around one main task and ends them all with it.

    `stop(reason)` asks the main task for an orderly end, `halt(reason)` tells the desk that it may not enter any more.
    SIGTERM and SIGINT call `stop` once; the main task then has `grace_s` seconds before it is cancelled, and a second
    signal ends the process at once. Side tasks that fail with a `PetrosaError` or `OSError` are restarted with growing
    pauses or halt the desk; any other exception is our own mistake and ends the run.
    """

    def __init__(
        self,
        observed: Observed,
        stop: Callable[[str], None],
        halt: Callable[[str], None],
        *,
        grace_s: float = GRACE_S,
        report: Callable[[str], None],
        catches_signals: bool = True,
        leaving: str = DESK_LEAVES,
    ) -> None:
        """`catches_signals` is for the one supervisor of a process that speaks for all of it, which then says how it is
        `leaving`."""
        self.stop_reason: str | None = None
        self._observed = observed
        self._stop = stop
        self._halt = halt
        self._grace_s = grace_s
        self._report = report
        self._leaving = leaving
        self._caught = (signal.SIGTERM, signal.SIGINT) if catches_signals else ()
        self._sides: list[asyncio.Task[None]] = []
        self._main: asyncio.Task[None] | None = None
        self._mistake: BaseException | None = None
        self._signals: list[signal.Signals] = []
        self._deadline: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "Supervisor":
        loop = asyncio.get_running_loop()
        for number in self._caught:
            loop.add_signal_handler(number, self._signalled, number)
            self._signals.append(number)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        for side in reversed(self._sides):
            side.cancel()
        await asyncio.gather(*self._sides, return_exceptions=True)
        for number in self._signals:
            asyncio.get_running_loop().remove_signal_handler(number)

    def side(self, name: str, start: Start, on_failure: OnFailure) -> None:
        """Keep a task running beside the main one; it may also simply end."""
        self._sides.append(asyncio.create_task(self._keep(name, start, on_failure), name=name))

    async def run(self, main: Coroutine[object, object, None]) -> None:
        """Run the main task to its end; its exception is this method's. A mistake in a side task ends it too."""
        if self._mistake is not None:
            main.close()
            raise self._mistake
        self._main = asyncio.create_task(main, name="main")
        try:
            await self._main
        except asyncio.CancelledError:
            if self._mistake is not None:
                raise self._mistake from None
            if self.stop_reason is None:
                raise
            self._report(f"not finished {self._grace_s:g} s after {self.stop_reason}; stopped anyway")

    def request_stop(self, reason: str) -> None:
        """Ask for an orderly end; only the first time counts."""
        if self.stop_reason is None:
            self.stop_reason = reason
            self._stop(reason)
            self._deadline = asyncio.get_running_loop().call_later(self._grace_s, self._cut)

    def _signalled(self, number: signal.Signals) -> None:
        if self.stop_reason is not None:
            os._exit(128 + number)
        self._report(f"{number.name}: {self._leaving}; again to exit at once")
        self.request_stop(number.name)

    def _cut(self) -> None:
        if self._main is not None:
            self._main.cancel()

    async def _keep(self, name: str, start: Start, on_failure: OnFailure) -> None:
        attempt = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await start()
                return
            except (PetrosaError, OSError) as error:
                if on_failure is OnFailure.HALT:
                    self._report(f"{name} failed and the desk halts: {error}")
                    self._halt(f"{name}: {error}")
                    return
                lasted = asyncio.get_running_loop().time() - began
                attempt = 0 if lasted > BACKOFF_S[-1] else attempt
                pause = BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)]
                attempt += 1
                self._observed.restarts[name] += 1
                self._report(f"{name} failed, trying again in {pause:g} s: {error}")
                await asyncio.sleep(pause)
            except Exception as error:  # noqa: BLE001 - a mistake of ours must not be a task that silently died
                self._mistake = error
                self._cut()
                return
