"""Holes in trades, and what a venue answers that is asked about them."""

from collections.abc import Iterable

import msgspec
import pytest

from petrosa.adapters.net.rate_limit import WEIGHT, Ledger, Limit
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import FeedState
from tests.kit.instruments import instrument
from tests.kit.market_frames import aggregate, quote, trade
from tests.kit.true_market import PATIENT, Fed, TrueMarket, fed

BTC = [instrument("BTCUSDT")]
LIVE, STALE = FeedState.LIVE, FeedState.STALE


def market(rules: str = "spot") -> TrueMarket:
    return TrueMarket(rules, BTC if rules == "spot" else [instrument("BTCUSDT", "usdm", step="0.001")])


def play(feed: Fed, numbers: Iterable[int], *, missed: Iterable[int] = ()) -> None:
    gone = frozenset(missed)
    for number in numbers:
        feed.play(trade(number), heard=number not in gone)


async def test_a_hole_is_filled_before_what_comes_after_it() -> None:
    async with fed(market(), ["trade"]) as feed:
        play(feed, range(1, 21), missed=range(5, 11))
        assert [1, 2, 3, 4] == feed.reader.ids("BTCUSDT")
        await feed.until(lambda: feed.is_settled and len(feed.reader.frames) == 20)
        assert list(range(1, 21)) == feed.reader.ids("BTCUSDT")
        assert [LIVE, STALE, LIVE] == feed.said("trade")
        assert ({"trade filled": 6}, []) == (feed.feed.counts, feed.lost)
        assert {"historicalTrades": 1} == feed.market.asked


async def test_what_was_fetched_arrives_when_it_is_handed_on() -> None:
    """And so does what waited for it: nobody could have known it before."""
    async with fed(market(), ["trade"]) as feed:
        play(feed, range(1, 6), missed=[3])
        waited_until = feed.now
        await feed.until(lambda: len(feed.reader.frames) == 5)
        assert [waited_until] * 3 == [arrival for arrival, _, _ in feed.reader.frames[2:]]
        assert [3_000_000] == [one.ts_event % 10**9 for one in feed.reader.trades["BTCUSDT"][2:3]]


async def test_aggregates_are_filled_by_their_own_ids() -> None:
    async with fed(market("usdm"), ["aggTrade"]) as feed:
        for number in range(1, 11):
            feed.play(aggregate(number), heard=number not in (4, 5, 6))
        await feed.until(lambda: feed.reader.ids("BTCUSDT") == list(range(1, 11)))
        assert {"aggTrades": 1} == feed.market.asked
        assert [2] * 10 == [one.count for one in feed.reader.trades["BTCUSDT"]]


async def test_nothing_else_of_the_symbol_waits() -> None:
    """A book that is late is worth less than trades that are."""
    truth = market()
    truth.fail = lambda _path, _params: (503, {"code": -1008, "msg": "overloaded"})
    async with fed(truth, ["trade", "bookTicker"]) as feed:
        play(feed, (1, 2, 4), missed=[])
        feed.play(quote(9))
        assert ["btcusdt@trade", "btcusdt@trade", "btcusdt@bookTicker"] == [one for _, one, _ in feed.reader.frames]


async def test_a_long_hole_takes_several_answers() -> None:
    async with fed(market(), ["trade"]) as feed:
        play(feed, range(1, 2_503), missed=range(2, 2_502))
        await feed.until(lambda: len(feed.reader.frames) == 2_502)
        assert list(range(1, 2_503)) == feed.reader.ids("BTCUSDT")
        assert 3 == feed.market.asked["historicalTrades"]


async def test_of_a_hole_that_is_too_long_the_newest_part_is_fetched() -> None:
    params = msgspec.structs.replace(PATIENT, backfill_max_trades=10)
    async with fed(market(), ["trade"], params) as feed:
        play(feed, range(1, 41), missed=range(5, 31))
        await feed.until(lambda: feed.is_settled and len(feed.reader.frames) == 24)
        assert [1, 2, 3, 4, *range(21, 41)] == feed.reader.ids("BTCUSDT")
        assert ([(5, 20)], 16) == (feed.lost, feed.feed.counts["trade lost"])
        assert [LIVE, STALE, LIVE] == feed.said("trade")


async def test_a_hole_that_is_too_old_is_named_and_left() -> None:
    params = msgspec.structs.replace(PATIENT, backfill_max_seconds=60)
    async with fed(market(), ["trade"], params) as feed:
        play(feed, [1, 2])
        feed.now += 61 * NS_PER_SECOND
        play(feed, range(3, 9), missed=[3, 4])
        await feed.until(lambda: len(feed.reader.frames) == 6)
        assert ([(3, 4)], [1, 2, 5, 6, 7, 8]) == (feed.lost, feed.reader.ids("BTCUSDT"))
        assert {} == feed.market.asked
        (said,) = [one.why for one in feed.news if hasattr(one, "why")]
        assert "they began 61 s ago, more than backfill_max_seconds = 60" == said


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((400, {"code": -2014, "msg": "API-key format invalid."}), "API-key format invalid"),
        ((400, {"code": -1121, "msg": "Invalid symbol."}), "Invalid symbol"),
        ((200, b'{"rows":1}'), "not trades"),
    ],
)
async def test_a_no_of_the_venue_ends_the_waiting(answer: tuple[int, object], said: str) -> None:
    truth = market()
    truth.fail = lambda _path, _params: answer
    async with fed(truth, ["trade"]) as feed:
        play(feed, range(1, 8), missed=[3, 4])
        await feed.until(lambda: len(feed.reader.frames) == 5)
        assert [(3, 4)] == feed.lost
        assert said in next(one.why for one in feed.news if hasattr(one, "why"))


async def test_a_venue_that_is_away_is_asked_again() -> None:
    truth = market()
    answers = iter([(503, {"code": -1008, "msg": "x"})] * 5)
    truth.fail = lambda _path, _params: next(answers, None)
    async with fed(truth, ["trade"]) as feed:
        play(feed, range(1, 8), missed=[3, 4])
        await feed.until(lambda: len(feed.reader.frames) == 7)
        assert [] == feed.lost


async def test_a_venue_that_stays_away_is_waited_for_only_so_long() -> None:
    truth = market()
    truth.fail = lambda _path, _params: (503, {"code": -1008, "msg": "overloaded"})
    params = msgspec.structs.replace(PATIENT, hold_seconds=20)
    async with fed(truth, ["trade"], params) as feed:
        play(feed, range(1, 8), missed=[3, 4])
        await feed.until(lambda: STALE in feed.said("trade"))
        feed.now += 20 * NS_PER_SECOND
        await feed.until(lambda: len(feed.reader.frames) == 5)
        assert [(3, 4)] == feed.lost
        assert "the venue did not tell them within 20 s" == next(one.why for one in feed.news if hasattr(one, "why"))
        truth.fail = lambda _path, _params: None
        play(feed, range(8, 12), missed=[9])
        await feed.until(lambda: feed.reader.ids("BTCUSDT")[-4:] == [8, 9, 10, 11])


async def test_no_more_is_held_back_than_is_allowed() -> None:
    truth = market()
    truth.fail = lambda _path, _params: (503, {"code": -1008, "msg": "overloaded"})
    params = msgspec.structs.replace(PATIENT, hold_max=50)
    async with fed(truth, ["trade"], params) as feed:
        play(feed, range(1, 53), missed=[2])
        assert [1] == feed.reader.ids("BTCUSDT")
        play(feed, [53])
        assert [1, *range(3, 54)] == feed.reader.ids("BTCUSDT")
        assert [(2, 2)] == feed.lost


async def test_an_allowance_that_is_used_up_is_waited_for() -> None:
    """The ledger decides; nothing is asked without it, and nothing is lost by it."""
    now = [0]
    ledger = Ledger((Limit(WEIGHT, 1, "MINUTE", 100),), lambda: now[0])
    for _ in range(3):
        ledger.settle(ledger.take(25))
    async with fed(market(), ["trade"], ledger=ledger) as feed:
        play(feed, range(1, 8), missed=[3, 4])
        await feed.until(lambda: feed.feed.counts["trades asked for: RateLimited"] > 0)
        assert {} == feed.market.asked
        now[0] = 60 * NS_PER_SECOND
        await feed.until(lambda: len(feed.reader.frames) == 7)
        assert [] == feed.lost


async def test_what_the_venue_does_not_list_is_named() -> None:
    truth = market()
    async with fed(truth, ["trade"]) as feed:
        play(feed, [1, 2, *range(5, 9)], missed=[5])
        await feed.until(lambda: len(feed.reader.frames) == 6)
        assert ([1, 2, 5, 6, 7, 8], [(3, 4)]) == (feed.reader.ids("BTCUSDT"), feed.lost)
        assert 1 == feed.feed.counts["trade filled"]


async def test_silence_after_a_connection_was_away_is_asked_about() -> None:
    """The last trades before a quiet hour were missed: no later one will show it."""
    async with fed(market(), ["trade", "bookTicker"]) as feed:
        play(feed, range(1, 8))
        feed.play(quote(1))
        feed.lose()
        play(feed, range(8, 11), missed=range(8, 11))
        feed.regain()
        feed.play(quote(2))
        feed.now += 5 * NS_PER_SECOND
        await feed.until(lambda: feed.reader.ids("BTCUSDT") == list(range(1, 11)))
        assert 1 == feed.feed.counts["silence with trades in it"]


async def test_silence_that_the_venue_confirms_is_no_fault() -> None:
    async with fed(market(), ["trade", "bookTicker"]) as feed:
        play(feed, range(1, 8))
        for number in range(30):
            feed.now += 10 * NS_PER_SECOND
            feed.play(quote(number))
            await feed.until(lambda: not feed.feed.states["btcusdt@trade"].reason.startswith("nothing for"))
            due = feed.feed.counts["silence confirmed"] + (number % 3 == 2)
            await feed.until(lambda due=due: feed.feed.counts["silence confirmed"] >= due)  # type: ignore[misc]
        assert ([LIVE], 10) == (feed.said("trade"), feed.feed.counts["silence confirmed"])


async def test_a_frame_without_an_id_is_handed_on_for_others_to_refuse() -> None:
    async with fed(market(), ["trade"]) as feed:
        feed.repeat(b'{"stream":"btcusdt@trade","data":{"e":"trade","s":"BTCUSDT"}}')
        assert 1 == len(feed.reader.frames)
        assert 1 == feed.feed.counts["trade without an id"]


async def test_a_stream_that_nobody_asked_for_is_counted() -> None:
    async with fed(market(), ["trade"]) as feed:
        feed.repeat(trade(1, "ETHUSDT"))
        assert [] == feed.reader.frames
        assert {"frame of a stream that nobody asked for": 1} == feed.feed.counts
