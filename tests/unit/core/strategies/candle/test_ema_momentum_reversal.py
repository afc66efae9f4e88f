"""`ema_momentum_reversal`: four ways to turn up."""

import pytest

from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.ema_momentum_reversal import ENTRY
from tests.kit.bars import Row, at, bars, decisions_of, signals_of

FLAT: list[Row | float] = [(100.0, 100.5, 99.5, 100.0, 1.0)] * 65
DIP: Row = (100.0, 100.2, 99.5, 99.8, 1.0)
SETUPS: dict[float, tuple[float, list[Row | float]]] = {
    9.4: (0.80, [DIP, (99.8, 100.6, 99.6, 100.5, 1.0)]),  # turns up on a higher low
    9.1: (0.76, [DIP, (99.8, 100.6, 99.4, 100.5, 1.0)]),  # on a lower one
    9.2: (0.78, [(100.0, 100.1, 99.2, 99.4, 1.0)]),  # closes below the low before
    9.3: (
        0.74,
        [(100.0, 100.1, 99.4, 99.9, 1.0), (99.9, 100.0, 99.4, 99.8, 1.0), (99.8, 99.9, 99.3, 99.7, 1.0)],
    ),
}


@pytest.mark.parametrize("setup", list(SETUPS))
def test_each_setup_is_bought_once_when_the_high_is_passed(setup: float) -> None:
    """Mended: 9.4 could not be reached, since 9.1 holds whenever it does; and the order went to the market at once."""
    base, rows = SETUPS[setup]
    series = bars([*FLAT, *rows, (100.0, 101.0, 99.9, 100.4, 1.0)])
    (signal,) = signals_of(ENTRY, series)
    last = series[64 + len(rows)]
    assert ([64 + len(rows)], Action.BUY, "stop") == (at(series, [signal]), signal.action, signal.order_type)
    assert (last.high, last.low) == (signal.price, signal.stop_loss)
    assert signal.take_profit == pytest.approx(last.high + 2.0 * (last.high - last.low))
    seen = signal.indicators
    assert setup == seen["setup"]
    surer = min(0.05, 100.0 * max(0.0, seen["slope"]) / last.close)
    away = min(0.08, 10.0 * abs(last.close - seen["ema"]) / seen["ema"])
    assert signal.confidence == pytest.approx(base + surer - away)


def test_a_flat_market_and_a_rise_are_nothing() -> None:
    assert [] == decisions_of(ENTRY, bars([*FLAT, *[100.0 + 0.5 * n for n in range(10)]]))


@pytest.mark.parametrize("scale", [1e-6, 1e4])
def test_the_price_of_a_coin_does_not_matter(scale: float) -> None:
    """Mended: the slope in units of price went into the confidence, so that every dear coin had the most of it."""

    def of(row: Row | float) -> Row:
        assert isinstance(row, tuple)
        return (scale * row[0], scale * row[1], scale * row[2], scale * row[3], 1.0)

    _, rows = SETUPS[9.4]
    small: list[Row | float] = [DIP, (99.8, 100.1, 99.6, 100.02, 1.0)]
    for found in (rows, small):
        (one,) = signals_of(ENTRY, bars([*FLAT, *found]))
        (other,) = signals_of(ENTRY, bars([of(row) for row in [*FLAT, *found]]))
        assert other.confidence == pytest.approx(one.confidence)
    assert one.confidence < 0.80 + 0.05


def test_a_second_turn_within_the_average_is_the_same_turn() -> None:
    """Mended: on a market that goes sideways it bought on every fifth bar."""
    _, rows = SETUPS[9.4]
    again = [*FLAT, *rows, DIP, *rows]
    assert 1 == len(signals_of(ENTRY, bars(again)))
    assert 2 == len(signals_of(ENTRY, bars(again), cooldown_bars=0))


def test_falling_slopes_are_counted() -> None:
    _, rows = SETUPS[9.3]
    assert [] == decisions_of(ENTRY, bars([*FLAT, *rows]), falling_slopes_min=4)
