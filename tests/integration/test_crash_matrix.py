"""A live desk is killed at every point between a signal and its end, whatever the venue does, and nothing goes wrong.

No order twice, no fill lost, no position without a stop once it is up again, the audit complete: what that means is in
`tests/kit/crash_truth.py`. `make test` kills a few times, `PETROSA_SOAK=1` as often as docs/order-safety.md shows.
"""

from pathlib import Path

import pytest

from tests.kit.crash_matrix import Behaviour, Row, Struck, passings, rows, run_cell, run_row
from tests.kit.crash_pages import note, page, table_names, wanted_names
from tests.kit.soak import SOAKING

FEW = (
    (Row("usdm", Behaviour.NORMAL, Struck.ENTRY, "journal.after_sync"), -1),
    (Row("usdm", Behaviour.NORMAL, Struck.ENTRY, "outbox.before_send"), 1),
    (Row("usdm", Behaviour.NORMAL, Struck.EXIT, "outbox.before_send"), 0),
    (Row("usdm", Behaviour.NORMAL, Struck.EXIT, "user.heard"), 0),
    (Row("usdm", Behaviour.LOST, Struck.PROTECTION, "gateway.after_write"), 1),
    (Row("usdm", Behaviour.UNSAID, Struck.ENTRY, "gateway.after_write"), 0),
    (Row("usdm", Behaviour.SILENT, Struck.EXIT, "gateway.after_write"), 0),
    (Row("usdm", Behaviour.PARTLY, Struck.ENTRY, "inbox.before_turn"), -1),
    (Row("usdm", Behaviour.SLOW, Struck.ENTRY, "gateway.after_write"), 0),
    (Row("usdm", Behaviour.STOPPED_OUT, Struck.ENTRY, "gateway.after_answer"), -1),
    (Row("usdm", Behaviour.AGAIN, Struck.ENTRY, "journal.after_write"), -1),
    (Row("spot", Behaviour.NORMAL, Struck.ENTRY, "gateway.after_write"), -1),
    (Row("spot", Behaviour.LOST, Struck.EXIT, "journal.before_write"), 0),
)


@pytest.mark.skipif(SOAKING, reason="the whole matrix is run instead")
@pytest.mark.parametrize(("row", "which"), FEW, ids=str)
def test_a_few_cells(tmp_path: Path, row: Row, which: int) -> None:
    run_cell(tmp_path / "cell", row, passings(row)[which])


@pytest.mark.parametrize("row", list(rows()) if SOAKING else [], ids=str)
def test_the_whole_matrix(tmp_path: Path, row: Row) -> None:
    note(row, run_row(tmp_path, row))


def test_the_page_names_every_point_and_behaviour() -> None:
    """The table was written by a run of the matrix that there is now."""
    assert wanted_names() == table_names(page())
