"""`multi_timeframe_trend_continuation`: the trend of longer bars, the pullback of the shorter ones."""

import random

import msgspec
import pytest

from petrosa.core.analytics.indicators.ema import Ema
from petrosa.core.analytics.indicators.macd import Macd
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.multi_timeframe_trend_continuation import ENTRY, LongerBars, Params
from tests.kit.bars import at, bars, mirrored, signals_of, walk

FEW = {"ema_fast": 5, "ema_medium": 10, "ema_slow": 20, "macd_fast": 3, "macd_slow": 6, "adx_period": 5,
       "rsi_period": 5}  # fmt: skip
"""So that 150 bars do."""


def zigzag() -> list[float]:
    """Two steps up, one down, for 160 bars; then a pullback of three bars and its end."""
    closes = [100.0]
    for n in range(160):
        closes.append(closes[-1] + (0.5 if n % 2 else -0.3))
    for step in (-0.4, -0.4, -0.4, 0.3, 0.3):
        closes.append(closes[-1] + step)
    return closes


def loud(series: list[Candle], bar: int) -> list[Candle]:
    return [msgspec.structs.replace(one, volume=3.0) if n == bar else one for n, one in enumerate(series)]


def trend_of(series: list[Candle], **params: int) -> object:
    longer = LongerBars(Params(**params))
    for bar in series:
        longer.take(bar)
    return longer.trend


def test_a_pullback_that_turns_in_a_trend_is_bought_once() -> None:
    series = loud(bars(zigzag()), 164)
    (signal,) = signals_of(ENTRY, series, **FEW)
    assert ([164], Action.BUY) == (at(series, [signal]), signal.action)
    seen = signal.indicators
    assert signal.stop_loss == seen["trend_ema_medium"] < signal.price
    assert signal.take_profit == pytest.approx(signal.price + 3.0 * (signal.price - seen["trend_ema_medium"]))
    assert 0.75 + 0.10 * seen["trend_adx"] / 100.0 == signal.confidence
    assert seen["rsi"] < 50.0


def test_the_mirror_image_is_sold() -> None:
    series = mirrored(loud(bars(zigzag()), 164))
    (signal,) = signals_of(ENTRY, series, **FEW)
    assert ([164], Action.SELL) == (at(series, [signal]), signal.action)


def test_it_needs_volume_unless_told_otherwise() -> None:
    series = bars(zigzag())
    assert [] == signals_of(ENTRY, series, **FEW)
    assert [164] == at(series, signals_of(ENTRY, series, volume_confirmation_multiplier=0.0, **FEW))


def test_no_signal_without_a_pullback_or_a_trend() -> None:
    off = {"volume_confirmation_multiplier": 0.0}
    assert [] == signals_of(ENTRY, bars(zigzag()[:161]), **FEW, **off)
    assert [] == signals_of(ENTRY, bars([100.0, 100.5] * 100), **FEW, **off)


def test_it_fires_with_the_defaults_it_has() -> None:
    """Mended: the existing one never does."""
    series = walk(3, 6_000, volatility=0.002)
    assert 0 < len(signals_of(ENTRY, series)) < 100
    assert 0 < len(signals_of(ENTRY, mirrored(series))) < 100


def test_longer_bars_are_the_shorter_ones_put_together() -> None:
    series = walk(1, 300)
    trend = trend_of(series, ema_fast=3, ema_medium=5, ema_slow=9)
    closes = [series[n].close for n in range(3, 300, 4)]
    fast, macd = Ema(3), Macd()
    means, lines = [fast.update(close) for close in closes], [macd.update(close) for close in closes]
    assert isinstance(trend, tuple)
    assert lines[-1] is not None
    assert (closes[-1], means[-1], lines[-1].line) == (trend.close, trend.fast, trend.macd)  # type: ignore[attr-defined]


@pytest.mark.parametrize("part", [1, 2, 3])
def test_the_longer_bar_at_work_is_not_looked_at(part: int) -> None:
    """Mended: what is not over counts for nothing, however far it has gone."""
    few = {"ema_fast": 3, "ema_medium": 5, "ema_slow": 9}
    series, rng = walk(1, 300), random.Random(part)
    last = series[-1]
    wild = bars([last.close * rng.uniform(0.5, 2.0) for _ in range(part)], start=last.ts_open + last.interval_ns)
    assert trend_of(series, **few) == trend_of([*series, *wild], **few)


@pytest.mark.parametrize("late", [1, 2, 3])
def test_a_longer_bar_whose_beginning_was_not_seen_is_none(late: int) -> None:
    """It begins at multiples of its own length, wherever the bars begin that were seen."""
    few = {"ema_fast": 3, "ema_medium": 5, "ema_slow": 9}
    series = walk(1, 300)
    assert trend_of(series[4:], **few) == trend_of(series[late:], **few)


def test_warm_up_is_reached_from_anywhere_within_a_longer_bar() -> None:
    series = walk(2, 1_000)
    strategy = ENTRY.build(Params())
    assert (0, 803) == strategy.warmup()
    longer = LongerBars(Params())
    for bar in series[1:804]:
        assert longer.trend is None or bar is series[803]
        longer.take(bar)
    assert longer.trend is not None


def test_averages_grow() -> None:
    with pytest.raises(ValueError, match="ema_fast 60, ema_medium 50"):
        Params(ema_fast=60)
    with pytest.raises(ValueError, match="macd_fast 30 must be below macd_slow 26"):
        Params(macd_fast=30)
