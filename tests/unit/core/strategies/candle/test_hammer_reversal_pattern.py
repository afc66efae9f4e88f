"""`hammer_reversal_pattern`: down and all the way back within a bar."""

import pytest

from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.hammer_reversal_pattern import ENTRY
from tests.kit.bars import Row, at, bars, signals_of

FALL = [110.0 - n for n in range(11)]
HAMMER: Row = (100.0, 100.55, 97.0, 100.5, 1.0)
AFTER = [101.0, 102.0]


def test_a_hammer_after_a_fall_is_bought_once_when_its_high_is_passed() -> None:
    """Mended: the order went to the market at once. Body 0.5, lower shadow 3, upper shadow 0.05."""
    series = bars([*FALL, HAMMER, *AFTER])
    (signal,) = signals_of(ENTRY, series, base_confidence=0.5)
    assert ([11], Action.BUY, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    assert (100.55, 97.0) == (signal.price, signal.stop_loss)
    assert signal.take_profit == pytest.approx(100.55 + 2.0 * 3.55)
    assert signal.confidence == pytest.approx(0.5 + 0.08 + 0.10 + 0.08 * 3.0 / 3.55 + 0.06 * 0.5)


def test_confidence_has_a_ceiling() -> None:
    assert [0.88] == [one.confidence for one in signals_of(ENTRY, bars([*FALL, HAMMER, *AFTER]))]


def test_without_a_fall_it_is_less_sure() -> None:
    rise = [90.0 + n for n in range(11)]
    (after_rise,) = signals_of(ENTRY, bars([*rise, HAMMER, *AFTER]), base_confidence=0.5)
    (after_fall,) = signals_of(ENTRY, bars([*FALL, HAMMER, *AFTER]), base_confidence=0.5)
    assert after_fall.confidence - after_rise.confidence == pytest.approx(0.08)


@pytest.mark.parametrize(
    "bar",
    [
        (100.0, 100.55, 99.0, 100.5, 1.0),  # the lower shadow is two bodies
        (100.0, 100.70, 97.0, 100.5, 1.0),  # the upper shadow is two fifths of one
        (100.0, 100.05, 97.0, 100.0, 1.0),  # no body
    ],
)
def test_what_is_no_hammer(bar: Row) -> None:
    assert [] == signals_of(ENTRY, bars([*FALL, bar, *AFTER]))


def test_ten_bars_come_first() -> None:
    assert [] == signals_of(ENTRY, bars([*FALL[:8], HAMMER]))
    assert 1 == len(signals_of(ENTRY, bars([*FALL[:9], HAMMER])))
