"""Which store of history a process uses: a file unless the settings name a server."""

from pathlib import Path

from petrosa.adapters.stores.klines.address import MysqlAddress, parse
from petrosa.adapters.stores.klines.sqlite import SqliteKlines
from petrosa.apps.settings import Settings
from petrosa.errors import ConfigError
from petrosa.ports import KlineStore


async def open_klines(settings: Settings) -> KlineStore:
    """Open the store of `klines.url`; whoever opens it closes it.

    Raises `ConfigError` when it cannot be what is meant, `StorageError` when it does not answer.
    """
    place = klines_place(settings)
    if not isinstance(place, MysqlAddress):
        place.parent.mkdir(parents=True, exist_ok=True)
        return await SqliteKlines.open(place)
    try:
        from petrosa.adapters.stores.klines.mysql import MysqlKlines
    except ModuleNotFoundError as missing:
        raise ConfigError(
            f"klines.url names a MySQL server, and its driver is not installed ({missing.name}): run"
            " `pip install 'petrosa[mysql]'`, or leave klines.url (MYSQL_URI) empty for a file"
        ) from None
    return await MysqlKlines.open(place, settings.klines.timeout_seconds)


def klines_place(settings: Settings) -> MysqlAddress | Path:
    """The server or the file that history is kept in."""
    return parse(settings.klines.url) if settings.klines.url else settings.home / "klines.sqlite"
