"""`ema_alignment_bearish`: below both averages, both falling."""

import pytest

from petrosa.core.analytics.indicators.ema import ema
from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.ema_alignment_bearish import ENTRY, Params
from tests.kit.bars import Row, at, bars, decisions_of, signals_of

FLAT: list[float] = [100.0] * 130
FALL = [99.8, 99.5, 99.2, 98.9, 98.6, 98.3, 98.0, 97.7]


def test_a_fall_out_of_a_flat_market_is_sold_once() -> None:
    """Mended: it spoke on every bar of a fall. The second falling bar is the first with two falling steps."""
    series = bars([*FLAT, *FALL])
    (signal,) = signals_of(ENTRY, series)
    assert ([131], Action.SELL, None) == (at(series, [signal]), signal.action, signal.order_type)
    fast, slow = ema([*FLAT, *FALL[:2]], 8), ema([*FLAT, *FALL[:2]], 80)
    assert (99.5, max(fast[-1], 99.8)) == (signal.price, signal.stop_loss)
    assert signal.take_profit == pytest.approx(99.5 - 1.5 * (max(fast[-1], 99.8) - 99.5))
    steps = (fast[-2] - fast[-1]) + (slow[-2] - slow[-1])
    expected = 0.60 + (10.0 * (fast[-1] - 99.5) + 5.0 * (slow[-1] - 99.5) + 20.0 * steps) / 99.5
    assert signal.confidence == pytest.approx(expected)
    assert "strong" == signal.metadata["strength"]


def test_the_stop_is_above_the_bar() -> None:
    """The high of a bar may be above the fast average, and then that is the stop."""
    wick: Row = (99.8, 100.5, 99.4, 99.5, 1.0)
    (signal,) = signals_of(ENTRY, bars([*FLAT, 99.8, wick]))
    assert 100.5 == signal.stop_loss


def test_a_rise_and_a_flat_market_are_nothing() -> None:
    assert [] == decisions_of(ENTRY, bars([*FLAT, *[100.0 + 0.2 * n for n in range(20)]]))


def test_one_falling_step_is_not_enough() -> None:
    zigzag = [99.8, 100.2] * 5
    assert [] == decisions_of(ENTRY, bars([*FLAT, *zigzag]))


def test_the_averages_grow() -> None:
    with pytest.raises(ValueError, match="ema_fast 80 must be below ema_slow 80"):
        Params(ema_fast=80)
