"""Pressure as a memory of imbalance, and the trend of a window."""

from math import isclose, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.analytics.pressure import FLAT, Lean, decayed, lean, trend
from tests.kit.soak import examples


def line(slope_per_minute: float, noise: float = 0.0, count: int = 60, seed: int = 1) -> tuple[list[int], list[float]]:
    random = Random(seed)
    return list(range(count)), [slope_per_minute * n / 60 + noise * random.gauss(0, 1) for n in range(count)]


def test_half_of_a_pressure_is_gone_after_its_half_life() -> None:
    """From 40 towards an imbalance of 0: 20, then 10; towards 40 it stays."""
    assert (20.0, 10.0, 40.0) == (
        decayed(40.0, 0.0, 10.0, 10.0),
        decayed(40.0, 0.0, 20.0, 10.0),
        decayed(40, 40, 3, 10),
    )


def test_a_pressure_without_a_past_is_the_imbalance() -> None:
    """It does not begin at a balance that nobody saw."""
    assert 35.0 == decayed(nan, 35.0, 0.2, 10.0)


@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(0, 1000), st.floats(0.1, 100))
@examples(100)
def test_pressure_lies_between_what_it_was_and_what_it_hears(
    was: float, hears: float, seconds: float, half: float
) -> None:
    """So it is from -100 to 100; and two steps are as far as one of both."""
    found = decayed(was, hears, seconds, half)
    assert min(was, hears) - 1e-9 <= found <= max(was, hears) + 1e-9
    assert isclose(found, decayed(decayed(was, hears, seconds / 2, half), hears, seconds / 2, half), abs_tol=1e-7)


@pytest.mark.parametrize(
    ("value", "word"), [(20.1, "bullish"), (20.0, "neutral"), (-20.0, "neutral"), (-20.1, "bearish")]
)
def test_words_begin_beyond_the_thresholds(value: float, word: str) -> None:
    """At the level itself it is still neutral, as specified."""
    assert word == lean(value, 20.0, -20.0)


def test_the_slope_of_a_line_is_found() -> None:
    """Six percent points a minute, with and without noise, and its direction."""
    exact = trend(*line(6.0), 60, 2.0)
    assert (pytest.approx(6.0), Lean.BULLISH, 1000.0) == (exact.slope_per_minute, exact.direction, exact.t_score)
    noisy = trend(*line(-60.0, noise=2.0), 60, 2.0)
    assert (pytest.approx(-60.0, rel=0.1), Lean.BEARISH) == (noisy.slope_per_minute, noisy.direction)


def test_a_flat_series_has_no_trend_however_high_it_lies() -> None:
    """Strength is that of the slope: none, and not the most as in a neutral market of the specification."""
    found = trend(list(range(60)), [33.0] * 60, 60, 2.0)
    assert (Lean.NEUTRAL, 0.0, 0.0) == (found.direction, found.strength, found.t_score)


def test_few_samples_have_no_trend() -> None:
    """Nine points of a line are too few."""
    assert trend(*line(60.0, count=9), 60, 2.0) == FLAT


def test_strength_grows_with_the_slope_and_stays_below_one() -> None:
    """The same noise round steeper and steeper lines."""
    strengths = [trend(*line(slope, noise=5.0), 60, 2.0).strength for slope in (10.0, 20.0, 40.0, 80.0, 1e6)]
    assert strengths == sorted(strengths)
    assert len(set(strengths)) == 5
    assert 0.0 <= strengths[0]
    assert strengths[-1] < 1.0


def test_noise_seldom_is_a_trend() -> None:
    """Of a hundred windows of independent noise about one in twenty passes two standard errors."""
    found = [trend(*line(0.0, noise=10.0, count=300, seed=seed), 300, 2.0).direction for seed in range(100)]
    assert sum(one is not Lean.NEUTRAL for one in found) <= 15


def test_noise_that_remembers_is_not_taken_for_a_trend_as_often_as_a_plain_t_score_would() -> None:
    """Each sample nine tenths of the one before: plain least squares calls most of such windows a trend."""
    trends = 0
    for seed in range(100):
        random, value, values = Random(seed), 0.0, []
        for _ in range(300):
            value = 0.9 * value + random.gauss(0, 5)
            values.append(value)
        trends += trend(list(range(300)), values, 300, 2.0).direction is not Lean.NEUTRAL
    assert trends <= 20


@given(st.lists(st.floats(-100, 100), min_size=10, max_size=60))
@examples(50)
def test_the_mirror_image_of_a_series_has_the_mirrored_trend(values: list[float]) -> None:
    """And strength is from 0 to 1 whatever comes."""
    seconds = list(range(len(values)))
    one, other = trend(seconds, values, 60, 2.0), trend(seconds, [-value for value in values], 60, 2.0)
    assert (-one.slope_per_minute, -one.t_score, one.strength) == (
        other.slope_per_minute,
        other.t_score,
        other.strength,
    )
    assert 0.0 <= one.strength < 1.0
