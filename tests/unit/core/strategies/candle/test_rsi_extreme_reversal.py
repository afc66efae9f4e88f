"""`rsi_extreme_reversal`: oversold on two bars."""

import msgspec
import pytest

from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.rsi_extreme_reversal import ENTRY, Params
from tests.kit.bars import at, bars, signals_of

CALM = [100.0, 100.4] * 45
DIP = [100.2, 99.8, 99.9, 100.4]


def test_an_oversold_bar_is_bought_once() -> None:
    series = bars(CALM + DIP)
    (signal,) = signals_of(ENTRY, series)
    assert ([91], Action.BUY) == (at(series, [signal]), signal.action)
    assert 2.0 < signal.indicators["rsi"] < 25.0
    assert 99.8 * 0.99 == signal.stop_loss
    assert signal.take_profit == pytest.approx(99.8 + 2.0 * 0.998)
    assert 0.72 - 0.05 == signal.confidence


def test_neither_a_calm_market_nor_a_rise_is_bought() -> None:
    assert [] == signals_of(ENTRY, bars(CALM))
    assert [] == signals_of(ENTRY, bars([*CALM, *(100.4 + 0.2 * n for n in range(1, 20))]))


def test_the_lowest_low_is_the_stop_where_it_is_farther() -> None:
    rows = [(100.0, 100.4, 99.9, 100.2, 1.0)] * 90
    series = bars([*rows, (100.2, 100.3, 97.0, 100.1, 1.0), 99.9, 99.7])
    signal = signals_of(ENTRY, series)[-1]
    assert 97.0 == signal.stop_loss


def test_an_extreme_is_surer_and_a_rise_adds() -> None:
    fall = [100.4 - 0.3 * n for n in range(1, 9)]
    series = bars(CALM + fall)
    every = signals_of(ENTRY, series, edge_trigger=False, cooldown_bars=0)
    assert every[-1].indicators["rsi"] < 2.0
    assert 0.82 == every[-1].confidence
    up = bars([*CALM, *fall, fall[-1] + 0.001])
    last = signals_of(ENTRY, up, edge_trigger=False, cooldown_bars=0)[-1]
    change = last.indicators["rsi_change"]
    assert 0.0 < change < 4.0
    assert 0.82 + 0.02 * change == last.confidence


def test_extremes_alone() -> None:
    """The edge is that of the threshold: an extreme after an oversold bar is told where that is the threshold."""
    series = bars([*CALM, *(100.4 - 0.3 * n for n in range(1, 9))])
    assert [0.67] == [round(signal.confidence, 9) for signal in signals_of(ENTRY, series)]
    (extreme,) = signals_of(ENTRY, series, oversold_threshold=2.0)
    assert extreme.indicators["rsi"] < 2.0
    assert 0.82 == extreme.confidence


def test_its_schema_accepts_its_own_defaults() -> None:
    """Mended: it refused six of the eleven, and gave none of them to the strategy."""
    defaults = {
        "rsi_period": 2, "oversold_threshold": 25, "extreme_threshold": 2, "min_data_points": 78,
        "base_confidence": 0.55, "extreme_confidence": 0.82, "oversold_confidence": 0.72,
        "momentum_adjustment_factor": 0.02, "momentum_threshold": -2, "momentum_boost": 0.08, "momentum_penalty": -0.05,
    }  # fmt: skip
    assert Params() == msgspec.convert(defaults, Params)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("oversold_threshold", 15.0),
        ("rsi_period", 14),
        ("min_data_points", 95),
        ("oversold_confidence", 0.6),
        ("base_confidence", 0.7),
        ("momentum_threshold", -90.0),
        ("momentum_penalty", -0.1),
        ("stop_pct", 2.0),
        ("risk_reward_ratio", 3.0),
    ],
)
def test_its_parameters_are_read(name: str, value: float) -> None:
    """Mended: it used constants whatever was configured."""
    series = bars(CALM + DIP)
    assert signals_of(ENTRY, series) != signals_of(ENTRY, series, **{name: value, "min_confidence": 0.5})


@pytest.mark.parametrize(
    "name", ["extreme_threshold", "extreme_confidence", "momentum_adjustment_factor", "momentum_boost"]
)
def test_those_of_the_extreme_and_the_rise_are_read(name: str) -> None:
    every = {"edge_trigger": False, "cooldown_bars": 0, "min_confidence": 0.5}
    fall = [100.4 - 0.3 * n for n in range(1, 9)]
    series = bars([*CALM, *fall, fall[-1] + 0.05])
    other = {"extreme_threshold": 9.0, "extreme_confidence": 0.7, "momentum_adjustment_factor": 0.0,
             "momentum_boost": 0.0}  # fmt: skip
    assert signals_of(ENTRY, series, **every) != signals_of(ENTRY, series, **{name: other[name]}, **every)


def test_not_on_the_shortest_bars() -> None:
    assert {"1m", "3m", "5m"}.isdisjoint(ENTRY.timeframes)
    assert {"15m", "1h", "4h", "1d"} <= set(ENTRY.timeframes)
