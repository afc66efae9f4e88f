"""Every environment has its addresses, and nothing but `live` reaches where money is real."""

import pytest

from petrosa.adapters.venues.binance.live.environments import URLS, Environment, urls
from petrosa.errors import ConfigError

REAL = (
    "//api.binance.com", "//fapi.binance.com", "//stream.binance.com", "//fstream.binance.com", "//ws-api.binance.com",
    "//ws-fapi.binance.com",
)  # fmt: skip


def test_only_live_is_real() -> None:
    """No address of another environment is a host of the real venue."""
    for (environment, market), where in URLS.items():
        is_real = [any(host in address for host in REAL) for address in where]
        assert [environment == "live"] * len(where) == is_real, (environment, market)


@pytest.mark.parametrize("environment", ["live", "demo", "testnet"])
def test_futures_are_heard_on_routed_paths(environment: Environment) -> None:
    """Without the path, trades are silently never sent."""
    where = urls(environment, "usdm")
    for path in ("public", "market", "private"):
        assert getattr(where, path).endswith(f"/{path}")
        assert getattr(where, path).startswith("wss://")
    assert where.ws_api.endswith("/ws-fapi/v1")


def test_the_paper_exchange_is_where_it_is_said_to_be() -> None:
    """On loopback unless an address is given, with sockets of the same scheme."""
    assert "http://127.0.0.1:8090" == urls("paper", "spot").rest
    assert "ws://127.0.0.1:8090/ws-api/v3" == urls("paper", "spot").ws_api
    assert "ws://[::1]:9/private" == urls("paper", "usdm", "http://[::1]:9/").private
    assert "wss://paper.example/market" == urls("paper", "usdm", "https://paper.example").market


@pytest.mark.parametrize("address", ["", "127.0.0.1:8090", "ftp://here", "http://"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="paper exchange"):
        urls("paper", "spot", address)


def test_there_are_two_markets() -> None:
    with pytest.raises(ConfigError, match="spot and usdm"):
        urls("live", "coinm")
