"""Faults on request: what goes wrong, how often, and for whom, decided by a seed so that a test can have it again."""

import random
import time
from collections.abc import Callable
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
    LATE_ANSWER = "late_answer"
    """A request takes effect and its answer is made at once, and sent `delay_ms` later: by then it is old."""
    OLD_SNAPSHOT = "old_snapshot"
    """`depth` is answered with the book as it was when the fault began; the streams go on."""
    CLOSE_SOCKET = "close_socket"
    """A market connection is closed, as the protocol says (1001), instead of telling a frame."""
    BREAK_SOCKET = "break_socket"
    """A market connection breaks in the middle of a frame."""
    SILENT_SOCKET = "silent_socket"
    """A market connection tells nothing for `delay_ms`: what happens meanwhile is lost, and pings are answered."""
    LOST_FRAME = "lost_frame"
    """A frame of a market stream is not sent."""
    TWICE = "duplicate_frame"
    """A frame of a market stream is sent twice."""
    OVERTAKEN = "overtaken_frame"
    """A frame of a market stream is sent after the next one of another stream; never out of order in its own."""
    HALF_FRAME = "half_frame"
    """A frame comes in several pieces of TCP, cut anywhere, with pauses of up to `delay_ms` (at most 100)."""
    FRAGMENTS = "fragmented_frame"
    """A frame comes as several WebSocket fragments, with a ping between them."""
    SHUTDOWN = "server_shutdown"
    """`serverShutdown` is told before a frame, and the connection is closed `delay_ms` later."""
    REFUSED_SUBSCRIPTION = "refused_subscription"
    """A control message is answered with an error, and changes nothing."""
    LOST_ACK = "lost_acknowledgement"
    """A control message takes effect and is not answered."""


OF_FRAMES: Final = frozenset(
    {
        FaultKind.CLOSE_SOCKET, FaultKind.BREAK_SOCKET, FaultKind.SILENT_SOCKET, FaultKind.LOST_FRAME, FaultKind.TWICE,
        FaultKind.OVERTAKEN, FaultKind.HALF_FRAME, FaultKind.FRAGMENTS, FaultKind.SHUTDOWN,
    }
)  # fmt: skip
"""Faults that strike the frames of market streams."""


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One fault. It strikes each concerned request, event or frame by chance `rate`, at most `count` times.

    `method` and `path` (a beginning) limit which requests are concerned, `event` which user events, by type, `stream`
    (the beginning of what follows the `@`, such as `depth`) and `path` which frames of market streams. It is there from
    `from_s` after it was set, for `for_s`. With `every_s` it strikes once in so many seconds on average, at moments
    that `seed` decides: whatever is concerned first after each of them.
    """

    kind: FaultKind
    rate: Annotated[float, Meta(ge=0, le=1)] = 1.0
    count: Annotated[int, Meta(ge=1)] | None = None
    seed: Annotated[int, Meta(ge=0)] = 1
    method: str = ""
    path: str = ""
    event: str = ""
    stream: str = ""
    from_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    for_s: Annotated[float, Meta(gt=0, le=86_400)] | None = None
    every_s: Annotated[float, Meta(gt=0, le=86_400)] | None = None
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


class _Armed:
    """One fault with its own chance, so that one does not disturb another. Times are in seconds."""

    __slots__ = ("_begins", "_chance", "_ends", "_next", "active")

    def __init__(self, active: Active, now: float) -> None:
        fault = active.fault
        self.active = active
        self._chance = random.Random(fault.seed)
        self._begins = now + fault.from_s
        self._ends = float("inf") if fault.for_s is None else self._begins + fault.for_s
        self._next = self._begins + self._pause()

    def is_there(self, now: float) -> bool:
        fault = self.active.fault
        return self._begins <= now < self._ends and (fault.count is None or self.active.fired < fault.count)

    def strikes(self, now: float) -> bool:
        """Whether it strikes what is concerned now."""
        if not self.is_there(now) or now < self._next or self._chance.random() >= self.active.fault.rate:
            return False
        if self.active.fault.every_s is not None:
            self._next = now + self._pause()
        self.active.fired += 1
        return True

    def _pause(self) -> float:
        every = self.active.fault.every_s
        return 0.0 if every is None else self._chance.expovariate(1.0 / every)


class Faults:
    """All faults that are there. `clock` is in seconds."""

    def __init__(self, faults: tuple[Fault, ...] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._armed: dict[int, _Armed] = {}
        self._clock = clock
        self._last = 0
        self.chance = random.Random(0)
        """For where a frame is cut, which nobody wants to have again."""
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> Active | None:
        """None when there are too many already."""
        if len(self._armed) >= FAULTS_MAX:
            return None
        self._last += 1
        active = Active(self._last, fault)
        self._armed[active.id] = _Armed(active, self._clock())
        return active

    def remove(self, fault_id: int) -> bool:
        return self._armed.pop(fault_id, None) is not None

    def clear(self) -> None:
        self._armed.clear()

    def all(self) -> list[Active]:
        return [armed.active for armed in self._armed.values()]

    def has(self, kind: FaultKind) -> bool:
        """Whether a fault of a kind is there now."""
        return any(one.active.fault.kind is kind and one.is_there(self._clock()) for one in self._armed.values())

    @property
    def is_book_stale(self) -> bool:
        return bool(self._armed) and self.has(FaultKind.STALE_BOOK)

    def on_request(self, kind: FaultKind, method: str, path: str) -> Fault | None:
        """The fault of a kind that strikes a request, if one does."""
        for armed in self._armed.values():
            fault = armed.active.fault
            concerned = fault.kind is kind and fault.method in ("", method) and path.startswith(fault.path)
            if concerned and armed.strikes(self._clock()):
                return fault
        return None

    def on_event(self, kind: FaultKind, event: str) -> bool:
        """Whether a fault of a kind strikes a user event of a type."""
        return any(
            armed.strikes(self._clock())
            for armed in self._armed.values()
            if armed.active.fault.kind is kind and armed.active.fault.event in ("", event)
        )

    def on_frame(self, path: str, stream: str) -> Fault | None:
        """The fault that strikes a frame of a market stream on a connection, if one does: the first of them."""
        suffix = stream.partition("@")[2]
        for armed in self._armed.values():
            fault = armed.active.fault
            concerned = fault.kind in OF_FRAMES and path.startswith(fault.path) and suffix.startswith(fault.stream)
            if concerned and armed.strikes(self._clock()):
                return fault
        return None
