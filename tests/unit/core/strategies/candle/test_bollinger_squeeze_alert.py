"""`bollinger_squeeze_alert`: narrower than its own history."""

from petrosa.core.model.signals import Action
from petrosa.core.strategies.candle.bollinger_squeeze_alert import ENTRY, Params
from tests.kit.bars import at, bars, signals_of

WIDE = [100.0 + side * 2.0 for side in (-1, 1)] * 80
TIDE = [100.0 + side * (2.0 + 0.01 * n) for n in range(80) for side in (-1, 1)]
"""Ever wider."""
NARROW = [100.0, 100.1] * 15


def test_bands_that_narrow_are_told_once_and_ask_for_nothing() -> None:
    series = bars(TIDE + NARROW)
    (signal,) = signals_of(ENTRY, series)
    assert Action.HOLD is signal.action
    assert (None, None, None) == (signal.stop_loss, signal.take_profit, signal.order_type)
    assert 160 < at(series, [signal])[0] < 185
    seen = signal.indicators
    assert seen["width_percentile"] <= 0.15
    assert 1.0 - seen["width_percentile"] / 0.15 == seen["squeeze_intensity"]
    assert 0.65 + 0.15 * seen["squeeze_intensity"] == signal.confidence


def test_narrow_as_ever_is_no_squeeze() -> None:
    """Mended: less than 10 % of the price was enough, which bars of minutes and hours nearly always are."""
    assert [] == signals_of(ENTRY, bars(TIDE))
    assert [] == signals_of(ENTRY, bars(NARROW * 10))
    assert [] == signals_of(ENTRY, bars([100.0] * 300))


def test_the_coded_formula_by_its_parameters() -> None:
    off = {"squeeze_percentile": 1.0, "squeeze_threshold": 0.1}
    first, *_ = signals_of(ENTRY, bars(WIDE), **off)
    width = first.indicators["squeeze_ratio"]
    assert width < 0.1
    assert 1.0 - width / 0.1 == first.indicators["squeeze_intensity"]
    assert 0.65 + 0.15 * (1.0 - width / 0.1) == first.confidence
    assert [] == signals_of(ENTRY, bars(WIDE), squeeze_percentile=1.0, squeeze_threshold=0.05)


def test_it_needs_a_history_to_compare_with() -> None:
    assert (0, 140) == ENTRY.build(Params()).warmup()
