"""Addresses of MongoDB servers: checked, and named in messages, without the driver and without their secrets."""

from typing import Final

from petrosa.errors import ConfigError

SCHEMES: Final = ("mongodb://", "mongodb+srv://")
DATABASE_BYTES_MAX: Final = 63
_NOT_IN_DATABASE: Final = frozenset('/\\. "$*<>:|?\0')
_REMEDY: Final = "set MONGODB_URI (store.url) to mongodb://user:password@host:27017"


def hosts_of(url: str) -> str:
    """`a:27017,b:27017` of an address: what may be told to anybody.

    Raises `ConfigError` for what is no address of MongoDB; the message holds nothing of what could be a secret.
    """
    scheme = next((scheme for scheme in SCHEMES if url.startswith(scheme)), None)
    if scheme is None:
        raise ConfigError(f"the address does not begin with {' or '.join(SCHEMES)}; {_REMEDY}")
    place, _, rest = url.removeprefix(scheme).replace("?", "/", 1).partition("/")
    user, at, hosts = place.rpartition("@")
    if "@" in user or "@" in rest:
        raise ConfigError(
            "the address has an @, / or ? in its user or password, so that its host cannot be told; percent-encode them"
            " (@ is %40, / is %2F, ? is %3F)"
        )
    if not hosts or (at and not user):
        raise ConfigError(f"the address names no {'user before its @' if hosts else 'host'}; {_REMEDY}")
    return hosts


def check_database(name: str) -> None:
    """Raise `ConfigError` for a name that no database can have."""
    if not name or len(name.encode()) > DATABASE_BYTES_MAX or _NOT_IN_DATABASE & set(name):
        raise ConfigError(
            f'{name!r} cannot be the name of a database: 1 to {DATABASE_BYTES_MAX} bytes without / \\ . " $ * < > : | ?'
            " or spaces; set MONGODB_DATABASE (store.database), for example to petrosa"
        )
