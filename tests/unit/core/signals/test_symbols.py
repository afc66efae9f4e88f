"""Which instruments a signal can mean."""

from petrosa.core.signals.symbols import Symbols
from tests.kit.trading import OTHER, PERPETUAL, SPOT, signal

SYMBOLS = Symbols({rules.id: rules for rules in (PERPETUAL, SPOT, OTHER)})


def test_every_way_of_writing_a_symbol_is_understood() -> None:
    """Exchange symbol, unified symbol and the full id name the same instrument."""
    assert (OTHER.id,) == SYMBOLS.candidates(signal(symbol="ETHUSDT"))
    assert (OTHER.id,) == SYMBOLS.candidates(signal(symbol="ethusdt"))
    assert (PERPETUAL.id,) == SYMBOLS.candidates(signal(symbol="BTC/USDT:USDT"))
    assert (SPOT.id,) == SYMBOLS.candidates(signal(symbol="BTC/USDT"))
    assert (OTHER.id,) == SYMBOLS.candidates(signal(symbol=OTHER.id))


def test_venue_and_market_narrow_it_down() -> None:
    """A symbol on two markets is two candidates until the signal says which."""
    assert (PERPETUAL.id, SPOT.id) == SYMBOLS.candidates(signal(symbol="BTCUSDT"))
    assert (SPOT.id,) == SYMBOLS.candidates(signal(symbol="BTCUSDT", market="spot"))
    assert () == SYMBOLS.candidates(signal(symbol="BTCUSDT", venue="elsewhere"))
    assert () == SYMBOLS.candidates(signal(symbol="DOGEUSDT"))
