"""Wherever a process is killed between an intent and its order, what must be on disk is on disk."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.stores.journal.format import decode_decision
from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.stores.journal.repair import repair_tail
from petrosa.adapters.stores.tape.reader import TapeReader
from petrosa.core.model.orders import Approved
from petrosa.errors import ConfigError
from petrosa.runtime.crash import crash_point

ROOT = Path(__file__).parents[3]


def crashed(folder: Path, armed: str) -> tuple[list[str], list[str]]:
    """Client order ids in the journal, and those that were sent, of a process killed at a point."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.crashing", str(folder), armed],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (-9, ""), done.stderr
    repair_tail(folder)
    decisions = [decode_decision(msgspec.Raw(raw)) for turn in JournalReader(folder).turns() for raw in turn.decisions]
    journaled = [decision.intent.client_order_id for decision in decisions if isinstance(decision, Approved)]
    return journaled, (folder / "sent").read_text().split()


@pytest.mark.parametrize(
    ("armed", "journaled", "sent"),
    [
        ("outbox.before_send:3", 3, 2),
        ("outbox.after_send:3", 3, 3),
        ("journal.after_sync:4", 3, 2),
    ],
)
def test_an_order_that_left_is_in_the_journal(tmp_path: Path, armed: str, journaled: int, sent: int) -> None:
    """At every point the journal holds each order that left, and at most one that did not."""
    in_journal, out = crashed(tmp_path, armed)
    assert (journaled, sent) == (len(in_journal), len(out))
    assert in_journal[: len(out)] == out


@pytest.mark.parametrize("armed", ["journal.before_write:40", "journal.after_write:40"])
def test_a_record_is_whole_or_not_there(tmp_path: Path, armed: str) -> None:
    """Killed round a write, the journal verifies and differs by exactly that record; the tape is never behind it."""
    in_journal, out = crashed(tmp_path, armed)
    assert in_journal[: len(out)] == out
    reader = JournalReader(tmp_path)
    head = reader.verify()
    assert (38 if armed.startswith("journal.before") else 39) == head.entries
    market_turns = head.sequence - sum(1 for turn in reader.turns() if turn.event is not None)
    assert len(list(TapeReader(tmp_path / "tape").frames())) >= market_turns


def test_an_unknown_point_is_refused() -> None:
    """A crash point that does not exist is a mistake in the configuration, and the message lists the real ones."""
    with pytest.raises(ConfigError, match=r"outbox\.after_send"):
        crash_point("outbox.sometime")
    assert crash_point("") is None
