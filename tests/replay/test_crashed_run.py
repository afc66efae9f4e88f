"""A desk that was killed between an intent and its order has written down exactly what it did."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from petrosa.adapters.stores.journal.listing import verify
from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.stores.journal.repair import repair_tail
from petrosa.apps.replay import replay_journal
from petrosa.backtest.chain import decisions_of
from petrosa.core.model.orders import Approved, Reducing
from tests.kit.small_recording import write_small_recording

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("point", "intents"),
    [("journal.after_sync:6", None), ("outbox.before_send:4", 4), ("outbox.after_send:4", 4)],
)
def test_a_killed_run_replays_up_to_its_death(tmp_path: Path, point: str, intents: int | None) -> None:
    """The journal of a killed run verifies, is not closed, ends with the intent it died at, and replays."""
    recording = write_small_recording(tmp_path / "market.gz", 60)
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.crashing_run", str(recording), str(tmp_path), point],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )  # fmt: skip
    assert -9 == done.returncode, done.stderr
    folder = tmp_path / "journal"
    _, repaired = repair_tail(folder)
    assert repaired is None
    assert not verify(folder).closed
    turns = list(JournalReader(folder).turns())
    sent = [d for turn in turns for d in decisions_of(turn) if isinstance(d, Approved | Reducing)]
    assert any(isinstance(decision, Approved | Reducing) for decision in decisions_of(turns[-1]))
    assert intents is None or intents <= len(sent)
    assert replay_journal(folder).identical
