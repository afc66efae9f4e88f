"""Real recordings with holes punched into them: the book and the trades come out as if nothing had been missed."""

import asyncio
import random
from collections.abc import Iterator
from itertools import islice

import msgspec
import pytest

from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.frame import RawFrame
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Depth
from tests.kit.instruments import instrument
from tests.kit.recordings import recording_dir
from tests.kit.soak import sample
from tests.kit.true_market import DEEP, PATIENT, Fed, TrueMarket, fed

pytestmark = pytest.mark.recordings
KINDS = {"spot": ("trade", "bookTicker", "depth@100ms"), "usdm": ("trade", "bookTicker", "depth@0ms")}
RULES: dict[str, list[Instrument]] = {
    "spot": [instrument("BTCUSDT"), instrument("ETHUSDT")],
    "usdm": [instrument("BTCUSDT", "usdm", tick="0.1", step="0.001"), instrument("ETHUSDT", "usdm", step="0.001")],
}
FRAMES = sample(25_000, 10**9)
SNAPSHOT = b'@snapshot","data"'


def frames_of(product: str) -> Iterator[tuple[int, bytes]]:
    return ((one.arrival, one.payload) for batch in Recording([recording_dir(product)]).batches() for one in batch)


def heard(chance: random.Random, count: int, outages: int, longest: int) -> list[bool]:
    """Which frames are heard: outages of the connection, and single frames that go missing. The last ones are."""
    flags = [chance.random() > 0.0005 for _ in range(count)]
    for _ in range(outages):
        start = chance.randrange(count // 20, count - longest - 500)
        length = chance.randrange(1, longest)
        flags[start : start + length] = [False] * length
    flags[-400:] = [True] * 400
    return flags


async def play(market: TrueMarket, feed: Fed, frames: list[tuple[int, bytes]], flags: list[bool]) -> None:
    """As fast as it goes; answers of the venue come in between, while the market goes on."""
    for number, ((arrival, frame), is_heard) in enumerate(zip(frames, flags, strict=True)):
        if SNAPSHOT in frame[:40]:
            market.happen(frame, arrival)  # over REST, if the feed asks for it
            continue
        feed.play(frame, arrival, heard=is_heard)
        if number % 25 == 0:
            await asyncio.sleep(0)


@pytest.mark.parametrize("product", ["spot", "usdm"])
@pytest.mark.parametrize("seed", sample([1], [1, 2, 3]))
async def test_a_recording_with_holes_is_whole_again(product: str, seed: int) -> None:
    frames = list(islice(frames_of(product), FRAMES))
    flags = heard(random.Random(seed), len(frames), outages=6, longest=900)
    market = TrueMarket(product, RULES[product])
    async with fed(market, KINDS[product]) as feed:
        await play(market, feed, frames, flags)
        await feed.until(lambda: feed.is_settled)
        for symbol, book in market.books.items():
            built = feed.reader.books[symbol]
            assert (book.last_update_id, True) == (built.last_update_id, built.whole)
            for side in (Side.BUY, Side.SELL):
                assert book.top(side, DEEP) == built.top(side, DEEP)
            first = feed.reader.ids(symbol)[0]
            assert [row["t"] for row in market.trades[symbol] if row["t"] >= first] == feed.reader.ids(symbol)
            prices = [float(row["p"]) for row in market.trades[symbol] if row["t"] >= first]
            assert prices == [one.price for one in feed.reader.trades[symbol]]
        arrivals = [arrival for arrival, _, _ in feed.reader.frames]
        assert sorted(arrivals) == arrivals
        assert [] == feed.lost
        assert feed.feed.counts["trade filled"] > 100
        assert sum(one.gaps for one in feed.feed.books.values()) == len(feed.gaps) == feed.reader.gaps >= 4


@pytest.mark.parametrize("product", ["spot", "usdm"])
async def test_a_recording_without_holes_asks_for_nothing_but_its_books(product: str) -> None:
    frames = list(islice(frames_of(product), sample(8_000, 10**9)))
    market = TrueMarket(product, RULES[product])
    async with fed(market, KINDS[product]) as feed:
        await play(market, feed, frames, [True] * len(frames))
        await feed.until(lambda: feed.is_settled)
        assert {"depth"} == set(market.asked)
        assert (0, 0, []) == (len(feed.gaps), feed.reader.gaps, feed.lost)
        played = [frame for _, frame in frames if SNAPSHOT not in frame[:40]]
        assert played == [frame for _, stream, frame in feed.reader.frames if not stream.endswith("@snapshot")]


@pytest.mark.parametrize("product", ["spot", "usdm"])
async def test_depth_made_of_the_books_is_what_a_replay_makes_of_the_same_frames(product: str) -> None:
    """At the same times, with the same levels, holes or not."""
    frames = list(islice(frames_of(product), sample(8_000, 10**9)))
    flags = heard(random.Random(7), len(frames), outages=3, longest=300)
    market = TrueMarket(product, RULES[product])
    params = msgspec.structs.replace(PATIENT, depth20_from_book=True)
    async with fed(market, [*KINDS[product], "depth20@100ms"], params) as feed:
        await play(market, feed, frames, flags)
        await feed.until(lambda: feed.is_settled)
        made = [one for one in feed.reader.frames if one[1].endswith("@depth20@100ms")]
        heard_ones = [
            RawFrame(arrival, frame) for arrival, stream, frame in feed.reader.frames if "depth20" not in stream
        ]
    parser, symbols = Parser("binance", product, list(market.books)), list(market.books)
    replay = Normaliser(Parser("binance", product, symbols), market.instruments, 0, shift=0)
    again = [event for now, event in replay.feed(heard_ones) if isinstance(event, Depth)]
    facts = [parser.parse(frame, arrival) for arrival, _, frame in made]
    assert len(again) > 300
    assert [shown(one) for one in again] == [shown(one) for one in facts if isinstance(one, Depth)]


def shown(depth: Depth) -> tuple[object, ...]:
    """Everything but the venue's time, which the frames of spot do not have."""
    return tuple(getattr(depth, name) for name in depth.__struct_fields__ if name != "ts_event")
