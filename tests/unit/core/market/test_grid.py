"""Bars open where the venue opens them: on multiples, on Mondays, on the first of the month."""

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.market.grid import INTERVALS, Grid, months, shown
from petrosa.errors import DataError, UsageError
from tests.kit.soak import examples


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 10**9


TIMES = st.integers(at("2017-01-01"), at("2030-01-01"))
LENGTHS = st.sampled_from(INTERVALS)


@pytest.mark.parametrize(
    ("interval", "moment", "opened", "closed"),
    [
        ("1s", "2026-01-01T00:00:01", "2026-01-01T00:00:01", "2026-01-01T00:00:02"),
        ("1m", "2026-01-01T00:00:59", "2026-01-01T00:00:00", "2026-01-01T00:01:00"),
        ("4h", "2026-01-01T07:59:59", "2026-01-01T04:00:00", "2026-01-01T08:00:00"),
        ("1d", "2024-02-29T12:00:00", "2024-02-29", "2024-03-01"),
        ("1w", "2026-01-01T00:00:00", "2025-12-29", "2026-01-05"),
        ("1M", "2024-02-29T23:59:59", "2024-02-01", "2024-03-01"),
        ("1M", "2025-12-31T23:59:59", "2025-12-01", "2026-01-01"),
    ],
)
def test_a_moment_belongs_to_a_bar(interval: str, moment: str, opened: str, closed: str) -> None:
    """From its opening to the next one's."""
    grid = Grid(interval)
    assert (at(opened), at(closed)) == (grid.floor(at(moment)), grid.after(grid.floor(at(moment))))


@examples(100)
@given(LENGTHS, TIMES, st.integers(0, 400))
def test_counting_is_going_from_bar_to_bar(interval: str, moment: int, bars: int) -> None:
    """`count`, `after` and `forward` say the same, and backwards as well."""
    grid = Grid(interval)
    first = end = grid.ceil(moment)
    for _ in range(bars):
        end = grid.after(end)
    assert (bars, end, first) == (grid.count(moment, end), grid.forward(first, bars), grid.forward(end, -bars))
    assert grid.opens_at(end)
    assert moment <= first


@examples(100)
@given(LENGTHS, TIMES, st.integers(0, 10**17), st.integers(10, 3_000))
def test_chunks_are_the_whole_in_order(interval: str, since: int, length: int, most: int) -> None:
    """Nothing between them and nothing twice; none longer than it may be, or than a day."""
    grid = Grid(interval)
    until = since + (length % (most * 50 * (grid.step or 10**15)))
    chunks = list(grid.chunks(since, until, most))
    if since < until:
        assert (since, until) == (chunks[0][0], chunks[-1][1])
        assert all(before[1] == later[0] for before, later in itertools.pairwise(chunks))
    assert sum(grid.count(*one) for one in chunks) == grid.count(since, until)
    assert all(grid.count(*one) <= most or one[1] - one[0] <= 86_400 * 10**9 for one in chunks)


def test_days_of_three_begin_where_the_first_bar_did() -> None:
    """Of which any bar tells; no other interval can be moved."""
    grid = Grid("3d", at("2024-01-01"))
    assert [True, False, True] == [grid.opens_at(at(day)) for day in ("2023-12-29", "2024-01-02", "2026-01-02")]
    with pytest.raises(DataError, match="a bar of 1h cannot open at 2024-01-01T00:30:00Z"):
        Grid("1h", at("2024-01-01T00:30:00"))


def test_what_is_no_interval_is_refused() -> None:
    with pytest.raises(UsageError, match=r"interval '7m' is not made by the venue; choose from 1s, 1m"):
        Grid("7m")


def test_months_and_times_for_people() -> None:
    """Every month that has a part."""
    assert ["2025-12-01", "2026-01-01"] == [shown(one) for one, _ in months(at("2025-12-31"), at("2026-01-01") + 1)]
    assert ["2026-01-01T00:00:00.001Z", "2026-01-01"] == [shown(at("2026-01-01") + ns) for ns in (10**6, 0)]
