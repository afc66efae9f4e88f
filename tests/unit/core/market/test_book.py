"""The order book: what it shows, how its chain of differences goes on, and what breaks it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.market.book import WAITING_MAX, BookChange, OrderBook
from petrosa.core.model.base import Side
from petrosa.core.model.market import BookDiff, BookGap, BookSnapshot, Level
from tests.kit.instruments import instrument
from tests.kit.soak import examples

INSTRUMENT = instrument()


def snapshot(update_id: int, bids: list[Level], asks: list[Level]) -> BookSnapshot:
    return BookSnapshot(INSTRUMENT.id, 1, 2, update_id, tuple(bids), tuple(asks))


def spot(first: int, last: int, bids: list[Level] | None = None, asks: list[Level] | None = None) -> BookDiff:
    return BookDiff(INSTRUMENT.id, 3, 4, first, last, None, tuple(bids or ()), tuple(asks or ()))


def futures(first: int, last: int, previous: int, bids: list[Level] | None = None) -> BookDiff:
    return BookDiff(INSTRUMENT.id, 3, 4, first, last, previous, tuple(bids or ()), ())


@pytest.fixture
def book() -> OrderBook:
    """Two levels a side at update id 100."""
    made = OrderBook(INSTRUMENT)
    made.apply(snapshot(100, [(100.0, 1.0), (99.99, 2.0)], [(100.01, 3.0), (100.03, 4.0)]))
    return made


def test_a_new_book_shows_nothing() -> None:
    """Before a snapshot there is no best price, no level and no claim to be whole."""
    fresh = OrderBook(INSTRUMENT)
    assert (None, None, False, False) == (fresh.best_bid(), fresh.best_ask(), fresh.crossed, fresh.whole)
    assert [] == list(fresh.levels(Side.BUY)) == fresh.top(Side.SELL, 5)


def test_a_snapshot_is_the_whole_book(book: OrderBook) -> None:
    """Prices come out in ticks and quantities in steps, best first on either side."""
    assert (10_000, 10_001) == (book.best_bid(), book.best_ask())
    assert [(10_000, 100_000), (9_999, 200_000)] == list(book.levels(Side.BUY))
    assert [(10_001, 300_000), (10_003, 400_000)] == list(book.levels(Side.SELL))
    assert book.whole


def test_differences_set_and_remove_levels(book: OrderBook) -> None:
    """A quantity replaces what rests at the price, zero removes it, removing nothing is normal."""
    change = spot(101, 105, [(100.0, 0.0), (99.98, 5.0), (42.0, 0.0)], [(100.01, 7.5), (100.02, 1.0)])
    assert BookChange.APPLIED is book.apply(change)
    assert [(99.99, 2.0), (99.98, 5.0)] == book.top(Side.BUY, 9)
    assert [(100.01, 7.5), (100.02, 1.0)] == book.top(Side.SELL, 2)
    assert (2, 3) == (book.depth(Side.BUY), book.depth(Side.SELL))


def test_quantity_at_a_price(book: OrderBook) -> None:
    """A price without a level holds nothing; the other side's level at the same ticks is not looked at."""
    assert 100_000 == book.quantity_at(Side.BUY, 10_000)
    assert 300_000 == book.quantity_at(Side.SELL, 10_001)
    assert 0 == book.quantity_at(Side.SELL, 10_000)


def test_less_than_a_step_rests_but_cannot_be_taken(book: OrderBook) -> None:
    """A crumb left from a time of finer steps is the best bid, with no whole step to take."""
    book.apply(spot(101, 101, [(100.0, 0.000006)]))
    assert 10_000 == book.best_bid()
    assert 0 == book.quantity_at(Side.BUY, 10_000)


def test_floats_do_not_lose_a_step(book: OrderBook) -> None:
    """0.29 is 29,000 steps of 0.00001 although the float product is 28,999.999…."""
    book.apply(spot(101, 101, [(100.0, 0.29)]))
    assert 29_000 == book.quantity_at(Side.BUY, 10_000)


def test_spot_goes_on_by_first_id(book: OrderBook) -> None:
    """After the first difference, the next begins exactly one above the last id; overlap is a gap as well."""
    book.apply(spot(95, 105))
    assert BookChange.APPLIED is book.apply(spot(106, 110))
    overlapping = book.apply(spot(110, 112))
    assert BookGap(INSTRUMENT.id, 3, 4, 111, 110) == overlapping


def test_a_missing_spot_difference_is_a_gap(book: OrderBook) -> None:
    """A gap names what was expected and what came, and leaves an empty book that does not claim to be whole."""
    book.apply(spot(101, 105))
    assert BookGap(INSTRUMENT.id, 3, 4, 106, 108) == book.apply(spot(108, 110))
    assert (False, None, None) == (book.whole, book.best_bid(), book.best_ask())


def test_a_gap_is_said_once(book: OrderBook) -> None:
    """Differences after a gap wait for a snapshot without raising the alarm again."""
    book.apply(spot(101, 105))
    results = [book.apply(spot(first, first + 1)) for first in (108, 110, 112)]
    assert [True, False, False] == [isinstance(result, BookGap) for result in results]
    assert BookChange.WAITING is results[-1]


def test_a_snapshot_mends_a_gap_with_what_waited(book: OrderBook) -> None:
    """Differences that came between gap and snapshot are applied after it; those it covers are not."""
    book.apply(spot(101, 105))
    book.apply(spot(108, 110, [(1.0, 1.0)]))
    book.apply(spot(111, 115, [(2.0, 2.0)]))
    assert BookChange.APPLIED is book.apply(snapshot(110, [(3.0, 3.0)], []))
    assert [(3.0, 3.0), (2.0, 2.0)] == book.top(Side.BUY, 9)
    assert (True, 115) == (book.whole, book.last_update_id)


def test_a_snapshot_too_old_to_mend_is_a_gap() -> None:
    """When what waited begins later than the snapshot ends, the book says so and waits for a newer one."""
    fresh = OrderBook(INSTRUMENT)
    fresh.apply(spot(108, 110, [(1.0, 1.0)]))
    fresh.apply(spot(111, 112, [(2.0, 2.0)]))
    assert BookGap(INSTRUMENT.id, 3, 4, 101, 108) == fresh.apply(snapshot(100, [(3.0, 3.0)], []))
    assert not fresh.whole
    assert BookChange.APPLIED is fresh.apply(snapshot(109, [(3.0, 3.0)], []))
    assert [(3.0, 3.0), (2.0, 2.0), (1.0, 1.0)] == fresh.top(Side.BUY, 9)


def test_the_first_spot_difference_must_cover_the_snapshot(book: OrderBook) -> None:
    """After a snapshot at 100 a difference from 102 leaves 101 unknown."""
    assert BookGap(INSTRUMENT.id, 3, 4, 101, 102) == book.apply(spot(102, 103))


def test_differences_that_the_snapshot_covers_are_old(book: OrderBook) -> None:
    """What ends at or before the book's id changes nothing."""
    assert BookChange.OLD is book.apply(spot(90, 100, [(100.0, 9.0)]))
    assert 100_000 == book.quantity_at(Side.BUY, 10_000)


def test_futures_chain_by_previous_id(book: OrderBook) -> None:
    """Ids jump between futures differences because all symbols share them; only `previous` links them."""
    assert BookChange.APPLIED is book.apply(futures(90, 120, 85))
    assert BookChange.APPLIED is book.apply(futures(500, 510, 120))
    assert BookGap(INSTRUMENT.id, 3, 4, 510, 511) == book.apply(futures(520, 530, 511))


def test_futures_after_a_snapshot_between_two_differences(book: OrderBook) -> None:
    """A snapshot taken after one difference's end and before the next one's begin misses nothing."""
    assert BookChange.APPLIED is book.apply(futures(110, 120, 95))


def test_futures_after_a_snapshot_with_a_missing_difference(book: OrderBook) -> None:
    """When the difference before came after the snapshot and is not there, that is a gap."""
    assert BookGap(INSTRUMENT.id, 3, 4, 100, 105) == book.apply(futures(110, 120, 105))


def test_a_snapshot_older_than_the_book_is_ignored(book: OrderBook) -> None:
    """A late answer to a snapshot request cannot turn the book back."""
    book.apply(spot(101, 105, [(99.0, 1.0)]))
    assert BookChange.OLD is book.apply(snapshot(103, [(1.0, 1.0)], []))
    assert 105 == book.last_update_id


def test_a_newer_snapshot_replaces_the_book(book: OrderBook) -> None:
    """Levels of the old book do not survive a newer snapshot, and the chain starts anew from its id."""
    book.apply(spot(101, 105))
    assert BookChange.APPLIED is book.apply(snapshot(200, [(1.0, 1.0)], []))
    assert [(1.0, 1.0)] == book.top(Side.BUY, 9)
    assert BookChange.APPLIED is book.apply(spot(198, 205))


def test_a_crossed_book_is_seen(book: OrderBook) -> None:
    """A bid at the best offer crosses the book, and removing it uncrosses it."""
    book.apply(spot(101, 101, [(100.01, 1.0)]))
    assert book.crossed
    book.apply(spot(102, 102, [(100.01, 0.0)]))
    assert not book.crossed


def test_a_level_off_the_tick_is_kept_at_its_price(book: OrderBook) -> None:
    """An order from a time of finer ticks does not break the book, and takes no other level's place: whoever reads
    prices sees it, and in ticks, where it has no price, it is not there."""
    assert BookChange.APPLIED is book.apply(spot(101, 101, [(99.995, 1.0), (100.002, 5.0)], [(100.005, 7.0)]))
    assert [(100.002, 5.0), (100.0, 1.0), (99.995, 1.0), (99.99, 2.0)] == book.top(Side.BUY, 9)
    assert [(100.005, 7.0), (100.01, 3.0), (100.03, 4.0)] == book.top(Side.SELL, 9)
    assert [(10_000, 100_000), (9_999, 200_000)] == list(book.levels(Side.BUY))
    assert (10_000, 10_001) == (book.best_bid(), book.best_ask())
    assert (True, False, 3, 4) == (book.whole, book.crossed, book.off_tick, book.depth(Side.BUY))


def test_a_level_off_the_tick_changes_and_goes_like_any_other(book: OrderBook) -> None:
    """It is counted when it appears; removing one that is not there is normal."""
    book.apply(spot(101, 101, [(99.995, 1.0)]))
    book.apply(spot(102, 102, [(99.995, 3.0), (99.985, 0.0)]))
    assert [(99.995, 3.0)] == book.top(Side.BUY, 2)[1:]
    book.apply(spot(103, 103, [(99.995, 0.0)]))
    assert [(100.0, 1.0), (99.99, 2.0)] == book.top(Side.BUY, 9)
    assert (True, 1) == (book.whole, book.off_tick)


def test_a_snapshot_with_levels_off_the_tick_is_a_whole_book() -> None:
    """Also one with nothing else, from which differences go on: in ticks nothing is there."""
    fresh = OrderBook(INSTRUMENT)
    assert BookChange.APPLIED is fresh.apply(snapshot(200, [(99.995, 1.0), (99.985, 2.0)], [(100.015, 1.0)]))
    assert (True, 3, None, None) == (fresh.whole, fresh.off_tick, fresh.best_bid(), fresh.best_ask())
    assert BookChange.APPLIED is fresh.apply(spot(201, 201, [(99.995, 0.0)], [(100.01, 4.0)]))
    assert [(99.985, 2.0)] == fresh.top(Side.BUY, 9)
    assert [(100.01, 4.0), (100.015, 1.0)] == fresh.top(Side.SELL, 9)
    assert [(10_001, 400_000)] == list(fresh.levels(Side.SELL))


def test_a_level_off_the_tick_can_cross_the_book(book: OrderBook) -> None:
    book.apply(spot(101, 101, [(100.015, 1.0)]))
    assert book.crossed


def test_what_waits_is_bounded() -> None:
    """A feed whose snapshot never comes does not fill the memory: the oldest differences are let go."""
    fresh = OrderBook(INSTRUMENT)
    for number in range(1, WAITING_MAX + 11):
        fresh.apply(spot(number, number))
    gap = fresh.apply(snapshot(5, [], []))
    assert BookGap(INSTRUMENT.id, 3, 4, 6, 11) == gap


def test_forgetting_leaves_nothing(book: OrderBook) -> None:
    """After a restart neither levels nor waiting differences come back."""
    book.forget()
    book.apply(snapshot(1, [], []))
    assert (None, 1) == (book.best_bid(), book.last_update_id)


prices = st.integers(1, 240)
"""In quarters of a tick: three of four are off it."""
changes = st.lists(st.tuples(st.booleans(), prices, st.integers(0, 3)), max_size=12)


@examples(60)
@given(st.lists(changes, max_size=12))
def test_the_book_equals_a_plain_dictionary(batches: list[list[tuple[bool, int, int]]]) -> None:
    """Whatever changes come, levels, order and best prices are those of a dictionary sorted afresh."""
    book = OrderBook(INSTRUMENT)
    book.apply(snapshot(0, [], []))
    plain: dict[bool, dict[int, int]] = {True: {}, False: {}}
    for number, batch in enumerate(batches, start=1):
        for is_bid, quarters, steps in batch:
            plain[is_bid][quarters] = steps
        sides = [[(t / 400, s / 100_000) for is_bid, t, s in batch if is_bid is side] for side in (True, False)]
        book.apply(spot(number, number, sides[0], sides[1]))
    bids = sorted(((t, s) for t, s in plain[True].items() if s), reverse=True)
    asks = sorted((t, s) for t, s in plain[False].items() if s)
    for side, found in ((Side.BUY, bids), (Side.SELL, asks)):
        assert [(t / 400, s / 100_000) for t, s in found] == book.top(side, 999)
        assert [(t // 4, s) for t, s in found if t % 4 == 0] == list(book.levels(side))
    assert book.crossed is (bool(bids) and bool(asks) and bids[0][0] >= asks[0][0])
    assert next((t // 4 for t, _ in bids if t % 4 == 0), None) == book.best_bid()
    assert next((t // 4 for t, _ in asks if t % 4 == 0), None) == book.best_ask()
