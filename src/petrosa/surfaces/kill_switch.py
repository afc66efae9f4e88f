"""The kill switch: how far a desk is stopped, by whom and why. It latches: only a person who resumes opens it again."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final, Protocol

import msgspec
from msgspec import Meta

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.commands import CancelEntries, Flatten, PauseEntries, ResumeEntries
from petrosa.core.model.events import Decision, Event, Halted
from petrosa.errors import PetrosaError


class Level(StrEnum):
    """From the mildest on. None of them touches what protects a position."""

    PAUSE_ENTRIES = "pause_entries"
    """No new entry."""
    CANCEL_OPENS = "cancel_opens"
    """And every resting order that could enlarge a position is cancelled."""
    FLATTEN = "flatten"
    """And every position is closed at market."""
    HALT = "halt"
    """As `cancel_opens`, as a halt: nothing leaves any more but what makes a position smaller. Positions stay."""


INCLUDES: Final[Mapping[Level, frozenset[Level]]] = {
    Level.PAUSE_ENTRIES: frozenset({Level.PAUSE_ENTRIES}),
    Level.CANCEL_OPENS: frozenset({Level.PAUSE_ENTRIES, Level.CANCEL_OPENS}),
    Level.FLATTEN: frozenset({Level.PAUSE_ENTRIES, Level.CANCEL_OPENS, Level.FLATTEN}),
    Level.HALT: frozenset({Level.PAUSE_ENTRIES, Level.CANCEL_OPENS, Level.HALT}),
}
"""What a level does, by the levels that it makes unnecessary."""
ORDER: Final = tuple(Level)

Reason = Annotated[str, Meta(min_length=1, max_length=500, description="Why; kept in the journal.")]


class KillRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far to stop, and why."""

    level: Level
    reason: Reason


class ResumeRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why entries may be taken again."""

    reason: Reason


class Engagement(msgspec.Struct, frozen=True):
    """A level that is latched; `actor` is empty where a halt names nobody. `at` is the desk's time."""

    level: Level
    actor: str
    reason: str
    at: datetime


class KillState(msgspec.Struct, frozen=True, kw_only=True):
    """How far a desk is stopped."""

    engaged: bool
    level: Annotated[Level | None, Meta(description="The furthest that is latched.")]
    engagements: tuple[Engagement, ...]
    waiting: Annotated[
        tuple[Level, ...], Meta(description="Asked for and not told yet: there is no desk yet, or its inbox is full.")
    ]
    file: Annotated[str, Meta(description="The file that holds the switch; empty where there is none.")]
    closed_because: Annotated[str, Meta(description="Why the desk takes no entry; empty while it takes them.")]


class KillAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it: `done` at a turn of the desk's journal, or `waiting`: the desk will turn it soon."""

    status: str
    sequence: int | None
    state: KillState


class FileHolds(PetrosaError):
    """The switch cannot be opened while its file is there."""


class NoDesk(PetrosaError):
    """No desk turns here: not yet, or not any more."""


class KillSwitch(Protocol):
    """The switch of one desk. It is never full, never limited, and waits for nothing but the desk's turn."""

    def state(self) -> KillState: ...

    async def engage(self, level: Level, actor: str, reason: str) -> KillAnswer:
        """Stop. Raises `NoDesk` when the desk has ended."""
        ...

    async def resume(self, actor: str, reason: str) -> KillAnswer:
        """Open it again. Raises `FileHolds`, and `NoDesk` where there is nothing to open."""
        ...


class Latch:
    """Folds the levels that are latched out of a desk's turns, so a journal that is turned again latches them again."""

    def __init__(self) -> None:
        self._engaged: dict[Level, Engagement] = {}

    def fold(self, _sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """This is `core.turns.Record`."""
        match event:
            case PauseEntries():
                self._engage(Level.PAUSE_ENTRIES, now, event.actor, event.reason)
            case CancelEntries() if self._engaged:
                self._engage(Level.CANCEL_OPENS, now, event.actor, event.reason)
            case Flatten():
                self._engage(Level.FLATTEN, now, event.actor, event.reason)
            case Halted():
                self._engage(Level.HALT, now, "", event.reason)
            case ResumeEntries():
                self._engaged.clear()
            case _:
                pass
        for decision in decisions:
            if type(decision) is Halted:
                self._engage(Level.HALT, now, "", decision.reason)

    def has(self, level: Level) -> bool:
        """Whether everything that a level does is latched already."""
        return any(level in INCLUDES[one] for one in self._engaged)

    @property
    def level(self) -> Level | None:
        """The furthest that is latched."""
        return max(self._engaged, key=ORDER.index, default=None)

    @property
    def engagements(self) -> tuple[Engagement, ...]:
        """In the order of the levels; of each level the first time."""
        return tuple(self._engaged[level] for level in ORDER if level in self._engaged)

    def restore(self, engagements: Sequence[Engagement]) -> None:
        """Be latched as a checkpoint says; the turns after it are folded then."""
        self._engaged = {one.level: one for one in engagements}

    def _engage(self, level: Level, now: int, actor: str, reason: str) -> None:
        at = datetime.fromtimestamp(now // NS_PER_SECOND, UTC)
        self._engaged.setdefault(level, Engagement(level, actor, reason, at))


def events_of(level: Level, command_id: str, actor: str, reason: str) -> tuple[Event, ...]:
    """What a desk is told so that the level holds. The last one stands for all."""
    pause, cancel = PauseEntries(command_id, actor, reason), CancelEntries(f"{command_id}-cancel", actor, reason)
    match level:
        case Level.PAUSE_ENTRIES:
            return (pause,)
        case Level.CANCEL_OPENS:
            return (pause, cancel)
        case Level.FLATTEN:
            return (Flatten(command_id, actor, reason),)
        case Level.HALT:
            return (pause, cancel, Halted(f"{reason} (by {actor})"))
