"""The spellings of an instrument that a person may type."""

import pytest

from petrosa.adapters.venues.binance.symbols import venue_symbol
from petrosa.errors import UsageError


@pytest.mark.parametrize("typed", ["BTCUSDT", "btcusdt", " BTC/USDT ", "BTC/USDT:USDT", "btc/usdt"])
def test_every_spelling_is_the_venue_symbol(typed: str) -> None:
    """Case, slash and settle currency do not matter for the venue's own name."""
    assert "BTCUSDT" == venue_symbol(typed)


@pytest.mark.parametrize("typed", ["", "BTC/", "/USDT", "BTC/USDT/ETH", "BTC USDT", "btcusdt@trade"])
def test_what_cannot_be_a_symbol_says_how_to_write_one(typed: str) -> None:
    """The message shows both spellings."""
    with pytest.raises(UsageError, match=r"write BTCUSDT, or BTC/USDT:USDT"):
        venue_symbol(typed)
