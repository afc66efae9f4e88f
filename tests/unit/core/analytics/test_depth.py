"""What one book says, by hand and by symmetry."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.analytics.depth import BookMetrics, book_metrics
from petrosa.core.model.market import Depth, Level
from tests.kit.books import BTC, depth
from tests.kit.soak import examples

BIDS = [(100.0, 1.0), (99.5, 2.0), (99.0, 1.5)]
ASKS = [(100.5, 0.5), (101.0, 1.0), (101.5, 0.8)]


def test_the_book_of_the_specification() -> None:
    """Volumes, imbalance, spread and the rest of it, computed by hand."""
    found = book_metrics(depth(BIDS, ASKS), BTC)
    assert (4.5, pytest.approx(2.3)) == (found.bid_volume, found.ask_volume)
    assert pytest.approx((4.5 - 2.3) / 6.8) == found.imbalance
    assert (0.5, 100.25) == (found.spread, found.mid)
    assert pytest.approx(0.5 / 100.25 * 10_000) == found.spread_bps
    assert pytest.approx((100.0 + 199.0 + 148.5) / 4.5) == found.weighted_bid
    assert pytest.approx((50.25 + 101.0 + 81.2) / 2.3) == found.weighted_ask
    assert pytest.approx(447.5 + 232.45) == found.notional
    assert ((99.5, 2.0), (101.0, 1.0)) == (found.strongest_bid, found.strongest_ask)
    assert (3, 3) == (found.bid_levels, found.ask_levels)


def test_the_micro_price_leans_to_the_thinner_side() -> None:
    """(100.5 x 1.0 + 100.0 x 0.5) / 1.5: twice the bid, so two thirds of the way to the ask."""
    assert pytest.approx(100.0 + 0.5 * 2 / 3) == book_metrics(depth(BIDS, ASKS), BTC).micro_price


def test_depth_at_five_and_ten_levels_is_of_the_best_ones() -> None:
    """Twelve levels of 1, 2, 4, ...: 31 in the best five, 1023 in the best ten, 4095 in all."""
    levels = [float(2**n) for n in range(12)]
    book = depth([(100.0 - n, q) for n, q in enumerate(levels)], [(101.0 + n, q) for n, q in enumerate(levels)])
    found = book_metrics(book, BTC)
    assert (31.0, 1023.0, 4095.0) == (found.bid_depth_5, found.bid_depth_10, found.bid_volume)
    assert (31.0, 1023.0, 4095.0) == (found.ask_depth_5, found.ask_depth_10, found.ask_volume)


@pytest.mark.parametrize(("bids", "asks"), [(BIDS, []), ([], ASKS), ([], [])])
def test_a_missing_side_is_missing_and_not_zero(bids: list[Level], asks: list[Level]) -> None:
    """Whatever needs both sides, and every figure of the side that is not there, is None."""
    found = book_metrics(depth(bids, asks), BTC)
    needs_both = ("imbalance", "notional", "spread", "spread_bps", "mid", "micro_price")
    assert {None} == {getattr(found, name) for name in needs_both}
    for side, levels in (("bid", bids), ("ask", asks)):
        own = (f"{side}_volume", f"{side}_depth_5", f"{side}_depth_10", f"best_{side}", f"weighted_{side}")
        assert {not levels} == {getattr(found, name) is None for name in (*own, f"strongest_{side}")}


def test_a_book_without_quantity_says_nothing() -> None:
    """Levels of zero have prices and no weight: no division by it."""
    found = book_metrics(depth([(100.0, 0.0)], [(101.0, 0.0)]), BTC)
    assert (None, None, None, 100.5) == (found.imbalance, found.micro_price, found.weighted_bid, found.mid)


def test_contracts_count_by_their_size() -> None:
    """A linear contract of 0.01 is worth a hundredth; an inverse one of 10 dollars is 10 dollars at any price."""
    book = depth([(100.0, 2.0)], [(102.0, 1.0)])
    linear = msgspec.structs.replace(BTC, contract_size=Decimal("0.01"))
    inverse = msgspec.structs.replace(BTC, contract_size=Decimal(10), inverse=True)
    assert pytest.approx(3.02) == book_metrics(book, linear).notional
    assert 30.0 == book_metrics(book, inverse).notional


quantities = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20)


@st.composite
def books(draw: st.DrawFn) -> Depth:
    """Books of whole prices on both sides of a gap."""
    bids, asks = draw(quantities), draw(quantities)
    best, gap = draw(st.integers(100, 10_000)), draw(st.integers(1, 50))
    return depth(
        [(float(best - n), q) for n, q in enumerate(bids)], [(float(best + gap + n), q) for n, q in enumerate(asks)]
    )


def mirror(book: Depth) -> Depth:
    """Sides exchanged, and every price p at 20,000 - p."""
    return msgspec.structs.replace(
        book,
        bid_prices=tuple(20_000.0 - p for p in book.ask_prices), bid_quantities=book.ask_quantities,
        ask_prices=tuple(20_000.0 - p for p in book.bid_prices), ask_quantities=book.bid_quantities,
    )  # fmt: skip


@given(books())
@examples(100)
def test_a_mirrored_book_has_mirrored_figures(book: Depth) -> None:
    """What is said of bids is said of asks, with the sign turned; sums of sides stay."""
    one, other = book_metrics(book, BTC), book_metrics(mirror(book), BTC)
    assert one.imbalance is not None
    assert other.imbalance is not None
    assert pytest.approx(-one.imbalance, abs=1e-12) == other.imbalance
    assert (one.bid_volume, one.ask_depth_5, one.spread) == (other.ask_volume, other.bid_depth_5, other.spread)
    for here, there in (("mid", "mid"), ("micro_price", "micro_price"), ("weighted_bid", "weighted_ask")):
        assert pytest.approx(20_000.0 - getattr(one, here)) == getattr(other, there)


@given(books())
@examples(100)
def test_figures_stay_within_their_bounds(book: Depth) -> None:
    """An imbalance from -1 to 1, averages between the prices they are made of, parts no larger than the whole."""
    found: BookMetrics = book_metrics(book, BTC)
    bid, ask = book.bid_prices[0], book.ask_prices[0]
    assert -1.0 <= (found.imbalance or 0.0) <= 1.0
    assert bid - 1e-9 <= (found.micro_price or 0.0) <= ask + 1e-9
    assert book.bid_prices[-1] - 1e-6 <= (found.weighted_bid or 0.0) <= bid + 1e-6
    assert (found.bid_depth_5 or 0.0) <= (found.bid_depth_10 or 0.0) <= (found.bid_volume or 0.0)
