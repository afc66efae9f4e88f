"""What only some commands need is an extra; without it they say how to get it."""

import importlib.util

from petrosa.errors import ConfigError


def require_extra(extra: str, *modules: str) -> None:
    """Raises `ConfigError` with the remedy when one of the modules is not installed."""
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(f"{' and '.join(missing)} not installed; run `pip install 'petrosa[{extra}]'`")


def require_live() -> None:
    """What trading on a venue needs."""
    require_extra("live", "aiohttp", "cryptography")
