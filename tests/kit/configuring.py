"""A process that changes the configuration until it is killed: `python -m tests.kit.configuring FILE STATEMENT`.

It prints the audit record of each change that it was told is stored. STATEMENT is the SQL statement, counted from 1
after the start, before which it kills itself; 0: it goes on until somebody else does.
"""

import asyncio
import itertools
import os
import signal
import sys
from pathlib import Path

from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.apps.configuration.service import ConfigService
from petrosa.apps.settings import load
from petrosa.surfaces.configuration import Act
from petrosa.surfaces.logs import configure

SKEW = "orderbook_skew"


class Armed:
    """Kills the process before a statement; counts them."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.passed = 0

    def __call__(self, _statement: str) -> None:
        self.passed += 1
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


async def story(config: ConfigService, turn: int) -> None:
    """Create, change, change for a symbol, delete: each acknowledged on standard output."""
    act = Act("writer", f"turn {turn}")
    for symbol, level in ((None, 3), (None, 4), ("BTCUSDT", 5), (None, 0)):
        if level:
            made = await config.change(SKEW, symbol, {"top_levels": level, "cooldown_seconds": turn}, act)
        else:
            made = await config.delete(SKEW, symbol, act)
        if made.metadata.audit_id is not None:  # none: one who was killed has said the same
            print(made.metadata.audit_id, flush=True)  # noqa: T201


async def main(file: Path, at: int) -> None:
    store = await SqliteDocuments.open(file)
    config = await ConfigService.open(load(environ={}), store)
    armed = Armed(at)
    assert store._connection is not None
    await store._do(lambda: store._connection.set_trace_callback(armed))  # type: ignore[union-attr]
    for turn in itertools.count(1):
        await story(config, turn)
        if at:
            print(f"survived {armed.passed}", flush=True)  # noqa: T201
            return


if __name__ == "__main__":
    configure("ERROR")
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
