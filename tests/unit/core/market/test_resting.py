"""A level that is eaten and filled up again, told apart from one whose orders come and go."""

import pytest

from petrosa.core.market.resting import RestingLevel

SECOND = 1_000_000_000
FIVE = 5 * SECOND


def level(*story: tuple[str, float, float], shown: float = 10.0) -> RestingLevel:
    """A level that showed 10 at 1 s, and what happened: trades and looks at a time in seconds."""
    made = RestingLevel(shown, SECOND)
    for what, quantity, at in story:
        ts = round((1 + at) * SECOND)
        if what == "trade":
            made.trade(quantity, ts)
        else:
            made.look(quantity, ts, FIVE)
    return made


@pytest.mark.parametrize(
    ("story", "run"),
    [
        ([("trade", 5.0, 0.1), ("look", 10.0, 0.2)], 1),  # half eaten, whole again
        ([("trade", 5.0, 0.1), ("look", 8.0, 0.2)], 1),  # 0.8 of it is whole
        ([("trade", 5.0, 0.1), ("look", 7.9, 0.2)], 0),  # less is not, yet
        ([("trade", 4.9, 0.1), ("look", 10.0, 0.2)], 0),  # less than half was eaten
        ([("trade", 2.5, 0.1), ("trade", 2.5, 0.15), ("look", 10.0, 0.2)], 1),  # in two trades
        ([("trade", 2.5, 0.1), ("look", 9.0, 0.2), ("trade", 2.5, 0.3), ("look", 10.0, 0.4)], 1),  # over two books
        ([("trade", 8.0, 0.1), ("look", 2.0, 0.2), ("look", 10.0, 5.1)], 1),  # 5 s later
        ([("trade", 8.0, 0.1), ("look", 2.0, 0.2), ("look", 10.0, 5.2)], 0),  # later than that
        ([("trade", 8.0, 0.1), ("look", 12.6, 0.2)], 0),  # more than 1.25 of it is other orders
        ([("look", 2.0, 0.1), ("look", 10.0, 0.2)], 0),  # taken away and put back: nobody traded
        ([("look", 3.0, 0.1), ("trade", 1.5, 0.2), ("look", 3.0, 0.3)], 1),  # then it is the smaller size that counts
        ([("trade", 5.0, -0.1), ("look", 10.0, 0.2)], 0),  # heard late: the book had it already
    ],
)
def test_what_is_a_refill(story: list[tuple[str, float, float]], run: int) -> None:
    """Half of what was shown is traded, and 0.8 to 1.25 of it is there again within five seconds."""
    assert run == level(*story).run


def test_a_run_ends_with_the_first_that_is_not_filled_up() -> None:
    """Two refills, then it is used up for five seconds: the run is over, and begins anew with what is there."""
    twice = [("trade", 6.0, 0.1), ("look", 10.0, 0.2), ("trade", 6.0, 0.3), ("look", 10.0, 0.4)]
    assert 2 == level(*twice).run
    ended = level(*twice, ("trade", 9.0, 0.5), ("look", 1.0, 0.6), ("look", 1.0, 6.0))
    assert (0, 1.0, 0.0) == (ended.run, ended.shown, ended.pending)


def test_out_of_sight_nothing_is_known() -> None:
    """Its count stays, its time stands still, and what it showed before is not what it must show again."""
    seen = level(("trade", 6.0, 0.1), ("look", 10.0, 0.2), ("trade", 6.0, 0.3))
    seen.seen_at = 0
    seen.look(3.0, 60 * SECOND, FIVE)
    assert (1, 3.0, 0, 200_000_000) == (seen.run, seen.shown, seen.eaten_at, seen.seen_for)


def test_consistency_is_deviation_by_mean() -> None:
    """10, 8 and 12 have the mean 10 and the deviation √(8/3)."""
    seen = level(("look", 8.0, 0.1), ("look", 12.0, 0.2))
    assert seen.consistency() == pytest.approx((8 / 3) ** 0.5 / 10)
    assert 0.0 == level(("look", 10.0, 0.1)).consistency()
