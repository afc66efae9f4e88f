"""Bybit's live feed on real sockets: acknowledged topics, books that equal the venue's, trades each once."""

import itertools

import pytest

from petrosa.adapters.venues.bybit.live.live_feed import LiveFeed
from petrosa.apps.venues import Wish, listen
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import (
    BestQuote,
    BookGap,
    FeedState,
    FeedStateChanged,
    Liquidation,
    MarkPrice,
    Ticker,
    Trade,
)
from petrosa.errors import ConfigError
from tests.kit.bybit_feed import QUICK, Listener, listening, opened
from tests.kit.bybit_recording import unasked
from tests.kit.bybit_server import Bybit, bybit
from tests.kit.sockets import Noticed, running

LIVE, STALE, DEAD = FeedState.LIVE, FeedState.STALE, FeedState.DEAD
BOOK = "orderbook.50"
TURNS = itertools.count(1)


def shuffled(server: Bybit, turns: int) -> None:
    """A book that lives: levels come, change and go."""
    for turn in itertools.islice(TURNS, turns):
        bid, ask = 99 - turn * 7 % 60, 101 + turn * 11 % 60
        server.change(
            [(f"{bid}.00", f"{turn if turn % 4 else 0}")], [(f"{ask}.00", f"{turn if (turn + 1) % 4 else 0}")]
        )


@pytest.mark.parametrize("market", ["spot", "linear"])
async def test_a_reader_has_the_book_that_the_venue_has(market: str) -> None:
    """Snapshot and differences, levels beyond fifty that come and go, best quotes, and trades one a frame."""
    server = Bybit(market=market)
    shuffled(server, 10)
    async with listening(server) as listener:
        shuffled(server, 300)
        server.change([("99.50", "2")], [("100.50", "3")])
        server.trade("100.00", 3)
        await listener.frames.until(lambda _all: len(listener.of(Trade)) == 3)
        await listener.shows_the_book()
        quote = listener.of(BestQuote)[-1]
        assert isinstance(quote, BestQuote)
        assert (99.5, 2.0, 100.5, 3.0) == (quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity)
        assert 3 == len(listener.of(Trade))
        assert {} == listener.feed.counts
        await listener.says(LIVE, BOOK)


async def test_liquidations_come_one_a_frame_and_their_silence_is_no_fault() -> None:
    """A long that is closed is sold, and a short bought."""
    server = Bybit(market="linear")
    async with listening(server, ("allLiquidation",)) as listener:
        await listener.says(LIVE, "allLiquidation")
        server.liquidate("Buy", "Sell", "Buy")
        server.liquidate("Sell")
        await listener.frames.until(lambda all_: len(all_) == 4)
        told = [(one.side, one.price) for one in listener.facts() if isinstance(one, Liquidation)]
        assert [(Side.SELL, 99.5), (Side.BUY, 100.5), (Side.SELL, 101.5), (Side.BUY, 99.5)] == told
        listener.now += 3_600 * NS_PER_SECOND
        server.liquidate("Buy")
        await listener.frames.until(lambda all_: len(all_) == 5)
        assert [LIVE] == [one.state for one in listener.said if isinstance(one, FeedStateChanged)]


async def test_spot_has_no_liquidations() -> None:
    with pytest.raises(ConfigError, match="allLiquidation is not a stream that Bybit has for a symbol of spot"):
        async with opened(Listener(Bybit(), ("allLiquidation",))):
            pass


async def test_a_gap_is_said_and_mended_by_subscribing_once_more() -> None:
    server = Bybit()
    shuffled(server, 20)
    async with listening(server, (BOOK,)) as listener:
        await listener.shows_the_book()
        server.lost = 1
        shuffled(server, 3)
        await listener.says(STALE, BOOK)
        await listener.shows_the_book()
        await listener.says(LIVE, BOOK)
        (gap,) = [one for one in listener.said if isinstance(one, BookGap)]
        assert 1 == gap.got - gap.expected
        assert ["subscribe", "unsubscribe", "subscribe"] == [
            one["op"] for one in server.asked.all if one["op"] != "ping"
        ]
        shuffled(server, 50)
        await listener.shows_the_book()
        assert (1, 2) == listener.feed.books["BTCUSDT"][3:]


async def test_a_service_that_begins_anew_replaces_the_book() -> None:
    """Its `u` is 1 again: older than what is known by its number, and newer."""
    server = Bybit()
    shuffled(server, 60)
    async with listening(server, (BOOK,)) as listener:
        await listener.shows_the_book()
        server.bids.clear()
        server.bids["50.00"] = "1"
        server.restart()
        shuffled(server, 40)
        await listener.shows_the_book()
        assert 0 == listener.feed.books["BTCUSDT"].gaps


async def test_a_refused_topic_is_named_and_the_others_are_heard() -> None:
    server = Bybit()
    server.refused = {"orderbook.1.BTCUSDT"}
    listener = Listener(server, ("publicTrade", "orderbook.1"))
    async with opened(listener), running(listener.feed.run()):
        await server.subscribed("publicTrade.BTCUSDT")
        await server.asked.until(lambda all_: {"args": ["orderbook.1.BTCUSDT"]}.items() <= all_[-1].items())
        listener.now += 15 * NS_PER_SECOND
        await listener.says(STALE, "orderbook.1")
        reason = listener.feed.states["btcusdt@orderbook.1"].reason
        assert "the venue refuses it: error:handler not found,topic:orderbook.1.BTCUSDT" in reason
        server.trade("100.00")
        await listener.says(LIVE, "publicTrade")


async def test_spot_is_asked_for_ten_topics_at_a_time() -> None:
    kinds = ("publicTrade", "orderbook.1", BOOK, "tickers", *(f"kline.{name}" for name in ("1", "3", "5", "15", "30")),
             "kline.60", "kline.120", "kline.240")  # fmt: skip
    async with listening(Bybit(), kinds) as listener:
        sizes = [len(one["args"]) for one in listener.server.asked.all if one["op"] == "subscribe"]
        assert [10, 2] == sizes


async def test_trades_that_are_told_again_after_a_reconnect_are_told_once() -> None:
    server = Bybit()
    async with listening(server, ("publicTrade", BOOK)) as listener:
        server.trade("100.00", 5)
        await listener.frames.until(lambda _all: len(listener.of(Trade)) == 5)
        await server.drop()
        await listener.says(STALE, "publicTrade")
        await listener.server.subscribed("publicTrade.BTCUSDT")
        server.trade("100.00", 5, again=True)
        server.trade("101.00", 2)
        await listener.frames.until(lambda _all: len(listener.of(Trade)) >= 7)
        ids = [fact.trade_id for fact in listener.of(Trade) if isinstance(fact, Trade)]
        assert list(range(10**9, 10**9 + 7)) == ids
        assert 5 == listener.feed.counts["trade heard twice"]
        (link,) = listener.feed.links.values()
        assert 1 == link.reconnects
        await listener.shows_the_book()
        await listener.says(LIVE, BOOK)


async def test_silence_is_stale_and_then_dead_and_frames_make_it_live_again() -> None:
    server = Bybit()
    shuffled(server, 10)
    async with listening(server, (BOOK,)) as listener:
        await listener.says(LIVE, BOOK)
        listener.now += 11 * NS_PER_SECOND
        await listener.says(STALE, BOOK)
        listener.now += 60 * NS_PER_SECOND
        await listener.says(DEAD, BOOK)
        shuffled(server, 5)
        await listener.says(LIVE, BOOK)


async def test_a_venue_that_acknowledges_nothing_is_given_up_and_tried_again() -> None:
    server = Bybit()
    server.is_mute = True
    listener = Listener(server, (BOOK,))
    async with opened(listener), running(listener.feed.run()):
        await server.came.until(lambda all_: len(all_) >= 2)
        server.is_mute = False
        await listener.says(LIVE, BOOK)
        assert 3 == listener.feed.counts["request not acknowledged"]


async def test_the_venue_is_pinged_as_it_wants_to_be() -> None:
    async with listening(Bybit(), ("publicTrade",), QUICK._replace(ping=0.02)) as listener:
        await listener.server.asked.until(lambda all_: all_.count({"op": "ping"}) >= 3)
        assert {} == listener.feed.counts


async def test_what_cannot_be_read_is_handed_on_and_refused_by_name() -> None:
    server = Bybit()
    async with listening(server) as listener:
        topic = "publicTrade.BTCUSDT"
        for text in ('"type":"snapshot","ts":1', '"data":[{"i":5}],"ts":1800000000000', '"data":[],"ts":1800000000000'):
            server.push_raw(topic, f'{{"topic":"{topic}",{text}}}')
        server.push_raw(topic, f'{{"topic":"{topic}","data":[{{"i":"1","s":')
        server.trade("100.00")
        await listener.frames.until(lambda _all: len(listener.of(Trade)) == 1)
        assert 3 == listener.feed.counts["message that cannot be read"]


async def test_a_ticker_is_merged_and_says_mark_and_funding_too() -> None:
    server = Bybit(market="linear")
    async with listening(server, ("tickers", "tickers.mark")) as listener:
        server.ticker("delta", lastPrice="1")
        server.ticker(
            "snapshot", lastPrice="100", volume24h="5", turnover24h="500", price24hPcnt="0.0171", markPrice="100.5",
            indexPrice="100.4", fundingRate="-0.0001", nextFundingTime="1800028800000",
        )  # fmt: skip
        server.ticker("delta", lastPrice="101")
        server.ticker("delta", markPrice="101.5")
        await listener.frames.until(lambda _all: len(listener.of(MarkPrice)) == 2)
        assert [(100.0, 1.71), (101.0, 1.71)] == [
            (fact.last, round(fact.change_pct, 6)) for fact in listener.of(Ticker) if isinstance(fact, Ticker)
        ]
        mark = listener.of(MarkPrice)[-1]
        assert isinstance(mark, MarkPrice)
        assert (101.5, 100.4, -0.0001) == (mark.mark, mark.index, mark.funding_rate)


async def test_it_is_chosen_by_name_in_the_catalogue_of_venues() -> None:
    server, frames = Bybit(market="linear"), Noticed()
    async with bybit(server):
        wish = Wish("linear", ["BTCUSDT"], ("publicTrade",), server.url)
        async with listen("bybit", wish, frames.add, lambda _news: None) as heard, running(heard.feed.run()):
            await server.subscribed("publicTrade.BTCUSDT")
            server.trade("100.00")
            await frames.until(lambda all_: len(all_) == 1)
            assert ["bybit:linear:BTCUSDT"] == list(heard.instruments)
        with pytest.raises(ConfigError, match="DOGEUSDT is not traded on bybit linear"):
            async with listen("bybit", wish._replace(symbols=["DOGEUSDT"]), frames.add, lambda _news: None):
                pass
    for name, market in (("bybit", "usdm"), ("binance", "spot"), ("kraken", "spot")):
        with pytest.raises(ConfigError, match=f"{name} {market} cannot be listened to so; there are bybit spot"):
            listen(name, wish._replace(market=market), frames.add, lambda _news: None)


@pytest.mark.parametrize("kind", ["trade", "tickers.mark"])
def test_a_kind_that_the_market_does_not_have_is_refused(kind: str) -> None:
    with pytest.raises(ConfigError, match=f"{kind} is not a stream that Bybit has for a symbol of spot"):
        LiveFeed(
            "spot",
            {},
            (kind,),
            lambda *_: pytest.fail("nothing is dialled"),
            unasked,
            Noticed().add,
            lambda _news: None,
        )
