"""The page about access is typed in as it stands, against a desk that is served."""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from petrosa.apps.access import access_over
from petrosa.apps.documents import open_documents
from petrosa.apps.environment import NAMES
from petrosa.apps.settings import known_keys, load
from petrosa.surfaces.access import Scope, allows
from petrosa.surfaces.api.serve import serving
from tests.kit.access import desk
from tests.kit.source import SRC

PAGE = (Path(__file__).parents[2] / "docs" / "access.md").read_text(encoding="utf-8")
LINES = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    for line in block.splitlines()
    if not line.startswith("DESK=")
]
PETROSA = '#!/bin/sh\nexec "{python}" -c "from petrosa.apps.main import main; main()" "$@"\n'


def script() -> str:
    """The page's commands; of each request only its status, which the comment behind it promises."""
    return "set -e\n" + "\n".join(
        re.sub(r"^curl ", "curl -s -o /dev/null -w '%{http_code}\\\\n' ", line) for line in LINES
    )


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_page_can_be_typed(tmp_path: Path) -> None:
    """Every command succeeds, and every request is answered as the page says."""
    program = tmp_path / "bin" / "petrosa"
    program.parent.mkdir()
    program.write_text(PETROSA.format(python=sys.executable), encoding="utf-8")
    program.chmod(0o755)
    settings = load([], [], {}, str(tmp_path / "data"))
    documents = await open_documents(settings)
    async with serving(desk(access_over(settings, documents)), "127.0.0.1", 0) as url:
        path = f"{program.parent}{os.pathsep}{os.environ['PATH']}"
        environ = {"PATH": path, "PYTHONPATH": str(SRC), "PETROSA_HOME": str(settings.home), "DESK": url}
        typed = await asyncio.create_subprocess_exec(
            "sh", "-c", script(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=environ
        )
        out, err = await asyncio.wait_for(typed.communicate(), 60.0)
    await documents.close()
    assert 0 == typed.returncode, err.decode()
    promised = [line.rpartition("# ")[2] for line in LINES if line.startswith("curl")]
    assert promised == re.findall(r"^[0-9]{3}$", out.decode(), re.MULTILINE)
    assert {"200", "401", "403", "415"} == set(promised)


def test_the_table_of_scopes_is_the_rule() -> None:
    """Each scope has a row that names the scopes it includes."""
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
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
        assert (default, key, True, True) == (field.default, NAMES[name][0], f"`{key}`" in PAGE, f"`{name}`" in PAGE)
