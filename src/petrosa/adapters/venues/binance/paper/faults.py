"""Faults on request: what goes wrong, how often, and for whom, decided by a seed so that a test can have it again."""

import random
from enum import Enum
from typing import Annotated, Final

import msgspec
from msgspec import Meta

FAULTS_MAX: Final = 100


class FaultKind(Enum):
    LATENCY = "latency"
    """The request is answered `delay_ms` later than it would be; it takes effect after the delay."""
    DROP = "drop"
    """The connection ends before the request was looked at: nothing has happened."""
    ERROR_AFTER_ACCEPT = "error_after_accept"
    """The request takes effect, and is answered with `status` (503) as if nobody knew."""
    SILENCE_AFTER_ACCEPT = "silence_after_accept"
    """The request takes effect and is never answered: the connection ends after `delay_ms`."""
    DUPLICATE_EVENT = "duplicate_event"
    """A user event is sent twice."""
    REORDER_EVENTS = "reorder_events"
    """A user event is sent after the one that follows it."""
    DISCONNECT_STREAM = "disconnect_stream"
    """User streams of the account end instead of telling an event."""
    STALE_BOOK = "stale_book"
    """The public book stands still, in answers and streams, for as long as the fault is there; `rate` means nothing."""
    RATE_LIMITED = "rate_limited"
    """429 with Retry-After, before the request was looked at."""
    OVERLOADED = "overloaded"
    """503 with -1008, before the request was looked at: nothing has happened."""
    BANNED = "banned"
    """418 with Retry-After, before the request was looked at."""
    REJECT = "reject"
    """400 with `code`, before the request was looked at: nothing has happened."""
    THIN_BOOK = "thin_book"
    """An order that comes to the market finds counterparties for `share` of itself; the rest as its type says."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault. It strikes each concerned request or event by chance `rate`, at most `count` times.

    `method` and `path` (a beginning) limit which requests are concerned, `event` which user events, by type.
    """

    kind: FaultKind
    rate: Annotated[float, Meta(ge=0, le=1)] = 1.0
    count: Annotated[int, Meta(ge=1)] | None = None
    seed: Annotated[int, Meta(ge=0)] = 1
    method: str = ""
    path: str = ""
    event: str = ""
    delay_ms: Annotated[float, Meta(ge=0, le=600_000)] = 1_000.0
    status: Annotated[int, Meta(ge=500, le=599)] = 503
    code: Annotated[int, Meta(ge=-99_999, le=-1)] = -2010
    share: Annotated[float, Meta(ge=0, le=1)] = 0.5
    retry_after_s: Annotated[int, Meta(ge=1, le=259_200)] = 5


class FaultFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A faults file: `[[fault]]` tables."""

    fault: tuple[Fault, ...] = ()


class Active(msgspec.Struct):
    """A fault that is there, and how often it has struck."""

    id: int
    fault: Fault
    fired: int = 0


class Faults:
    """All faults that are there. The chance of each is its own generator's, so that one does not disturb another."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._active: dict[int, tuple[Active, random.Random]] = {}
        self._last = 0
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> Active | None:
        """None when there are too many already."""
        if len(self._active) >= FAULTS_MAX:
            return None
        self._last += 1
        active = Active(self._last, fault)
        self._active[active.id] = active, random.Random(fault.seed)
        return active

    def remove(self, fault_id: int) -> bool:
        return self._active.pop(fault_id, None) is not None

    def clear(self) -> None:
        self._active.clear()

    def all(self) -> list[Active]:
        return [active for active, _ in self._active.values()]

    @property
    def is_book_stale(self) -> bool:
        return any(active.fault.kind is FaultKind.STALE_BOOK for active in self.all())

    def on_request(self, kind: FaultKind, method: str, path: str) -> Fault | None:
        """The fault of a kind that strikes a request, if one does."""
        for active, chance in self._active.values():
            fault = active.fault
            concerned = fault.kind is kind and fault.method in ("", method) and path.startswith(fault.path)
            if concerned and _strikes(active, chance):
                return fault
        return None

    def on_event(self, kind: FaultKind, event: str) -> bool:
        """Whether a fault of a kind strikes a user event of a type."""
        return any(
            _strikes(active, chance)
            for active, chance in self._active.values()
            if active.fault.kind is kind and active.fault.event in ("", event)
        )


def _strikes(active: Active, chance: random.Random) -> bool:
    fault = active.fault
    if fault.count is not None and active.fired >= fault.count:
        return False
    if chance.random() >= fault.rate:
        return False
    active.fired += 1
    return True
