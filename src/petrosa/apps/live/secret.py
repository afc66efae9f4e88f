"""The key of a venue's account: from the environment or a file it names, never from the configuration, never shown."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from petrosa.errors import ConfigError

KEY: Final = "BINANCE_API_KEY"
SECRET: Final = "BINANCE_API_SECRET"  # noqa: S105 - the name of a variable
SECRET_FILE: Final = "BINANCE_API_SECRET_FILE"  # noqa: S105 - the name of a variable
SHOWN: Final = 4


class VenueKey(NamedTuple):
    """`secret` is the shared secret (HMAC), or a private key in PEM (RSA, Ed25519)."""

    key: str
    secret: str

    def __repr__(self) -> str:
        return f"VenueKey({self.key[:SHOWN]}…)"


def reading_key(environ: Mapping[str, str]) -> str:
    """The key in whose name market data is asked for that nobody else is told; empty for none."""
    return environ.get(KEY, "").strip()


def venue_key(environ: Mapping[str, str]) -> VenueKey:
    """The key that the environment names. Raises `ConfigError` that names what is missing."""
    key, secret, file = (environ.get(name, "").strip() for name in (KEY, SECRET, SECRET_FILE))
    if not key:
        raise ConfigError(f"{KEY} is not set; a venue needs it, and {SECRET} or {SECRET_FILE} beside it")
    if bool(secret) == bool(file):
        both = "are both set" if secret else "are both missing"
        raise ConfigError(f"{SECRET} and {SECRET_FILE} {both}; set one of them")
    if file:
        try:
            secret = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as problem:
            raise ConfigError(f"{SECRET_FILE} = {file} cannot be read: {problem}; check path and rights") from None
        if not secret:
            raise ConfigError(f"{SECRET_FILE} = {file} is empty; put the secret or the private key (PEM) into it")
    return VenueKey(key, secret)
