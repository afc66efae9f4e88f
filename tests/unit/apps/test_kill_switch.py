"""The kill switch of a process: its file, the signals of the system, and what is asked for before there is a desk."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from petrosa.apps.kill_switch import KILL_FILE, level_in
from petrosa.core.model.commands import CancelEntries, Flatten, PauseEntries, ResumeEntries
from petrosa.core.model.events import Halted
from petrosa.surfaces.kill_switch import FileHolds, Latch, Level, NoDesk, events_of
from tests.kit.desk import MovedDesk


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("flatten", Level.FLATTEN),
        (" Pause-Entries\n", Level.PAUSE_ENTRIES),
        ("cancel_opens", Level.CANCEL_OPENS),
        ("HALT", Level.HALT),
        ("", Level.FLATTEN),
        ("stop everything", Level.FLATTEN),
        ("\x00" * 1_000, Level.FLATTEN),
    ],
)
def test_a_file_holds_a_level(tmp_path: Path, text: str, level: Level) -> None:
    """What is not understood flattens: somebody wanted it to stop."""
    file = tmp_path / KILL_FILE
    assert level_in(file) is None
    file.write_text(text)
    assert level is level_in(file)


def test_a_file_that_cannot_be_read_flattens(tmp_path: Path) -> None:
    """A folder of that name is such a thing."""
    (tmp_path / KILL_FILE).mkdir()
    assert Level.FLATTEN is level_in(tmp_path / KILL_FILE)


async def test_the_file_stops_the_desk_and_holds_the_switch(tmp_path: Path) -> None:
    """It is obeyed once; another level in it is obeyed too; with it the switch cannot be opened, without it it can."""
    desk, file = MovedDesk(tmp_path), tmp_path / KILL_FILE
    switch = desk.control.switch
    async with desk.running():
        await desk.move()
        file.write_text("pause_entries")
        for _ in range(3):
            switch.look()
        await desk.move()
        assert (Level.PAUSE_ENTRIES, f"paused by file: {file} is there") == (switch.latch.level, desk.trader.closed)
        assert 1 == len(desk.said)
        file.write_text("halt")
        switch.look()
        await desk.move()
        assert Level.HALT is switch.latch.level
        with pytest.raises(FileHolds, match="remove it, then resume"):
            await switch.resume("me", "please")
        file.unlink()
        switch.look()
        assert Level.HALT is switch.latch.level
        assert "done" == (await switch.resume("me", "it is over")).status
        assert (None, "") == (switch.latch.level, desk.trader.closed)


async def test_a_file_from_before_is_the_first_thing_a_desk_is_told(tmp_path: Path) -> None:
    """Before the first fact of the market is turned."""
    (tmp_path / KILL_FILE).touch()
    desk = MovedDesk(tmp_path)
    async with desk.control.watching(), desk.running():
        await desk.move()
        desk.journal.sync()
        assert desk.control.switch.latch.engagements[0].reason.endswith("KILL is there")
        assert desk.trader.closed.startswith("flattened by file")


@pytest.mark.parametrize(("number", "level"), [(signal.SIGUSR1, Level.PAUSE_ENTRIES), (signal.SIGUSR2, Level.FLATTEN)])
async def test_signals_of_the_system_stop_the_desk(tmp_path: Path, number: signal.Signals, level: Level) -> None:
    """Each its level, with its name in the journal."""
    desk = MovedDesk(tmp_path)
    async with desk.control.watching(), desk.running():
        await desk.move()
        os.kill(os.getpid(), number)
        async with asyncio.timeout(10):
            while desk.control.switch.latch.level is None:
                await asyncio.sleep(0)
        assert (level, number.name) == (
            desk.control.switch.latch.level, desk.control.switch.latch.engagements[0].reason,
        )  # fmt: skip


async def test_a_desk_that_stops_takes_nothing_more(tmp_path: Path) -> None:
    """What could not be turned any more is not promised."""
    desk = MovedDesk(tmp_path)
    async with desk.running():
        await desk.move()
        desk.loop.stop("a test")
        with pytest.raises(NoDesk, match="ended"):
            await desk.control.switch.engage(Level.FLATTEN, "me", "late")


async def test_a_desk_with_a_full_inbox_is_told_as_soon_as_it_can_be(tmp_path: Path) -> None:
    """It halts by itself meanwhile; the flattening is not lost."""
    desk = MovedDesk(tmp_path, told_max=1)
    switch = desk.control.switch
    async with desk.running():
        desk.inbox.tell(ResumeEntries("c", "another", "fills the inbox"))
        answer = await switch.engage(Level.FLATTEN, "me", "now")
        assert ("waiting", (Level.FLATTEN,)) == (answer.status, answer.state.waiting)
        await desk.move()
        switch.look()
        await desk.move()
        assert ((), True) == (switch.state().waiting, switch.latch.has(Level.FLATTEN))


def test_a_latch_is_a_fold_of_turns() -> None:
    """Cancelling alone latches nothing; a halt of the desk itself does; resuming takes back all."""
    latch = Latch()
    latch.fold(1, 0, CancelEntries("c", "a", "r"), ())
    assert latch.level is None
    for level in (Level.CANCEL_OPENS, Level.FLATTEN):
        for event in events_of(level, "c", "alice", "why"):
            latch.fold(2, 10**9, event, ())
    assert [Level.PAUSE_ENTRIES, Level.CANCEL_OPENS, Level.FLATTEN] == [one.level for one in latch.engagements]
    latch.fold(3, 0, ResumeEntries("c", "a", "r"), (Halted("the desk's own"),))
    assert (Level.HALT, "the desk's own") == (latch.level, latch.engagements[0].reason)
    assert (True, False) == (latch.has(Level.CANCEL_OPENS), latch.has(Level.FLATTEN))


def test_every_level_is_told_in_whole() -> None:
    """Each includes what is milder, and none closes positions but `flatten`."""
    kinds = {level: [type(event) for event in events_of(level, "c", "a", "r")] for level in Level}
    assert {
        Level.PAUSE_ENTRIES: [PauseEntries],
        Level.CANCEL_OPENS: [PauseEntries, CancelEntries],
        Level.FLATTEN: [Flatten],
        Level.HALT: [PauseEntries, CancelEntries, Halted],
    } == kinds
