"""The audit beside a desk: what it says of itself, and that it can be switched off."""

from pathlib import Path

from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.apps.auditing.live import Auditing, auditing_of
from petrosa.apps.settings import load
from petrosa.core.model.events import Started
from petrosa.ports import Documents
from petrosa.surfaces.api.metrics import exposition
from petrosa.surfaces.observation import Observation
from tests.kit.audited import quiet
from tests.kit.toys import PROVENANCE, RUN, START


def journal_of(folder: Path) -> JournalWriter:
    journal = JournalWriter(folder, PROVENANCE, RUN)
    journal.rotate(0, START, b"{}")
    journal.record(1, START, Started("toy"), ())
    return journal


async def test_metrics_and_readiness_say_where_it_stands(tmp_path: Path) -> None:
    """Behind by what is not on disk yet, then not; never a reason not to be ready."""
    journal, kept = journal_of(tmp_path), MemoryDocuments()

    async def open_store() -> Documents:
        return kept

    auditing = Auditing(load(environ={}), journal, open_store, quiet)
    assert (True, "0 records written, 1 turns behind") == (auditing.check().ok, auditing.check().detail)
    await auditing.finish()
    assert 1 == auditing.seen().behind
    journal.sync()
    kept._closed = False
    await auditing.finish()
    assert "1 records written, 0 turns behind" == auditing.check().detail
    text = exposition(lambda: Observation(audit=auditing.seen()))().decode()
    for line in ("petrosa_audit_behind 0.0", "petrosa_audit_written_total 1.0", "petrosa_audit_away 0.0"):
        assert f"\n{line}\n" in text
    journal.close()


def test_it_can_be_switched_off(tmp_path: Path) -> None:
    """Then there is nothing beside the desk."""
    journal = journal_of(tmp_path)
    assert auditing_of(load(sets=["audit.enabled=false"], environ={}), journal, quiet) is None
    assert "petrosa_audit" not in exposition(Observation)().decode()
    journal.close()
