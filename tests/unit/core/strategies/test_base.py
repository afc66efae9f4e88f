"""Scores in units of thresholds, and parameters that cannot be nonsense."""

from math import inf, isnan, nan, nextafter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.strategies.base import StrategyParams, score_of
from tests.kit.soak import examples

thresholds = st.floats(0.01, 10.0)


@examples(300)
@given(st.floats(-100.0, 100.0), thresholds, thresholds)
def test_a_score_is_beyond_one_exactly_when_the_value_is_beyond_its_threshold(
    value: float, buy: float, sell: float
) -> None:
    """`score_of` never rounds a decision away, on either side."""
    score = score_of(value, buy, -sell)
    assert (value > buy, value < -sell) == (score > 1.0, score < -1.0)


@pytest.mark.parametrize("threshold", [0.7, 0.5, 1.2, 0.1, 2.0, 0.9999999999999999])
def test_the_next_float_after_a_threshold_is_beyond_it(threshold: float) -> None:
    """One unit in the last place is enough, and the threshold itself is not."""
    assert 1.0 == score_of(threshold, threshold, -threshold)
    assert -1.0 == score_of(-threshold, threshold, -threshold)
    assert score_of(nextafter(threshold, inf), threshold, -threshold) > 1.0
    assert score_of(nextafter(-threshold, -inf), threshold, -threshold) < -1.0


def test_not_a_number_is_not_a_score() -> None:
    """NaN stays NaN, so that nobody takes it for calm."""
    assert isnan(score_of(nan, 0.7, -0.7))


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_parameter_is_a_finite_number(value: float) -> None:
    """A cooldown of NaN would compare as never over and never running."""
    with pytest.raises(ValueError, match=r"cooldown_seconds = .*; it must be a finite number"):
        StrategyParams(cooldown_seconds=value)
