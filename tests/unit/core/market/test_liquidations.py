"""What is kept of liquidations: sums over windows of time, of a stream whose silence is a zero while it is heard."""

import pytest

from petrosa.core.market.liquidations import KEPT_S, Liquidated
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import FeedState, FeedStateChanged, Liquidation, instrument_id
from tests.kit.instruments import instrument

BTC = instrument_id("binance", "usdm", "BTCUSDT")
STREAM = "forceOrder"
NOTHING = Liquidated(0.0, 0.0, 0, 0)


@pytest.fixture
def market() -> MarketState:
    return MarketState(instrument(market="usdm", tick="0.10", step="0.001"), Tape(10 * NS_PER_SECOND), (STREAM,))


def tell(market: MarketState, side: Side, quantity: float, seconds: float, price: float = 100.0) -> None:
    event = Liquidation(BTC, 1, 1, side, quantity, price)
    market.apply(event, round(seconds * NS_PER_SECOND))


def say(market: MarketState, state: FeedState, seconds: float, stream: str = STREAM) -> None:
    market.apply(FeedStateChanged(BTC, 1, 1, stream, state, "test"), round(seconds * NS_PER_SECOND))


def over(market: MarketState, seconds: int, now: float) -> Liquidated:
    return market.liquidations.over(seconds, round(now * NS_PER_SECOND))


def test_a_sold_position_was_a_long_and_a_bought_one_a_short(market: MarketState) -> None:
    tell(market, Side.SELL, 2.0, 10)
    tell(market, Side.SELL, 1.0, 10.5)
    tell(market, Side.BUY, 4.0, 11)
    assert Liquidated(300.0, 400.0, 2, 1) == over(market, 60, 11)
    assert (2, 1) == (market.liquidations.longs, market.liquidations.shorts)


def test_the_price_that_was_paid_counts_where_it_is_told(market: MarketState) -> None:
    """The order's own price is that of bankruptcy."""
    market.apply(Liquidation(BTC, 1, 1, Side.SELL, 2.0, 100.0, 103.5), 5)
    assert 207.0 == over(market, 60, 1).long_notional


def test_a_window_is_the_running_second_and_those_before_it(market: MarketState) -> None:
    tell(market, Side.SELL, 1.0, 10)
    tell(market, Side.SELL, 2.0, 69.9)
    assert Liquidated(300.0, 0.0, 2, 0) == over(market, 60, 69.9)
    assert Liquidated(200.0, 0.0, 1, 0) == over(market, 60, 70)
    assert Liquidated(300.0, 0.0, 2, 0) == over(market, 300, 70)
    assert NOTHING == over(market, 60, 500)


def test_what_is_kept_is_bounded(market: MarketState) -> None:
    """A slot a second, however many come in it; those of the last fifteen minutes."""
    for number in range(3 * KEPT_S):
        tell(market, Side.BUY, 1.0, number)
        tell(market, Side.BUY, 1.0, number + 0.5)
    assert KEPT_S == len(market.liquidations._ring)
    assert 2 * KEPT_S == over(market, KEPT_S, 3 * KEPT_S - 1).shorts
    assert 6 * KEPT_S == market.liquidations.shorts


def test_silence_is_a_zero_only_while_the_stream_is_heard(market: MarketState) -> None:
    """Nothing is known before it is told to be live, nor while it is not, and other streams do not say so."""
    heard = market.liquidations
    say(market, FeedState.LIVE, 1, "aggTrade")
    assert (None, False) == (heard.since, heard.is_lost)
    say(market, FeedState.LIVE, 2)
    assert (2 * NS_PER_SECOND, False, NOTHING) == (heard.since, heard.is_lost, over(market, 60, 3))
    say(market, FeedState.STALE, 4)
    assert (None, True) == (heard.since, heard.is_lost)
    say(market, FeedState.LIVE, 9)
    say(market, FeedState.LIVE, 12)
    assert (9 * NS_PER_SECOND, False) == (heard.since, heard.is_lost)


def test_one_that_is_heard_says_that_they_are_told(market: MarketState) -> None:
    """In a recording without the states of its streams nothing else does."""
    tell(market, Side.SELL, 1.0, 7)
    assert 7 * NS_PER_SECOND == market.liquidations.since


def test_one_from_the_past_counts_with_the_newest(market: MarketState) -> None:
    """Time does not run backwards in the ring."""
    tell(market, Side.SELL, 1.0, 20)
    tell(market, Side.SELL, 1.0, 10)
    assert 2 == over(market, 1, 20).longs


def test_forgetting_leaves_nothing(market: MarketState) -> None:
    tell(market, Side.SELL, 1.0, 20)
    market.forget()
    assert (None, NOTHING, 0) == (market.liquidations.since, over(market, KEPT_S, 20), market.liquidations.longs)


def test_it_is_no_price_and_no_quote(market: MarketState) -> None:
    """A bankruptcy price is where nobody needs to have traded."""
    tell(market, Side.SELL, 1.0, 20, price=3.0)
    assert (0.0, 0.0, 0, 0) == (market.last, market.mid, market.ts_last, market.ts_quote)
