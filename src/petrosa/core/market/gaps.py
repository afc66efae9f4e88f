"""Which bars of a series are missing: between its opening times and those that there should be."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from petrosa.core.market.grid import Gap, Grid


class Span(NamedTuple):
    """A stretch of time, [since, until)."""

    since: int
    until: int


def find_gaps(opens: Iterable[int], grid: Grid, since: int, until: int) -> list[Gap]:
    """The bars of [since, until) that are not among `opens`, which are in order; runs of missing bars are one gap.

    A time at which no bar of the grid opens is no bar.
    """
    expected, end = grid.ceil(since), grid.ceil(until)
    found = []
    after = grid.after
    for ts in opens:
        if ts != expected:
            if ts < expected or not grid.opens_at(ts):
                continue
            if ts >= end:
                break
            found.append(grid.gap(expected, ts))
        expected = after(ts)
    if expected < end:
        found.append(grid.gap(expected, end))
    return found


def less(gaps: Iterable[Gap], known: Iterable[Span], grid: Grid) -> list[Gap]:
    """What of the gaps is in none of the known stretches."""
    spans = sorted(known)
    left = []
    for gap in gaps:
        at = gap.since
        for since, until in spans:
            if until <= at or since >= gap.until:
                continue
            if grid.ceil(since) > at:
                left.append(grid.gap(at, since))
            at = max(at, grid.ceil(until))
        if at < gap.until:
            left.append(grid.gap(at, gap.until))
    return left


def questions(gaps: Sequence[Gap], grid: Grid, most: int) -> Iterator[Span]:
    """What to ask for, oldest first, `most` bars at a time at the most: long gaps in pieces, near ones together."""
    since = until = 0
    for gap in gaps:
        if until and grid.count(since, gap.until) <= most:
            until = gap.until
            continue
        if until:
            yield Span(since, until)
        since, until = gap.since, gap.until
        while grid.count(since, until) > most:
            cut = grid.forward(since, most)
            yield Span(since, cut)
            since = cut
    if until:
        yield Span(since, until)


def bars_of(gaps: Iterable[Gap]) -> int:
    """How many bars are missing."""
    return sum(gap.bars for gap in gaps)
