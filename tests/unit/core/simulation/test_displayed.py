"""What the simulated venue shows: the best source there is, and what an order finds beyond it."""

import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.market import BookGap
from petrosa.core.simulation.displayed import HELD_MAX, Source
from tests.kit.paper import BUY, MS, PERPETUAL, SELL, Paper

BIDS, ASKS = [(100.0, 1.0), (99.9, 2.0)], [(100.1, 1.0), (100.2, 2.0)]


def source(paper: Paper) -> Source:
    return paper.exchange._listings[PERPETUAL.id].displayed.source


def test_the_best_source_seen_is_used() -> None:
    """Trades, then quotes, then depth, then a whole book; after a gap the next best again."""
    paper = Paper()
    seen = [source(paper)]
    for show in (
        lambda: paper.trade(1000, 100.0, 1.0, BUY),
        lambda: paper.quote(1001, (100.0, 1.0), (100.1, 1.0)),
        lambda: paper.depth(1002, BIDS, ASKS),
        lambda: paper.snapshot(1003, BIDS, ASKS),
        lambda: paper.tell(BookGap(PERPETUAL.id, 1004 * MS, 1004 * MS, 1, 2)),
    ):
        show()
        seen.append(source(paper))
    expected = [Source.NOTHING, Source.TRADES, Source.QUOTES, Source.DEPTH, Source.BOOK, Source.DEPTH]
    assert expected == seen


def test_differences_that_nobody_looked_at_are_all_there_when_somebody_does() -> None:
    """Many differences merged while nothing is open leave the same book as each applied by itself."""
    paper = Paper()
    paper.snapshot(1000, BIDS, ASKS)
    for number in range(200):
        paper.diff(1001 + number, asks=[(100.1, 0.0), (100.2, float(number)), (100.3 + number / 10, 1.0)])
    paper.place("a", BUY, "201")
    paper.diff(1300)
    assert [("199.000", "100.2"), ("1.000", "100.3"), ("1.000", "100.4")] == paper.paid()


def test_differences_from_before_the_snapshot_are_put_on_it() -> None:
    """A snapshot that is older than differences already heard is brought up to date with them."""
    paper = Paper()
    for number in range(3):
        paper.diff(1001 + number, asks=[(100.1, 5.0 + number)])
    paper.update_id = 0
    paper.snapshot(1004, BIDS, ASKS)  # id 1, as the first difference
    paper.update_id = 3
    paper.place("a", BUY, "7")
    paper.diff(1020)
    assert [("7.000", "100.1")] == paper.paid()


def test_what_waits_for_a_snapshot_is_bounded() -> None:
    """Differences without a snapshot do not pile up for ever."""
    paper = Paper()
    for number in range(HELD_MAX + 10):
        paper.diff(1001 + number, asks=[(100.1, 5.0)])
    state = paper.exchange.snapshot()
    assert HELD_MAX == len(state.listings[PERPETUAL.id].displayed.held)


def test_after_a_missing_difference_the_book_is_not_believed() -> None:
    """An order then meets quotes, not a book with a hole."""
    paper = Paper()
    paper.snapshot(1000, BIDS, ASKS)
    paper.diff(1001)
    paper.update_id += 1
    paper.diff(1002)
    paper.quote(1003, (99.0, 1.0), (99.1, 1.0))
    assert Source.QUOTES is source(paper)


def test_a_newer_quote_trims_the_book() -> None:
    """The book still shows 100.1; the quote knows that the best offer is 100.2 by now, with 0.5."""
    paper = Paper()
    paper.snapshot(1000, BIDS, [*ASKS, (100.3, 2.0)])
    paper.place("a", BUY, "1")
    paper.quote(1010, (100.0, 1.0), (100.2, 0.5))
    assert [("0.500", "100.2"), ("0.500", "100.3")] == paper.paid()


def test_a_quote_that_is_older_than_the_book_says_nothing() -> None:
    """Both count changes by the same ids, whatever the order in which they are heard."""
    paper = Paper()
    paper.snapshot(1000, BIDS, ASKS)
    paper.diff(1002, asks=[(100.1, 0.0)])
    paper.update_id -= 2
    paper.quote(1003, (100.0, 1.0), (100.1, 1.0))
    paper.update_id += 1
    paper.place("a", BUY, "1")
    paper.diff(1010)
    assert [("1.000", "100.2")] == paper.paid()


@pytest.mark.parametrize(("side", "expected"), [(BUY, "100.4"), (SELL, "99.7")])
def test_beyond_a_displayed_quote_the_price_gets_worse_by_the_size_shown_and_is_modelled(
    side: Side, expected: str
) -> None:
    """4 against a quote of 1: 1 at the quote, 3 more slices at 3 ticks further, marked."""
    paper = Paper()
    paper.quote(1000, (100.0, 1.0), (100.1, 1.0))
    paper.place("a", side, "4")
    paper.quote(1010, (100.0, 1.0), (100.1, 1.0))
    assert [("1.000", False), ("3.000", True)] == [(str(f.quantity), f.modelled) for f in paper.fills()]
    assert expected == str(paper.fills()[-1].price)


def test_a_limit_bounds_what_is_modelled() -> None:
    """Beyond the quote a limit at 100.2 allows one slice only; the rest waits."""
    paper = Paper()
    paper.quote(1000, (100.0, 1.0), (100.1, 1.0))
    paper.place("a", BUY, "4", limit="100.2")
    paper.quote(1010, (100.0, 1.0), (100.1, 1.0))
    assert [("1.000", "100.1"), ("1.000", "100.2")] == paper.paid()


def test_on_trades_alone_a_market_order_pays_a_tick_more_than_the_print_it_meets() -> None:
    """And another tick for each further size of it."""
    paper = Paper()
    paper.trade(1000, 100.0, 1.0, BUY)
    paper.place("a", BUY, "2.5")
    paper.trade(1010, 100.0, 1.0, SELL)
    assert [("2.500", "100.3")] == paper.paid()
    assert [True] == [fill.modelled for fill in paper.fills()]


def test_a_level_off_the_tick_is_not_taken_at_a_price_that_nobody_showed() -> None:
    """Orders from a time of finer ticks, at 100.05 and 100.15: the book stays whole, an order meets the next tick."""
    paper = Paper()
    paper.snapshot(1000, BIDS, [(100.05, 5.0), *ASKS])
    assert Source.BOOK is source(paper)
    paper.place("a", BUY, "1.5")
    paper.diff(1010, asks=[(100.15, 9.0)])
    assert [("1.000", "100.1"), ("0.500", "100.2")] == paper.paid()


def test_a_level_off_the_tick_that_changes_does_not_replenish_its_neighbour() -> None:
    """What was taken at 100.2 stays taken, until 100.2 itself is shown anew."""
    paper = Paper()
    paper.snapshot(1000, BIDS, [(100.2, 2.0), (100.3, 5.0)])
    paper.place("a", BUY, "2")
    paper.diff(1010)
    paper.diff(1020, asks=[(100.15, 3.0), (100.25, 2.0)])
    paper.place("b", BUY, "1")
    paper.diff(1030)
    assert [("2.000", "100.2"), ("1.000", "100.3")] == paper.paid()


@pytest.mark.parametrize("shown", ["depth", "quote"])
def test_depth_and_quotes_off_the_tick_are_not_rounded(shown: str) -> None:
    """The best offer is 100.15: neither 100.1 nor 100.2 is shown by it."""
    paper = Paper()
    if shown == "depth":
        paper.depth(1000, BIDS, [(100.15, 5.0), (100.2, 2.0)])
    else:
        paper.snapshot(1000, BIDS, ASKS)
        paper.quote(1001, (100.0, 1.0), (100.15, 5.0))
    displayed = paper.exchange._listings[PERPETUAL.id].displayed
    assert [(1002, 2000)] == list(displayed.levels(SELL))
    assert (2000, 0) == (displayed.size_at(SELL, 1002), displayed.size_at(SELL, 1001))
