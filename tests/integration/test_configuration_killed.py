"""Whenever a process that changes the configuration is killed, the next finds each change whole or not at all."""

import asyncio
import random
import subprocess
import sys
from pathlib import Path

import pytest

from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.apps.configuration.stored import FOR_ALL, FOR_SYMBOL
from petrosa.surfaces.configuration import Act
from tests.kit.configured import SKEW, service
from tests.kit.soak import SOAKING, sample

STATEMENTS_MAX = 400
"""More than the story has."""


def killed(file: Path, statement: int) -> list[str]:
    """What a process said that was killed before this statement of its story."""
    words = [sys.executable, "-m", "tests.kit.configuring", str(file), str(statement)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stdout.split("\n")[:-1]


def killed_after(file: Path, lines: int) -> list[str]:
    """What a process said that was killed some time after its line of this number."""
    words = [sys.executable, "-m", "tests.kit.configuring", str(file), "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().strip() for _ in range(lines)]
        process.kill()
        said += process.stdout.read().split("\n")[:-1]
    return said


async def verify(file: Path, acknowledged: list[str]) -> int:
    """Every acknowledged change is there, versions have no gap, and documents are what their last record says."""
    store = await SqliteDocuments.open(file)
    config = await service(store)
    records = (await config.audit(SKEW, None, 1_000, "")).records
    assert [f"{SKEW}:{n:012d}" for n in range(len(records), 0, -1)] == [record.id for record in records]
    assert set(acknowledged) <= {record.id for record in records}
    for symbol, collection, key in ((None, FOR_ALL, SKEW), ("BTCUSDT", FOR_SYMBOL, f"{SKEW}:BTCUSDT")):
        own = [record for record in reversed(records) if record.symbol == symbol]
        assert list(range(1, len(own) + 1)) == [record.version_after for record in own]
        held = await store.get(collection, key)
        last = (own[-1].new_parameters, own[-1].version_after) if own else (None, 0)
        found = (None, last[1]) if held is None else (held.document["parameters"], held.document["version"])
        assert last == found
    await config.change(SKEW, None, {"top_levels": 11 + len(records) % 2}, Act("next", "after the crash"))
    await store.close()
    return len(records)


def test_killed_before_every_statement(tmp_path: Path) -> None:
    """Before each one of a whole story on one file: create, change, for a symbol, delete."""
    survived = killed(tmp_path / "whole.sqlite", STATEMENTS_MAX)[-1]
    count = int(survived.removeprefix("survived "))
    assert 20 < count < STATEMENTS_MAX
    points = range(1, count + 1) if SOAKING else sorted(random.Random(7).sample(range(1, count + 1), 10))
    seen = set()
    for statement in points:
        file = tmp_path / f"{statement}.sqlite"
        said = killed(file, statement)
        assert not any(line.startswith("survived") for line in said)
        seen.add(asyncio.run(verify(file, said)))
    assert len(seen) > 2


@pytest.mark.parametrize("seed", range(sample(2, 25)))
def test_killed_at_any_moment(tmp_path: Path, seed: int) -> None:
    """The same file five times over, each time somewhere else."""
    chance = random.Random(seed)
    file = tmp_path / "documents.sqlite"
    acknowledged: list[str] = []
    for _ in range(5):
        acknowledged += killed_after(file, chance.randrange(0, 12))
        asyncio.run(verify(file, acknowledged))
