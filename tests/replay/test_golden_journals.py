"""A journal of an earlier schema is read by this version, to the last record."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.apps.settings import load_recorded
from petrosa.apps.wiring import build_desk, read_checkpoint

GOLDEN = Path(__file__).parent / "golden"
FOLDERS = sorted(path for path in GOLDEN.iterdir() if path.is_dir())

EXPECTED: dict[str, tuple[int, str, dict[str, int]]] = {
    "schema-1": (
        29,
        "5e6cb00322c084dda157f9eb2c5e3e3dcea22677754c46dc51ff4f9d5575169a",
        {
            "Started": 1,
            "decisions": 48,
            "OrderAccepted": 7,
            "OrderFilled": 3,
            "BalanceChanged": 3,
            "OrderExpired": 2,
            "CancelRejected": 2,
        },
    ),
}
"""Entries, the digest of the decisions, inputs by kind and the count of decisions."""


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_golden_journal_is_whole_and_says_what_it_said(folder: Path, tmp_path: Path) -> None:
    """Its chain holds, every input and decision is one this version knows, and its checkpoint fits a desk."""
    kept = tmp_path / folder.name
    shutil.copytree(folder, kept)
    reader = JournalReader(kept)
    head = reader.verify()
    kinds: Counter[str] = Counter()
    for turn in reader.turns():
        kinds.update([type(turn.event).__name__] if turn.event is not None else [])
        kinds["decisions"] += len(turn.decisions)
    assert EXPECTED[folder.name] == (head.entries, head.decisions, dict(kinds))
    header = reader.header()
    settings = load_recorded(bytes(header.provenance.configuration), tmp_path)
    desk = build_desk(settings, {rules.id: rules for rules in header.provenance.instruments}).desk
    desk.restore(read_checkpoint(bytes(header.checkpoint)).desk)
