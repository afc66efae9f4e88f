"""The page about access is typed in as it stands, against a desk that is served."""

import re
import shutil
from pathlib import Path

import pytest

from petrosa.apps.access import access_over
from petrosa.apps.documents import open_documents
from petrosa.apps.environment import NAMES
from petrosa.apps.settings import known_keys, load
from petrosa.surfaces.access import Scope, allows
from petrosa.surfaces.api.serve import serving
from tests.kit.access import desk
from tests.kit.pages import Page

PAGE = Page("access.md")


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_page_can_be_typed(tmp_path: Path) -> None:
    """Every command succeeds, and every request is answered as the page says."""
    settings = load([], [], {}, str(tmp_path / "data"))
    documents = await open_documents(settings)
    async with serving(desk(access_over(settings, documents)), "127.0.0.1", 0) as url:
        answered = await PAGE.typed(tmp_path, settings.home, url)
    await documents.close()
    assert PAGE.promised == answered
    assert {"200", "401", "403", "415"} == set(PAGE.promised)


def test_the_table_of_scopes_is_the_rule() -> None:
    """Each scope has a row that names the scopes it includes."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.text, re.MULTILINE))
    assert {scope.value for scope in Scope} == set(rows)
    for scope in Scope:
        named = set(Scope) if "everything" in rows[scope] else {scope, *(s for s in Scope if f"`{s}`" in rows[scope])}
        assert {needed for needed in Scope if allows(frozenset({scope}), needed)} == named


def test_the_keys_of_the_page_are_keys() -> None:
    """Names of the configuration and of the environment exist, with the defaults that the page gives."""
    known = known_keys()
    for key, name, default in (
        ("access.writes_per_key", "CONFIG_RATE_LIMIT_PER_AGENT", 10),
        ("access.write_cooldown_seconds", "CONFIG_RATE_LIMIT_COOLDOWN", 300.0),
    ):
        field = known.find(key)
        assert field is not None
        assert (default, key, True, True) == (
            field.default,
            NAMES[name][0],
            f"`{key}`" in PAGE.text,
            f"`{name}`" in PAGE.text,
        )
