"""Where Binance is: the addresses of each environment and market."""

from typing import Final, Literal, NamedTuple

from petrosa.errors import ConfigError

Environment = Literal["live", "demo", "testnet", "paper"]
PAPER_URL: Final = "http://127.0.0.1:8090"


class Urls(NamedTuple):
    """Addresses of one market, without a slash at the end.

    Stream addresses are followed by `/ws` or `/stream`. On futures a stream is heard on its own path only: books and
    best quotes on `public`, everything else on `market`, the account on `private`; on spot the three are one, and the
    account is heard over `ws_api`.
    """

    rest: str
    public: str
    market: str
    private: str
    ws_api: str


def _spot(rest: str, streams: str, ws_api: str) -> Urls:
    return Urls(rest, streams, streams, streams, f"{ws_api}/ws-api/v3")


def _usdm(rest: str, streams: str, ws_api: str) -> Urls:
    return Urls(rest, f"{streams}/public", f"{streams}/market", f"{streams}/private", f"{ws_api}/ws-fapi/v1")


URLS: Final = {
    ("live", "spot"): _spot(
        "https://api.binance.com", "wss://stream.binance.com:9443", "wss://ws-api.binance.com:443"
    ),
    ("live", "usdm"): _usdm("https://fapi.binance.com", "wss://fstream.binance.com", "wss://ws-fapi.binance.com"),
    ("demo", "spot"): _spot(
        "https://demo-api.binance.com", "wss://demo-stream.binance.com", "wss://demo-ws-api.binance.com"
    ),
    ("demo", "usdm"): _usdm(
        "https://demo-fapi.binance.com", "wss://demo-fstream.binance.com", "wss://testnet.binancefuture.com"
    ),
    ("testnet", "spot"): _spot(
        "https://testnet.binance.vision", "wss://stream.testnet.binance.vision", "wss://ws-api.testnet.binance.vision"
    ),
    ("testnet", "usdm"): _usdm(
        "https://demo-fapi.binance.com", "wss://fstream.binancefuture.com", "wss://testnet.binancefuture.com"
    ),
}  # fmt: skip


def urls(environment: Environment, market: str, paper_url: str = PAPER_URL) -> Urls:
    """The addresses of a market (`spot`, `usdm`). Raises `ConfigError` for a market or address that there is not."""
    if market not in ("spot", "usdm"):
        raise ConfigError(f"market {market!r}: Binance is traded on spot and usdm")
    if environment != "paper":
        return URLS[environment, market]
    scheme, mark, host = paper_url.rstrip("/").partition("://")
    if scheme not in ("http", "https") or not mark or not host:
        raise ConfigError(f"paper exchange at {paper_url!r}: give an address such as {PAPER_URL}")
    rest, sockets = f"{scheme}://{host}", f"{'wss' if scheme == 'https' else 'ws'}://{host}"
    return _spot(rest, sockets, sockets) if market == "spot" else _usdm(rest, sockets, sockets)
