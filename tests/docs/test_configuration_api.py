"""The page about the configuration is typed in as it stands, against a service that is served."""

import shutil
from pathlib import Path

import pytest

from petrosa.apps.access import KeyedAccess
from petrosa.apps.documents import open_documents
from petrosa.apps.keys import KeyRing
from petrosa.apps.settings import load
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.api.strategy_config import strategy_config
from petrosa.surfaces.api.strategy_config_examples import FAILURES
from petrosa.surfaces.api.trading_config import trading_config
from petrosa.surfaces.write_limit import WriteLimit
from tests.kit.configured import service
from tests.kit.pages import Page
from tests.unit.surfaces.api.test_strategy_config import Still

PAGE = Page("configuration-api.md")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_page_can_be_typed(tmp_path: Path) -> None:
    """Every command succeeds, and every request is answered as the page says."""
    settings = load([], [], {}, str(tmp_path / "data"))
    documents = await open_documents(settings)
    access, configuration = (
        KeyedAccess(KeyRing(documents), WriteLimit(100, 300.0, lambda: 0.0)),
        await service(documents),
    )
    parts = [strategy_config(configuration, access), trading_config(configuration, access)]
    async with serving(api(Still(), parts), "127.0.0.1", 0) as url:
        answered = await PAGE.typed(tmp_path, settings.home, url)
    await documents.close()
    assert PAGE.promised == answered


def test_every_status_of_the_document_is_on_the_page() -> None:
    """With its code."""
    table = PAGE.text.partition("## When the answer is no")[2]
    assert all(str(status) in table and f"`{failed.code}`" in table for status, failed in FAILURES.items())
