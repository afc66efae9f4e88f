"""`bollinger_breakout_signals`: against the breakout."""

import pytest

from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.bollinger_breakout_signals import ENTRY
from tests.kit.bars import at, bars, mirrored, signals_of

CALM = [100.0, 100.2] * 20
OUT = [99.5, 99.4, 100.0]


def test_a_close_below_the_bands_is_bought_once() -> None:
    """Contrary to the name."""
    series = bars(CALM + OUT)
    (signal,) = signals_of(ENTRY, series)
    assert ([40], Action.BUY) == (at(series, [signal]), signal.action)
    lower = signal.indicators["bb_lower"]
    assert (lower * 0.98, signal.indicators["bb_middle"]) == (signal.stop_loss, signal.take_profit)
    assert 0.68 + min(0.12, 50.0 * (lower - 99.5) / lower) == signal.confidence


def test_the_mirror_image_is_sold() -> None:
    series = mirrored(bars(CALM + OUT))
    (signal,) = signals_of(ENTRY, series)
    assert ([40], Action.SELL) == (at(series, [signal]), signal.action)


def test_nothing_within_the_bands() -> None:
    assert [] == signals_of(ENTRY, bars(CALM * 3))


def test_a_close_beyond_where_the_stop_would_be_is_no_setup() -> None:
    """Mended: the stop of so deep an excursion was on the wrong side of the price."""
    assert [] == signals_of(ENTRY, bars([*CALM, 80.0, 100.0]))
    assert [] == signals_of(ENTRY, mirrored(bars([*CALM, 80.0, 100.0])))


@pytest.mark.parametrize("price", [0.1, 0.7, 1.1, 3.3, 100.1])
def test_a_market_that_stands_still_is_none(price: float) -> None:
    """Mended: the mean of twenty equal prices is not that price to the last digit, and the close was outside of it."""
    assert [] == signals_of(ENTRY, bars([price] * 200), min_target_pct=0.0)


def test_a_target_nearer_than_any_fee_is_none() -> None:
    quiet = bars([100.0, 100.002] * 20 + [99.99, 100.0])
    assert [] == signals_of(ENTRY, quiet)
    assert [40] == at(quiet, signals_of(ENTRY, quiet, min_target_pct=0.0))
