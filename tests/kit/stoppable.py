"""A process under a supervisor, for tests that send it signals: `python -m tests.kit.stoppable FOLDER graceful|stuck`.

It prints `ready` when it may be signalled, and what the supervisor reports after that.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.core.model.events import Started
from petrosa.core.turns import Turns
from petrosa.runtime.clocks import VirtualClock
from petrosa.runtime.inbox import Heard, VirtualInbox
from petrosa.runtime.loop import Loop
from petrosa.runtime.observed import Observed
from petrosa.runtime.supervise import Supervisor
from tests.kit.toys import PROVENANCE, RUN, START, ToyDesk, market, nowhere


async def endless() -> AsyncIterator[Sequence[Heard]]:
    """Ten trades, then a silence that only a stop ends."""
    yield market(10)
    print("ready", flush=True)  # noqa: T201
    await asyncio.Event().wait()


async def main(folder: Path, kind: str) -> None:
    observed = Observed()
    clock = VirtualClock()
    journal = JournalWriter(folder, PROVENANCE, RUN)
    turns = Turns(ToyDesk(), journal.record, nowhere)
    journal.rotate(0, START, b"{}")
    turns.other(Started("toy"), START)
    loop = Loop(turns, VirtualInbox(endless(), clock, observed), clock, journal, lambda: b"{}", observed)

    def stop(reason: str) -> None:
        if kind == "graceful":
            loop.stop(reason)

    def report(message: str) -> None:
        print(message, flush=True)  # noqa: T201

    async with Supervisor(observed, stop, loop.halt, grace_s=60.0, report=report) as supervisor:
        await supervisor.run(loop.run())
    journal.close()
    print("ended", flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
