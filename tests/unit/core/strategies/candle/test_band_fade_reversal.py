"""After a fall out of its range the price turns: it is bought, and in the mirror sold."""

import pytest

from petrosa.core.strategies.candle.band_fade_reversal import ENTRY
from tests.kit.bars import at, bars, mirrored, signals_of

CALM = [100.0 + (0.5 if n % 2 else -0.5) for n in range(30)]
SERIES = bars([*CALM, 99.0, 98.0, 97.0, 97.6, 98.0])


def test_the_turn_at_the_band_is_bought_once() -> None:
    """Target the middle of the bands, stop a tenth of a percent below the lowest of the three bars."""
    (signal,) = signals_of(ENTRY, SERIES)
    assert [33] == at(SERIES, [signal])
    assert ("buy", 97.6, 0.72) == (signal.action.value, signal.price, signal.confidence)
    assert signal.stop_loss == pytest.approx(97.0 * 0.999)
    assert signal.take_profit == pytest.approx(sum(bar.close for bar in SERIES[14:34]) / 20)


def test_a_mirrored_market_is_sold() -> None:
    """At the same bar, with the levels upside down: highest + lowest is 197.5."""
    turned = mirrored(SERIES)
    (buy,), (sell,) = signals_of(ENTRY, SERIES, stop_buffer_pct=0.0), signals_of(ENTRY, turned, stop_buffer_pct=0.0)
    assert ("sell", at(SERIES, [buy])) == (sell.action.value, at(turned, [sell]))
    assert buy.stop_loss is not None
    assert buy.take_profit is not None
    whole = [197.5 - price for price in (buy.price, buy.stop_loss, buy.take_profit)]
    assert whole == pytest.approx([sell.price, sell.stop_loss, sell.take_profit])


def test_no_turn_is_not_faded() -> None:
    """A fall that goes on; a rise in the middle of the bands."""
    assert [] == signals_of(ENTRY, bars([*CALM, 99.0, 98.0, 97.0, 96.0, 95.0]))
    assert [] == signals_of(ENTRY, bars(CALM), bb_std=3.0)


def test_a_deep_excursion_has_its_stop_below_it() -> None:
    """The coded stop, 2 % below the band, was above the close of such a bar."""
    series = bars([*CALM, 99.0, 90.0, 80.0, 80.5])
    (signal,) = signals_of(ENTRY, series, max_risk_pct=50.0)
    assert signal.stop_loss == pytest.approx(80.0 * 0.999)
    assert signal.price > signal.stop_loss
    assert signal.price < signal.indicators["bb_lower"] * 0.98


def test_each_guard_can_hold_it_back() -> None:
    """RSI and ADX as the document asks them, the reward, the touch of the band, how near the close is to it."""
    for guard in (
        {"rsi_oversold": 30.0}, {"max_adx": 20.0}, {"min_reward_ratio": 4.0}, {"bb_std": 2.8},
        {"bb_std": 2.6, "band_proximity_pct": 0.0},
    ):  # fmt: skip
        assert [] == signals_of(ENTRY, SERIES, **guard)
    assert 1 == len(signals_of(ENTRY, SERIES, bb_std=2.8, band_touch=False))
