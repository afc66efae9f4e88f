"""`inside_bar_sell`: a pause below the averages."""

import pytest

from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.inside_bar_sell import ENTRY, Params
from tests.kit.bars import Row, at, bars, decisions_of, signals_of

FALL = [130.0 - 0.1 * n for n in range(130)]
LOW = FALL[-1]
MOTHER: Row = (LOW, LOW + 0.5, LOW - 0.5, LOW - 0.2, 1.0)
INSIDE: Row = (LOW - 0.2, LOW + 0.1, LOW - 0.3, LOW - 0.1, 1.0)
ON = [LOW - 0.5, LOW - 0.6]


def test_a_pause_in_a_fall_is_sold_once_when_its_low_is_passed() -> None:
    """Mended: the order went to the market at once."""
    series = bars([*FALL, MOTHER, INSIDE, *ON])
    (signal,) = signals_of(ENTRY, series)
    assert ([131], Action.SELL, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    assert (LOW - 0.3, LOW + 0.1) == (signal.price, signal.stop_loss)
    assert signal.take_profit == pytest.approx(LOW - 0.3 - 2.0 * 0.4)
    fast, slow, close = signal.indicators["ema_fast"], signal.indicators["ema_slow"], LOW - 0.1
    assert close < fast < slow
    assert signal.confidence == pytest.approx(
        min(0.80, 0.55 + 10.0 * (slow - close) / close + 5.0 * (slow - fast) / close)
    )


def test_a_pause_in_a_rise_is_nothing() -> None:
    rise = [LOW - 13.0 + 0.1 * n for n in range(131)]
    assert [] == decisions_of(ENTRY, bars([*rise, MOTHER, INSIDE, *ON]))


@pytest.mark.parametrize("ends", [(LOW + 0.5, LOW - 0.3), (LOW + 0.1, LOW - 0.5)])
def test_a_bar_that_touches_the_one_before_is_not_inside(ends: tuple[float, float]) -> None:
    high, low = ends
    assert [] == decisions_of(ENTRY, bars([*FALL, MOTHER, (LOW - 0.2, high, low, LOW - 0.1, 1.0), *ON]))


def test_next_to_the_average_it_is_not_sure_enough() -> None:
    flat: list[float] = [100.0] * 130
    mother: Row = (100.0, 100.5, 99.5, 99.9, 1.0)
    inside: Row = (99.9, 100.2, 99.7, 99.8, 1.0)
    (refused,) = decisions_of(ENTRY, bars([*flat, mother, inside]))
    assert isinstance(refused, Refused)
    assert "confidence" == refused.check


def test_a_close_at_the_stop_is_no_setup() -> None:
    at_high: Row = (LOW - 0.2, LOW + 0.1, LOW - 0.3, LOW + 0.1, 1.0)
    assert [] == decisions_of(ENTRY, bars([*FALL, MOTHER, at_high, *ON]))


def test_the_averages_grow() -> None:
    with pytest.raises(ValueError, match="ema_fast 80 must be below ema_slow 80"):
        Params(ema_fast=80)
