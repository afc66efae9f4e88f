"""`doji_reversal`: no decision, away from the average."""

import pytest

from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.doji_reversal import ENTRY
from tests.kit.bars import Row, at, bars, decisions_of, mirrored, signals_of

RISE = [100.0 + 0.2 * n for n in range(25)]
TOP = RISE[-1]
DOJI: Row = (TOP, TOP + 0.5, TOP - 0.5, TOP + 0.01, 1.0)
AFTER = [TOP - 0.5, TOP - 1.0]
CLOSE = TOP + 0.01
MEAN = (sum(RISE[-9:]) + CLOSE) / 10


def test_above_the_average_it_is_sold_once_when_its_low_is_passed() -> None:
    """Mended: it never spoke, and the order would have gone to the market at once."""
    series = bars([*RISE, DOJI, *AFTER])
    (signal,) = signals_of(ENTRY, series)
    assert ([25], Action.SELL, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    assert (TOP - 0.5, TOP + 0.5) == (signal.price, signal.stop_loss)
    assert signal.take_profit == pytest.approx(TOP - 0.5 - 1.2)
    assert signal.confidence == pytest.approx(0.40 + 0.20 * (1 - 0.01 / 0.05) + 10 * (CLOSE - MEAN) / CLOSE)
    assert "weak" == signal.metadata["strength"]


def test_the_mirror_image_is_bought() -> None:
    series = bars([*RISE, DOJI, *AFTER])
    (sold,), (bought,) = signals_of(ENTRY, series), signals_of(ENTRY, mirrored(series))
    assert Action.BUY is bought.action
    assert bought.confidence == pytest.approx(sold.confidence, abs=0.005)


def test_it_can_reach_what_any_other_must() -> None:
    """Mended: most of what it would have said was below 0.60; its own least is 0.50, and 0.60 can be reached."""
    perfect: Row = (TOP, TOP + 0.5, TOP - 0.5, TOP, 1.0)
    assert 1 == len(signals_of(ENTRY, bars([*RISE, perfect]), min_confidence=0.60))
    large: Row = (TOP, TOP + 0.5, TOP - 0.5, TOP + 0.045, 1.0)
    (refused,) = decisions_of(ENTRY, bars([*RISE, large]))
    assert isinstance(refused, Refused)
    assert "confidence" == refused.check


def test_a_body_is_no_doji() -> None:
    assert [] == decisions_of(ENTRY, bars([*RISE, (TOP, TOP + 0.5, TOP - 0.5, TOP + 0.06, 1.0), *AFTER]))


def test_at_its_average_it_has_no_side() -> None:
    assert [] == decisions_of(ENTRY, bars([*[100.0] * 25, (100.0, 100.5, 99.5, 100.0, 1.0)]))


@pytest.mark.parametrize("scale", [1e-7, 1.0, 1e5])
def test_the_least_range_is_a_share_of_the_price(scale: float) -> None:
    """Mended: it was 0.0001 whatever a coin costs."""
    rise = [scale * price for price in RISE]
    small: Row = (scale * TOP, scale * (TOP + 0.004), scale * (TOP - 0.004), scale * TOP, 1.0)
    whole: Row = (scale * TOP, scale * (TOP + 0.5), scale * (TOP - 0.5), scale * CLOSE, 1.0)
    assert [] == decisions_of(ENTRY, bars([*rise, small]))
    assert 1 == len(signals_of(ENTRY, bars([*rise, whole])))
