"""The loop turns exactly what a plain loop turns, and lets others run."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from petrosa.adapters.stores.journal.format import segment_path
from petrosa.adapters.stores.journal.listing import verify
from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.stores.journal.writer import JournalWriter
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.commands import PauseEntries, Shutdown
from petrosa.core.model.events import Decision, Event, Halted, Started, TimerDue
from petrosa.core.model.orders import Approved
from petrosa.core.turns import Turns
from petrosa.errors import StorageError
from petrosa.runtime.clocks import VirtualClock, WallClock
from petrosa.runtime.conflating import Frame, Topic
from petrosa.runtime.inbox import Heard, VirtualInbox
from petrosa.runtime.live_inbox import LiveInbox
from petrosa.runtime.loop import Loop, tell_or_halt
from petrosa.runtime.observed import Observed
from petrosa.runtime.outbox import Together
from tests.kit.disks import FullDisk
from tests.kit.toys import BTC, PROVENANCE, RUN, START, ToyDesk, batches, intent, market, nowhere, trade


class Process:
    """A toy desk under a loop on a virtual clock."""

    def __init__(
        self,
        folder: Path,
        source: AsyncIterator[Sequence[Heard]],
        speed: float = float("inf"),
        bytes_max: int = 1 << 30,
    ) -> None:
        self.observed = Observed()
        self.clock = VirtualClock(speed)
        self.journal = JournalWriter(folder, PROVENANCE, RUN, segment_bytes=bytes_max)
        self.desk = ToyDesk()
        self.desk.keep = True
        self.turns = Turns(self.desk, self.journal.record, nowhere)
        self.inbox = VirtualInbox(source, self.clock, self.observed, told_max=3)
        self.journal.rotate(0, START, b"{}")
        self.turns.other(Started("toy"), START)
        self.loop = Loop(self.turns, self.inbox, self.clock, self.journal, lambda: b"{}", self.observed)

    async def run(self) -> None:
        await self.loop.run()
        self.journal.close()


async def pulled(count: int) -> AsyncIterator[Sequence[Heard]]:
    for batch in batches(count):
        yield batch


def plain(folder: Path, count: int, bytes_max: int = 1 << 30) -> JournalWriter:
    """The same run without asyncio."""
    journal = JournalWriter(folder, PROVENANCE, RUN, segment_bytes=bytes_max)
    turns = Turns(ToyDesk(), journal.record, nowhere)
    journal.rotate(0, START, b"{}")
    turns.other(Started("toy"), START)
    for now, event in market(count):
        if journal.full:
            journal.rotate(turns.sequence, turns.now, b"{}")
        turns.market(event, now)
    journal.finish(turns.sequence, turns.now)
    journal.close()
    return journal


@pytest.mark.parametrize("speed", [float("inf"), 1e4])
async def test_the_loop_decides_as_a_plain_loop(tmp_path: Path, speed: float) -> None:
    """Paced or not, the journal of the runtime is the journal of a plain loop, byte for byte, segments included."""
    expected = plain(tmp_path / "plain", 400, 3_000)
    process = Process(tmp_path / "loop", pulled(400), speed, 3_000)
    await process.run()
    assert expected.sha256 == process.journal.sha256
    assert expected.head.segment == process.journal.head.segment > 1
    one = segment_path(tmp_path / "plain", 1).read_bytes()
    assert one == segment_path(tmp_path / "loop", 1).read_bytes()


async def test_timers_fire_in_order_before_the_event_at_or_after_them(tmp_path: Path) -> None:
    """No event of time t is turned before a timer due at t, and the desk never hears time run back."""
    process = Process(tmp_path, pulled(100))
    await process.run()
    times = [now for now, _ in process.desk.heard]
    assert sorted(times) == times
    timers = [
        (position, event.at) for position, (_, event) in enumerate(process.desk.heard) if isinstance(event, TimerDue)
    ]
    assert len(timers) == 9
    assert all(now < at for position, at in timers for now, _ in process.desk.heard[1:position] if now != at)


async def test_a_stop_is_a_command_in_the_journal(tmp_path: Path) -> None:
    """A stop is turned, settled in the run's time, checkpointed and closed, and the recording is not read on."""

    async def silent() -> AsyncIterator[Sequence[Heard]]:
        yield market(10)
        process.loop.stop("SIGTERM")
        await asyncio.Event().wait()

    process = Process(tmp_path, silent())
    await asyncio.wait_for(process.run(), 10.0)
    events = [turn.event for turn in JournalReader(tmp_path).turns()]
    assert any(isinstance(event, Shutdown) and event.reason == "SIGTERM" for event in events)
    assert process.turns.now == market(10)[-1][0] + 5 * NS_PER_SECOND
    proved = verify(tmp_path)
    assert (proved.closed, proved.segments) == (True, 2)


async def test_others_run_while_it_turns(tmp_path: Path) -> None:
    """An unpaced run of thousands of events lets another task go on many times."""
    process = Process(tmp_path, pulled(20_000))
    breaths = 0

    async def breathe() -> None:
        nonlocal breaths
        while True:
            await asyncio.sleep(0)
            breaths += 1

    other = asyncio.create_task(breathe())
    await process.run()
    other.cancel()
    assert breaths > 20


async def test_an_overflow_halts_the_desk(tmp_path: Path) -> None:
    """A command that the inbox cannot take turns into a `Halted` before anything else."""
    process = Process(tmp_path, pulled(10))
    command = PauseEntries("c", "ana", "x")
    assert [tell_or_halt(process.loop, command) for _ in range(4)] == [True, True, True, False]
    await process.run()
    events = [event for _, event in process.desk.heard[1:5]]
    assert isinstance(events[0], Halted)
    assert [command] * 3 == events[1:4]


async def test_a_full_disk_ends_the_loop(tmp_path: Path) -> None:
    """A journal that takes nothing more ends the run with its remedy, and no order leaves."""
    process = Process(tmp_path, pulled(100))
    sent: list[object] = []
    journal = JournalWriter(tmp_path / "full", PROVENANCE, RUN, opener=lambda path: FullDisk(path, 1_500))
    journal.rotate(0, START, b"{}")
    turns = Turns(ToyDesk(), journal.record, lambda order, now: sent.append(order))
    loop = Loop(turns, process.inbox, process.clock, journal, lambda: b"{}", process.observed)
    with pytest.raises(StorageError, match="nothing leaves any more"):
        await loop.run()
    assert sent == []
    journal.close()
    process.journal.close()


async def test_a_live_desk_hears_its_timers(tmp_path: Path) -> None:
    """Live, a timer fires by the wall although the market is silent, and its lateness is known."""
    observed = Observed()
    time = START

    def now() -> int:
        nonlocal time
        time += NS_PER_SECOND // 50
        return time

    class Ticking:
        def now(self) -> int:
            return now()

        async def sleep_until(self, at: int) -> None:
            """Nobody sleeps here."""

    def decode(frames: Sequence[Frame]) -> list[Heard]:
        return [(frame.arrival, trade(0, frame.arrival)) for frame in frames]

    inbox = LiveInbox(decode, lambda frame: Topic(BTC, "trade", conflate=False), now, observed)
    journal = JournalWriter(tmp_path, PROVENANCE, RUN)
    desk = ToyDesk()
    desk.keep = True
    turns = Turns(desk, journal.record, nowhere)
    loop = Loop(turns, inbox, Ticking(), journal, lambda: b"{}", observed, live=True)
    inbox.tell(Started("live"))
    running = asyncio.create_task(loop.run())
    while observed.timer_lateness.count < 5:
        await asyncio.sleep(0)
    inbox.offer(Frame(now(), "binance:usdm", b"x"))
    loop.stop("enough")
    await asyncio.wait_for(running, 10.0)
    journal.close()
    kinds = [type(event).__name__ for _, event in desk.heard]
    assert ["Started", *["TimerDue"] * 5] == kinds[:6]
    assert kinds[-1] == "Shutdown"


async def test_what_is_told_together_is_synced_together_before_any_of_it_leaves(tmp_path: Path) -> None:
    """Five turns with an order each: one fdatasync, and the orders behind it."""
    observed = Observed()
    journal = JournalWriter(tmp_path, PROVENANCE, RUN, grouped=True)
    journal.rotate(0, START, b"{}")
    left: list[int] = []
    together = Together(journal, lambda order, now: left.append(journal.syncs))

    class Eager:
        """Orders something whatever it hears."""

        def handle(self, event: Event, now: int) -> Sequence[Decision]:
            return () if isinstance(event, Shutdown) else (Approved(intent(now)),)

    clock = WallClock()
    inbox = LiveInbox(lambda frames: [], lambda frame: Topic(BTC, "trade", conflate=False), clock.now, observed)
    turns = Turns(Eager(), journal.record, together.send)
    loop = Loop(turns, inbox, clock, journal, lambda: b"{}", observed, live=True, leave=together.leave)
    before = journal.syncs
    for number in range(5):
        inbox.tell(PauseEntries(f"c-{number}", "somebody", "to have something to turn"))
    inbox.tell(Shutdown("s", "system", "all was told"))
    await loop.run()
    assert 5 == len(left)
    assert before < left[0] <= left[-1] < before + 5
    journal.close()
