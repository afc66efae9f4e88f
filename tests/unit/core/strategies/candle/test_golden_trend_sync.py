"""The averages cross, or a pullback to the fast one has ended: the rising bar is bought, the trend alone is not."""

import pytest

from petrosa.core.strategies.candle.golden_trend_sync import ENTRY
from tests.kit.bars import at, bars, mirrored, signals_of

CROSS = bars([110.0 - 0.1 * n for n in range(60)] + [104.1 + 0.25 * n for n in range(1, 60)])
TREND = [100.0 + 0.2 * n for n in range(80)]
PULLBACK = bars(TREND + [115.8 - 0.4 * n for n in range(1, 6)] + [113.8 + 0.8 * n for n in range(1, 5)])


def test_a_cross_is_bought_once() -> None:
    """Not every rising bar of the trend after it. Stop at the slow average, target twice the risk."""
    (signal,) = signals_of(ENTRY, CROSS)
    assert [77] == at(CROSS, [signal])
    assert ("buy", 0.70, 1.0) == (signal.action.value, signal.confidence, signal.indicators["after_cross"])
    assert signal.stop_loss == signal.indicators["ema_slow"]
    assert signal.stop_loss < signal.price
    assert signal.take_profit == pytest.approx(3.0 * signal.price - 2.0 * signal.stop_loss)


def test_the_end_of_a_pullback_is_bought_once() -> None:
    """The bar that closes above the fast average again."""
    (signal,) = signals_of(ENTRY, PULLBACK)
    assert [85] == at(PULLBACK, [signal])
    assert 0.0 == signal.indicators["after_cross"]
    assert PULLBACK[84].close < signal.indicators["ema_fast"] < PULLBACK[85].close


def test_a_trend_alone_is_nothing() -> None:
    """Every bar rises near its averages; the coded strategy bought each. A downtrend is nothing either."""
    assert [] == signals_of(ENTRY, bars(TREND * 1 + [115.8 + 0.2 * n for n in range(1, 80)]))
    assert [] == signals_of(ENTRY, mirrored(PULLBACK))


def test_a_close_below_the_slow_average_is_nothing() -> None:
    """The pullback goes through both averages: what was a stop is above the price."""
    deep = bars(TREND + [115.8 - 1.5 * n for n in range(1, 8)] + [105.3 + 0.4 * n for n in range(1, 5)])
    assert [] == signals_of(ENTRY, deep)


def test_each_guard_can_hold_it_back() -> None:
    """Distance, RSI, MACD; and crosses are of no interest with `cross_bars` 0."""
    for guard in ({"pullback_threshold": 0.004}, {"rsi_max": 61.0}, {"rsi_min": 62.0}, {"macd_confirmation": True}):
        assert [] == signals_of(ENTRY, PULLBACK, **guard)
    assert [] == signals_of(ENTRY, CROSS, cross_bars=0)


@pytest.mark.parametrize("wrong", [{"ema_fast": 50}, {"rsi_min": 60.0, "rsi_max": 50.0}])
def test_parameters_that_contradict_each_other(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        signals_of(ENTRY, CROSS, **wrong)
