"""One feed a subject: a second one waits, and goes on where the first ends.

Two feeds on a subject would tell everything twice, and each consumer would miss the numbers of the other's messages.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Final

from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.leases.nats import BUCKET, NatsLease
from petrosa.apps.joined import Report
from petrosa.apps.leasing import holder_name
from petrosa.apps.settings import Settings
from petrosa.errors import LeaseLost

LOOK_EVERY_S: Final = 0.1


class Alone:
    """The leases of some subjects, all or none. Where NATS keeps nothing nobody is held apart, and that is said."""

    def __init__(self, settings: Settings, bus: NatsBus, subjects: Sequence[str], report: Report) -> None:
        self._report = report
        self._ttl_s = settings.lease.ttl_seconds
        self._lost = ""
        self._looked = 0.0
        whose = f"{holder_name(settings)} (process {os.getpid()})"
        self._leases = [
            NatsLease(
                bus.cells(BUCKET), f"feed.{subject}", f"subject {subject}", whose, self._ttl_s, self._tell,
                takes_unknown=True,
            )
            for subject in (sorted(subjects) if bus.durable else ())
        ]  # fmt: skip
        if not bus.durable:
            report(f"feed: {bus.url} has no JetStream and keeps no lease: nothing holds a second feed of this back")

    async def acquire(self) -> None:
        """Return when every subject is ours. All take them in one order, so that nobody waits for a waiting one."""
        for lease in self._leases:
            await lease.acquire()

    async def run(self) -> None:
        """Keep them for ever; one that the broker forgot is taken again. Raises `LeaseLost` when another has it."""
        try:
            async with asyncio.TaskGroup() as group:
                for lease in self._leases:
                    group.create_task(self._keep(lease))
        except ExceptionGroup as lost:
            self._lost = str(lost.exceptions[0])
            raise lost.exceptions[0] from None

    async def may_publish(self) -> None:
        """Return while they are held. Raises `LeaseLost` when they never will be again."""
        now = time.monotonic()
        if now - self._looked < LOOK_EVERY_S:
            return
        if why := self.why_not():
            self._tell(f"not publishing: {why}")
        while self.why_not():
            if self._lost:
                raise LeaseLost(self._lost)
            await asyncio.sleep(LOOK_EVERY_S)
        self._looked = time.monotonic()

    def why_not(self) -> str:
        """Why nothing may be published now; empty while every subject is held."""
        return next((why for lease in self._leases if (why := lease.why_not())), "")

    async def release(self) -> None:
        """Let the next feed have them; calling it twice is harmless."""
        await asyncio.gather(*(lease.release() for lease in self._leases))

    async def _keep(self, lease: NatsLease) -> None:
        while True:
            try:
                await lease.run()
            except LeaseLost as lost:
                self._tell(str(lost))
                try:
                    async with asyncio.timeout(2 * self._ttl_s):
                        await lease.acquire()
                except TimeoutError:
                    raise lost from None

    def _tell(self, text: str) -> None:
        self._report(f"feed: {text}")
