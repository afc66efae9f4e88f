"""Where Bybit is: the public addresses of each market."""

from typing import Final, NamedTuple

from petrosa.adapters.venues.bybit.symbols import MARKETS
from petrosa.errors import ConfigError

REST: Final = "https://api.bybit.com"
STREAMS: Final = "wss://stream.bybit.com"


class Urls(NamedTuple):
    """Addresses of one market, without a slash at the end."""

    rest: str
    public: str


def urls(market: str, address: str = "") -> Urls:
    """The addresses of a market (`spot`, `linear`), at another host where an http address is given.

    Raises `ConfigError` for a market or address that there is not.
    """
    if market not in MARKETS:
        raise ConfigError(f"market {market!r}: Bybit is listened to on {' and '.join(MARKETS)}")
    rest, streams = REST, STREAMS
    if address:
        scheme, mark, host = address.rstrip("/").partition("://")
        if scheme not in ("http", "https") or not mark or not host:
            raise ConfigError(f"Bybit at {address!r}: give an address such as http://127.0.0.1:8091")
        rest, streams = f"{scheme}://{host}", f"{'wss' if scheme == 'https' else 'ws'}://{host}"
    return Urls(rest, f"{streams}/v5/public/{market}")
