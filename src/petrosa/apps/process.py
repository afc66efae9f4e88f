"""A whole desk in one process under the asyncio runtime: what `petrosa run` and `petrosa demo` have in common."""

import math
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

from petrosa.adapters.stores.journal.format import RunFile
from petrosa.adapters.stores.tape.writer import TapeWriter
from petrosa.apps.backtest import rare_collection, summary_of
from petrosa.apps.journaling import open_journal, provenance_of, record_to
from petrosa.apps.recorded import Input
from petrosa.apps.settings import Settings
from petrosa.apps.wiring import Parts, build_exchange, checkpoint_of
from petrosa.backtest.run import begin
from petrosa.backtest.source import Heard, peek
from petrosa.backtest.summary import Summary, Tally
from petrosa.core.model.market import MarketEvent
from petrosa.core.turns import Record, Turns
from petrosa.runtime.clocks import VirtualClock
from petrosa.runtime.crash import crash_point
from petrosa.runtime.inbox import VirtualInbox
from petrosa.runtime.loop import Loop, watch_lag
from petrosa.runtime.observed import Observed
from petrosa.runtime.outbox import Outbox
from petrosa.runtime.stream import DecisionStream
from petrosa.runtime.supervise import OnFailure, Start, Supervisor
from petrosa.surfaces.readmodel import ReadModel

FRAMES_AT_ONCE: Final = 128
"""Frames decoded at once: some two milliseconds, after which others may run."""
MODEL_BACKLOG: Final = 100_000

Side = tuple[str, Start, OnFailure]
"""A task that runs beside the desk: its name, what starts it, and what its failure means."""


class DeskProcess:
    """A desk with its simulated exchange, journal, inbox and read model, from the first fact to a summary.

    Reading the first batch happens in the constructor: it says when the run begins and how arrival is shifted. `speed`
    is run time over wall time, infinite for as fast as it goes. Close it when it is done, whatever happened.
    """

    def __init__(
        self, settings: Settings, parts: Parts, taken: Input, *, folder: Path, run_file: RunFile,
        speed: float = math.inf, recording_sha256: str = "", tape: TapeWriter | None = None,
        also: Sequence[Record] = (),
    ) -> None:  # fmt: skip
        """`also` are shown every turn that is recorded, after the journal has it.

        `history` is what strategies warm up with before the first fact.
        """
        began = time.perf_counter()
        self.settings = settings
        self.parts = parts
        self.taken = taken
        self.tape = tape
        self.history: Sequence[MarketEvent] = ()
        self.observed = Observed()
        self.model = ReadModel()
        self.tally = Tally()
        self.stream = DecisionStream(self.observed)
        self._listener = self.stream.subscribe("read model", MODEL_BACKLOG)
        self.exchange = build_exchange(settings, parts.instruments)
        self.started_at, batches = peek(taken.batches())
        crash = crash_point(settings.crash_at)
        provenance = provenance_of(
            settings, parts.instruments, recording_sha256=recording_sha256, taped=tape is not None, shift=taken.shift
        )
        self.journal = open_journal(
            settings, folder, provenance, run_file, durable=settings.journal.durable,
            before_write=tape.flush if tape is not None else None,
            crash_point=crash, on_sync=self.observed.sync_time.add,
        )  # fmt: skip
        outbox = Outbox({settings.feed.venue: self.exchange}, crash)
        record = record_to(self.journal.record, self.tally.take, self.stream.publish, *also)
        self.turns = Turns(parts.desk, record, outbox.send, self.exchange)
        self.clock = VirtualClock(speed)
        self.pace = speed if self.clock.paced else 1.0
        self.inbox = VirtualInbox(_handed_out(batches), self.clock, self.observed)
        self._checkpoint = partial(checkpoint_of, self.turns, parts.desk, self.exchange)
        self.loop = Loop(self.turns, self.inbox, self.clock, self.journal, self._checkpoint, self.observed)
        self._began = began
        self._elapsed = 0.0

    async def run(self, sides: Sequence[Side], report: Callable[[str], None]) -> None:
        """Turn until the data is over or a signal asks to stop; `sides` run beside it and end with it."""
        begin(self.turns, self.journal, self._checkpoint, self.started_at, self.history)
        async with AsyncExitStack() as stack:
            stack.enter_context(rare_collection())
            supervisor = Supervisor(self.observed, self.loop.stop, self.loop.halt, report=report)
            await stack.enter_async_context(supervisor)
            own: tuple[Side, ...] = (
                ("read model", self._fold, OnFailure.HALT),
                ("lag", partial(watch_lag, self.observed), OnFailure.RESTART),
            )
            for name, start, on_failure in (*own, *sides):
                supervisor.side(name, start, on_failure)
            await supervisor.run(self.loop.run())
        for decided in self._listener.drain():
            self.model.fold(*decided)
        self._elapsed = time.perf_counter() - self._began

    def stop(self, reason: str) -> None:
        """Ask for an orderly end."""
        self.loop.stop(reason)

    def summary(self) -> Summary:
        """What the run came to; call it when `run` has returned."""
        return summary_of(
            self.settings, self.parts, self.taken, self.tally, self.journal,
            elapsed_s=self._elapsed, opened_s=0.0, decide_s=self.observed.turning_s,
        )  # fmt: skip

    def close(self) -> None:
        """Release journal and tape; calling it twice is harmless."""
        try:
            self.journal.close()
        finally:
            if self.tape is not None:
                self.tape.close()

    async def _fold(self) -> None:
        async for decided in self._listener:
            self.model.fold(*decided)


async def _handed_out(batches: Iterator[Sequence[Heard]]) -> AsyncIterator[Sequence[Heard]]:
    for batch in batches:
        yield batch
