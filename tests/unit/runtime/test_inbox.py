"""The inbox keeps the order, and loses nothing that it does not name."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from petrosa.core.model.base import NEVER
from petrosa.core.model.commands import PauseEntries, Shutdown
from petrosa.core.model.market import FeedState, FeedStateChanged, instrument_id
from petrosa.errors import OverflowHalt
from petrosa.runtime.clocks import VirtualClock
from petrosa.runtime.conflating import Frame, Topic
from petrosa.runtime.inbox import Heard, VirtualInbox
from petrosa.runtime.live_inbox import LiveInbox
from petrosa.runtime.observed import Observed
from tests.kit.toys import BTC, START, batches, market, trade

PAUSE = PauseEntries("c1", "ana", "lunch")


async def source(count: int, pulled: list[int] | None = None) -> AsyncIterator[Sequence[Heard]]:
    for batch in batches(count):
        if pulled is not None:
            pulled.append(len(batch))
        yield batch


async def everything(inbox: VirtualInbox) -> list[object]:
    taken: list[object] = []
    while (next_things := await inbox.take(NEVER)) is not None:
        taken += [*next_things.told, *next_things.heard]
    return taken


async def test_a_recording_comes_whole_and_in_order() -> None:
    """Whatever the pace, every event is handed out once, in order."""
    for speed in (float("inf"), 1e5):
        assert market(130) == await everything(VirtualInbox(source(130), VirtualClock(speed), Observed()))


async def test_the_next_batch_waits_for_the_last() -> None:
    """A batch is pulled only when the one before it has been handed out."""
    pulled: list[int] = []
    inbox = VirtualInbox(source(200, pulled), VirtualClock(), Observed())
    await inbox.take(NEVER)
    assert pulled == [50]
    await inbox.take(NEVER)
    assert pulled == [50, 50]


async def test_a_command_goes_before_the_next_event() -> None:
    """What is told is handed out at the next take, between two events of the recording."""
    inbox = VirtualInbox(source(200), VirtualClock(), Observed())
    await inbox.take(NEVER)
    inbox.tell(PAUSE)
    taken = await inbox.take(NEVER)
    assert taken is not None
    assert (list(taken.told), list(taken.heard)) == ([PAUSE], [])


async def test_a_command_wakes_a_paced_run() -> None:
    """While the next event is an hour away, a command is handed out at once."""

    async def an_hour_apart() -> AsyncIterator[Sequence[Heard]]:
        yield [(START, trade(0))]
        yield [(START + 3_600_000_000_000, trade(1))]

    inbox = VirtualInbox(an_hour_apart(), VirtualClock(1.0), Observed())
    await inbox.take(NEVER)
    waiting = asyncio.create_task(inbox.take(NEVER))
    await asyncio.sleep(0)
    inbox.tell(PAUSE)
    taken = await asyncio.wait_for(waiting, 5.0)
    assert taken is not None
    assert list(taken.told) == [PAUSE]


async def test_a_closed_inbox_still_hands_out_what_it_was_told() -> None:
    """Closing ends the recording, not the commands."""
    inbox = VirtualInbox(source(200), VirtualClock(), Observed())
    await inbox.take(NEVER)
    inbox.tell(PAUSE)
    inbox.close()
    assert await everything(inbox) == [PAUSE]


async def test_a_command_too_many_halts() -> None:
    """A command or fill that does not fit is an error for who tells it, never silence; a shutdown always fits."""
    inbox = VirtualInbox(source(1), VirtualClock(), Observed(), told_max=2)
    inbox.tell(PAUSE)
    inbox.tell(PAUSE)
    with pytest.raises(OverflowHalt, match="limit 2, and PauseEntries is one more"):
        inbox.tell(PAUSE)
    stop = Shutdown("c2", "system", "SIGTERM")
    inbox.tell(stop)
    assert [PAUSE, PAUSE, stop] == (await everything(inbox))[:3]


ETH = instrument_id("binance", "usdm", "ETHUSDT")


def topic_of(frame: Frame) -> Topic:
    """Payloads of these tests: `<symbol> <stream> <number>`."""
    symbol, stream, _ = frame.payload.decode().split()
    return Topic(instrument_id("binance", "usdm", symbol), stream, stream in {"quote", "depth"})


class Live:
    """A live inbox whose decoder remembers what was dequeued."""

    def __init__(self, capacity: int, told_max: int = 10) -> None:
        self.observed = Observed()
        self.dequeued: list[str] = []
        self.time = START
        self.inbox = LiveInbox(
            self._decode, topic_of, lambda: self.time, self.observed, capacity=capacity, told_max=told_max
        )

    def _decode(self, frames: Sequence[Frame]) -> list[Heard]:
        self.dequeued += [frame.payload.decode() for frame in frames]
        return [(frame.arrival, trade(0, frame.arrival)) for frame in frames]

    def offer(self, *texts: str) -> None:
        for text in texts:
            self.time += 1
            self.inbox.offer(Frame(self.time, "binance:usdm", text.encode()))

    async def drain(self) -> list[object]:
        told: list[object] = []
        while True:
            taken = await self.inbox.take(self.time)
            assert taken is not None
            if not taken.told and not taken.heard:
                return told
            told += taken.told


async def test_live_frames_keep_their_order() -> None:
    """While there is room, everything is dequeued as it came."""
    live = Live(10)
    live.offer("BTCUSDT trade 1", "BTCUSDT quote 1", "BTCUSDT quote 2", "BTCUSDT trade 2")
    assert await live.drain() == []
    assert live.dequeued == ["BTCUSDT trade 1", "BTCUSDT quote 1", "BTCUSDT quote 2", "BTCUSDT trade 2"]


async def test_a_full_inbox_keeps_the_newest_quote_of_each_instrument() -> None:
    """When full, a quote takes the place of the older one of its instrument, and the range is told."""
    live = Live(4)
    live.offer("BTCUSDT quote 1", "ETHUSDT quote 1", "BTCUSDT trade 1", "BTCUSDT trade 2")
    live.offer("BTCUSDT quote 2", "BTCUSDT quote 3", "ETHUSDT quote 2")
    told = await live.drain()
    assert live.dequeued == ["BTCUSDT trade 1", "BTCUSDT trade 2", "BTCUSDT quote 3", "ETHUSDT quote 2"]
    assert live.observed.drops == {"conflated quote": 3}
    assert [(event.instrument, event.state) for event in told if isinstance(event, FeedStateChanged)] == [
        (BTC, FeedState.LIVE),
        (ETH, FeedState.LIVE),
    ]
    assert "2 frames left out" in told[0].reason  # type: ignore[attr-defined]


async def test_a_quote_without_an_older_one_is_let_in() -> None:
    """An inbox full of trades does not lose the only quote of an instrument."""
    live = Live(2)
    live.offer("BTCUSDT trade 1", "BTCUSDT trade 2", "BTCUSDT quote 1", "BTCUSDT quote 2")
    await live.drain()
    assert live.dequeued == ["BTCUSDT trade 1", "BTCUSDT trade 2", "BTCUSDT quote 2"]


async def test_a_lost_trade_is_counted_and_told() -> None:
    """A trade that does not fit makes its stream stale at once, and live again with the range of what was lost."""
    live = Live(3)
    live.offer(*(f"BTCUSDT trade {n}" for n in range(5)))
    told = await live.drain()
    assert [e.state for e in told if isinstance(e, FeedStateChanged)] == [FeedState.STALE, FeedState.LIVE]
    assert live.observed.drops == {"lost trade": 2}
    assert f"2 frames left out, arrived {START + 4} to {START + 5}" in told[1].reason  # type: ignore[attr-defined]


async def test_a_live_fill_too_many_halts() -> None:
    """What is about money is never conflated: the teller gets the error."""
    live = Live(1, told_max=1)
    live.inbox.tell(PAUSE)
    with pytest.raises(OverflowHalt):
        live.inbox.tell(PAUSE)


async def test_a_due_timer_wakes_a_quiet_inbox() -> None:
    """With nothing to hand out, take returns empty when a timer is due, so that time can pass."""
    live = Live(1)
    taken = await asyncio.wait_for(live.inbox.take(live.time - 1), 5.0)
    assert taken is not None
    assert (list(taken.told), list(taken.heard)) == ([], [])


async def test_what_is_at_hand_needs_no_waiting() -> None:
    """Batches at hand are handed out one at a time, a command between them; only when there are none the source is
    asked, and all of it comes once and in order."""
    waiting = [market(200)[first : first + 50] for first in (0, 50)]
    pulled: list[int] = []

    async def rest() -> AsyncIterator[Sequence[Heard]]:
        for first in (100, 150):
            pulled.append(first)
            yield market(200)[first : first + 50]

    inbox = VirtualInbox(
        rest(), VirtualClock(), Observed(), at_hand=lambda: waiting.pop(0) if waiting else ()
    )  # fmt: skip
    first = await inbox.take(NEVER)
    inbox.tell(PAUSE)
    second, third = await inbox.take(NEVER), await inbox.take(NEVER)
    assert first is not None
    assert second is not None
    assert third is not None
    assert ([PAUSE], []) == (list(second.told), list(second.heard))
    assert market(100) == [*first.heard, *third.heard]
    assert [] == pulled
    assert market(200)[100:] == await everything(inbox)
