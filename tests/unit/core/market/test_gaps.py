"""What is missing of a series is found to the bar, whatever is missing."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.market.gaps import Span, bars_of, find_gaps, less, questions
from petrosa.core.market.grid import Gap, Grid
from tests.kit.soak import examples

MINUTE = 60 * 10**9
GRID = Grid("1m")
START = 1_700_000_040 * 10**9
INTERVALS = st.sampled_from(("1m", "1h", "1w", "1M"))


def minutes(*numbers: int) -> list[int]:
    return [START + number * MINUTE for number in numbers]


def gap(since: int, until: int) -> Gap:
    return Gap(START + since * MINUTE, START + until * MINUTE, until - since)


def test_a_whole_series_has_no_gap() -> None:
    assert [] == find_gaps(minutes(0, 1, 2), GRID, START, START + 3 * MINUTE)


def test_a_single_missing_minute_is_a_gap() -> None:
    """The distance of its neighbours is two minutes, and not more."""
    assert [gap(1, 2)] == find_gaps(minutes(0, 2, 3), GRID, START, START + 4 * MINUTE)


def test_edges_count() -> None:
    """What is missing at the beginning and at the end is as missing."""
    assert [gap(0, 2), gap(3, 5)] == find_gaps(minutes(2), GRID, START, START + 5 * MINUTE)


def test_the_ends_are_made_whole_bars() -> None:
    """A bar belongs to the range when it opens in it."""
    assert [gap(1, 3)] == find_gaps([], GRID, START + 1, START + 2 * MINUTE + 1)


def test_what_opens_elsewhere_is_no_bar() -> None:
    assert [gap(1, 2)] == find_gaps([START, START + MINUTE + 1], GRID, START, START + 2 * MINUTE)


@st.composite
def holes(draw: st.DrawFn) -> tuple[Grid, list[int], list[int]]:
    """A grid, its bars, and which of them are there."""
    grid = Grid(draw(INTERVALS))
    bars = [grid.ceil(START)]
    for _ in range(draw(st.integers(1, 60))):
        bars.append(grid.after(bars[-1]))
    there = [one for one in bars[:-1] if draw(st.booleans())]
    return grid, bars, there


@examples(100)
@given(holes())
def test_gaps_are_what_is_not_there(made: tuple[Grid, list[int], list[int]]) -> None:
    """Every missing bar is in one gap, no other is, and no two gaps touch."""
    grid, bars, there = made
    found = find_gaps(there, grid, bars[0], bars[-1])
    inside = [one for one in bars[:-1] if any(gap.since <= one < gap.until for gap in found)]
    assert sorted({*bars[:-1]} - {*there}) == inside
    assert len(inside) == bars_of(found)
    assert all(before.until < later.since for before, later in itertools.pairwise(found))


@examples(100)
@given(holes(), st.integers(1, 20))
def test_questions_cover_the_gaps(made: tuple[Grid, list[int], list[int]], most: int) -> None:
    """All of every gap is asked for, once, and never too much at a time."""
    grid, bars, there = made
    found = find_gaps(there, grid, bars[0], bars[-1])
    asked = list(questions(found, grid, most))
    assert all(0 < grid.count(*span) <= most for span in asked)
    assert all(before.until <= later.since for before, later in itertools.pairwise(asked))
    missing = {*bars[:-1]} - {*there}
    assert missing <= {one for one in bars for span in asked if span.since <= one < span.until}


@examples(100)
@given(holes(), st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4))
def test_what_is_known_is_taken_away(
    made: tuple[Grid, list[int], list[int]], known: list[tuple[int, int]]
) -> None:  # fmt: skip
    """Bar by bar."""
    grid, bars, there = made
    spans = [Span(*sorted((bars[a % len(bars)], bars[b % len(bars)]))) for a, b in known]
    left = less(find_gaps(there, grid, bars[0], bars[-1]), spans, grid)
    wanted = [
        one for one in bars[:-1] if one not in there and not any(span.since <= one < span.until for span in spans)
    ]
    assert wanted == [one for one in bars[:-1] if any(gap.since <= one < gap.until for gap in left)]
    assert len(wanted) == bars_of(left)
