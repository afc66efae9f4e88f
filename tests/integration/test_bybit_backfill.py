"""Trades of Bybit over a connection that was away: each once and in order, what cannot be had named by its times."""

import asyncio
import itertools

import pytest

from petrosa.adapters.feeds.backfill import Backfill
from petrosa.adapters.feeds.outlet import TradesUnknown
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.market import FeedState, Trade
from tests.kit.bybit_feed import Listener, listening
from tests.kit.bybit_server import MS, Bybit

LIVE, STALE = FeedState.LIVE, FeedState.STALE
TRADES = "publicTrade"
RECENT = "/v5/market/recent-trade"


def market(name: str = "spot") -> Bybit:
    """Every trade has a time of its own."""
    stamps = itertools.count(MS)
    return Bybit(market=name, ms=lambda: next(stamps))


def ids(listener: Listener) -> list[int]:
    """The trades that a reader has, as numbers from 0."""
    return [fact.trade_id - 10**9 for fact in listener.of(Trade) if isinstance(fact, Trade)]


def holes(listener: Listener) -> list[TradesUnknown]:
    return [one for one in listener.said if isinstance(one, TradesUnknown)]


async def missed(listener: Listener, messages: int, after: int = 1) -> None:
    """Five trades, the connection cut, so many that nobody hears, and others when it is there again."""
    server = listener.server
    server.trade("100.00", 5)
    await listener.frames.until(lambda _all: len(ids(listener)) == 5)
    await server.drop()
    await listener.says(STALE, TRADES)
    for _ in range(messages):
        server.trade("101.00")
    await server.subscribed("publicTrade.BTCUSDT")
    for _ in range(after):
        server.trade("102.00")


@pytest.mark.parametrize(("name", "count"), [("spot", 40), ("linear", 700)])
async def test_a_short_hole_is_filled(name: str, count: int) -> None:
    async with listening(market(name), (TRADES,)) as listener:
        await missed(listener, count, after=3)
        await listener.frames.until(lambda _all: len(ids(listener)) >= count + 8)
        assert list(range(count + 8)) == ids(listener)
        await listener.says(LIVE, TRADES)
        assert [] == holes(listener)
        assert count == listener.feed.counts["trade filled"]
        listener.server.trade("103.00")
        await listener.frames.until(lambda _all: len(ids(listener)) == count + 9)
        assert 1 == listener.server.questions.count(RECENT)


async def test_a_long_hole_is_named_and_its_newest_part_is_told() -> None:
    """Of 100 that were missed on spot the newest 59 are listed beside the first that was heard again."""
    async with listening(market(), (TRADES,)) as listener:
        await missed(listener, 100)
        await listener.frames.until(lambda _all: len(ids(listener)) >= 65)
        assert [*range(5), *range(46, 106)] == ids(listener)
        (hole,) = holes(listener)
        times = [one["T"] * NS_PER_MS for one in listener.server.told.values()]
        assert (TRADES, times[4], times[46]) == (hole.stream, hole.after, hole.before)
        assert "the newest 59 that the venue tells do not reach back to them" == hole.why
        await listener.says(LIVE, TRADES)


async def test_what_is_heard_before_the_answer_is_there_waits_for_it() -> None:
    """Also where that answer is behind the stream: then it is asked for again."""
    async with listening(market(), (TRADES,)) as listener:
        listener.server.behind = 2
        await missed(listener, 10, after=2)
        await listener.frames.until(lambda _all: len(ids(listener)) >= 17)
        assert list(range(17)) == ids(listener)
        assert [] == holes(listener)
        assert 2 == listener.server.questions.count(RECENT)


async def test_block_trades_and_repetitions_in_the_hole_are_no_trades() -> None:
    async with listening(market(), (TRADES,)) as listener:
        server = listener.server
        server.trade("100.00", 5)
        await listener.frames.until(lambda _all: len(ids(listener)) == 5)
        await server.drop()
        await listener.says(STALE, TRADES)
        server.trade("101.00", block=True)
        server.trade("101.00", 3)
        await server.subscribed("publicTrade.BTCUSDT")
        server.trade("101.00", 2, again=True)
        server.trade("102.00")
        await listener.frames.until(lambda _all: len(ids(listener)) >= 9)
        assert [*range(5), *range(6, 10)] == ids(listener)
        assert [] == holes(listener)


@pytest.mark.parametrize(
    ("backfill", "why"),
    [(Backfill(trades=0), "backfill_max_trades = 0"),
     (Backfill(seconds=0), "they began 3 s ago, more than backfill_max_seconds = 0")],
)  # fmt: skip
async def test_a_hole_that_is_not_to_be_filled_is_named(backfill: Backfill, why: str) -> None:
    async with listening(market(), (TRADES,), backfill=backfill) as listener:
        listener.server.trade("100.00")
        await listener.frames.until(lambda _all: len(ids(listener)) == 1)
        await listener.server.drop()
        await listener.says(STALE, TRADES)
        listener.server.trade("101.00")
        listener.now += 3 * NS_PER_SECOND
        await listener.server.subscribed("publicTrade.BTCUSDT")
        listener.server.trade("102.00")
        await listener.frames.until(lambda _all: len(ids(listener)) == 2)
        assert [0, 2] == ids(listener)
        assert [why] == [hole.why for hole in holes(listener)]
        assert RECENT not in listener.server.questions


async def test_of_more_than_is_wanted_the_newest_are_told() -> None:
    async with listening(market(), (TRADES,), backfill=Backfill(trades=10)) as listener:
        await missed(listener, 30)
        await listener.frames.until(lambda _all: len(ids(listener)) >= 16)
        assert [*range(5), *range(25, 36)] == ids(listener)
        assert ["more are missing than backfill_max_trades = 10"] == [hole.why for hole in holes(listener)]


async def test_a_venue_that_does_not_tell_them_is_not_waited_for() -> None:
    """Its answer stays behind its stream; after `hold_seconds` what waits is handed on, and the hole is named."""
    async with listening(market(), (TRADES,)) as listener:
        await missed(listener, 3, after=0)
        listener.server.told.clear()
        listener.server.push("publicTrade.BTCUSDT", {"type": "snapshot", "ts": MS, "data": [
            {"T": MS + 900, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "1", "i": str(10**9 + 900), "BT": False}
        ]})  # fmt: skip
        await listener.feed_asked(RECENT)
        listener.now += 20 * NS_PER_SECOND
        await listener.frames.until(lambda _all: len(ids(listener)) == 6)
        assert [*range(5), 900] == ids(listener)
        assert ["the venue did not tell them within 20 s"] == [hole.why for hole in holes(listener)]
        listener.server.trade("103.00")
        await listener.says(LIVE, TRADES)
        assert [*range(5), 900, 8] == ids(listener)


async def test_a_connection_that_is_lost_again_names_what_it_could_not_ask_for() -> None:
    async with listening(market(), (TRADES,)) as listener:
        listener.server.behind = 10**6
        await missed(listener, 3)
        await listener.feed_asked(RECENT)
        listener.server.behind = 10**6
        await listener.server.drop()
        await listener.frames.until(lambda _all: len(ids(listener)) == 6)
        assert [0, 1, 2, 3, 4, 8] == ids(listener)
        assert ["the connection was lost again before they were told"] == [hole.why for hole in holes(listener)]
        listener.server.behind = 0
        await listener.server.subscribed("publicTrade.BTCUSDT")
        listener.server.trade("103.00")
        await listener.frames.until(lambda _all: len(ids(listener)) >= 7)
        assert 9 == ids(listener)[-1]


async def test_a_stream_that_stays_silent_is_asked_about() -> None:
    """Trades that were missed are told before anybody trades again; a silence in which nobody traded is confirmed."""
    async with listening(market(), (TRADES,)) as listener:
        await missed(listener, 4, after=0)
        while len(ids(listener)) < 9:
            listener.now += NS_PER_SECOND
            await asyncio.sleep(0.005)
        assert list(range(9)) == ids(listener)
        assert 1 == listener.feed.counts["silence with trades in it"]
        listener.server.trade("103.00")
        await listener.frames.until(lambda _all: len(ids(listener)) >= 10)
        assert list(range(10)) == ids(listener)
        assert [] == holes(listener)
