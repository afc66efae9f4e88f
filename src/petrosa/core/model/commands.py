"""What a person or another program may tell a desk, in the imperative. Each has an id, an actor and a reason."""

from typing import Any

import msgspec

from petrosa.core.model.base import Message
from petrosa.core.model.market import InstrumentId


class PauseEntries(Message, frozen=True, gc=False, tag="pause_entries"):
    """No new entry until `ResumeEntries`; exits and protection go on."""

    command_id: str
    actor: str
    reason: str


class ResumeEntries(Message, frozen=True, gc=False, tag="resume_entries"):
    command_id: str
    actor: str
    reason: str


class CancelEntries(Message, frozen=True, gc=False, tag="cancel_entries"):
    """Cancel every resting order that could enlarge a position; leave protection alone."""

    command_id: str
    actor: str
    reason: str


class Flatten(Message, frozen=True, gc=False, tag="flatten"):
    """Pause entries, close positions at market (one instrument, or all), then sweep what is left resting."""

    command_id: str
    actor: str
    reason: str
    instrument: InstrumentId | None = None


class Shutdown(Message, frozen=True, gc=False, tag="shutdown"):
    """No new entries, cancel entry orders, leave protection resting."""

    command_id: str
    actor: str
    reason: str


class SeatParameters(msgspec.Struct, frozen=True):
    """What holds for a strategy on one instrument: whether it runs, and all of its parameters by name."""

    instrument: InstrumentId
    enabled: bool
    parameters: dict[str, Any]


class Configure(Message, frozen=True, tag="configure"):
    """Let a strategy go on with these parameters: the whole effective set, so that a replay needs no store.

    Instruments that are not named stay as they are. `version` is that of the stored configuration that led to it.
    """

    command_id: str
    actor: str
    reason: str
    strategy_id: str
    version: int
    seats: tuple[SeatParameters, ...]


Command = PauseEntries | ResumeEntries | CancelEntries | Flatten | Shutdown | Configure
