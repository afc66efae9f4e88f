"""`fox_trap_reversal`: back to the fast average of a trend."""

import pytest

from petrosa.core.analytics.indicators.ema import Seeding, ema
from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.fox_trap_reversal import ENTRY, Params
from tests.kit.bars import Row, at, bars, decisions_of, mirrored, signals_of

RISE = [100.0 + 0.2 * n for n in range(140)]
TOP = RISE[-1]
BACK: Row = (TOP, TOP + 0.3, TOP - 0.7, TOP + 0.2, 1.0)
ON = [TOP + 0.4, TOP + 0.6]
NEAR = 0.001


def test_a_bar_that_comes_back_is_bought_once_when_its_high_is_passed() -> None:
    """Mended: the order went to the market at once."""
    series = bars([*RISE, BACK, *ON])
    (signal,) = signals_of(ENTRY, series, pullback_threshold=NEAR)
    assert ([140], Action.BUY, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    assert (TOP + 0.3, TOP - 0.7) == (signal.price, signal.stop_loss)
    assert signal.take_profit == pytest.approx(TOP + 0.3 + 2.0 * 1.0)
    fast, medium, slow = (signal.indicators[f"ema_{name}"] for name in ("fast", "medium", "slow"))
    expected = 0.78 + 0.08 * min(1.0, 15.0 * (fast - slow) / slow) + 0.06 * min(1.0, 20.0 * (fast - medium) / medium)
    expected += 0.05 * max(0.0, 1.0 - 20.0 * abs(TOP - 0.7 - fast) / fast)
    assert signal.confidence == pytest.approx(min(0.92, expected))


def test_the_mirror_image_is_sold() -> None:
    series = mirrored(bars([*RISE, BACK, *ON]))
    (signal,) = signals_of(ENTRY, series, pullback_threshold=NEAR)
    assert ([140], Action.SELL, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    assert signal.stop_loss is not None
    assert signal.stop_loss - signal.price == pytest.approx(1.0)


def test_a_trend_that_stays_away_is_nothing() -> None:
    assert [] == decisions_of(ENTRY, bars([*RISE, *ON]), pullback_threshold=NEAR)


def test_the_state_is_told_once() -> None:
    """Mended: within 2 % of the average is the whole trend, and every bar of it was told."""
    series = bars([*RISE, *ON])
    assert [129] == at(series, signals_of(ENTRY, series))


def test_a_sell_asks_for_the_middle_average_too() -> None:
    """Mended: after a rally within a fall the fast average is above the middle one, and it was sold all the same."""
    fall = [200.0 - 0.3 * n for n in range(140)]
    rally = [fall[-1] + 0.4 * n for n in range(1, 13)]
    rows = [*fall, *rally, rally[-1] - 2.0]
    fast, medium, slow = (ema(rows, n, Seeding.WEIGHTED)[-1] for n in (8, 20, 80))
    assert rows[-1] < fast < slow
    assert fast > medium
    series = bars(rows)
    assert len(rows) - 1 not in at(series, signals_of(ENTRY, series, cooldown_bars=0))


def test_the_trend_has_lasted() -> None:
    assert [] == decisions_of(ENTRY, bars([*[100.0] * 140, 100.5, 100.6, 100.7]))
    assert 1 == len(decisions_of(ENTRY, bars([*[100.0] * 140, 100.5, 100.6, 100.7]), trend_confirmation_periods=1))


def test_averages_grow() -> None:
    with pytest.raises(ValueError, match="ema_fast 25, ema_medium 20"):
        Params(ema_fast=25)
