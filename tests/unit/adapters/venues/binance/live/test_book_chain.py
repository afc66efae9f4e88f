"""Whether a book is whole, by ids alone: the same as a book of levels says that hears the same."""

from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.venues.binance.live.book_chain import BookChain, Ids, Step
from petrosa.core.market.book import BookChange, OrderBook
from petrosa.core.model.market import BookDiff, BookGap, BookSnapshot
from tests.kit.instruments import instrument
from tests.kit.soak import examples

BTC = instrument("BTCUSDT")


def spot(first: int, last: int) -> Ids:
    return Ids(first, last, None)


def test_spot_goes_on_by_one() -> None:
    chain = BookChain()
    assert [Step.WAITS, Step.WAITS] == [chain.hear(spot(10, 12)), chain.hear(spot(13, 15))]
    assert Step.GOES_ON is chain.snapshot(13)
    assert (True, 15) == (chain.whole, chain.last)
    assert [Step.GOES_ON, Step.OLD] == [chain.hear(spot(16, 16)), chain.hear(spot(16, 16))]
    assert Step.GAP is chain.hear(spot(18, 19))
    assert (False, 16) == (chain.whole, chain.ended)


def test_the_first_on_spot_must_cover_the_id_after_the_snapshots() -> None:
    """U <= lastUpdateId + 1 <= u."""
    for first, whole in ((12, True), (13, True), (14, False)):
        chain = BookChain()
        chain.hear(spot(first, 20))
        assert (Step.GOES_ON if whole else Step.TOO_OLD) is chain.snapshot(12)
        assert whole is chain.whole


def test_futures_go_on_by_the_id_before() -> None:
    """Ids are shared by all symbols: the first of a difference says nothing."""
    chain = BookChain()
    chain.hear(Ids(100, 110, 90))
    assert Step.GOES_ON is chain.snapshot(105)
    assert Step.GOES_ON is chain.hear(Ids(150, 160, 110))
    assert Step.GAP is chain.hear(Ids(170, 180, 161))


def test_the_first_of_futures_must_cover_the_snapshots_id() -> None:
    """U <= lastUpdateId <= u, or nothing of this symbol happened between the one before and this one."""
    for ids, whole in ((Ids(100, 110, 90), True), (Ids(106, 110, 100), True), (Ids(107, 110, 106), False)):
        chain = BookChain()
        chain.hear(ids)
        assert (Step.GOES_ON if whole else Step.TOO_OLD) is chain.snapshot(105)


def test_a_snapshot_from_before_a_break_in_what_waits_joins_nothing() -> None:
    chain = BookChain()
    chain.hear(spot(10, 12))
    chain.hear(spot(20, 22))
    assert [Step.TOO_OLD, Step.GOES_ON] == [chain.snapshot(11), chain.snapshot(19)]
    assert 22 == chain.last


def test_a_snapshot_ahead_of_all_differences_makes_a_whole_book() -> None:
    chain = BookChain()
    chain.hear(spot(10, 12))
    assert Step.GOES_ON is chain.snapshot(40)
    assert [Step.OLD, Step.GOES_ON] == [chain.hear(spot(39, 40)), chain.hear(spot(41, 44))]


def test_a_snapshot_of_a_whole_book_changes_nothing() -> None:
    chain = BookChain()
    chain.hear(spot(10, 12))
    chain.snapshot(10)
    assert [Step.OLD, Step.GOES_ON] == [chain.snapshot(11), chain.snapshot(15)]
    assert 12 == chain.last


@given(st.data(), st.booleans())
@examples(150)
def test_it_says_what_a_book_of_levels_says(data: st.DataObject, futures: bool) -> None:
    """Differences with holes and repetitions, and snapshots of any age that are handed on as soon as they join."""
    chain, book = BookChain(), OrderBook(BTC)
    last, said = 100, [(100, 100, 99)]
    for step in range(data.draw(st.integers(5, 40))):
        size = data.draw(st.integers(1, 4))
        said.append((last + 1, last + size, last))
        last += size
        what = data.draw(st.sampled_from(["diff", "diff", "diff", "missed", "again", "snapshot"]))
        if what == "missed":
            continue
        if what == "snapshot":
            number = data.draw(st.integers(max(1, last - 15), last))
            if chain.snapshot(number) is not Step.TOO_OLD:
                assert not isinstance(book.apply(BookSnapshot(BTC.id, 1, step, number, (), ())), BookGap)
                if book.last_update_id > chain.last:  # a later one for a book that is whole: ids go on from either
                    chain = BookChain()
                    chain.snapshot(book.last_update_id)
        first, end, before = said[-1 if what != "again" else data.draw(st.integers(0, len(said) - 1))]
        previous = before if futures else None
        result = book.apply(BookDiff(BTC.id, 1, step, first, end, previous, (), ()))
        expected = {
            BookChange.APPLIED: Step.GOES_ON, BookChange.WAITING: Step.WAITS, BookChange.OLD: Step.OLD,
        }  # fmt: skip
        wanted = Step.GAP if isinstance(result, BookGap) else expected[result]
        assert wanted is chain.hear(Ids(first, end, previous))
        assert book.whole is chain.whole
        assert not book.whole or book.last_update_id == chain.last
