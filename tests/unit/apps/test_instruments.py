"""The instruments file: ours is sound, and a wrong one says what is wrong."""

from decimal import Decimal
from pathlib import Path

import pytest

from petrosa.apps.instruments import load_instruments
from petrosa.core.model.market import InstrumentId
from petrosa.errors import ConfigError

ENTRY = """
[[instrument]]
venue = "binance"
market = "spot"
symbol = "BTCUSDT"
base = "BTC"
quote = "USDT"
settle = "USDT"
tick = 0.01
step = "0.00001"
min_quantity = "0.00001"
max_quantity = 9000
min_notional = "5"
"""


def refusal(tmp_path: Path, text: str) -> str:
    file = tmp_path / "instruments.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as raised:
        load_instruments(file)
    return str(raised.value)


def test_our_own_file_has_the_known_markets() -> None:
    """Spot and perpetuals of the large pairs, no short on spot."""
    instruments = load_instruments()
    spot = instruments[InstrumentId("binance:spot:BTCUSDT")]
    usdm = instruments[InstrumentId("binance:usdm:BTCUSDT")]
    assert (Decimal("0.01"), Decimal("0.00001"), Decimal(5), False) == (
        spot.tick, spot.step, spot.min_notional, spot.short_allowed,
    )  # fmt: skip
    assert (Decimal("0.10"), Decimal("0.001"), Decimal(100), True) == (
        usdm.tick, usdm.step, usdm.min_notional, usdm.short_allowed,
    )  # fmt: skip
    for symbol in ("ETHUSDT", "BNBUSDT", "SOLUSDT"):
        assert InstrumentId(f"binance:usdm:{symbol}") in instruments


def test_numbers_are_exact_however_they_are_written(tmp_path: Path) -> None:
    """A TOML float is read as the decimal that stands there."""
    file = tmp_path / "instruments.toml"
    file.write_text(ENTRY)
    (instrument,) = load_instruments(file).values()
    assert (Decimal("0.01"), Decimal(9000)) == (instrument.tick, instrument.max_quantity)


def test_an_unknown_key_gets_a_suggestion(tmp_path: Path) -> None:
    """A slip in a key is an error with what was meant."""
    message = refusal(tmp_path, ENTRY + 'min_notion = "5"')
    assert "instrument 1 (BTCUSDT): unknown key 'min_notion'; did you mean 'min_notional'?" in message
    assert "unknown key 'instruments'; did you mean 'instrument'?" in refusal(tmp_path, "[[instruments]]")


def test_an_instrument_twice_is_an_error(tmp_path: Path) -> None:
    """Two sets of rules for one thing are none."""
    assert "binance:spot:BTCUSDT stands there twice" in refusal(tmp_path, ENTRY + ENTRY)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no [[instrument]]"),
        ("instrument = 5", "holds no [[instrument]]"),
        ("[[instrument", "is not TOML"),
        (ENTRY.replace('base = "BTC"\n', ""), "missing required field `base`"),
        (ENTRY.replace("tick = 0.01", "tick = 0"), "tick = 0; it must be a number above 0"),
        (ENTRY.replace("tick = 0.01", 'tick = "much"'), "tick"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, words: str) -> None:
    """File, entry and key are named."""
    assert words in refusal(tmp_path, text)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The path and what to do."""
    with pytest.raises(ConfigError, match=r"nowhere\.toml: No such file or directory; name a file"):
        load_instruments(tmp_path / "nowhere.toml")
