"""Books that are joined to snapshots over REST, and broken where a difference is missing."""

from collections.abc import Iterable

import msgspec
import pytest

from petrosa.adapters.venues.binance.live.books import Pacer, depth_request
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import FeedState
from petrosa.errors import ConfigError
from tests.kit.instruments import instrument
from tests.kit.market_frames import difference, snapshot, trade
from tests.kit.true_market import PATIENT, Answer, Fed, TrueMarket, fed

LIVE, STALE = FeedState.LIVE, FeedState.STALE
NAMES = ("BTCUSDT", "ETHUSDT")


def market(*symbols: str) -> TrueMarket:
    """Books that begin at id 1."""
    made = TrueMarket("spot", [instrument(symbol) for symbol in symbols or NAMES[:1]])
    for symbol in made.books:
        made.happen(snapshot(1, symbol=symbol), 1)
    return made


def play(feed: Fed, numbers: Iterable[int], *, missed: Iterable[int] = (), symbol: str = "BTCUSDT") -> None:
    gone = frozenset(missed)
    for number in numbers:
        feed.play(difference(number, [(f"{90 + number % 9}.00", f"{number}.0")], symbol), heard=number not in gone)


def is_same(feed: Fed, symbol: str = "BTCUSDT") -> bool:
    """Whether who has nothing but the frames has the venue's book."""
    true, built = feed.market.books[symbol], feed.reader.books[symbol]
    sides = (Side.BUY, Side.SELL)
    return built.whole and all(true.top(side, 100) == built.top(side, 100) for side in sides)


async def test_a_book_is_joined_to_a_snapshot_that_is_handed_on() -> None:
    async with fed(market(), ["depth@100ms"]) as feed:
        play(feed, range(2, 6))
        assert not feed.feed.books["BTCUSDT"].is_synchronised
        await feed.until(lambda: feed.is_settled)
        play(feed, range(6, 9))
        assert is_same(feed)
        streams = [stream.partition("@")[2] for _, stream, _ in feed.reader.frames]
        assert ["depth@100ms"] * 4 + ["snapshot"] + ["depth@100ms"] * 3 == streams
        assert [STALE, LIVE] == feed.said("depth@100ms")
        assert (True, feed.now - 3_000_000, 8, 0, 1) == feed.feed.books["BTCUSDT"]


async def test_a_missing_difference_breaks_the_book_until_the_next_snapshot() -> None:
    async with fed(market(), ["depth@100ms"]) as feed:
        play(feed, range(2, 6))
        await feed.until(lambda: feed.is_settled)
        play(feed, range(6, 12), missed=[8, 9])
        (gap,) = feed.gaps
        assert (8, 10, False) == (gap.expected, gap.got, feed.feed.books["BTCUSDT"].is_synchronised)
        assert (False, 1) == (feed.reader.books["BTCUSDT"].whole, feed.reader.gaps)
        assert "the book is out of sync: 8 was expected, 10 came" == feed.feed.states["btcusdt@depth@100ms"].reason
        await feed.until(lambda: feed.is_settled)
        assert is_same(feed)
        assert [STALE, LIVE, STALE, LIVE] == feed.said("depth@100ms")
        assert (1, 2) == feed.feed.books["BTCUSDT"][3:]


async def test_a_lost_connection_that_lost_nothing_breaks_nothing() -> None:
    async with fed(market(), ["depth@100ms"]) as feed:
        play(feed, range(2, 6))
        await feed.until(lambda: feed.is_settled)
        feed.lose()
        assert STALE is feed.feed.states["btcusdt@depth@100ms"].state
        feed.regain()
        play(feed, range(6, 9))
        assert ([], {"depth": 1}) == (feed.gaps, feed.market.asked)
        assert LIVE is feed.feed.states["btcusdt@depth@100ms"].state


async def test_a_snapshot_from_before_the_differences_is_not_handed_on() -> None:
    truth = market()
    old: list[Answer] = [(200, {"lastUpdateId": 1, "bids": [], "asks": []})] * 3
    truth.fail = lambda _path, _params: old.pop() if old else None
    async with fed(truth, ["depth@100ms"]) as feed:
        play(feed, range(2, 8), missed=[2, 3])
        await feed.until(lambda: feed.is_settled)
        assert is_same(feed)
        assert {"snapshot older than the differences": 3} == feed.feed.counts
        assert 1 == sum(stream.endswith("@snapshot") for _, stream, _ in feed.reader.frames)
        assert 0 == feed.reader.gaps


@pytest.mark.parametrize("answer", [(503, {"code": -1008, "msg": "x"}), (200, b"[]"), (429, {"code": -1003})])
async def test_a_book_is_asked_for_until_there_is_one(answer: Answer) -> None:
    truth = market()
    answers = [answer] * 4
    truth.fail = lambda _path, _params: answers.pop() if answers else None
    async with fed(truth, ["depth@100ms"]) as feed:
        play(feed, range(2, 8))
        if answer[0] != 429:  # who was told to pause does so for a while
            await feed.until(lambda: feed.is_settled)
            assert is_same(feed)
        else:
            await feed.until(lambda: feed.feed.counts["book asked for: RateLimited"] > 0)
        assert any(name.startswith("book asked for: ") for name in feed.feed.counts)


async def test_each_book_is_asked_for_once_and_their_number_is_paced() -> None:
    names = [f"S{number}USDT" for number in range(12)]
    params = msgspec.structs.replace(PATIENT, books_per_second=1, books_at_once=5)
    truth = market(*names)
    async with fed(truth, ["depth@100ms"], params) as feed:
        for symbol in names:
            play(feed, range(2, 5), symbol=symbol)
        await feed.until(lambda: feed.is_settled)
        assert {"depth": 12} == truth.asked
        assert all(is_same(feed, symbol) for symbol in names)


def test_a_pace_lets_a_few_pass_at_once_and_then_one_after_the_other() -> None:
    pacer, now = Pacer(2.0, 3), 100 * NS_PER_SECOND
    assert [0.0, 0.0, 0.0, 0.5, 1.0] == [pacer.take(now) for _ in range(5)]
    assert [0.0, 0.5] == [pacer.take(now + round(1.5 * NS_PER_SECOND)) for _ in range(2)]
    assert [0.0] * 3 == [pacer.take(now + 60 * NS_PER_SECOND) for _ in range(3)]


async def test_a_book_can_be_asked_for_anew() -> None:
    """Whoever begins a file, or has left a difference out, needs a snapshot that is not older."""
    truth = market()
    async with fed(truth, ["depth@100ms"]) as feed:
        play(feed, range(2, 6))
        await feed.until(lambda: feed.is_settled)
        old: list[Answer] = [(200, {"lastUpdateId": 4, "bids": [], "asks": []})]
        truth.fail = lambda _path, _params: old.pop() if old else None
        feed.feed.ask_books(["BTCUSDT"], "a new file")
        await feed.until(lambda: feed.feed.books["BTCUSDT"].snapshots == 2)
        assert b'"lastUpdateId": 5' in feed.reader.frames[-1][2]
        play(feed, range(6, 8))
        assert is_same(feed)
        assert ([], 1) == (feed.gaps, feed.feed.counts["book asked for anew: a new file"])


async def test_symbols_do_not_disturb_each_other() -> None:
    async with fed(market(*NAMES), ["depth@100ms"]) as feed:
        for symbol in NAMES:
            play(feed, range(2, 6), symbol=symbol)
        await feed.until(lambda: feed.is_settled)
        play(feed, range(6, 10), missed=[7])
        play(feed, range(6, 10), symbol="ETHUSDT")
        assert [False, True] == [feed.feed.books[symbol].is_synchronised for symbol in NAMES]


async def test_a_difference_without_ids_is_handed_on_for_others_to_refuse() -> None:
    async with fed(market(), ["depth@100ms"]) as feed:
        feed.repeat(b'{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate"}}')
        assert (1, {"difference without ids": 1}) == (len(feed.reader.frames), feed.feed.counts)


# depth of the books

BUILT = msgspec.structs.replace(PATIENT, depth20_from_book=True)


async def test_depth_is_made_of_a_whole_book_at_tenths_of_a_second() -> None:
    """Where it was wanted differences are listened to instead."""
    async with fed(market(), ["depth20@100ms", "trade"], BUILT) as feed:
        assert ["btcusdt@trade", "btcusdt@depth@100ms"] == list(feed.line.streams)
        play(feed, range(2, 6))
        await feed.until(lambda: feed.is_settled)
        begun = len(feed.reader.frames)
        tenth = NS_PER_SECOND // 10
        due = feed.now - feed.now % tenth + tenth
        play(feed, range(6, 9))
        feed.play(trade(1), due + 5)
        made = [one for one in feed.reader.frames[begun:] if one[1].endswith("depth20@100ms")]
        (first,) = [one for one in made if one[0] == due]
        book = msgspec.json.decode(first[2])["data"]
        assert (8, ["98.00000000", "8.00000000"]) == (book["lastUpdateId"], book["bids"][1])
        assert "btcusdt@trade" == feed.reader.frames[-1][1]


async def test_no_depth_is_made_of_a_broken_book() -> None:
    async with fed(market(), ["depth20@100ms"], BUILT) as feed:
        play(feed, range(2, 6))
        await feed.until(lambda: feed.is_settled)
        feed.market.fail = lambda _path, _params: (503, {"code": -1008, "msg": "x"})
        feed.now += NS_PER_SECOND
        play(feed, [7])
        begun = len(feed.reader.frames)
        for number in range(8, 12):
            feed.now += NS_PER_SECOND
            play(feed, [number])
        assert ["depth@100ms"] * 4 == [stream.partition("@")[2] for _, stream, _ in feed.reader.frames[begun:]]


async def test_a_price_off_the_tick_breaks_nothing() -> None:
    """It is in the depth that is made of the book, as the venue wrote it."""
    async with fed(market(), ["depth20@100ms"], BUILT) as feed:
        play(feed, range(2, 6))
        await feed.until(lambda: feed.is_settled)
        feed.repeat(difference(6, [("98.001", "1.0")]))
        assert (0, True) == (len(feed.gaps), feed.feed.books["BTCUSDT"].is_synchronised)
        feed.now += NS_PER_SECOND
        await feed.until(lambda: any(b'["98.00100000",' in frame for _, _, frame in feed.reader.frames))


# what is asked


@pytest.mark.parametrize(
    ("rules", "levels", "given", "weight"),
    [
        ("spot", 100, "100", 5), ("spot", 101, "101", 25), ("spot", 1_000, "1000", 50), ("spot", 5_000, "5000", 250),
        ("usdm", 20, "50", 2), ("usdm", 1_000, "1000", 20), ("usdm", 5_000, "1000", 20),
    ],
)  # fmt: skip
def test_a_book_is_asked_for_at_its_price(rules: str, levels: int, given: str, weight: int) -> None:
    request = depth_request(rules, "BTCUSDT", levels)
    assert (given, weight, False) == (request.params["limit"], request.weight, request.signed)


async def test_a_stream_that_there_is_not_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"ticks, trades is not a stream"):
        async with fed(market(), ["trade", "trades", "ticks"]):
            pass
