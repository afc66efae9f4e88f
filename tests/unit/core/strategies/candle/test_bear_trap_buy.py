"""`bear_trap_buy`: through the slow average and back."""

import pytest

from petrosa.core.analytics.indicators.ema import ema
from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.bear_trap_buy import ENTRY
from tests.kit.bars import Row, at, bars, decisions_of, signals_of

RISE = [100.0 + 0.05 * n for n in range(130)]
TOP = RISE[-1]
AVERAGE = ema([*RISE, TOP], 80)[-1]
TRAP: Row = (TOP, TOP + 0.2, AVERAGE - 0.5, TOP, 1.0)
AFTER = [TOP + 0.1, TOP + 0.2]


def test_a_trap_in_a_rise_is_bought_once_when_its_high_is_passed() -> None:
    """Mended: the order went to the market at once."""
    series = bars([*RISE, TRAP, *AFTER])
    (signal,) = signals_of(ENTRY, series)
    assert ([130], Action.BUY, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    assert (TOP + 0.2, AVERAGE - 0.5) == (signal.price, signal.stop_loss)
    distance = TOP + 0.2 - (AVERAGE - 0.5)
    assert signal.take_profit == pytest.approx(TOP + 0.2 + 2.0 * distance)
    assert signal.confidence == pytest.approx(0.60 + 0.25 * (distance - 0.2) / distance)
    assert signal.indicators == pytest.approx({"ema_slow": AVERAGE, "depth": 0.5})


def test_a_low_above_the_average_is_no_trap() -> None:
    assert [] == decisions_of(ENTRY, bars([*RISE, (TOP, TOP + 0.2, AVERAGE + 0.1, TOP, 1.0), *AFTER]))


def test_a_close_below_the_average_lately_is_no_trap() -> None:
    """One of the four closes is below."""
    through: Row = (TOP, TOP, AVERAGE - 0.6, AVERAGE - 0.3, 1.0)
    assert [] == decisions_of(ENTRY, bars([*RISE, through, TRAP, *AFTER]))
    assert 1 == len(decisions_of(ENTRY, bars([*RISE, through, TRAP, *AFTER]), trend_confirmation_periods=1))


def test_a_trap_can_be_asked_to_be_deep() -> None:
    assert [] == decisions_of(ENTRY, bars([*RISE, TRAP, *AFTER]), fake_breakdown_threshold=0.01)
    assert 1 == len(decisions_of(ENTRY, bars([*RISE, TRAP, *AFTER]), fake_breakdown_threshold=0.001))
