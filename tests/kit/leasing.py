"""Leases to contend for: `python -m tests.kit.leasing KIND PLACE NAME FILE` is a process that sends while it may.

It writes to FILE `held TOKEN`, then `sent NANOSECONDS` a few hundred times a second, and `lost` when it has to stop.
"""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.leases.file import FileLease
from petrosa.adapters.leases.nats import BUCKET, NatsLease
from petrosa.errors import LeaseLost
from petrosa.ports import Lease
from tests.kit.ending import ends_with_its_test

TTL_S = 1.5
ACCOUNT = "main"


@asynccontextmanager
async def a_lease(kind: str, place: str, name: str, report: Callable[[str], None] = str) -> AsyncIterator[Lease]:
    """A lease of one kind; `place` is a file, or the address of a server."""
    if kind == "file":
        yield FileLease(Path(place), ACCOUNT, name, report)
        return
    bus = await NatsBus.connect(place)
    try:
        yield NatsLease(bus.cells(BUCKET), ACCOUNT, f"account {ACCOUNT}", name, TTL_S, report)
    finally:
        await bus.close()


@asynccontextmanager
async def kept(lease: Lease) -> AsyncIterator[Lease]:
    """Held and renewed while the block lasts; then another may have it."""
    await lease.acquire()
    keeping = asyncio.create_task(lease.run())
    try:
        yield lease
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError, LeaseLost):
            await keeping
        await lease.release()


class Sender:
    """A process that sends while it may, and what it has written down."""

    def __init__(self, kind: str, place: str, name: str, file: Path) -> None:
        self._command = (sys.executable, "-m", "tests.kit.leasing", kind, place, name, str(file))
        self.file = file
        self.process: asyncio.subprocess.Process

    async def start(self) -> "Sender":
        self.process = ends_with_its_test(await asyncio.create_subprocess_exec(*self._command))
        return self

    def lines(self, word: str) -> list[int]:
        """The numbers after a word, in the order in which they were written."""
        text = self.file.read_text() if self.file.exists() else ""
        return [int(line.split()[1]) for line in text.splitlines() if line.startswith(word + " ")]

    async def until(self, word: str, more_than: int = 0) -> int:
        """Return the last number after a word when it stands there so often."""
        async with asyncio.timeout(30):
            while len(found := self.lines(word)) <= more_than:
                await asyncio.sleep(0.01)
        return found[-1]

    async def kill(self) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()


async def main(kind: str, place: str, name: str, file: Path) -> None:
    with file.open("ab", buffering=0) as out:
        async with a_lease(kind, place, name) as lease:
            await lease.acquire()
            out.write(b"held %d\n" % lease.token)
            keeping = asyncio.create_task(lease.run())
            while not keeping.done():
                at = time.monotonic_ns()
                if not lease.why_not():
                    out.write(b"sent %d\n" % at)
                await asyncio.sleep(0.003)
            out.write(b"lost %d\n" % time.monotonic_ns())
            with contextlib.suppress(LeaseLost):
                await keeping


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])))
