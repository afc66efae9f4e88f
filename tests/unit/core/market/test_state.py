"""What one instrument looks like now."""

from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import BestQuote, BookGap, Depth, FeedState, FeedStateChanged, Trade, instrument_id
from tests.kit.instruments import instrument

BTC = instrument_id("binance", "usdm", "BTCUSDT")


def state() -> MarketState:
    return MarketState(instrument(market="usdm", tick="0.10", step="0.001"), Tape(10 * NS_PER_SECOND))


def feed(stream: str, now: FeedState) -> FeedStateChanged:
    return FeedStateChanged(BTC, 0, 0, stream, now, "test")


def test_a_live_stream_does_not_hide_one_that_is_stale() -> None:
    """The feed of an instrument is as good as its worst stream."""
    market = state()
    market.apply(feed("trade", FeedState.STALE), 1)
    market.apply(feed("depth20", FeedState.LIVE), 2)
    assert FeedState.STALE == market.feed_state
    market.apply(feed("depth20", FeedState.DEAD), 3)
    assert FeedState.DEAD == market.feed_state
    market.apply(feed("depth20", FeedState.LIVE), 4)
    market.apply(feed("trade", FeedState.LIVE), 5)
    assert FeedState.LIVE == market.feed_state


def test_the_middle_is_of_the_quote_and_of_the_last_trade_where_there_is_none() -> None:
    """Zero says that nothing is known."""
    market = state()
    assert 0.0 == market.mid
    market.apply(Trade(BTC, 0, 0, 100.0, 1.0, Side.BUY, 1), 1)
    assert 100.0 == market.mid
    market.apply(BestQuote(BTC, 0, 0, 1, 101.0, 1.0, 103.0, 1.0), 2)
    assert 102.0 == market.mid


def test_a_gap_takes_the_depth_away_until_the_next_one() -> None:
    """A book that misses a difference is not to be believed."""
    market = state()
    depth = Depth(BTC, 0, 0, 1, (100.0,), (1.0,), (101.0,), (1.0,))
    market.apply(depth, 1)
    market.apply(BookGap(BTC, 0, 0, 2, 4), 2)
    assert (None, False) == (market.depth, market.book_is_whole)
    market.apply(depth, 3)
    assert (depth, True) == (market.depth, market.book_is_whole)


def test_the_tape_sums_signed_volume_of_its_window_only() -> None:
    """Trades older than the window leave the sum; an empty window is None, not zero."""
    market = state()
    market.apply(Trade(BTC, 0, 0, 100.0, 3.0, Side.BUY, 1), 0)
    market.apply(Trade(BTC, 0, 0, 100.0, 1.0, Side.SELL, 2), 5 * NS_PER_SECOND)
    assert 2.0 == market.tape.signed_volume(9 * NS_PER_SECOND)
    assert -1.0 == market.tape.signed_volume(10 * NS_PER_SECOND)
    assert None is market.tape.signed_volume(15 * NS_PER_SECOND)
