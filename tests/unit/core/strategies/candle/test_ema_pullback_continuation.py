"""`ema_pullback_continuation`: back to the average, and on."""

import pytest

from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.ema_pullback_continuation import ENTRY, Params
from tests.kit.bars import Row, at, bars, mirrored, signals_of

RISE = [100.0 + 0.2 * n for n in range(90)]
TOP = RISE[-1]
BACK: Row = (TOP, TOP + 0.3, TOP - 1.0, TOP + 0.1, 1.0)
ON = [TOP + 0.4, TOP + 0.6]


def test_a_pullback_in_a_rise_is_bought_once_when_its_high_is_passed() -> None:
    """Mended: the high was named as the entry, and the order went to the market at once."""
    series = bars([*RISE, BACK, *ON])
    (signal,) = signals_of(ENTRY, series)
    assert ([90], Action.BUY, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    assert (TOP + 0.3, TOP - 1.0) == (signal.price, signal.stop_loss)
    assert signal.take_profit == pytest.approx(TOP + 0.3 + 2.0 * 1.3)
    fast, medium, slow = (signal.indicators[f"ema_{name}"] for name in ("fast", "medium", "slow"))
    assert fast > medium > slow
    apart, near = min(1.0, 20.0 * (medium - slow) / slow), max(0.0, 1.0 - 10.0 * (TOP + 0.1 - medium) / medium)
    assert 0.74 + 0.08 * apart + 0.06 * near == pytest.approx(signal.confidence)


def test_the_mirror_image_is_sold() -> None:
    """Mended: the sides asked for different averages, and only a sale for a new extreme."""
    series = mirrored(bars([*RISE, BACK, *ON]))
    (signal,) = signals_of(ENTRY, series)
    assert ([90], Action.SELL, "stop") == (at(series, [signal]), signal.action, signal.order_type)


def test_a_rise_without_a_new_low_is_no_pullback() -> None:
    """Mended: within 1 % of the average was enough, which on short bars is everywhere."""
    assert [] == signals_of(ENTRY, bars(RISE))


def test_a_bar_that_stays_away_or_closes_beyond_is_none() -> None:
    assert [] == signals_of(ENTRY, bars([*RISE, BACK, *ON]), pullback_threshold=0.001)
    beyond: Row = (TOP, TOP + 0.3, TOP - 3.0, TOP - 2.5, 1.0)
    assert [] == signals_of(ENTRY, bars([*RISE, beyond, *ON]))


def test_a_close_where_the_stop_would_be_is_no_setup() -> None:
    assert [] == signals_of(ENTRY, bars([*RISE, (TOP, TOP + 0.3, TOP - 1.0, TOP - 1.0, 1.0), *ON]))


def test_averages_grow() -> None:
    with pytest.raises(ValueError, match="ema_fast 25, ema_medium 20"):
        Params(ema_fast=25)
