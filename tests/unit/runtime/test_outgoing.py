"""A publisher that is slower than the market: what is conflated, what is lost, and how it is told."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.model.market import FeedState, FeedStateChanged, InstrumentId
from petrosa.runtime.conflating import Frame, Topic
from petrosa.runtime.outgoing import Outgoing
from tests.kit.soak import examples

NEWEST = frozenset({"quote", "ticker", "depth"})


def topic_of(frame: Frame) -> Topic:
    symbol, stream, _ = frame.payload.decode().split()
    return Topic(InstrumentId(symbol), stream, stream in NEWEST)


class Slow:
    """A queue of so many frames, and what is said of it."""

    def __init__(self, capacity: int) -> None:
        self.time = 1_000
        self.said: list[FeedStateChanged] = []
        self.lost: list[Topic] = []
        self.queue = Outgoing(
            "binance:spot", topic_of, lambda: self.time, self.said.append, self.lost.append, capacity=capacity
        )

    def offer(self, *texts: str) -> None:
        for text in texts:
            self.time += 1
            self.queue.offer(self.time, "stream", text.encode())

    async def take(self, most: int = 100) -> list[str]:
        return [frame.payload.decode() for frame in await self.queue.take(most)]


async def test_frames_keep_their_order_and_arrival() -> None:
    slow = Slow(10)
    slow.offer("BTC trade 1", "BTC quote 1", "BTC quote 2")
    frames = await slow.queue.take(2)
    assert [Frame(1_001, "binance:spot", b"BTC trade 1"), Frame(1_002, "binance:spot", b"BTC quote 1")] == frames
    assert (["BTC quote 2"], {}) == (await slow.take(), slow.queue.drops)


async def test_the_newest_quote_takes_the_place_of_an_older_one() -> None:
    slow = Slow(4)
    slow.offer("BTC quote 1", "ETH quote 1", "BTC trade 1", "BTC depth 1", "BTC quote 2", "BTC depth 2", "ETH quote 2")
    assert ["BTC trade 1", "BTC quote 2", "BTC depth 2", "ETH quote 2"] == await slow.take()
    assert {"conflated quote": 2, "conflated depth": 1} == slow.queue.drops
    assert [] == slow.lost


async def test_a_lost_trade_is_counted_said_and_nothing_waits_for_it() -> None:
    slow = Slow(3)
    slow.offer(*(f"BTC trade {number}" for number in range(5)))
    assert [("trade (outgoing)", FeedState.STALE)] == [(one.stream, one.state) for one in slow.said]
    assert ["BTC trade 0", "BTC trade 1", "BTC trade 2"] == await slow.take()
    assert [FeedState.STALE, FeedState.LIVE] == [one.state for one in slow.said]
    assert "outgoing full at 3: 2 frames left out, arrived 1004 to 1005" == slow.said[-1].reason
    assert ({"lost trade": 2}, [Topic(InstrumentId("BTC"), "trade", False)]) == (slow.queue.drops, slow.lost)


async def test_whoever_takes_waits_for_a_frame_or_the_end() -> None:
    slow = Slow(3)
    taking = asyncio.create_task(slow.take())
    await asyncio.sleep(0)
    slow.offer("BTC trade 1")
    assert ["BTC trade 1"] == await taking
    taking = asyncio.create_task(slow.take())
    await asyncio.sleep(0)
    slow.queue.close()
    slow.offer("BTC trade 2")
    assert [] == await taking


@given(st.data())
@examples(100)
def test_whatever_comes_is_handed_out_or_counted(data: st.DataObject) -> None:
    """In order; of what conflates the newest is always there; nothing else is ever conflated."""
    slow = Slow(data.draw(st.integers(1, 8)))
    streams = st.sampled_from([f"{symbol} {kind}" for symbol in ("BTC", "ETH") for kind in ("quote", "trade", "bar")])
    out: list[str] = []
    said = 0
    newest: dict[str, str] = {}

    async def go() -> None:
        nonlocal said
        for number in range(data.draw(st.integers(1, 60))):
            stream = data.draw(streams)
            slow.offer(f"{stream} {number}")
            said += 1
            if stream.split()[1] in NEWEST:
                newest[stream] = f"{stream} {number}"
            if len(slow.queue) and data.draw(st.integers(0, 3)) == 0:
                out.extend(await slow.take(data.draw(st.integers(1, 4))))
        while len(slow.queue):
            out.extend(await slow.take())

    asyncio.run(go())
    numbers = [int(text.split()[2]) for text in out]
    assert sorted(numbers) == numbers
    assert said == len(out) + slow.queue.drops.total()
    assert set(newest.values()) <= set(out)
    assert {"conflated quote", "lost trade", "lost bar"} >= set(slow.queue.drops)
    lost = {one.stream for one in slow.said if one.state is FeedState.STALE}
    assert {f"{name.split()[1]} (outgoing)" for name in slow.queue.drops if name.startswith("lost")} == lost
