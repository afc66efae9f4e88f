"""Wanted streams against a venue in the test's hand: what is asked, what is told, and that nothing is lost or twice."""

import asyncio
import re

import pytest

from petrosa.adapters.feeds import shard
from petrosa.adapters.feeds.shard import STREAMS_MAX
from petrosa.adapters.feeds.subscriptions import CONTROL
from petrosa.errors import InvariantError
from tests.kit.stream_venue import BRISK, QUICK, Heard, StreamVenue, frame, hearing, stream_venue

TRADE = "btcusdt@trade"
MANY = [f"s{number}usdt@trade" for number in range(120)]
KINDS = {
    "trade": lambda n: {"t": n, "E": 1},
    "aggTrade": lambda n: {"a": n, "E": 1},
    "ticker": lambda n: {"E": n},
    "depth20@100ms": lambda n: {"lastUpdateId": n},
    "depth@100ms": lambda n: {"U": n, "u": n, "E": 1},
    "bookTicker": lambda n: {"u": n},
    "kline_1m": lambda n: {"E": n // 2, "k": {"t": n, "L": 7}},
    "markPrice@1s": lambda n: {"E": n},
    "forceOrder": lambda n: {"E": n, "o": {}},
}


def trades(first: int, last: int) -> list[bytes]:
    return [frame(TRADE, t=number) for number in range(first, last + 1)]


async def test_streams_are_up_when_they_are_acknowledged_and_frames_come_in_order() -> None:
    async with stream_venue() as venue, hearing(venue, [TRADE, "btcusdt@ticker"]) as heard:
        await heard.is_up([TRADE, "btcusdt@ticker"])
        line = await venue.line(0)
        assert "/stream" == line.path
        await line.say(*trades(1, 3), frame("btcusdt@ticker", E=1), *trades(4, 5))
        await heard.has(*trades(1, 3), frame("btcusdt@ticker", E=1), *trades(4, 5))
        assert {} == heard.streams.counts == heard.streams.refused


async def test_requests_are_batched_and_paced() -> None:
    """Fifty names at a time, and no more than three in a second."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    async with stream_venue() as venue:
        heard = Heard(venue.url, "spot", MANY, QUICK, CONTROL, sleep)
        async with heard.running():
            await heard.is_up(MANY)
            assert [50, 50, 20] == [len(names) for names in venue.subscribed(0)]
            assert {CONTROL.spacing_s} == set(pauses)
    assert 1.0 / CONTROL.spacing_s <= 3.0


async def test_futures_streams_are_asked_for_on_the_path_that_has_them() -> None:
    public, other = ["a@depth20@100ms", "a@depth@100ms", "a@bookTicker"], ["a@aggTrade", "a@markPrice@1s", "a@kline_1m"]
    async with stream_venue() as venue, hearing(venue, [*public, *other, "a@forceOrder"], "usdm") as heard:
        await heard.is_up([*public, *other])
        by_path = {line.path: set(line.names) for line in venue.lines.all}
        assert {"/public/stream": set(public), "/market/stream": {*other, "a@forceOrder"}} == by_path


async def test_what_a_market_does_not_have_is_said_at_once() -> None:
    """And the others are heard."""
    async with stream_venue() as venue, hearing(venue, [TRADE, "btcusdt@forceOrder"]) as heard:
        await heard.is_up([TRADE])
        assert {"btcusdt@forceOrder": "binance:spot has no such stream"} == heard.streams.refused
        assert (False, "the venue refuses it: binance:spot has no such stream") == heard.said["btcusdt@forceOrder"]
    with pytest.raises(InvariantError, match="coinm"):
        Heard("", "coinm", [TRADE], QUICK, BRISK)


async def test_a_refused_stream_is_named_and_does_not_stop_the_others() -> None:
    async with stream_venue() as venue:
        venue.refuses = {"s33usdt@trade"}
        async with hearing(venue, MANY) as heard:
            await heard.is_up(set(MANY) - venue.refuses)
            await heard.links.until(lambda _all: "s33usdt@trade" in heard.said)
            assert (False, "the venue refuses it: 2: Invalid request: unknown stream") == heard.said["s33usdt@trade"]
            assert {"s33usdt@trade"} == set(heard.streams.refused)
            venue.refuses = set()
            await heard.is_up(MANY)
            assert {} == heard.streams.refused
            assert 1 == len(venue.lines.all)


async def test_a_request_without_an_answer_is_named_and_made_again() -> None:
    async with stream_venue() as venue:
        venue.unanswered = 1
        async with hearing(venue, [TRADE]) as heard:
            await heard.is_up([TRADE])
            (first, second) = heard.links.all
            assert (TRADE, False, "subscribe 1 was not acknowledged within 0.2 s") == first
            assert (TRADE, True, "subscribed") == second
            assert [[TRADE], [TRADE]] == venue.subscribed(0)
            assert 1 == heard.streams.counts["request not acknowledged"]


async def test_a_connection_that_answers_nothing_is_replaced() -> None:
    async with stream_venue() as venue:
        venue.unanswered = 3
        async with hearing(venue, [TRADE]) as heard:
            await heard.is_up([TRADE])
            assert 3 == len(venue.subscribed(0))
            (link,) = heard.streams.links.values()
            assert (1, True) == (link.reconnects, link.connected)
            assert re.search("subscribe 3 was not acknowledged .* nor were the 2 before it", link.reason)


async def test_after_a_loss_everything_is_subscribed_again() -> None:
    async with stream_venue() as venue, hearing(venue, MANY) as heard:
        await heard.is_up(MANY)
        await (await venue.line(0)).connection.close()
        await heard.links.until(lambda all_: len(all_) == 3 * len(MANY))
        assert {(True, "subscribed")} == set(heard.said.values())
        away = [why for _, is_up, why in heard.links.all if not is_up]
        assert ["the connection is away: the connection ended with code 1000"] * len(MANY) == away
        await venue.holds(1, MANY)


async def test_what_is_wanted_can_change() -> None:
    """What stays goes on without a break, on the connection that it has."""
    async with stream_venue() as venue, hearing(venue, [TRADE, "btcusdt@ticker"]) as heard:
        await heard.is_up([TRADE, "btcusdt@ticker"])
        heard.streams.want([TRADE, "ethusdt@trade"])
        await heard.is_up(["ethusdt@trade"])
        line = await venue.holds(0, [TRADE, "ethusdt@trade"])
        await line.say(frame("btcusdt@ticker", E=1), *trades(1, 1), frame("ethusdt@trade", t=1))
        await heard.has(*trades(1, 1), frame("ethusdt@trade", t=1))
        assert {"not asked for": 1} == heard.streams.counts
        assert 1 == len(venue.lines.all)
        heard.streams.want([])
        await line.connection.wait_closed()
        heard.streams.want([TRADE])
        await venue.holds(1, [TRADE])


async def test_no_connection_has_more_than_two_hundred_streams() -> None:
    """A symbol's are together; a change fills what there is first."""
    wanted = [f"s{number}usdt@{kind}" for number in range(150) for kind in ("trade", "depth@100ms", "ticker")]
    async with stream_venue() as venue, hearing(venue, wanted) as heard:
        await heard.is_up(wanted)
        sizes = [len(line.names) for line in venue.lines.all]
        assert (3, 450) == (len(sizes), sum(sizes))
        assert max(sizes) <= STREAMS_MAX
        for line in venue.lines.all:
            symbols = [name.partition("@")[0] for name in line.names]
            assert {3} == {symbols.count(symbol) for symbol in symbols}
        heard.streams.want([*wanted, "s0usdt@bookTicker", *(f"t{number}@trade" for number in range(10))])
        await heard.is_up(["s0usdt@bookTicker", "t9@trade"])
        assert 3 == len(venue.lines.all)


async def test_what_the_venue_has_lost_is_asked_for_again_and_what_nobody_wants_is_taken_back() -> None:
    async with stream_venue() as venue:
        often = BRISK._replace(list_every_s=0.05)
        async with hearing(venue, [TRADE, "btcusdt@ticker"], control=often) as heard:
            await heard.is_up([TRADE, "btcusdt@ticker"])
            line = await venue.line(0)
            del line.names[TRADE]
            line.names["left@behind"] = None
            await venue.holds(0, [TRADE, "btcusdt@ticker"])
            await heard.links.until(lambda all_: len(all_) >= 4)
            assert [(TRADE, False, "the venue had lost it"), (TRADE, True, "subscribed")] == heard.links.all[2:4]
            assert 1 == heard.streams.counts["subscription lost by the venue"]
            assert 1 == heard.streams.counts["subscription that nobody wanted"]


async def overlapping(venue: StreamVenue, heard: Heard, wanted: list[str]) -> None:
    """Until two connections have everything, because the first said that it will go."""
    await heard.is_up(wanted)
    await (await venue.line(0)).say(b'{"e":"serverShutdown","E":1770123456789}')
    await venue.holds(1, wanted)


@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_lost_or_told_twice_when_one_connection_takes_over(kind: str) -> None:
    """Of whatever kind; the second one is ahead of the first, which never says all of it."""
    stream = f"btcusdt@{kind}"
    market = "usdm" if kind in ("markPrice@1s", "forceOrder") else "spot"
    said = [frame(stream, **KINDS[kind](number)) for number in range(10, 20)]
    async with stream_venue() as venue, hearing(venue, [stream], market) as heard:
        await heard.is_up([stream])
        old = await venue.line(0)
        await old.say(*said[:3])
        await overlapping(venue, heard, [stream])
        new = await venue.line(1)
        await new.say(*said[2:7])
        await old.say(*said[3:5])
        await old.connection.wait_closed()
        await new.say(*said[7:])
        await heard.has(*said)
        assert 3 == heard.streams.counts["heard twice"]
        (link,) = heard.streams.links.values()
        assert (True, 1, 0) == (link.connected, link.replaced, link.reconnects)
        assert [(stream, True, "subscribed")] == heard.links.all


async def test_streams_stay_in_order_to_each_other_when_one_connection_takes_over() -> None:
    """A trade and the book after it are told in the order in which they came."""
    book, wanted = "btcusdt@depth@100ms", [TRADE, "btcusdt@depth@100ms"]
    said = [frame(stream, t=number, u=number) for number in range(6) for stream in (TRADE, book)]
    async with stream_venue() as venue, hearing(venue, wanted) as heard:
        await overlapping(venue, heard, wanted)
        old, new = await venue.line(0), await venue.line(1)
        await new.say(*said)
        await old.say(*said[:3])
        await old.connection.close()
        await heard.has(*said)


async def test_a_connection_that_lags_too_far_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits beside it is bounded."""
    monkeypatch.setattr(shard, "ASIDE_MAX", 10)
    long = QUICK._replace(overlap=60.0)
    async with stream_venue() as venue, hearing(venue, [TRADE], pace=long) as heard:
        await overlapping(venue, heard, [TRADE])
        await (await venue.line(1)).say(*trades(1, 10))
        assert [] == heard.frames.all
        await (await venue.line(1)).say(*trades(11, 12))
        await heard.has(*trades(1, 12))
        await (await venue.line(0)).say(*trades(1, 12))
        await (await venue.line(1)).say(*trades(13, 13))
        await heard.has(*trades(1, 13))
        assert 1 == heard.streams.counts["took over from a connection that lags"]


async def test_what_cannot_be_read_is_told_by_the_connection_that_leads() -> None:
    """Whoever parses it says what is wrong; beside another connection it is not counted as news."""
    broken = b'{"stream":"btcusdt@trade","data":{"t":"x"}}'
    async with stream_venue() as venue, hearing(venue, [TRADE]) as heard:
        await overlapping(venue, heard, [TRADE])
        old, new = await venue.line(0), await venue.line(1)
        await new.say(broken, *trades(1, 1))
        await old.say(broken)
        await old.connection.wait_closed()
        await heard.has(broken, *trades(1, 1))


async def test_a_rotation_is_not_over_before_the_new_connection_hears_everything() -> None:
    """However long its acknowledgement takes, within what an opening may take."""
    async with stream_venue() as venue, hearing(venue, [TRADE]) as heard:
        await heard.is_up([TRADE])
        old = await venue.line(0)
        venue.unanswered = 1
        await old.say(b'{"e":"serverShutdown","E":1}')
        await venue.asked.until(lambda all_: len(all_) == 3)
        await old.say(*trades(1, 1))
        await heard.has(*trades(1, 1))
        await old.connection.wait_closed()
        assert [(TRADE, True, "subscribed")] == heard.links.all


async def test_replies_that_nobody_waits_for_are_counted() -> None:
    async with stream_venue() as venue, hearing(venue, [TRADE]) as heard:
        await heard.is_up([TRADE])
        line = await venue.line(0)
        await line.say(b'{"result":null,"id":99}', b'{"code":2,"msg":"no","id":1}', b"[]", b"\xc3\xbc", *trades(1, 1))
        await heard.has(*trades(1, 1))
        assert {"late reply": 2, "unknown frame": 2} == heard.streams.counts


async def test_an_error_without_a_number_is_the_answer_that_is_waited_for() -> None:
    async with stream_venue() as venue:
        venue.unanswered = 1
        async with hearing(venue, [TRADE], control=BRISK._replace(ack_s=60.0)) as heard:
            line = await venue.line(0)
            await venue.asked.until(lambda all_: len(all_) == 1)
            await line.say(b'{"error":{"code":3,"msg":"Invalid JSON"}}')
            await heard.is_up([TRADE])
            assert (TRADE, False, "the venue refuses it: 3: Invalid JSON") == heard.links.all[0]
