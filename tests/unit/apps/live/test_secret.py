"""The venue's key comes from the environment or a file, whole or not at all, and is never shown."""

from pathlib import Path

import pytest

from petrosa.apps.live.secret import VenueKey, venue_key
from petrosa.errors import ConfigError


def test_a_key_has_its_secret_beside_it_or_in_a_file(tmp_path: Path) -> None:
    """Spaces and line ends around either are none of it."""
    file = tmp_path / "key.pem"
    file.write_text("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n")
    assert VenueKey("k", "s") == venue_key({"BINANCE_API_KEY": " k ", "BINANCE_API_SECRET": "s\n"})
    found = venue_key({"BINANCE_API_KEY": "k", "BINANCE_API_SECRET_FILE": str(file)})
    assert found.secret.startswith("-----BEGIN")
    assert found.secret.endswith("KEY-----")


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({}, "BINANCE_API_KEY is not set"),
        ({"BINANCE_API_KEY": "k"}, "are both missing"),
        ({"BINANCE_API_KEY": "k", "BINANCE_API_SECRET": "s", "BINANCE_API_SECRET_FILE": "f"}, "are both set"),
        ({"BINANCE_API_KEY": "k", "BINANCE_API_SECRET_FILE": "/nowhere"}, "/nowhere cannot be read"),
        ({"BINANCE_API_KEY": "k", "BINANCE_API_SECRET_FILE": "/dev/null"}, "/dev/null is empty"),
    ],
)
def test_half_a_key_is_refused_with_the_remedy(environ: dict[str, str], why: str) -> None:
    """Before anything is asked of anybody."""
    with pytest.raises(ConfigError, match=why):
        venue_key(environ)


def test_a_key_does_not_show_itself() -> None:
    """Neither in a message nor in a traceback's values."""
    assert "hush" not in repr(VenueKey("abcdefgh", "hush"))
    assert "abcdefgh" not in repr(VenueKey("abcdefgh", "hush"))
