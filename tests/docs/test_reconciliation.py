"""The page about reconciliation is typed in as it stands, against a desk whose venue holds what it does not."""

import shutil
from pathlib import Path

import pytest

from petrosa.core.model.findings import FindingKind, How
from petrosa.surfaces.api.serve import serving
from tests.kit.desk import served
from tests.kit.pages import Page
from tests.unit.apps.commands.test_reconcile import differing

PAGE = Page("reconciliation.md")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_page_can_be_typed(tmp_path: Path) -> None:
    """Every command succeeds, every request is answered as the page says, and the finding has the id of the page."""
    (tmp_path / "home").mkdir()
    async with served(tmp_path / "home", writes=100) as desk, serving(desk.app, "127.0.0.1", 0) as url:
        desk.desk.control.reconciling.asks(lambda cause: None)
        assert await differing(desk) in PAGE.text
        answered = await PAGE.typed(tmp_path, tmp_path / "home", url)
    assert PAGE.promised == answered
    assert ["200", "202", "404", "422"] == PAGE.promised


def test_the_page_names_every_kind_and_everything_that_can_be_done() -> None:
    """What a person may meet is written about."""
    assert [] == [kind for kind in FindingKind if f"`{kind.value}`" not in PAGE.text]
    assert [] == [how for how in How if f"| `{how.value}` |" not in PAGE.text]
