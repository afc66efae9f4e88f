"""The sampler of twenty levels every 100 ms."""

from petrosa.core.market.book import OrderBook
from petrosa.core.market.depth20 import DepthSampler
from petrosa.core.model.base import NEVER, NS_PER_MS
from petrosa.core.model.market import BookSnapshot, Depth, Level

from .test_book import INSTRUMENT, spot


def sampler(bids: list[Level], asks: list[Level]) -> DepthSampler:
    book = OrderBook(INSTRUMENT)
    book.apply(BookSnapshot(INSTRUMENT.id, 7, 8, 100, tuple(bids), tuple(asks)))
    return DepthSampler(book)


def test_depth_is_due_at_the_next_multiple_of_the_grid() -> None:
    """A change inside a stretch of 100 ms is shown at its end; one on the grid only 100 ms later."""
    made = sampler([(1.0, 1.0)], [(2.0, 1.0)])
    assert NEVER == made.due
    made.changed(250 * NS_PER_MS)
    assert 300 * NS_PER_MS == made.due
    made.sample()
    made.changed(300 * NS_PER_MS)
    assert 400 * NS_PER_MS == made.due


def test_the_first_change_sets_the_time() -> None:
    """Later changes do not postpone what is due."""
    made = sampler([(1.0, 1.0)], [(2.0, 1.0)])
    made.changed(110 * NS_PER_MS)
    made.changed(190 * NS_PER_MS)
    assert 200 * NS_PER_MS == made.due


def test_depth_carries_the_twenty_best_levels() -> None:
    """At most twenty a side, best first, with the book's id and the venue's time, seen when it was due."""
    bids = [(50.0 - n, 1.0 + n) for n in range(25)]
    made = sampler(bids, [(60.0, 9.0)])
    made.changed(250 * NS_PER_MS)
    expected = Depth(
        INSTRUMENT.id, 7, 300 * NS_PER_MS, 100,
        tuple(p for p, _ in bids[:20]), tuple(q for _, q in bids[:20]), (60.0,), (9.0,),
    )  # fmt: skip
    assert expected == made.sample()
    assert NEVER == made.due


def test_a_crossed_book_is_counted_and_not_shown() -> None:
    """A crossed book makes no depth."""
    made = sampler([(3.0, 1.0)], [(2.0, 1.0)])
    made.changed(1)
    assert (None, 1) == (made.sample(), made.crossed)


def test_a_book_with_a_gap_is_not_shown() -> None:
    """After a gap nothing is due until the book changes again, and a broken book makes no depth."""
    made = sampler([(1.0, 1.0)], [(2.0, 1.0)])
    made.changed(1)
    made.book.apply(spot(200, 201))
    assert made.sample() is None
    made.changed(2)
    made.cancel()
    assert NEVER == made.due


def test_a_side_without_levels_is_empty() -> None:
    """A one-sided book is shown as it is."""
    made = sampler([(1.0, 1.0)], [])
    made.changed(1)
    depth = made.sample()
    assert depth is not None
    assert ((1.0,), ()) == (depth.bid_prices, depth.ask_prices)
