"""`inside_bar_breakout`: a pause in a rise, bought at a stop."""

import pytest

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.inside_bar_breakout import ENTRY, Params
from tests.kit.bars import Row, at, bars, mirrored, signals_of

RISE = [100.0 + 0.2 * n for n in range(140)]
TOP = RISE[-1]
OUTER: Row = (TOP, TOP + 1.0, TOP - 0.2, TOP + 0.5, 1.0)
INNER: Row = (TOP + 0.5, TOP + 0.8, TOP + 0.1, TOP + 0.6, 1.0)


def market(*rows: float | Row, rise: list[float] = RISE) -> list[Candle]:
    return bars([*rise, *rows, TOP + 1.5])


def test_an_inside_bar_in_a_rise_is_bought_once_when_its_high_is_passed() -> None:
    """Mended: the high was named as the entry, and the order went to the market at once."""
    series = market(OUTER, INNER)
    (signal,) = signals_of(ENTRY, series)
    assert ([141], Action.BUY, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    high, low = TOP + 0.8, TOP + 0.1
    assert (high, low) == (signal.price, signal.stop_loss)
    assert signal.take_profit == pytest.approx(high + 2.0 * (high - low))
    assert signal.current_price == TOP + 0.6
    assert signal.expires_at == signal.ts_seen + 2 * 15 * 60 * NS_PER_SECOND
    fast, slow = signal.indicators["ema_fast"], signal.indicators["ema_slow"]
    expected = 0.76 + 0.10 * (1.0 - 0.7 / 1.2) + min(0.08, 5.0 * (fast - slow) / slow)
    assert signal.confidence == pytest.approx(expected)


def test_a_bar_that_reaches_as_far_is_not_inside() -> None:
    assert [] == signals_of(ENTRY, market(OUTER, (TOP + 0.5, TOP + 1.0, TOP + 0.1, TOP + 0.6, 1.0)))
    assert [] == signals_of(ENTRY, market(OUTER, (TOP + 0.5, TOP + 0.8, TOP - 0.2, TOP + 0.6, 1.0)))


def test_not_in_a_fall_nor_right_after_one() -> None:
    assert [] == signals_of(ENTRY, mirrored(market(OUTER, INNER)))
    dipped = [*RISE[:-2], RISE[-3] - 3.0, TOP]
    assert [] == signals_of(ENTRY, market(OUTER, INNER, rise=dipped))


def test_a_close_at_the_low_is_no_setup() -> None:
    """Mended: the stop was where the price was."""
    assert [] == signals_of(ENTRY, market(OUTER, (TOP + 0.5, TOP + 0.8, TOP + 0.1, TOP + 0.1, 1.0)))


def test_averages_grow() -> None:
    with pytest.raises(ValueError, match="ema_fast 90 must be below ema_slow 80"):
        Params(ema_fast=90)
