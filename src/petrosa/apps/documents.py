"""Which document store a process uses: a file unless the settings name a server."""

from pathlib import Path

from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.apps.settings import Settings
from petrosa.errors import ConfigError
from petrosa.ports import Documents


async def open_documents(settings: Settings) -> Documents:
    """Open the store of `store.url`; whoever opens it closes it.

    Raises `ConfigError` when it cannot be what is meant, `StorageError` when it does not answer.
    """
    store = settings.store
    if not store.is_mongo:
        return await SqliteDocuments.open(documents_file(settings))
    try:
        from petrosa.adapters.stores.documents.mongo import MongoDocuments
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"store.url names a MongoDB server, and its driver is not installed ({missing.name}): run"
            " `pip install 'petrosa[mongo]'`, or leave store.url (MONGODB_URI) empty for a file"
        ) from None
    return await MongoDocuments.open(store.url, store.database, store.timeout_seconds)


def documents_file(settings: Settings) -> Path:
    """The SQLite file that is used when no server is."""
    named = settings.store.sqlite_path
    return Path(named) if named else settings.home / "documents.sqlite"


def is_stored(settings: Settings) -> bool:
    """Whether there is a store already, so that looking at it makes none."""
    return settings.store.is_mongo or documents_file(settings).exists()
