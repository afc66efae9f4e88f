"""A long bar leaves a quiet range upwards: bought; a long bar within it, or down, is not."""

import pytest

from petrosa.core.strategies.candle.range_break_pop import ENTRY
from tests.kit.bars import at, bars, mirrored, signals_of

QUIET = [100.0 + (0.2 if n % 2 else -0.2) for n in range(30)]
SERIES = bars([*QUIET, 100.0, 100.1, 101.5, 101.6, 101.7])


def test_the_break_is_bought_once() -> None:
    """Stop 1 % below the range, target twice the risk."""
    (signal,) = signals_of(ENTRY, SERIES)
    assert [32] == at(SERIES, [signal])
    assert ("buy", 101.5, 0.68) == (signal.action.value, signal.price, signal.confidence)
    assert signal.stop_loss == pytest.approx(0.99 * 99.8)
    assert signal.take_profit == pytest.approx(101.5 + 2.0 * (101.5 - 0.99 * 99.8))
    assert (100.2, 99.8) == (signal.indicators["range_high"], signal.indicators["range_low"])


def test_what_is_no_break() -> None:
    """A bar that is long but closes in the range, one that leaves it but is short, and a fall out of it."""
    wick = [(bar.open, bar.high, bar.low, bar.close, 1.0) for bar in SERIES[:33]]
    wick[32] = (100.1, 101.5, 100.0, 100.15, 1.0)
    assert [] == signals_of(ENTRY, bars(wick))
    assert 1 == len(signals_of(ENTRY, bars(wick), breakout=False))
    assert [] == signals_of(ENTRY, bars([*QUIET, 100.0, 100.1, 100.3]))
    assert [] == signals_of(ENTRY, mirrored(SERIES))


def test_it_must_have_risen_twice() -> None:
    """The same long bar after one that fell."""
    assert [] == signals_of(ENTRY, bars([*QUIET, 100.0, 99.9, 101.5]))


def test_nothing_traded_is_no_break() -> None:
    """A price without volume is somebody's wish."""
    still = [(bar.open, bar.high, bar.low, bar.close, 0.0) for bar in SERIES]
    assert [] == signals_of(ENTRY, bars(still))


def test_each_guard_of_the_document_can_hold_it_back() -> None:
    """A narrow range, volume, the RSI before; as they are here the documented limits let it pass but for the volume."""
    for guard in (
        {"max_range_pct": 0.3}, {"volume_multiplier_threshold": 1.5}, {"rsi_min": 52.0}, {"rsi_max": 51.0},
        {"atr_multiplier": 4.0},
    ):  # fmt: skip
        assert [] == signals_of(ENTRY, SERIES, **guard)
    assert 1 == len(signals_of(ENTRY, SERIES, max_range_pct=2.5, rsi_min=45.0, rsi_max=55.0))


def test_parameters_that_contradict_each_other() -> None:
    with pytest.raises(ValueError, match="must not be above"):
        signals_of(ENTRY, SERIES, rsi_min=60.0, rsi_max=50.0)
