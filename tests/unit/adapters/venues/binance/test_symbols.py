"""The spellings of an instrument that a person may type."""

import pytest

from petrosa.adapters.venues.binance.symbols import find_instrument, venue_symbol
from petrosa.apps.instruments import load_instruments
from petrosa.errors import UsageError

KNOWN = load_instruments().values()


@pytest.mark.parametrize("typed", ["BTCUSDT", "btcusdt", " BTC/USDT ", "BTC/USDT:USDT", "btc/usdt"])
def test_every_spelling_is_the_venue_symbol(typed: str) -> None:
    """Case, slash and settle currency do not matter for the venue's own name."""
    assert "BTCUSDT" == venue_symbol(typed)


@pytest.mark.parametrize("typed", ["", "BTC/", "/USDT", "BTC/USDT/ETH", "BTC USDT", "btcusdt@trade"])
def test_what_cannot_be_a_symbol_says_how_to_write_one(typed: str) -> None:
    """The message shows both spellings."""
    with pytest.raises(UsageError, match=r"write BTCUSDT, or BTC/USDT:USDT"):
        venue_symbol(typed)


@pytest.mark.parametrize(
    ("typed", "market", "expected"),
    [
        ("BTC/USDT", None, "binance:spot:BTCUSDT"),
        ("BTC/USDT:USDT", None, "binance:usdm:BTCUSDT"),
        ("btcusdt", "usdm", "binance:usdm:BTCUSDT"),
        ("BINANCE:SPOT:ethusdt", None, "binance:spot:ETHUSDT"),
    ],
)
def test_the_spelling_finds_the_instrument(typed: str, market: str | None, expected: str) -> None:
    """A slash form names its market; a bare symbol needs it named."""
    assert expected == find_instrument(typed, KNOWN, market).id


def test_a_symbol_of_two_markets_names_both() -> None:
    """Nothing is chosen for the person."""
    with pytest.raises(UsageError, match="more than one market; write binance:spot:BTCUSDT or binance:usdm:BTCUSDT"):
        find_instrument("BTCUSDT", KNOWN)


def test_an_unknown_symbol_gets_a_suggestion() -> None:
    """A slip of the finger is answered with what is near."""
    with pytest.raises(UsageError, match="'BTCUSD' is not known on market 'usdm'; did you mean binance:usdm:BTCUSDT"):
        find_instrument("BTCUSD", KNOWN, "usdm")
    with pytest.raises(UsageError, match="add it to the instruments file"):
        find_instrument("QQQQQQ", KNOWN)


def test_the_slash_form_of_another_market_is_not_found_there() -> None:
    """`BTC/USDT` is spot and cannot be meant on futures."""
    with pytest.raises(UsageError, match="on market 'usdm'"):
        find_instrument("BTC/USDT", KNOWN, "usdm")
