"""Runs that ended, by a crash or an absent store, before their audit was written: their journals are read for it."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Final

from petrosa.adapters.stores.journal.format import LOCK, segment_numbers, segment_path
from petrosa.adapters.stores.journal.listing import runs
from petrosa.adapters.stores.journal.reader import read_sidecar
from petrosa.adapters.stores.lockfile import is_locked
from petrosa.apps.auditing.following import Follower, Place, name_of
from petrosa.apps.auditing.store import AuditStore, places
from petrosa.apps.documents import is_stored, open_documents
from petrosa.apps.joined import Report
from petrosa.apps.settings import Settings
from petrosa.errors import JournalError, VersionConflict
from petrosa.ports import Documents

AUDITED: Final = frozenset({"run", "demo", "trade", "live"})
"""Commands whose runs trade. A backtest can be made again, and `strategies` trades nothing."""


async def catch_up(documents: Documents, folder: Path, report: Report) -> int:
    """Write the audit of every run in a folder that nobody writes now; returns how many records were missing.

    A journal that is not whole is reported and does not keep the others waiting. Raises what the store raises.
    """
    known = await places(documents)
    written = 0
    for run in runs(folder):
        try:
            if unread_from(run, known) is not None and not is_locked(run / LOCK):
                written += await catch_up_run(documents, run)
        except JournalError as problem:
            report(f"audit: not all of a run can be told: {problem}")
    return written


async def catch_up_run(documents: Documents, folder: Path) -> int:
    """Write what one run's journal holds beyond its place; another process that does the same now may go first."""
    name = name_of(folder)
    store = AuditStore(documents, name)
    follower = Follower(folder, name, await store.place())
    written = 0
    with closing(follower), suppress(VersionConflict):
        while (chunk := follower.next()) is not None:
            await store.write(chunk)
            written += len(chunk.entries)
            await asyncio.sleep(0)
    return written


def unread_from(folder: Path, known: Mapping[str, Place]) -> int | None:
    """The oldest segment of a run that is not in the audit to its end; none when all of it is, or need not be."""
    sidecar = read_sidecar(folder)
    if sidecar is None or sidecar.command not in AUDITED:
        return None
    segments = segment_numbers(folder)
    place = known.get(name_of(folder).tag)
    if place is None or place.segment == 0:
        return segments[0]
    if place.segment == segments[-1] and not _has_line(segment_path(folder, segments[-1]), place.offset):
        return None
    return place.segment


def _has_line(path: Path, offset: int) -> bool:
    """Whether a whole line begins there; what a crash has torn is none."""
    with path.open("rb") as file:
        file.seek(offset)
        return file.readline().endswith(b"\n")


async def unread_in(settings: Settings) -> Callable[[Path], int | None]:
    """Says of a run from which segment on the audit still needs it.

    Raises `StorageError` while the store is away: what it lacks cannot be known then. With the audit switched off
    nothing is needed; a store that does not exist yet holds nothing of any run.
    """
    if not settings.audit.enabled:
        return lambda _: None
    if not is_stored(settings):
        return partial(unread_from, known={})
    documents = await open_documents(settings)
    try:
        return partial(unread_from, known=await places(documents))
    finally:
        await documents.close()
