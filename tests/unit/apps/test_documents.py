"""Which store is used is said in the settings, and what cannot be is refused before anything connects."""

import sys
from pathlib import Path

import pytest

from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.apps import settings
from petrosa.apps.documents import open_documents
from petrosa.apps.show import rows_of
from petrosa.errors import ConfigError
from tests.kit.mongo import MongoServer


async def test_a_file_in_the_data_directory_unless_another_is_named(tmp_path: Path) -> None:
    """An empty url is `documents.sqlite` there; `sqlite:PATH` is another file."""
    other = tmp_path / "other" / "x.sqlite"
    for sets, expected in (([], tmp_path / "documents.sqlite"), ([f"store.url=sqlite:{other}"], other)):
        store = await open_documents(settings.load([], sets, {}, str(tmp_path)))
        assert isinstance(store, SqliteDocuments)
        assert (expected, True) == (store.path, expected.exists())
        await store.close()


async def test_a_server_when_one_is_named(mongo: MongoServer, tmp_path: Path) -> None:
    """By the names that people already use, and nothing is left in the data directory."""
    environ = {"MONGODB_URI": mongo.url, "MONGODB_DATABASE": "named", "MONGODB_TIMEOUT_MS": "3000"}
    store = await open_documents(settings.load([], [], environ, str(tmp_path)))
    assert 1 == await store.put("c", "k", {}, expected_version=0)
    await store.close()
    assert [] == list(tmp_path.iterdir())


async def test_a_server_without_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that brings it is in the message."""
    monkeypatch.delitem(sys.modules, "petrosa.adapters.stores.documents.mongo", raising=False)
    monkeypatch.setitem(sys.modules, "pymongo", None)
    with pytest.raises(ConfigError, match=r"pip install 'petrosa\[mongo\]'"):
        await open_documents(settings.load([], ["store.url=mongodb://127.0.0.1:1"], {}))


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("mysql://me:hunter2@h/x", "is no store; write mongodb://host:27017"),
        ("sqlite:", "is no store"),
        ("/var/lib/x.sqlite", "is no store"),
        ("mongodb:/h", "does not begin with mongodb://"),
        ("mongodb://", "no host"),
        ("mongodb://me:hunter2/x@h", "percent-encode"),
    ],
)
def test_a_store_that_cannot_be(url: str, what: str) -> None:
    """It is refused with its origin and the remedy, before anything connects, and no password is shown."""
    with pytest.raises(ConfigError, match=what) as caught:
        settings.load([], [], {"MONGODB_URI": url})
    assert "store.url from environment MONGODB_URI" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_database_that_cannot_be() -> None:
    """MongoDB has rules for names."""
    with pytest.raises(ConfigError, match="'a b' cannot be the name of a database"):
        settings.load([], [], {"MONGODB_DATABASE": "a b"})


def test_the_password_of_the_store_is_not_shown() -> None:
    """`config show` says where the store is, not how to get in."""
    loaded = settings.load([], [], {"MONGODB_URI": "mongodb://me:hunter2@h/?tlsCertificateKeyFilePassword=hunter2"})
    assert "@h/" in next(row.text for row in rows_of(loaded, "store") if row.key == "store.url")
    assert "hunter2" not in repr(rows_of(loaded))
