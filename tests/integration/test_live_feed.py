"""A live feed on real sockets before the paper exchange: what was missed is fetched, and silence is told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

import msgspec
import pytest

from petrosa.adapters.feeds.outlet import News, TradesLost
from petrosa.adapters.net.rate_limit import Ledger
from petrosa.adapters.net.websocket import Pace
from petrosa.adapters.venues.binance.live.environments import urls
from petrosa.adapters.venues.binance.live.feed_params import FeedParams
from petrosa.adapters.venues.binance.live.limits import DEFAULTS
from petrosa.adapters.venues.binance.live.live_feed import KINDS, LiveFeed
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.adapters.venues.binance.live.streams import Streams
from petrosa.adapters.venues.binance.live.topics import topic_of
from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.core.market.book import OrderBook
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookGap,
    BookSnapshot,
    Depth,
    FeedState,
    FeedStateChanged,
    InstrumentId,
    MarkPrice,
    Trade,
    instrument_id,
)
from tests.kit.paper_server import Served, served
from tests.kit.paper_venue import START, PaperBench, rules
from tests.kit.sockets import Noticed, hosted, running

QUICK = Pace(open=5.0, ping=1.0, silence=5.0, overlap=0.2, pause_least=0.02, pause_most=0.05)
PARAMS = FeedParams(grace_seconds=0.02)
LIVE, STALE, DEAD = FeedState.LIVE, FeedState.STALE, FeedState.DEAD
KEY = {market: instrument_id("binance", market, "BTCUSDT") for market in ("spot", "usdm")}
BOOK = ("depth@100ms", "trade")
RARE = {"btcusdt@forceOrder"}
"""A stream whose silence says nothing, and which is live as long as its connection is."""
SPEAKING = {market: tuple(kind for kind in kinds if f"btcusdt@{kind}" not in RARE) for market, kinds in KINDS.items()}


class Listener:
    """A feed with what it offered and what it said; its clock is moved by hand."""

    def __init__(self, market: str, url: str, kinds: Sequence[str], rest: Rest, params: FeedParams, pace: Pace) -> None:
        self.now = START
        self.market = market
        self.frames = Noticed()
        self.news = Noticed()
        dial = partial(Streams, urls("paper", market, url), market, now=lambda: self.now, pace=pace)
        self.feed = LiveFeed(
            market, rules()[market], kinds, dial, rest.call, self.frames.add, self._tell, params=params,
            now=lambda: self.now, sleep=lambda seconds: asyncio.sleep(min(seconds, 0.02)),
        )  # fmt: skip

    def _tell(self, news: News) -> None:
        self.news.add([news])

    @property
    def said(self) -> list[News]:
        return [one for (one,) in self.news.all]

    @property
    def last(self) -> dict[str, FeedState]:
        """The last thing that was said of each stream."""
        return {one.stream: one.state for one in self.said if isinstance(one, FeedStateChanged)}

    async def says(self, state: FeedState, *kinds: str) -> None:
        """Until it is said of these kinds of streams."""
        await self.news.until(lambda _all: all(self.last.get(kind) is state for kind in kinds))

    async def connected(self) -> None:
        """Until every connection is open."""
        async with asyncio.timeout(10.0):
            while not (links := self.feed.links) or not all(link.connected for link in links.values()):
                await asyncio.sleep(0.005)

    def facts(self) -> list[object]:
        parser = Parser("binance", self.market, ["BTCUSDT"])
        return [parser.parse(payload, arrival) for arrival, _, payload in self.frames.all]

    def ids(self) -> list[int]:
        return [fact.trade_id for fact in self.facts() if isinstance(fact, Trade)]

    def offered(self) -> Counter[str]:
        return Counter(topic_of(payload).stream for _, _, payload in self.frames.all)


@asynccontextmanager
async def listening(
    url: str, market: str, kinds: Sequence[str] = (), params: FeedParams = PARAMS, pace: Pace = QUICK, key: str = ""
) -> AsyncIterator[Listener]:
    url = url.replace("ws://", "http://")
    ledger = Ledger(DEFAULTS[market], lambda: START)
    async with Rest(market, urls("paper", market, url), key, None, ServerClock(), ledger) as rest:
        listener = Listener(market, url, kinds or KINDS[market], rest, params, pace)
        async with running(listener.feed.run()):
            await listener.connected()
            yield listener


def move(bench: PaperBench) -> None:
    """A little of everything."""
    bench.wait(0.2)
    bench.change(98.5, 10.0 + bench.updates.total() % 7)
    bench.trade("100.00", quantity="0.5")
    bench.mark("100.00")


async def going_on(bench: PaperBench, listener: Listener, *, kinds: int | None = None) -> None:
    """Let the market move until every stream is heard again."""
    before, wanted = listener.offered(), kinds or len(listener.feed.states.keys() - RARE)
    async with asyncio.timeout(10.0):
        while len(listener.offered() - before) < wanted:
            move(bench)
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_every_frame_of_the_paper_exchange_is_a_fact(market: str) -> None:
    async with served(PaperBench()) as exchange, listening(exchange.ws, market) as listener:
        await going_on(exchange.bench, listener)
        kinds = {Trade, Depth, BestQuote} | ({MarkPrice} if market == "usdm" else set())
        facts = [fact for fact in listener.facts() if isinstance(fact, Trade | Depth | BestQuote | MarkPrice)]
        assert (len(listener.frames.all), kinds) == (len(facts), {type(fact) for fact in facts})
        assert {KEY[market]} == {fact.instrument for fact in facts}
        assert {} == listener.feed.counts
        assert dict.fromkeys(KINDS[market], LIVE) == listener.last
        assert {LIVE} == {one.state for one in listener.feed.states.values()}


@asynccontextmanager
async def back_after_trades(market: str, kinds: Sequence[str], key: str = "") -> AsyncIterator[Listener]:
    """Who listened to an exchange that went on while the connection was away, and has come back at the same address."""
    bench = PaperBench()
    async with AsyncExitStack() as stack:
        async with served(bench) as exchange:
            port = int(exchange.url.rpartition(":")[2])
            listener = await stack.enter_async_context(listening(exchange.ws, market, kinds, key=key))
            await going_on(bench, listener)
        await listener.says(STALE, *kinds)
        for _ in range(30):
            move(bench)
        async with served(bench, port):
            await listener.connected()
            assert {STALE} == {listener.last[kind] for kind in kinds if f"btcusdt@{kind}" not in RARE}
            await going_on(bench, listener)
            async with asyncio.timeout(10.0):
                while set(listener.last.values()) != {LIVE}:
                    move(bench)
                    await asyncio.sleep(0.01)
            yield listener
            await stack.aclose()


FETCHED = [("spot", KINDS["spot"], ""), ("usdm", KINDS["usdm"], ""), ("usdm", ("trade", "bookTicker"), DEMO_KEY)]


@pytest.mark.parametrize(("market", "kinds", "key"), FETCHED)
async def test_trades_that_were_missed_while_the_connection_was_away_are_fetched(
    market: str, kinds: Sequence[str], key: str
) -> None:
    async with back_after_trades(market, kinds, key) as listener:
        ids = listener.ids()
        assert list(range(ids[0], ids[-1] + 1)) == ids
        assert not [one for one in listener.said if isinstance(one, TradesLost)]
        assert listener.feed.counts["trade filled"] >= 30
        arrivals = [arrival for arrival, _, _ in listener.frames.all]
        assert sorted(arrivals) == arrivals


async def test_single_trades_of_futures_that_were_missed_are_lost_by_name_without_a_key() -> None:
    """The venue is not asked in vain, and the stream goes on at once."""
    async with back_after_trades("usdm", ("trade", "bookTicker")) as listener:
        lost = [one for one in listener.said if isinstance(one, TradesLost)]
        assert sum(one.last - one.first + 1 for one in lost) >= 30
        assert {"/fapi/v1/historicalTrades is told to holders of an API key only"} == {
            one.why.partition(",")[0] for one in lost
        }
        assert "set BINANCE_API_KEY" in lost[0].why
        gone = {number for one in lost for number in range(one.first, one.last + 1)}
        ids = listener.ids()
        assert set(range(ids[0], ids[-1] + 1)) == gone | set(ids)


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_a_book_is_whole_again_after_the_connection_was_away(market: str) -> None:
    """As whoever has nothing but the frames sees it."""
    bench = PaperBench()
    key = KEY[market]
    async with AsyncExitStack() as stack:
        async with served(bench) as exchange:
            port = int(exchange.url.rpartition(":")[2])
            listener = await stack.enter_async_context(listening(exchange.ws, market, BOOK))
            await until_whole(bench, listener)
        for number in range(20):
            bench.change(97.0 + number % 3, 20.0 + number)
        async with served(bench, port):
            await listener.connected()
            await until_whole(bench, listener, snapshots=2)
            await until_heard(bench, listener, key)
            book = OrderBook(rules()[market][key])
            said = [book.apply(fact) for fact in listener.facts() if isinstance(fact, BookDiff | BookSnapshot)]
            shown = bench.venue.markets[market]["BTCUSDT"]
            assert [(float(p), float(q)) for p, q in shown.levels(Side.BUY, 50)] == book.top(Side.BUY, 50)
            assert [one for one in listener.said if isinstance(one, BookGap)] == [
                one for one in said if isinstance(one, BookGap)
            ]
            assert (1, 2) == listener.feed.books["BTCUSDT"][3:]
            await stack.aclose()


async def until_whole(bench: PaperBench, listener: Listener, snapshots: int = 1) -> None:
    async with asyncio.timeout(10.0):
        while not (book := listener.feed.books["BTCUSDT"]).is_synchronised or book.snapshots < snapshots:
            move(bench)
            await asyncio.sleep(0.01)


async def until_heard(bench: PaperBench, listener: Listener, key: InstrumentId) -> None:
    """Until the feed is where the exchange is, whose market stands."""
    async with asyncio.timeout(10.0):
        while listener.feed.books["BTCUSDT"].update_id < bench.updates[key]:
            await asyncio.sleep(0.005)


async def test_a_book_that_stands_still_is_told_while_trades_go_on() -> None:
    """A fault of the exchange: connections are open, trades flow, and the book is frozen."""
    async with served(PaperBench()) as exchange, listening(exchange.ws, "spot") as listener:
        await going_on(exchange.bench, listener)
        await exchange.fault("stale_book")
        for _ in range(12):
            listener.now += NS_PER_SECOND
            await going_on(exchange.bench, listener, kinds=1)
        await listener.says(STALE, "depth20@100ms")
        assert LIVE is listener.last["trade"]
        for _ in range(50):
            listener.now += NS_PER_SECOND
            await going_on(exchange.bench, listener, kinds=1)
        await listener.says(DEAD, "depth20@100ms")
        assert STALE is listener.last["bookTicker"]


async def test_an_exchange_that_does_not_answer_makes_a_gap_and_no_standstill() -> None:
    bench = PaperBench()
    params = msgspec.structs.replace(PARAMS, hold_seconds=5.0)
    async with served(bench) as exchange, listening(exchange.ws, "spot", params=params) as listener:
        await going_on(bench, listener)
        await exchange.fault("overloaded", path="/api/v3/historicalTrades")
        bench.trades[KEY["spot"]] += 3
        heard = len(listener.ids())
        move(bench)
        await listener.says(STALE, "trade")
        assert heard == len(listener.ids())
        listener.now += 5 * NS_PER_SECOND
        await listener.news.until(lambda _all: any(isinstance(one, TradesLost) for one in listener.said))
        (lost,) = [one for one in listener.said if isinstance(one, TradesLost)]
        assert (3, "the venue did not tell them within 5 s") == (lost.last - lost.first + 1, lost.why)
        await going_on(bench, listener)
        assert lost.last + 1 in listener.ids()


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_frames_that_are_overdue_make_a_stream_stale_and_then_dead(market: str) -> None:
    """By the clock, while the connection is open: it may be silent for one symbol only."""
    async with served(PaperBench()) as exchange, listening(exchange.ws, market) as listener:
        await going_on(exchange.bench, listener)
        listener.now += 10 * NS_PER_SECOND
        await listener.says(STALE, *SPEAKING[market])
        await until_live(exchange, listener)
        listener.now += 60 * NS_PER_SECOND
        await listener.says(DEAD, *SPEAKING[market])
        await until_live(exchange, listener)


async def until_live(exchange: Served, listener: Listener) -> None:
    async with asyncio.timeout(10.0):
        while set(listener.last.values()) != {LIVE}:
            move(exchange.bench)
            await asyncio.sleep(0.01)


async def test_a_feed_that_never_came_up_is_stale() -> None:
    """Nobody listens at the address."""
    async with hosted() as host:
        gone = host.url.replace("ws://", "http://")
    async with Rest(
        "spot", urls("paper", "spot", gone), "", None, ServerClock(), Ledger(DEFAULTS["spot"], lambda: 1)
    ) as rest:
        listener = Listener("spot", gone, KINDS["spot"], rest, PARAMS, QUICK)
        async with running(listener.feed.run()):
            await asyncio.sleep(0)  # so that it has begun
            listener.now += 10 * NS_PER_SECOND
            await listener.says(STALE, *KINDS["spot"])


async def test_nothing_is_missed_when_a_connection_is_replaced() -> None:
    """Both are heard for a while: every trade once, and nothing has to be fetched."""
    brief = QUICK._replace(life=0.4)
    async with served(PaperBench()) as exchange, listening(exchange.ws, "spot", pace=brief) as listener:
        (link,) = listener.feed.links.values()
        async with asyncio.timeout(20.0):
            while link.replaced < 3:
                move(exchange.bench)
                await asyncio.sleep(0.005)
        ids = listener.ids()
        assert list(range(ids[0], ids[-1] + 1)) == ids
        assert ({LIVE}, 0) == (set(listener.last.values()), listener.feed.counts["trade lost"])
