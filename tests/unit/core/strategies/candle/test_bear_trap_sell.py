"""`bear_trap_sell`: through the slow average from below, and back."""

import pytest

from petrosa.core.analytics.indicators.ema import ema
from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.bear_trap_sell import ENTRY
from tests.kit.bars import Row, at, bars, decisions_of, signals_of

FALL = [120.0 - 0.05 * n for n in range(130)]
LOW = FALL[-1]
AVERAGE = ema([*FALL, LOW], 80)[-1]
TRAP: Row = (LOW, AVERAGE + 0.5, LOW - 0.2, LOW, 1.0)
AFTER = [LOW - 0.1, LOW - 0.2]


def test_a_trap_in_a_fall_is_sold_once_when_its_low_is_passed() -> None:
    """Mended: the order went to the market at once."""
    series = bars([*FALL, TRAP, *AFTER])
    (signal,) = signals_of(ENTRY, series)
    assert ([130], Action.SELL, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    assert (LOW - 0.2, AVERAGE + 0.5) == (signal.price, signal.stop_loss)
    assert signal.take_profit == pytest.approx(LOW - 0.2 - 2.0 * (AVERAGE + 0.5 - (LOW - 0.2)))
    assert signal.confidence == 0.85
    assert signal.indicators == pytest.approx({"ema_slow": AVERAGE, "height": 0.5})


def test_confidence_is_how_far_it_fell_back() -> None:
    near: Row = (AVERAGE - 0.25, AVERAGE + 0.5, AVERAGE - 0.3, AVERAGE - 0.2, 1.0)
    (signal,) = signals_of(ENTRY, bars([*FALL, near, *AFTER]))
    average = signal.indicators["ema_slow"]
    over = AVERAGE + 0.5 - average
    assert signal.confidence == pytest.approx(0.60 + 0.25 * (average - (AVERAGE - 0.2)) / over)


def test_a_high_below_the_average_is_no_trap() -> None:
    assert [] == decisions_of(ENTRY, bars([*FALL, (LOW, AVERAGE - 0.1, LOW - 0.2, LOW, 1.0), *AFTER]))


def test_a_close_above_the_average_lately_is_no_trap() -> None:
    """One of the four closes is above."""
    through: Row = (LOW, AVERAGE + 0.6, LOW, AVERAGE + 0.3, 1.0)
    assert [] == decisions_of(ENTRY, bars([*FALL, through, TRAP, *AFTER]))
    assert 1 == len(decisions_of(ENTRY, bars([*FALL, through, TRAP, *AFTER]), trend_confirmation_periods=1))


def test_a_trap_can_be_asked_to_be_high() -> None:
    assert [] == decisions_of(ENTRY, bars([*FALL, TRAP, *AFTER]), fake_breakout_threshold=0.01)
    assert 1 == len(decisions_of(ENTRY, bars([*FALL, TRAP, *AFTER]), fake_breakout_threshold=0.001))
