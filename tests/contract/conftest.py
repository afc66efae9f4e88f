"""The implementations that a port's contract is asked of."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from petrosa.adapters.stores.documents.memory import MemoryDocuments
from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.ports import Documents


@pytest.fixture(params=["memory", "sqlite", "mongo"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Documents]:
    made: Documents
    if request.param == "memory":
        made = MemoryDocuments()
    elif request.param == "sqlite":
        made = await SqliteDocuments.open(tmp_path / "d" / "x.sqlite")
    else:
        mongo_documents = pytest.importorskip("petrosa.adapters.stores.documents.mongo")
        url = request.getfixturevalue("mongo").url
        made = await mongo_documents.MongoDocuments.open(url, f"test-{uuid4().hex}")
    yield made
    await made.close()
