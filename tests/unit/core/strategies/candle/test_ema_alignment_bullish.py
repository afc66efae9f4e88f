"""`ema_alignment_bullish`: the order of a rising market, when it begins."""

import pytest

from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.ema_alignment_bullish import ENTRY, Params
from tests.kit.bars import at, bars, mirrored, signals_of

CALM = [100.0, 100.2] * 90
RISE = [100.2 + 0.5 * n for n in range(1, 30)]


def test_a_beginning_rise_is_bought_once() -> None:
    """Mended: it was told again on every bar of the rise."""
    series = bars(CALM + RISE)
    (signal,) = signals_of(ENTRY, series)
    assert ([180], Action.BUY) == (at(series, [signal]), signal.action)
    fast, slow = signal.indicators["ema_fast"], signal.indicators["ema_slow"]
    assert signal.stop_loss == slow < fast < signal.price
    assert signal.take_profit == signal.price + 2.5 * (signal.price - slow)
    over, above = (fast - slow) / slow, (signal.price - fast) / fast
    assert 0.74 + min(0.10, 10.0 * over) + min(0.05, 20.0 * above) == signal.confidence


def test_neither_a_fall_nor_a_calm_market_is_bought() -> None:
    assert [] == signals_of(ENTRY, mirrored(bars(CALM + RISE)))
    assert [] == signals_of(ENTRY, bars(CALM))


def test_both_averages_rise_as_long_as_asked() -> None:
    series = bars(CALM + RISE)
    assert [183] == at(series, signals_of(ENTRY, series, trend_confirmation_periods=5))


def test_averages_grow() -> None:
    with pytest.raises(ValueError, match="ema_fast 90 must be below ema_slow 80"):
        Params(ema_fast=90)
