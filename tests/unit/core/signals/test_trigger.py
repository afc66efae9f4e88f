"""When a score counts: edges, hysteresis and persistence, in examples and in general."""

from itertools import pairwise
from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.signals.trigger import Trigger
from tests.kit.soak import examples


def told(trigger: Trigger, scores: list[float], step_seconds: float = 1.0) -> list[int]:
    """Which of these scores, a step apart, count."""
    return [n for n, score in enumerate(scores) if trigger.update(score, round(n * step_seconds * NS_PER_SECOND))]


def edge(persistence: float = 0.0, hysteresis: float = 0.1) -> Trigger:
    return Trigger(edge=True, persistence_seconds=persistence, hysteresis=hysteresis)


def test_an_edge_counts_once() -> None:
    """A score that stays beyond its threshold is news once."""
    assert [1] == told(edge(), [0.5, 1.1, 1.2, 1.1, 5.0])


def test_the_threshold_itself_is_not_beyond() -> None:
    """A score of exactly 1 is not beyond 1."""
    assert [] == told(edge(), [1.0, -1.0])


def test_it_is_armed_again_below_the_hysteresis() -> None:
    """Back to 0.95 is not far enough with a hysteresis of 0.1; back to 0.89 is."""
    assert [0] == told(edge(), [1.1, 0.95, 1.1, 0.9, 1.1])
    assert [0, 2] == told(edge(), [1.1, 0.89, 1.1])


def test_the_other_side_is_always_news() -> None:
    """A score that jumps from one side to the other is an edge, and arms the side it left."""
    assert [0, 1, 2] == told(edge(), [1.1, -1.1, 1.1])


def test_a_score_must_stay() -> None:
    """With a persistence of 3 s the edge counts at 3 s, and a dip before that starts the time again."""
    assert [3] == told(edge(persistence=3), [1.1, 1.2, 1.3, 1.1, 1.1])
    assert [6] == told(edge(persistence=3), [1.1, 1.2, 0.99, 1.1, 1.1, 1.1, 1.1])


def test_the_other_side_starts_its_own_time() -> None:
    """Two seconds of buying do not help a sell to persist."""
    assert [5] == told(edge(persistence=3), [1.1, 1.1, -1.1, -1.1, -1.1, -1.1])


def test_without_edge_every_score_counts() -> None:
    """Switched off, the trigger is the threshold."""
    trigger = Trigger(edge=False, persistence_seconds=0.0, hysteresis=0.1)
    assert [1, 2, 4] == told(trigger, [1.0, 1.1, 1.2, 0.99, -1.1])


def test_not_a_number_is_not_a_score() -> None:
    """NaN never counts and breaks persistence, but does not make an old edge new."""
    assert [0] == told(edge(), [1.1, nan, 1.1])
    assert [] == told(edge(persistence=2), [1.1, 1.1, nan, 1.1, 1.1])


def test_an_unknown_score_ends_what_was_staying() -> None:
    """A gap in the data is not time spent beyond the threshold."""
    trigger = edge(persistence=2)
    assert [] == told(trigger, [1.1, 1.1])
    trigger.unknown()
    assert not trigger.update(1.1, 2 * NS_PER_SECOND)
    assert trigger.update(1.1, 4 * NS_PER_SECOND)


scores = st.lists(st.one_of(st.floats(-2.0, 2.0), st.just(nan)), max_size=60)


@examples(200)
@given(scores, st.sampled_from([0.0, 2.0]), st.sampled_from([0.0, 0.1, 0.5]))
def test_what_counts_is_always_beyond_and_mirrors(values: list[float], persistence: float, hysteresis: float) -> None:
    """Only scores beyond ±1 count, and negating every score changes nothing about when."""
    counted = told(edge(persistence, hysteresis), values)
    assert all(abs(values[n]) > 1.0 for n in counted)
    assert counted == told(edge(persistence, hysteresis), [-value for value in values])


@examples(200)
@given(scores, st.sampled_from([0.0, 0.1, 0.5]))
def test_an_edge_never_counts_more_often_than_without_one(values: list[float], hysteresis: float) -> None:
    """The edge only takes away, and between two counts of a side the score fell back or crossed over."""
    counted = told(edge(0.0, hysteresis), values)
    assert set(counted) <= set(told(Trigger(edge=False, persistence_seconds=0.0, hysteresis=hysteresis), values))
    for first, second in pairwise(counted):
        side = 1 if values[first] > 0 else -1
        if values[second] * side > 0:
            assert any(value * side < 1.0 - hysteresis for value in values[first:second])


@examples(200)
@given(scores)
def test_idle_means_that_calm_scores_change_nothing(values: list[float]) -> None:
    """Leaving out scores between the thresholds while the trigger is idle gives the same counts."""
    every, lazy = edge(2.0), edge(2.0)
    for n, score in enumerate(values):
        now = n * NS_PER_SECOND
        expected = every.update(score, now)
        assert expected == (False if lazy.idle and -1.0 <= score <= 1.0 else lazy.update(score, now))


def test_an_edge_fires_rarely_on_noise() -> None:
    """A score that crosses its threshold with every other event and falls back little is one edge, not thousands."""
    assert 1 == len(told(edge(), [1.05, 0.95] * 5_000, 0.1))


@pytest.mark.parametrize("hysteresis", [0.0, 0.99])
def test_extreme_hysteresis(hysteresis: float) -> None:
    """Without hysteresis any fall arms it; with 0.99 only a fall to almost nothing does."""
    assert ([0, 2] if hysteresis == 0.0 else [0]) == told(edge(0.0, hysteresis), [1.1, 0.5, 1.1])
