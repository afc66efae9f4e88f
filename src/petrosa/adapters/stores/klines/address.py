"""Where history is kept, as one writes it in the settings: checked, and named in messages without its password."""

import re
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import unquote

from petrosa.adapters.stores.klines.tls import DISABLED, Tls
from petrosa.errors import ConfigError

PORT: Final = 3306
_SERVERS: Final = ("mysql://", "mariadb://")
_FILE: Final = "sqlite:"
_PLACE: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]\s]+)(?::(?P<port>[0-9]{1,5}))?")
_DATABASE: Final = re.compile(r"[0-9A-Za-z_$-]{1,64}")
_OPTIONS: Final = ("ssl-mode", "ssl-ca")
_REMEDY: Final = "write klines.url as sqlite:PATH, or as mysql://user:password@host:3306/database"


class MysqlAddress(NamedTuple):
    """A database on a MySQL or MariaDB server."""

    host: str
    port: int
    user: str
    password: str
    database: str
    tls: Tls = Tls()

    @property
    def place(self) -> str:
        """`db:3306/petrosa`: what may be told to anybody."""
        return f"{self.host}:{self.port}/{self.database}"

    def __repr__(self) -> str:
        return f"MysqlAddress({self.place})"


def parse(url: str) -> MysqlAddress | Path:
    """The server, or the file, that an address names.

    Raises `ConfigError` for what is neither; the message holds nothing of what could be a secret.
    """
    if url.startswith(_FILE):
        path = url.removeprefix(_FILE)
        if not path or path.startswith("//"):
            raise ConfigError(
                "klines.url names no file behind sqlite: ; write it as sqlite:PATH, for example sqlite:k.db"
            )
        return Path(path)
    scheme = next((scheme for scheme in _SERVERS if url.startswith(scheme)), None)
    if scheme is None:
        raise ConfigError(f"klines.url begins with none of {', '.join((*_SERVERS, _FILE))}; {_REMEDY}")
    place, _, rest = url.removeprefix(scheme).partition("/")
    database, _, options = rest.partition("?")
    user, at, where = place.rpartition("@")
    if "@" in user or "@" in rest or "?" in place:
        raise ConfigError(
            "klines.url has an @, / or ? in its user or password, so that its host cannot be told; percent-encode them"
            " (@ is %40, / is %2F, ? is %3F)"
        )
    name, _, password = user.partition(":")
    found = _PLACE.fullmatch(where)
    if found is None or not (at and name):
        raise ConfigError(f"klines.url names no {'user before an @' if found else 'host'}; {_REMEDY}")
    port = int(found["port"] or PORT)
    if not 0 < port < 65_536:
        raise ConfigError(f"klines.url names port {port}, which is not between 1 and 65535; {_REMEDY}")
    if not _DATABASE.fullmatch(database):
        raise ConfigError(
            "klines.url names no database: 1 to 64 of letters, digits, _, $ and - behind the host, and nothing behind"
            f" that but options; {_REMEDY}"
        )
    return MysqlAddress(found["host"].strip("[]"), port, unquote(name), unquote(password), database, _tls(options))


def _tls(options: str) -> Tls:
    """What stands behind the ?: `ssl-mode=verify-identity&ssl-ca=/etc/ca.pem`."""
    told: dict[str, str] = {}
    for option in filter(None, options.split("&")):
        name, _, value = option.partition("=")
        name = name.lower().replace("_", "-")
        if name not in _OPTIONS or name in told or not value:
            raise ConfigError(
                f"klines.url has something else behind its ? than {' and '.join(_OPTIONS)}, each once and with a value;"
                f" {_REMEDY}?ssl-mode=verify-identity&ssl-ca=PATH"
            )
        told[name] = unquote(value)
    mode = told.get("ssl-mode", DISABLED).lower().replace("_", "-")
    return Tls(mode, told.get("ssl-ca", ""))
