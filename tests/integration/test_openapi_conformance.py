"""A live server answers whatever is asked as its OpenAPI document says, and nothing makes it fail."""

import asyncio
import importlib.util
import os
import sys
from pathlib import Path

import pytest

from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.apps.access import KeyedAccess
from petrosa.apps.keys import KeyRing
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.api.strategy_config import strategy_config
from petrosa.surfaces.write_limit import WriteLimit
from tests.kit.configured import Desk, service
from tests.kit.soak import SOAKING, sample
from tests.unit.surfaces.api.test_strategy_config import Still

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance"
)


async def test_nothing_that_is_asked_is_answered_as_it_is_not_described(tmp_path: Path) -> None:
    """Examples, boundaries and generated requests, right and wrong: no server error, no answer that is not declared."""
    if importlib.util.find_spec("schemathesis") is None:
        pytest.skip("schemathesis is not installed: pip install -e '.[dev]'")
    store = await SqliteDocuments.open(tmp_path / "documents.sqlite")
    access = KeyedAccess(KeyRing(store), WriteLimit(1_000_000, 1.0, lambda: 0.0))
    part = strategy_config(await service(store, applying=Desk()), access)
    async with serving(api(Still(), [part]), "127.0.0.1", 0) as url:
        words = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--checks", CHECKS),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(sample(10, 200)), "--no-color"),
            *(() if SOAKING else ("--seed", "1", "--generation-deterministic")),
            *("--warnings", "off", "--generation-with-security-parameters", "false"),
        ]
        asked = await asyncio.create_subprocess_exec(
            *words,
            cwd=tmp_path,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asked.communicate()
    await store.close()
    assert 0 == asked.returncode, said.decode()
