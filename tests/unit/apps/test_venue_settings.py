"""Where orders go is said on purpose, and real money twice."""

import pytest

from petrosa.apps import settings
from petrosa.apps.venue_settings import Environment
from petrosa.apps.wiring import build_exchange
from petrosa.errors import ConfigError


def test_real_money_needs_two_switches() -> None:
    """One of them is the documented pair of names; nothing of it matters to a simulated desk."""
    real = {"SIMULATION_ENABLED": "false", "BINANCE_TESTNET": "false"}
    with pytest.raises(
        ConfigError, match=r"\(environment BINANCE_TESTNET\) is real money, which needs a second switch"
    ):
        settings.load([], [], real)
    assert settings.load([], ["venue.real_money=true"], real).venue.environment is Environment.LIVE
    assert settings.load([], [], {"BINANCE_TESTNET": "false"}).simulated
    assert settings.load([], [], {"SIMULATION_ENABLED": "false"}).venue.environment is Environment.TESTNET
    with pytest.raises(ConfigError, match="BINANCE_TESTNET = 'maybe'; write true or false"):
        settings.load([], [], {"BINANCE_TESTNET": "maybe"})


def test_a_simulated_desk_is_not_made_where_orders_are_meant_for_a_venue() -> None:
    """Nobody finds out later that it was a simulation."""
    loaded = settings.load([], [], {"SIMULATION_ENABLED": "false"})
    with pytest.raises(ConfigError, match=r"simulation\.enabled = false \(environment SIMULATION_ENABLED\), and this"):
        build_exchange(loaded, {})


def test_the_address_of_a_paper_exchange_is_an_address() -> None:
    """A host alone is not."""
    with pytest.raises(ConfigError, match=r"venue\.url = 'localhost'; write an address as http://127\.0\.0\.1:8090"):
        settings.load([], ["venue.url=localhost"], {})
