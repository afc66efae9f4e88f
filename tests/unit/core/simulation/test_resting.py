"""What fills a resting limit order: prints through its price, prints at it after the queue, and crossing quotes."""

import pytest

from petrosa.core.model.market import Level
from petrosa.core.model.orders import Liquidity
from tests.kit.paper import BUY, SELL, Paper

BOOK = ([(100.0, 1.0), (99.9, 2.0), (99.8, 3.0)], [(100.1, 1.0), (100.2, 2.0), (100.3, 3.0)])


def resting(price: str = "99.9", quantity: str = "1", bids: list[Level] | None = None) -> Paper:
    """A buy that has joined the queue at 99.9, where 2 are displayed."""
    paper = Paper()
    paper.snapshot(1000, bids or BOOK[0], BOOK[1])
    paper.place("a", BUY, quantity, limit=price)
    paper.diff(1010)
    return paper


def test_a_print_through_the_price_fills_at_the_own_price_as_maker() -> None:
    """Sold at 99.8: whoever bid 99.9 was met first."""
    paper = resting()
    paper.trade(1020, 99.8, 5.0, SELL)
    assert [("1.000", "99.9")] == paper.paid()
    assert [Liquidity.MAKER] == [fill.liquidity for fill in paper.fills()]


def test_a_print_through_the_price_fills_no_more_than_was_traded() -> None:
    """A print of 0.4 cannot fill 1."""
    paper = resting()
    paper.trade(1020, 99.8, 0.4, SELL)
    assert [("0.400", "99.9")] == paper.paid()


def test_a_print_at_the_price_fills_after_the_queue_ahead() -> None:
    """2 are ahead: a print of 1.5 reaches nobody, the next of 1 reaches 0.5 of ours."""
    paper = resting()
    paper.trade(1020, 99.9, 1.5, SELL)
    paper.trade(1030, 99.9, 1.0, SELL)
    assert [("0.500", "99.9")] == paper.paid()


def test_who_left_the_queue_is_not_ahead_any_more() -> None:
    """Displayed size fell from 2 to 0.3, so that a print of 1 reaches 0.7."""
    paper = resting()
    paper.diff(1020, bids=[(99.9, 0.3)])
    paper.trade(1030, 99.9, 1.0, SELL)
    assert [("0.700", "99.9")] == paper.paid()


def test_who_joins_later_is_behind() -> None:
    """A displayed size that grows does not lengthen the queue ahead."""
    paper = resting()
    paper.diff(1020, bids=[(99.9, 50.0)])
    paper.trade(1030, 99.9, 2.5, SELL)
    assert [("0.500", "99.9")] == paper.paid()


def test_a_print_that_the_displayed_size_shows_already_is_not_counted_twice() -> None:
    """The size fell to 0.5 at 1020 because of the print of 1019, which is heard later."""
    paper = resting()
    paper.diff(1020, bids=[(99.9, 0.5)])
    paper.trade(1019, 99.9, 1.5, SELL, now=1021)
    assert [] == paper.paid()
    paper.trade(1030, 99.9, 0.7, SELL)
    assert [("0.200", "99.9")] == paper.paid()


def test_a_print_of_the_wrong_side_fills_nobody() -> None:
    """A buyer's print, however low, met offers, not bids."""
    paper = resting()
    paper.trade(1020, 99.8, 5.0, BUY)
    assert [] == paper.paid()


def test_a_print_from_before_the_arrival_fills_nobody() -> None:
    """The order reached the venue at 1005; the print of 1004 was earlier."""
    paper = resting()
    paper.trade(1004, 99.0, 5.0, SELL, now=1020)
    assert [] == paper.paid()


def test_an_offer_that_appears_at_or_through_the_price_meets_the_order() -> None:
    """Somebody offers 0.6 at 99.8: he would have hit our 99.9, at 99.9."""
    paper = resting()
    paper.diff(1020, bids=[(100.0, 0.0)], asks=[(99.8, 0.6)])
    assert [("0.600", "99.9")] == paper.paid()


def test_one_print_is_shared_by_the_orders_it_reaches_best_price_first() -> None:
    """1 sold through two of our bids of 0.7: the higher one gets 0.7, the lower one the remaining 0.3."""
    paper = resting("99.8", "0.7")
    paper.place("b", BUY, "0.7", limit="99.9")
    paper.diff(1030)
    paper.trade(1040, 99.7, 1.0, SELL)
    assert [("0.700", "99.9")] == paper.paid("b")
    assert [("0.300", "99.8")] == paper.paid("a")


def test_an_order_inside_the_spread_has_nobody_ahead() -> None:
    """A better price than any displayed is first in line."""
    paper = Paper()
    paper.snapshot(1000, [(99.5, 9.0)], [(100.1, 9.0)])
    paper.place("a", BUY, "1", limit="99.9")
    paper.diff(1010)
    paper.trade(1020, 99.9, 0.4, SELL)
    assert [("0.400", "99.9")] == paper.paid()


@pytest.mark.parametrize("source", ["depth", "quotes"])
def test_the_queue_is_known_as_far_as_sizes_are_shown(source: str) -> None:
    """At the best bid 1 is ahead; below what is shown the queue is unknown and only prints through it fill."""
    paper = Paper()

    def show(ts: int) -> None:
        if source == "depth":
            paper.depth(ts, [(100.0, 1.0)], [(100.1, 1.0)])
        else:
            paper.quote(ts, (100.0, 1.0), (100.1, 1.0))

    show(1000)
    paper.place("best", BUY, "1", limit="100.0")
    paper.place("deep", BUY, "1", limit="99.0")
    show(1010)
    paper.trade(1020, 100.0, 1.5, SELL)
    paper.trade(1030, 99.0, 50.0, SELL)
    assert [("0.500", "100.0"), ("0.500", "100.0")] == paper.paid("best")
    assert [] == paper.paid("deep")
    paper.trade(1040, 98.9, 50.0, SELL)
    assert [("1.000", "99.0")] == paper.paid("deep")


def test_on_trades_alone_only_a_print_through_the_price_fills() -> None:
    """Nobody shows the queue, so a print at the price proves nothing."""
    paper = Paper()
    paper.trade(1000, 100.0, 1.0, SELL)
    paper.place("a", BUY, "1", limit="99.0")
    paper.trade(1010, 100.0, 1.0, SELL)
    paper.trade(1020, 99.0, 50.0, SELL)
    assert [] == paper.paid()
    paper.trade(1030, 98.9, 50.0, SELL)
    assert [("1.000", "99.0")] == paper.paid()


@pytest.mark.parametrize(("price", "filled"), [(99.85, [("1.000", "99.9")]), (99.95, [])])
def test_a_print_between_two_ticks_is_through_a_price_or_not_at_it(price: float, filled: list[tuple[str, str]]) -> None:
    """An old order off the tick was met. Below 99.9 whoever bid that was met first; above it nobody was."""
    paper = resting()
    paper.trade(1020, price, 5.0, SELL)
    assert filled == paper.paid()
