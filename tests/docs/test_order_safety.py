"""The page about order safety says the figures that hold, and has its place for the crash matrix."""

from pathlib import Path

from petrosa.adapters.leases.nats import BUCKET, MARGIN
from petrosa.apps.leasing import lease_file
from petrosa.apps.settings import load
from petrosa.core.execution.params import ExecutionParams
from petrosa.core.model.orders import Leg, client_order_id_of

PAGE = (Path(__file__).parents[2] / "docs" / "order-safety.md").read_text(encoding="utf-8")


def test_the_figures_are_the_defaults(tmp_path: Path) -> None:
    """Of the settings, and of what is compiled in."""
    settings = load(environ={}, home=str(tmp_path))
    assert f"{ExecutionParams().answer_deadline_seconds:g} s (`execution.answer_deadline_seconds`)" in PAGE
    assert f"after {settings.journal.segment_minutes:g} minutes (`journal.segment_minutes`)" in PAGE
    assert f"{settings.journal.segment_mb} MB (`journal.segment_mb`)" in PAGE
    assert f"`lease.ttl_seconds` ({settings.lease.ttl_seconds:g} s)" in PAGE
    assert (0.25, f"`{BUCKET}`") == (MARGIN, "`petrosa-leases`")
    assert f"`{BUCKET}`" in PAGE
    assert "`accounts/`" in PAGE
    assert "accounts" == lease_file(settings).parent.name
    assert len("p") + 31 == len(client_order_id_of("a", "b", Leg.ENTRY))


def test_the_crash_matrix_has_its_place() -> None:
    """Exactly one."""
    assert 1 == PAGE.count("<!-- crash-matrix -->")
