"""`mean_reversion_scalper`: far from the average, back to it."""

from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.mean_reversion_scalper import ENTRY
from tests.kit.bars import at, bars, mirrored, signals_of

CALM = [100.0, 100.2] * 20
FALL = [99.6, 98.9, 98.0, 97.0, 96.5, 99.0, 100.0]


def test_a_fall_far_below_average_and_band_is_bought_once() -> None:
    series = bars(CALM + FALL)
    (signal,) = signals_of(ENTRY, series)
    assert [43] == at(series, [signal])
    assert (Action.BUY, 97.0, None) == (signal.action, signal.price, signal.order_type)
    seen = signal.indicators
    assert signal.take_profit == seen["ema"]
    assert signal.stop_loss == seen["band"] * 0.985
    assert 100.0 * (seen["ema"] - 97.0) / seen["ema"] == seen["deviation_pct"]
    assert 2.0 < seen["deviation_pct"] < 3.0
    assert 0.70 == signal.confidence


def test_the_mirror_image_is_sold() -> None:
    series = mirrored(bars(CALM + FALL))
    (signal,) = signals_of(ENTRY, series)
    assert ([43], Action.SELL) == (at(series, [signal]), signal.action)
    assert signal.stop_loss == signal.indicators["band"] * 1.015


def test_a_small_deviation_is_none() -> None:
    assert [] == signals_of(ENTRY, bars([*CALM, 99.6, 98.9, 98.4, 98.2, 99.0]))
    assert [] == signals_of(ENTRY, bars(CALM * 3))


def test_a_close_beyond_where_the_stop_would_be_is_no_setup() -> None:
    """The excursion is too deep: the stop would be on the wrong side of the price."""
    assert [] == signals_of(ENTRY, bars([*CALM, 80.0, 100.0]))


def test_an_average_behind_the_price_is_no_target() -> None:
    """Far from the average, below the band and oversold, but the way to the average is a loss."""
    climb = [50.0, 50.1] * 100 + [50.0 + n for n in range(1, 51)]
    series = bars(climb + CALM + FALL)
    assert Action.BUY is signals_of(ENTRY, series)[-1].action
    assert {Action.SELL} == {signal.action for signal in signals_of(ENTRY, series, ema_period=200)}


def test_it_is_surer_the_farther_and_when_it_turns() -> None:
    farther = signals_of(ENTRY, bars([*CALM, 99.0, 97.8, 96.6, 95.5, 94.5]), deviation_pct=4.0)
    assert [0.80] == [round(signal.confidence, 9) for signal in farther]
    sharp = [*CALM, 99.0, 97.6, 96.2, 94.2, 93.2, 93.3, 93.4]
    every = {"edge_trigger": False, "cooldown_bars": 0}
    turned = signals_of(ENTRY, bars(sharp), **every, rsi_oversold=50.0, bb_std=0.5, stop_pct=9.0)
    assert 0.85 == round(turned[-1].confidence, 9)
