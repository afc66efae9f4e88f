"""The market feed of a live account against the paper exchange: every frame is understood, and silence is told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from petrosa.adapters.venues.binance.live.feed import STREAMS_MAX, Ages, MarketFeed
from petrosa.adapters.venues.binance.live.streams import Pace
from petrosa.adapters.venues.binance.live.topics import topic_of
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import BestQuote, BookDiff, Depth, FeedState, MarkPrice, Trade
from petrosa.errors import InvariantError
from tests.kit.paper_server import Served, served
from tests.kit.paper_venue import SPOT, START, USDM, PaperBench
from tests.kit.sockets import Noticed, hosted, running

QUICK = Pace(open=5.0, ping=1.0, silence=5.0, overlap=0.2, pause_least=0.02, pause_most=0.05)
PATIENT = Ages(stale_s=1_000.0, dead_s=2_000.0)
KEY = {"spot": SPOT, "usdm": USDM}
GROUPS = {"spot": {"spot"}, "usdm": {"public", "market"}}


class Listener:
    """A feed with what it offered and what it said of its streams."""

    def __init__(self, session: aiohttp.ClientSession, market: str, url: str, pace: Pace, ages: Ages) -> None:
        self.now = START
        self.frames = Noticed()
        self.states = Noticed()
        public, other = (url, "") if market == "spot" else (f"{url}/public", f"{url}/market")
        self.feed = MarketFeed(
            session, market, ["BTCUSDT"], public, other, self.frames.add, self.states.add, now=lambda: self.now,
            pace=pace, ages=ages,
        )  # fmt: skip
        self.market = market

    @property
    def last(self) -> dict[str, FeedState]:
        """The last thing that was said of each group."""
        return {group: state for _, group, state, _ in self.states.all}

    async def says(self, state: FeedState) -> None:
        """Until it is said of every group."""
        await self.states.until(lambda _all: self.last == dict.fromkeys(GROUPS[self.market], state))

    async def connected(self) -> None:
        """Until every connection is open; nothing is told of that, frames are what counts."""
        async with asyncio.timeout(10.0):
            while not all(link.connected for link in self.feed.links.values()):
                await asyncio.sleep(0.005)


@asynccontextmanager
async def listening(url: str, market: str, pace: Pace = QUICK, ages: Ages = PATIENT) -> AsyncIterator[Listener]:
    async with aiohttp.ClientSession() as session:
        listener = Listener(session, market, url, pace, ages)
        async with running(listener.feed.run()):
            await listener.connected()
            yield listener


def move(exchange: PaperBench, number: int) -> None:
    """A little of everything."""
    exchange.wait(0.2)
    for key in (SPOT, USDM):
        exchange.trades += 1
        diff = BookDiff(
            key, exchange.now, exchange.now, exchange.trades, exchange.trades, exchange.trades - 1,
            ((98.5, 10.0 + number % 7),), (),
        )  # fmt: skip
        exchange.venue.on_market(diff, exchange.now)
        quote = BestQuote(key, exchange.now, exchange.now, exchange.trades, 99.0, 50.0 + number % 7, 101.0, 50.0)
        exchange.venue.on_market(quote, exchange.now)
    exchange.trade("100.00", quantity="0.5")
    exchange.mark("100.00")


def offered(listener: Listener) -> Counter[str]:
    return Counter(topic_of(payload).stream for _, _, payload in listener.frames.all)


async def all_kinds(exchange: Served, listener: Listener) -> None:
    """Let the market move until every stream has been heard."""
    wanted = 3 if listener.market == "spot" else 4
    async with asyncio.timeout(10.0):
        number = 0
        while len(offered(listener)) < wanted:
            move(exchange.bench, number)
            number += 1
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_every_frame_of_the_paper_exchange_is_a_fact(market: str) -> None:
    async with served(PaperBench()) as exchange, listening(exchange.ws, market) as listener:
        await all_kinds(exchange, listener)
        parser = Parser("binance", market, ["BTCUSDT"])
        facts = [parser.parse(payload, arrival) for arrival, _, payload in listener.frames.all]
        kinds = {Trade, Depth, BestQuote} | ({MarkPrice} if market == "usdm" else set())
        assert kinds == {type(fact) for fact in facts}
        assert {KEY[market]} == {fact.instrument for fact in facts if fact is not None}
        assert {f"binance:{market}"} == {tag for _, tag, _ in listener.frames.all}
        assert {} == parser.skipped == listener.feed.counts
        await listener.says(FeedState.LIVE)
        assert 1 == Counter(group for _, group, _, _ in listener.states.all)[next(iter(GROUPS[market]))]


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_a_lost_connection_is_stale_until_frames_flow_again(market: str) -> None:
    """Not as soon as there is another: an open connection says nothing about the market."""
    bench = PaperBench()
    async with aiohttp.ClientSession() as session:
        async with served(bench) as exchange:
            port = int(exchange.url.rpartition(":")[2])
            listener = Listener(session, market, exchange.ws, QUICK, PATIENT)
            at = running(listener.feed.run())
            await at.__aenter__()
            await listener.connected()
            await all_kinds(exchange, listener)
            await listener.says(FeedState.LIVE)
        await listener.says(FeedState.STALE)
        assert all("away" in reason for _, _, state, reason in listener.states.all if state is FeedState.STALE)
        async with served(bench, port) as exchange:
            await listener.connected()
            assert {FeedState.STALE} == set(listener.last.values())
            heard = len(listener.frames.all)
            await all_kinds(exchange, listener)
            for number in range(3):
                move(bench, number)
            await listener.says(FeedState.LIVE)
            assert len(listener.frames.all) > heard
            assert {1} == {link.reconnects for link in listener.feed.links.values()}
            await at.__aexit__(None, None, None)


@pytest.mark.parametrize("market", ["spot", "usdm"])
async def test_frames_that_are_overdue_make_a_stream_stale_and_then_dead(market: str) -> None:
    """By the clock, while the connection is open: it may be silent for one symbol only."""
    ages = Ages(stale_s=0.02, dead_s=60.0)
    async with served(PaperBench()) as exchange, listening(exchange.ws, market, ages=ages) as listener:
        listener.now += NS_PER_SECOND
        await listener.says(FeedState.STALE)
        await all_kinds(exchange, listener)
        await listener.says(FeedState.LIVE)
        listener.now += 60 * NS_PER_SECOND
        await listener.says(FeedState.DEAD)
        move(exchange.bench, 1)
        move(exchange.bench, 2)
        await listener.says(FeedState.LIVE)


async def test_a_feed_that_never_came_up_is_stale() -> None:
    """Nobody listens at the address."""
    async with hosted() as host:
        gone = host.url
    async with aiohttp.ClientSession() as session:
        listener = Listener(session, "spot", gone, QUICK, Ages(stale_s=0.02, dead_s=60.0))
        async with running(listener.feed.run()):
            await asyncio.sleep(0)  # so that it has begun
            listener.now += NS_PER_SECOND
            await listener.says(FeedState.STALE)


async def test_no_trade_comes_twice_when_a_connection_is_replaced() -> None:
    """Both are heard for a while; books and quotes may come twice, which changes nothing."""
    brief = QUICK._replace(life=0.4)
    async with served(PaperBench()) as exchange, listening(exchange.ws, "spot", brief) as listener:
        (link,) = listener.feed.links.values()
        async with asyncio.timeout(20.0):
            number = 0
            while link.replaced < 3:
                move(exchange.bench, number)
                number += 1
                await asyncio.sleep(0.005)
        parser = Parser("binance", "spot", ["BTCUSDT"], kinds=[Trade])
        trades: list[Any] = [parser.parse(payload, 1) for _, _, payload in listener.frames.all]
        ids = [trade.trade_id for trade in trades if trade is not None]
        assert sorted(set(ids)) == ids
        assert listener.feed.counts["trade heard twice"] > 0
        assert {FeedState.LIVE} == {state for _, _, state, _ in listener.states.all}


async def test_a_shutdown_that_is_announced_costs_nothing() -> None:
    async with hosted() as host, listening(host.url, "spot") as listener:
        old = await host.connection(1)
        await old.send('{"stream":"btcusdt@trade","data":{}}')
        await old.send('{"e":"serverShutdown","E":1770123456789}')
        await host.connection(2)
        await old.wait_closed()
        (link,) = listener.feed.links.values()
        assert (True, 1, 0) == (link.connected, link.replaced, link.reconnects)
        assert [FeedState.LIVE] == [state for _, _, state, _ in listener.states.all]


async def test_what_was_not_asked_for_is_counted() -> None:
    """And not offered."""
    async with hosted() as host, listening(host.url, "spot") as listener:
        connection = await host.connection(1)
        for message in (
            b"{}",
            b"\xff\xfe",
            b'{"stream":"ethusdt@trade","data":{}}',
            b'{"stream":"btcusdt@trade","data":{}}',
        ):
            await connection.send(message)
        await listener.frames.until(lambda all_: len(all_) == 1)
        assert {"unknown frame": 3} == listener.feed.counts


async def test_streams_are_shared_out_over_connections() -> None:
    """At most 200 each, all of a symbol's on the same one, none twice."""
    paths: list[str] = []

    async def note(connection: Any) -> None:
        paths.append(connection.request.path)

    symbols = [f"S{number}USDT" for number in range(150)]
    async with hosted(note) as host, aiohttp.ClientSession() as session:
        nothing = Noticed()
        feed = MarketFeed(
            session, "usdm", [*symbols, "S0USDT"], f"{host.url}/public", f"{host.url}/market", nothing.add, nothing.add
        )
        async with running(feed.run()):
            await host.connection(4)
    asked = [(path.partition("/stream?streams=")[0], path.partition("streams=")[2].split("/")) for path in paths]
    assert ["/market", "/market", "/public", "/public"] == sorted(path for path, _ in asked)
    assert all(len(streams) <= STREAMS_MAX for _, streams in asked)
    for path, kinds in (("/public", ("bookTicker", "depth20@100ms")), ("/market", ("aggTrade", "markPrice@1s"))):
        streams = [stream for where, names in asked if where == path for stream in names]
        assert sorted(f"{symbol.lower()}@{kind}" for symbol in symbols for kind in kinds) == sorted(streams)


def test_a_market_without_streams_is_our_own_mistake() -> None:
    nothing: Any = None
    with pytest.raises(InvariantError, match="coinm"):
        MarketFeed(nothing, "coinm", [], "", "", nothing, nothing)
