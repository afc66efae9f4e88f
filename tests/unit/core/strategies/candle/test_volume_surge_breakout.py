"""Out of the range on several times the usual volume: bought above it, sold below, with the MACD on its side."""

import pytest

from petrosa.core.model.market import Candle
from petrosa.core.strategies.candle.volume_surge_breakout import ENTRY
from tests.kit.bars import at, bars, mirrored, signals_of

RANGE = [100.0 + 0.3 * (n % 3) for n in range(50)]


def out(volume: float, *closes: float) -> list[Candle]:
    """The range, and bars after it, the first of which has this volume."""
    plain = bars([*RANGE, *closes])
    return bars([(b.open, b.high, b.low, b.close, volume if n == 50 else 1.0) for n, b in enumerate(plain)])


SERIES = out(8.0, 101.2, 101.3)


def test_the_surge_is_bought_once() -> None:
    """Stop 2 % below the top of the range, target two and a half times the risk."""
    (signal,) = signals_of(ENTRY, SERIES)
    assert [50] == at(SERIES, [signal])
    assert ("buy", 101.2, 100.6) == (signal.action.value, signal.price, signal.indicators["range_edge"])
    assert signal.stop_loss == pytest.approx(0.98 * 100.6)
    assert signal.take_profit == pytest.approx(101.2 + 2.5 * (101.2 - 0.98 * 100.6))


@pytest.mark.parametrize(("volume", "confidence"), [(4.0, 0.75), (8.0, 0.80), (12.0, 0.85)])
def test_more_volume_is_more_confidence(volume: float, confidence: float) -> None:
    """3.5, 5.9 and 7.7 times the usual, in which the bar itself is counted."""
    (signal,) = signals_of(ENTRY, out(volume, 101.2))
    assert signal.indicators["volume_ratio"] == pytest.approx(volume / ((19.0 + volume) / 20.0))
    assert signal.confidence == pytest.approx(confidence)


def test_a_mirrored_market_is_sold() -> None:
    """At the same bar and as confident; with the coded condition on the MACD it never was."""
    turned = mirrored(SERIES)
    (buy,), (sell,) = signals_of(ENTRY, SERIES), signals_of(ENTRY, turned)
    assert ("sell", at(SERIES, [buy]), buy.confidence) == (sell.action.value, at(turned, [sell]), sell.confidence)
    edge = sell.indicators["range_edge"]
    assert (201.3 - buy.price, 201.3 - 100.6) == pytest.approx((sell.price, edge))
    assert sell.stop_loss == pytest.approx(1.02 * edge)
    assert sell.take_profit == pytest.approx(sell.price - 2.5 * (1.02 * edge - sell.price))
    assert sell.indicators["macd"] < sell.indicators["macd_signal"]


def test_what_is_no_breakout() -> None:
    """Usual volume; much volume in the range; a bar that came back into it."""
    assert [] == signals_of(ENTRY, out(2.0, 101.2))
    assert [] == signals_of(ENTRY, out(8.0, 100.5))
    rows = [(b.open, b.high, b.low, b.close, b.volume) for b in SERIES[:51]]
    rows[50] = (100.3, 101.2, 100.2, 100.45, 8.0)
    assert [] == signals_of(ENTRY, bars(rows), breakout_tolerance=0.001)
    assert 1 == len(signals_of(ENTRY, bars(rows)))


def test_too_late_is_not_followed() -> None:
    """After a run the RSI is beyond its bound."""
    assert [] == signals_of(ENTRY, SERIES, rsi_overbought=57.0)
    assert [] == signals_of(ENTRY, mirrored(SERIES), rsi_oversold=43.0)


@pytest.mark.parametrize(
    "wrong", [{"macd_slow": 12}, {"rsi_oversold": 75.0}, {"breakout_tolerance": 0.02}], ids=["macd", "rsi", "stop"]
)
def test_parameters_that_contradict_each_other(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must be"):
        signals_of(ENTRY, SERIES, **wrong)
