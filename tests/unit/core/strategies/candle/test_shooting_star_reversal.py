"""`shooting_star_reversal`: up and all the way back within a bar."""

import pytest

from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.shooting_star_reversal import ENTRY
from tests.kit.bars import Row, at, bars, signals_of

RISE = [100.0 + n for n in range(21)]
STAR: Row = (120.0, 122.0, 119.45, 119.5, 1.0)
AFTER = [119.0, 118.0]


def test_a_star_after_a_rise_is_sold_once_when_its_low_is_passed() -> None:
    """Mended: the order went to the market at once. Body 0.5, upper shadow 2, above the average of 20."""
    series = bars([*RISE, STAR, *AFTER])
    (signal,) = signals_of(ENTRY, series, base_confidence=0.4)
    assert ([21], Action.SELL, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    assert (119.45, 122.0) == (signal.price, signal.stop_loss)
    assert signal.take_profit == pytest.approx(119.45 - 1.5 * 2.55)
    assert signal.confidence == pytest.approx(0.4 + 0.25 * 4.0 / 5.0 + 0.10)
    assert [pytest.approx(0.8)] == [one.confidence for one in signals_of(ENTRY, series)]


def test_below_the_average_it_is_less_sure() -> None:
    (signal,) = signals_of(ENTRY, bars([*[140.0 - n for n in range(21)], STAR, *AFTER]))
    assert signal.confidence == pytest.approx(0.5 + 0.25 * 4.0 / 5.0)


@pytest.mark.parametrize(
    "bar",
    [
        (120.0, 121.0, 119.45, 119.5, 1.0),  # the upper shadow is two bodies
        (120.0, 122.0, 119.30, 119.5, 1.0),  # the lower shadow is two fifths of one
        (120.0, 122.0, 119.99, 120.0, 1.0),  # no body
    ],
)
def test_what_is_no_star(bar: Row) -> None:
    assert [] == signals_of(ENTRY, bars([*RISE, bar, *AFTER]))


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e5])
def test_the_least_body_is_a_share_of_the_price(scale: float) -> None:
    """Mended: it was 0.0001 whatever a coin costs, so that a coin of a thousandth of a cent had no star."""

    def of(*prices: float) -> Row:
        return (*(scale * price for price in prices), 1.0)  # type: ignore[return-value]

    rise = [scale * price for price in RISE]
    after = [scale * price for price in AFTER]
    assert 1 == len(signals_of(ENTRY, bars([*rise, of(*STAR[:4]), *after])))
    tiny = of(120.0, 120.2, 119.9899, 119.99)  # a body of 0.008 % of the price
    assert [] == signals_of(ENTRY, bars([*rise, tiny, *after]))
    assert 1 == len(signals_of(ENTRY, bars([*rise, tiny, *after]), body_size_threshold=0.0))


def test_the_average_is_there_before_it_speaks() -> None:
    """Mended: after 10 bars it was compared with an average of 20."""
    assert [] == signals_of(ENTRY, bars([*RISE[:18], STAR]))
    assert 1 == len(signals_of(ENTRY, bars([*RISE[:19], STAR])))
