"""The page about the REST surface of a desk is typed in as it stands, against a desk that is served."""

import shutil
from pathlib import Path

import pytest

from petrosa.surfaces.api.desk_document import paths
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.kill_switch import Level
from tests.kit.desk import served
from tests.kit.pages import Page

PAGE = Page("desk-api.md")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_page_can_be_typed(tmp_path: Path) -> None:
    """Every command succeeds, and every request is answered as the page says."""
    (tmp_path / "home").mkdir()
    async with served(tmp_path / "home", writes=100) as desk, serving(desk.app, "127.0.0.1", 0) as url:
        answered = await PAGE.typed(tmp_path, tmp_path / "home", url)
    assert PAGE.promised == answered
    assert {"200", "400", "404", "422"} == set(PAGE.promised)


def test_the_page_names_every_level_and_path() -> None:
    """What is served is written about."""
    assert [] == [level for level in Level if f"| `{level}` |" not in PAGE.text]
    assert [] == [path for path in paths() if path.partition("/{")[0] not in PAGE.text]
