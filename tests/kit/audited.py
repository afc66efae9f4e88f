"""Audits to compare: what a journal amounts to from nothing, and what a store holds.

As a program it writes the audit of a run, and may die on the way: `python -m tests.kit.audited FOLDER FILE STATEMENT`
kills itself before that SQL statement, counted from 1 after the store is open (0: never), and prints how many passed.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.apps.auditing.catching_up import catch_up_run
from petrosa.apps.auditing.following import Follower, Place, name_of
from petrosa.apps.run import run_recording
from petrosa.apps.settings import Settings, load
from petrosa.ports import Documents, Versioned
from petrosa.surfaces.audit.projection import COLLECTION
from tests.kit.configuring import Armed
from tests.kit.services import UNHURRIED
from tests.kit.small_recording import LIVELY, write_small_recording

UNAUDITED = (*LIVELY, "feed.speed=0", "audit.enabled=false", UNHURRIED)


def quiet(_: str) -> None:
    """Says nothing."""


BUSY = ("signals.conflict_window_seconds=0",)
"""Strategies reverse one another at once, so that there is much to tell of."""


async def ran(home: Path, *sets: str, seconds: int = 40) -> tuple[Path, Settings]:
    """The folder of a run on a small recording, and its settings; not audited unless the settings say so."""
    settings = load(sets=[*UNAUDITED, *BUSY, *sets], environ={}, home=str(home))
    recording = write_small_recording(home / "market.gz", seconds)
    folder = settings.runs / "a-run"
    folder.mkdir(parents=True)
    await run_recording([recording], settings, report=quiet, folder=folder)
    return folder, settings


def from_nothing(folder: Path) -> dict[str, dict[str, Any]]:
    """Every record of a run's journal by its key, made in one go."""
    name = name_of(folder)
    follower = Follower(folder, name, Place(run=name.run))
    found: dict[str, dict[str, Any]] = {}
    while (chunk := follower.next()) is not None:
        found.update(chunk.entries)
    follower.close()
    return found


async def stored(documents: Documents) -> dict[str, Versioned]:
    """Every record that a store holds."""
    found: dict[str, Versioned] = {}
    while page := await documents.find(COLLECTION, after=max(found, default="")):
        found.update(page)
    return found


async def assert_whole(documents: Documents, folder: Path) -> None:
    """The store holds what the journal amounts to, each record written once."""
    wanted, held = from_nothing(folder), await stored(documents)
    assert wanted == {key: one.document for key, one in held.items()}
    assert {1} == {one.version for one in held.values()}


async def main(folder: Path, file: Path, at: int) -> None:
    documents = await SqliteDocuments.open(file)
    armed = Armed(at)
    assert documents._connection is not None
    await documents._do(lambda: documents._connection.set_trace_callback(armed))  # type: ignore[union-attr]
    await catch_up_run(documents, folder)
    print(armed.passed)  # noqa: T201
    await documents.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])))
