"""The kill switch of a desk in this process: told by the HTTP surface, by a file, and by two signals of the system."""

import asyncio
import secrets
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from petrosa.apps.telling import Telling, Turning, turned
from petrosa.core.model.commands import ResumeEntries
from petrosa.surfaces.kill_switch import FileHolds, KillAnswer, KillState, Latch, Level, NoDesk, events_of

KILL_FILE: Final = "KILL"
"""In the data directory. It holds a level; anything else, and nothing, means `flatten`."""
LOOK_EVERY_S: Final = 1.0
SIGNALS: Final = {signal.SIGUSR1: Level.PAUSE_ENTRIES, signal.SIGUSR2: Level.FLATTEN}
READ_MAX: Final = 64

Report = Callable[[str], None]


class DeskKillSwitch:
    """A `KillSwitch`. What is asked for before there is a desk is the first thing that the desk is told.

    `latch` is one of the things that the desk's turns are shown to, those that a journal repeats included.
    """

    def __init__(self, telling: Telling, home: Path, report: Report) -> None:
        self.latch = Latch()
        self._telling = telling
        self._file = home / KILL_FILE
        self._report = report
        self._closed: Callable[[], str] = str
        self._waiting: dict[Level, tuple[str, str]] = {}
        self._obeyed: Level | None = None

    def attached(self, closed: Callable[[], str]) -> None:
        """There is a desk now, as the journal says it was; `closed` says why it takes no entry."""
        self._closed = closed
        for level in list(self._waiting):
            if self.latch.has(level):
                del self._waiting[level]
            else:
                self._hand_over(level)

    def state(self) -> KillState:
        level = self.latch.level
        return KillState(
            engaged=level is not None,
            level=level,
            engagements=self.latch.engagements,
            waiting=tuple(self._waiting),
            file=str(self._file) if level_in(self._file) is not None else "",
            closed_because=self._closed(),
        )

    async def engage(self, level: Level, actor: str, reason: str) -> KillAnswer:
        if self._telling.is_over:
            raise NoDesk("the desk has ended; it takes no entry any more")
        turning = self._tell(level, actor, reason)
        return await self._answer(turning)

    async def resume(self, actor: str, reason: str) -> KillAnswer:
        if level_in(self._file) is not None:
            raise FileHolds(f"{self._file} is there, and holds the switch; remove it, then resume")
        self._obeyed = None
        if not self._telling.is_open:
            if self._telling.is_over or not self._waiting:
                raise NoDesk("no desk turns here, so there is nothing to resume; ask again when /ready says it is")
            self._waiting.clear()
            return KillAnswer(status="done", sequence=None, state=self.state())
        self._report(f"kill switch: opened by {actor}: {reason}")
        return await self._answer(self._telling.tell(ResumeEntries(_command_id("resume"), actor, reason)))

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Obey the file and the signals until the block ends."""
        loop = asyncio.get_running_loop()
        for number, level in SIGNALS.items():
            loop.add_signal_handler(number, self._tell, level, "signal", number.name)
        self.look()
        watch = asyncio.create_task(self._watch(), name="kill file")
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
            for number in SIGNALS:
                loop.remove_signal_handler(number)

    def look(self) -> None:
        """Look for the file, and obey it once; another level in it is obeyed too. What still waits is told again."""
        for waiting in list(self._waiting):
            self._hand_over(waiting)
        level = level_in(self._file)
        if level is None:
            self._obeyed = None
        elif level is not self._obeyed:
            if self._telling.is_open and self.latch.has(level):
                self._obeyed = level
            elif not self._telling.is_over:
                self._tell(level, "file", f"{self._file} is there")
                self._obeyed = level

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.look()

    def _tell(self, level: Level, actor: str, reason: str) -> Turning | None:
        """Tell the desk, now or as soon as it can be told; the turn that ends it."""
        self._report(f"kill switch: {level} by {actor}: {reason}")
        self._waiting.setdefault(level, (actor, reason))
        return self._hand_over(level)

    def _hand_over(self, level: Level) -> Turning | None:
        """What waits for a desk stays where it is while there is none, and while its inbox is full."""
        if not self._telling.is_open:
            return None
        told = None
        for event in events_of(level, _command_id(level), *self._waiting[level]):
            told = self._telling.tell(event)
            if told is None:
                return None
        del self._waiting[level]
        return told

    async def _answer(self, turning: Turning | None) -> KillAnswer:
        found = None if turning is None else await turned(turning)
        sequence = None if found is None else found.sequence
        return KillAnswer(status="waiting" if sequence is None else "done", sequence=sequence, state=self.state())


def level_in(file: Path) -> Level | None:
    """What the file asks for; none where there is none. One that is empty or cannot be read asks for `flatten`."""
    try:
        with file.open("rb") as opened:
            text = opened.read(READ_MAX).decode("utf-8", "replace").strip().lower().replace("-", "_")
    except FileNotFoundError:
        return None
    except OSError:
        return Level.FLATTEN
    return Level(text) if text in set(Level) else Level.FLATTEN


def _command_id(what: str) -> str:
    return f"kill-{what}-{secrets.token_hex(8)}"
