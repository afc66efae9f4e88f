"""A climb, a pause, and the climb goes on: the bar that turns the histogram is bought."""

import pytest

from petrosa.core.strategies.candle.momentum_pulse import ENTRY
from tests.kit.bars import at, bars, mirrored, signals_of

CLIMB = [100.0 + 0.3 * n for n in range(60)]
PAUSE = [117.7 - 0.4 * n + (0.4 if n % 2 else 0.0) for n in range(1, 16)]
ON = [112.1 + 0.3 * n for n in range(1, 12)]
SERIES = bars(CLIMB + PAUSE + ON)
TURN = 82


def test_the_turn_of_the_histogram_is_bought_once() -> None:
    """Stop at the slow average, target two and a half times the risk, confidence as documented."""
    (signal,) = signals_of(ENTRY, SERIES)
    assert [TURN] == at(SERIES, [signal])
    assert ("buy", SERIES[TURN].close, 0.74) == (signal.action.value, signal.price, signal.confidence)
    assert signal.stop_loss == pytest.approx(signal.indicators["ema_slow"])
    assert signal.take_profit is not None
    assert signal.take_profit == pytest.approx(signal.price + 2.5 * (signal.price - signal.stop_loss))
    assert signal.indicators["macd_hist"] > 0.0
    assert signal.order_type is None


def test_it_is_not_bought_when_one_condition_is_missing() -> None:
    """RSI and ADX out of bounds, and the fall that mirrors the climb."""
    assert [] == signals_of(ENTRY, SERIES, rsi_max=51.0)
    assert [] == signals_of(ENTRY, SERIES, rsi_min=64.0)
    assert [] == signals_of(ENTRY, SERIES, min_adx=90.0)
    assert [] == signals_of(ENTRY, mirrored(SERIES))


def test_a_close_below_an_average_is_not_bought() -> None:
    """The pause became a fall through both averages: a turn in it is no pulse."""
    fall = bars([price - 0.9 * max(0, n - 59) for n, price in enumerate(CLIMB + PAUSE + ON)])
    assert [] == signals_of(ENTRY, fall)


def test_what_the_document_asks_besides() -> None:
    """A stop of 2 %; and the fast average above the slow one, as it is here."""
    (signal,) = signals_of(ENTRY, SERIES, stop_pct=2.0, ema_alignment=True)
    assert signal.stop_loss == pytest.approx(0.98 * signal.price)


@pytest.mark.parametrize(
    "wrong", [{"macd_fast": 26}, {"ema_fast": 50}, {"rsi_min": 70.0}], ids=["macd", "averages", "rsi"]
)
def test_parameters_that_contradict_each_other(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="must"):
        signals_of(ENTRY, SERIES, **wrong)
