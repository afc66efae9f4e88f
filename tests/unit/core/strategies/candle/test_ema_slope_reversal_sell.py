"""`ema_slope_reversal_sell`: the short average turns down."""

import pytest

from petrosa.core.analytics.indicators.ema import ema
from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.ema_slope_reversal_sell import ENTRY
from tests.kit.bars import Row, at, bars, decisions_of, signals_of

RISE = [100.0 + 0.1 * n for n in range(65)]
TOP = RISE[-1]
TURN: Row = (TOP, TOP + 0.1, TOP - 1.2, TOP - 1.0, 1.0)
AFTER = [TOP - 1.1, TOP - 1.2]


def test_a_turn_after_a_rise_is_sold_once_when_the_low_is_passed() -> None:
    """Mended: the order went to the market at once."""
    series = bars([*RISE, TURN, *AFTER])
    (signal,) = signals_of(ENTRY, series)
    assert ([65], Action.SELL, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    assert (TOP - 1.2, TOP + 0.1) == (signal.price, signal.stop_loss)
    assert signal.take_profit == pytest.approx(TOP - 1.2 - 2.0 * 1.3)
    close, averages = TOP - 1.0, ema([*RISE, TOP - 1.0], 9)
    slope, before = averages[-1] - averages[-2], averages[-2] - averages[-3]
    assert slope < 0.0 < before
    assert signal.confidence == pytest.approx(
        0.55 + 50.0 * (before - slope) / close + 10.0 * (averages[-1] - close) / close
    )


@pytest.mark.parametrize("scale", [1e-6, 1e4])
def test_the_price_of_a_coin_does_not_matter(scale: float) -> None:
    """A turn is measured as a share of the price."""
    (one,) = signals_of(ENTRY, bars([*RISE, TURN, *AFTER]))
    rise = [scale * price for price in RISE]
    turn: Row = (scale * TURN[0], scale * TURN[1], scale * TURN[2], scale * TURN[3], 1.0)
    (other,) = signals_of(ENTRY, bars([*rise, turn]))
    assert other.confidence == pytest.approx(one.confidence)


def test_a_rise_that_goes_on_is_nothing() -> None:
    assert [] == decisions_of(ENTRY, bars([*RISE, TOP + 0.05, TOP]))


def test_a_turn_next_to_nothing_is_not_sure_enough() -> None:
    flat: list[float] = [100.0] * 62
    (refused,) = decisions_of(ENTRY, bars([*flat, 100.01, (100.01, 100.1, 99.9, 99.97, 1.0)]))
    assert isinstance(refused, Refused)
    assert "confidence" == refused.check
    quiet = decisions_of(ENTRY, bars([*flat, 100.01, (100.01, 100.1, 99.9, 99.97, 1.0)]), slope_threshold=0.001)
    assert [] == quiet
