"""Two lows: the newer lower, its RSI higher. It is bought when it is known to be a low, and not before."""

import pytest

from petrosa.core.strategies.candle.divergence_trap import ENTRY
from tests.kit.bars import at, bars, mirrored, signals_of

CALM = [100.0 + (0.2 if n % 2 else -0.2) for n in range(40)]
CRASH = [100.0 - n for n in range(1, 16)]
BOUNCE = [85.0 + 0.8 * n for n in range(1, 6)]
DRIFT = [89.0 - 0.6 * n for n in range(1, 9)]
TURN = [84.2 + 0.5 * n for n in range(1, 6)]
SERIES = bars(CALM + CRASH + BOUNCE + DRIFT + TURN)


def test_the_divergence_is_bought_once() -> None:
    """Two bars after the newer low, whose bars have higher lows; stop 1 % below it, target twice the risk."""
    (signal,) = signals_of(ENTRY, SERIES)
    assert [69] == at(SERIES, [signal])
    assert ("buy", 85.2, 0.66) == (signal.action.value, signal.price, signal.confidence)
    assert (84.2, 85.0, 13.0) == pytest.approx(
        [signal.indicators[name] for name in ("low", "low_before", "bars_apart")]
    )
    assert signal.indicators["rsi_before"] < signal.indicators["rsi"] < 30.0
    assert signal.stop_loss == pytest.approx(0.99 * 84.2)
    assert signal.take_profit == pytest.approx(85.2 + 2.0 * (85.2 - 0.99 * 84.2))


def test_what_is_no_divergence() -> None:
    """A higher low; a fall that gains force; a rise; and one low alone."""
    assert [] == signals_of(ENTRY, bars(CALM + CRASH + BOUNCE + DRIFT[:5] + [86.5, 87.0, 87.5]))
    assert [] == signals_of(ENTRY, bars([*CALM, 99.0, 98.5, 98.0, 98.6, 99.0, 96.0, 93.0, 90.0, 91.0, 92.0, 93.0]))
    assert [] == signals_of(ENTRY, mirrored(SERIES))
    assert [] == signals_of(ENTRY, bars(CALM + CRASH + BOUNCE))


def test_each_bound_can_hold_it_back() -> None:
    """How strong the newer low may be, how far the lows may be apart, how many bars make a low."""
    for guard in ({"rsi_oversold": 22.0}, {"pattern_lookback": 12}, {"pivot_bars": 6}):
        assert [] == signals_of(ENTRY, SERIES, **guard)
    assert [70] == at(SERIES, signals_of(ENTRY, SERIES, pivot_bars=3))


def test_the_documents_divergence_is_another() -> None:
    """In an uptrend a higher low on less strength; that series is nothing to the other, nor the other's to it."""
    climb = [100.0 + 0.5 * n + (0.3 if n % 2 else 0.0) for n in range(60)]
    dip, again = [129.3 - 0.4 * n for n in range(1, 5)], [127.7 + 0.6 * n for n in range(1, 5)]
    fall, turn = [130.1 - 0.5 * n for n in range(1, 5)], [128.1 + 0.7 * n for n in range(1, 5)]
    series = bars(climb + dip + again + fall + turn)
    (signal,) = signals_of(ENTRY, series, hidden_divergence=True)
    assert signal.indicators["low"] > signal.indicators["low_before"]
    assert signal.indicators["rsi"] < signal.indicators["rsi_before"]
    assert [] == signals_of(ENTRY, series)
    assert [] == signals_of(ENTRY, SERIES, hidden_divergence=True)


def test_a_stop_that_does_not_know_its_low() -> None:
    with pytest.raises(ValueError, match="must be above pivot_bars"):
        signals_of(ENTRY, SERIES, price_lookback=5, pivot_bars=5)
