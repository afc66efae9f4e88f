"""Execution events on the bus: after the journal, at least once, each with an id that stays the same."""

import asyncio
from pathlib import Path
from typing import Final

import msgspec

from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.adapters.wire.subjects import EXECUTION_STREAM, EXECUTIONS, execution_subject
from petrosa.apps.auditing.following import Chunk, Follower, Place, name_of
from petrosa.apps.joined import Report, persistently
from petrosa.errors import PetrosaError, StorageError
from petrosa.ports import Bus
from petrosa.surfaces.audit.execution import execution_event

PLACE: Final = "execution-events.json"
LOOK_EVERY_S: Final = 0.05


class ExecutionEvents:
    """Follows a run's journal and tells `execution.events.<strategy_id>` of it.

    How far it has come stands in a file beside the journal. A crash between the two tells the last events again, with
    the same ids, which a durable stream takes for one within its window.
    """

    def __init__(self, journal: JournalWriter, bus: Bus, report: Report) -> None:
        self.published = 0
        self._journal = journal
        self._bus = bus
        self._report = report

    async def follow(self) -> None:
        """Publish for ever; waits for the bus as long as it is away. Raises `JournalError`, `StorageError`."""
        if self._bus.durable:
            await self._bus.ensure_stream(EXECUTION_STREAM, [EXECUTIONS])
        follower = self._follower()
        try:
            while True:
                chunk = follower.next(self._journal.synced)
                if chunk is None:
                    await asyncio.sleep(LOOK_EVERY_S)
                else:
                    await self._say(chunk)
        finally:
            follower.close()

    async def finish(self, seconds: float) -> None:
        """Publish what the ended run has left, while the bus is there, for at most so long."""
        follower = self._follower()
        try:
            async with asyncio.timeout(seconds):
                while (chunk := follower.next(self._journal.synced)) is not None:
                    await self._say(chunk)
        except (PetrosaError, TimeoutError) as problem:
            why = str(problem) or f"{seconds:g} s were not enough"
            self._report(f"execution events: not all are published ({why}); the next start publishes the rest")
        finally:
            follower.close()

    def _follower(self) -> Follower:
        name = name_of(self._journal.folder)
        return Follower(self._journal.folder, name, _read(self._journal.folder) or Place(run=name.run))

    async def _say(self, chunk: Chunk) -> None:
        for key, record in chunk.entries:
            event = execution_event(record)
            if event is None:
                continue
            subject, data = execution_subject(event.strategy_id), msgspec.json.encode(event)
            await persistently(self._bus, lambda s=subject, d=data, k=key: self._publish(s, d, k), self._report)  # type: ignore[misc]
            self.published += 1
        _write(self._journal.folder, chunk.place)
        await asyncio.sleep(0)

    async def _publish(self, subject: str, data: bytes, message_id: str) -> None:
        if self._bus.durable:
            await self._bus.publish_durable(subject, data, message_id)
        else:
            await self._bus.publish(subject, data)


def _read(folder: Path) -> Place | None:
    """The place of the last time; none when there was none, and then everything is told again."""
    try:
        return msgspec.json.decode((folder / PLACE).read_bytes(), type=Place)
    except (OSError, msgspec.DecodeError):
        return None


def _write(folder: Path, place: Place) -> None:
    new = folder / f"{PLACE}.new"
    try:
        new.write_bytes(msgspec.json.encode(place))
        new.replace(folder / PLACE)
    except OSError as error:
        raise StorageError(f"cannot write {folder / PLACE}: {error.strerror}; free some disk space") from error
