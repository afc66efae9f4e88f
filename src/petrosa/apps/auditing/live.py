"""The audit of a running desk: behind the journal, beside the desk, and no turn ever waits for it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from functools import partial
from typing import Final

from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.apps.auditing.catching_up import catch_up
from petrosa.apps.auditing.following import Chunk, Follower, Place, name_of
from petrosa.apps.auditing.store import WRITES_AT_ONCE, AuditStore
from petrosa.apps.documents import open_documents
from petrosa.apps.joined import Report
from petrosa.apps.process import Side
from petrosa.apps.settings import Settings
from petrosa.errors import PetrosaError
from petrosa.ports import Documents
from petrosa.runtime.supervise import OnFailure
from petrosa.surfaces.audit.projection import Entry
from petrosa.surfaces.observation import AuditSeen, Check

LOOK_EVERY_S: Final = 0.25

OpenStore = Callable[[], Awaitable[Documents]]


class Auditing:
    """Writes what a journal holds to the store, as soon as it is there to stay.

    It looks at the journal's file, so that a turn costs what it costs without an audit. What is not written when the
    process ends, however it ends, the next one writes.
    """

    def __init__(self, settings: Settings, journal: JournalWriter, open_store: OpenStore, report: Report) -> None:
        self.written = 0
        self.problem = ""
        self._settings = settings
        self._journal = journal
        self._open_store = open_store
        self._report = report
        self._name = name_of(journal.folder)
        self._place: Place | None = None
        self._away_since = 0.0

    def sides(self) -> list[Side]:
        """Tasks beside the desk: this run's audit, and once that of runs that ended before theirs was written."""
        return [
            ("audit", self.follow, OnFailure.RESTART),
            ("audit of earlier runs", self._catch_up, OnFailure.RESTART),
        ]

    async def follow(self) -> None:
        """Write for ever. Raises what the store raises, and goes on from the stored place when called again."""
        async with self._at_place() as (follower, store):
            while True:
                if not await self._forward(follower, store):
                    await asyncio.sleep(LOOK_EVERY_S)  # not at once: a store that syncs keeps the journal's disk busy

    async def finish(self) -> None:
        """Write what the ended run has left, for at most `audit.finish_seconds`; say so when that was too short."""
        try:
            async with asyncio.timeout(self._settings.audit.finish_seconds), self._at_place() as (follower, store):
                while await self._forward(follower, store):
                    pass
        except (PetrosaError, OSError, TimeoutError) as problem:
            why = str(problem) or f"{self._settings.audit.finish_seconds:g} s were not enough"
            self._report(
                f"audit: {self.seen().behind} turns are not in the store yet ({why}); they are in the journal, and the"
                " next start or `petrosa audit --catch-up` writes them"
            )

    def seen(self) -> AuditSeen:
        """Where it stands."""
        read = 0 if self._place is None else self._place.entries
        return AuditSeen(behind=max(0, self._journal.entries - read), written=self.written, is_away=bool(self.problem))

    def check(self) -> Check:
        """For `/ready`, which it never makes false: nothing is lost while the journal is whole."""
        behind = self.seen().behind
        if self.problem:
            away = time.monotonic() - self._away_since
            return Check(
                "audit",
                True,
                f"waiting for {away:.0f} s, {behind} turns behind, which the journal keeps: {self.problem}",
            )
        return Check("audit", True, f"{self.written} records written, {behind} turns behind")

    async def _forward(self, follower: Follower, store: AuditStore) -> bool:
        """Write the next records, as many as one transaction takes; whether there may be more."""
        entries: list[Entry] = []
        place: Place | None = None
        while len(entries) < WRITES_AT_ONCE and (chunk := follower.next(self._journal.synced)) is not None:
            entries += chunk.entries
            place = chunk.place
            await asyncio.sleep(0)
        if place is None:
            return False
        await store.write(Chunk(entries, place))
        self._place = place
        self.written += len(entries)
        return len(entries) >= WRITES_AT_ONCE

    @asynccontextmanager
    async def _at_place(self) -> AsyncIterator[tuple[Follower, AuditStore]]:
        """The store open, and the journal at the place that the store knows; a trouble is remembered for `check`."""
        documents: Documents | None = None
        try:
            documents = await self._open_store()
            store = AuditStore(documents, self._name)
            self._place = await store.place()
            follower = Follower(self._journal.folder, self._name, self._place)
            self.problem = ""
            with closing(follower):
                yield follower, store
        except (PetrosaError, OSError) as problem:
            if not self.problem:
                self._away_since = time.monotonic()
            self.problem = str(problem)
            raise
        finally:
            if documents is not None:
                await documents.close()

    async def _catch_up(self) -> None:
        documents = await self._open_store()
        try:
            written = await catch_up(documents, self._settings.runs, self._report)
        finally:
            await documents.close()
        if written:
            self._report(f"audit: wrote {written} records of runs that had ended before theirs were written")


def auditing_of(settings: Settings, journal: JournalWriter, report: Report) -> Auditing | None:
    """The audit of a run, where it is wanted; with its own connection to the store: nobody waits for it."""
    return Auditing(settings, journal, partial(open_documents, settings), report) if settings.audit.enabled else None
