"""The protocols that the core's surroundings speak. A docstring is the contract that tests/contract checks."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Protocol

from petrosa.core.model.events import Decision, Event
from petrosa.core.model.orders import Approved, Reducing


class Clock(Protocol):
    """Where `now` comes from: the wall, or a run that makes its own time."""

    def now(self) -> int:
        """Nanoseconds UTC; never decreases."""
        ...

    async def sleep_until(self, at: int) -> None:
        """Return when `now()` has reached `at`, at once when it already has."""
        ...


class Gateway(Protocol):
    """A venue's order entry. Only what the risk gate approved, or what makes things smaller, can be handed to it."""

    def submit(self, order: Approved | Reducing, now: int) -> None:
        """Let the order leave; the answer comes back through the inbox, never as a return value."""
        ...


class Journal(Protocol):
    """Append-only memory of a run. One writer.

    Raises `StorageError` when the disk does not take an entry: then nothing may leave.
    """

    def record(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """Write what a turn was told (market facts excepted) and what it decided; intents are durable on return."""
        ...

    def sync(self) -> None:
        """Everything recorded so far survives a power cut when this returns."""
        ...

    def close(self) -> None:
        """Sync and release; calling it twice is harmless."""
        ...


class Message(Protocol):
    """A message as a bus delivers it."""

    @property
    def subject(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def sequence(self) -> int:
        """Place in a durable stream, counted from 1; 0 on a subject without one."""
        ...

    async def ack(self) -> None:
        """Do not deliver this again; harmless on a subject without memory."""
        ...


class Subscription(Protocol):
    async def unsubscribe(self) -> None: ...
    @property
    def dropped(self) -> int:
        """Messages this subscriber was too slow for."""
        ...


class Bus(Protocol):
    """Publish and subscribe by subject (`*` one token, `>` the rest). Raises `TransportError` when it is away."""

    async def publish(self, subject: str, data: bytes) -> None:
        """At most once, to whoever listens now."""
        ...

    async def publish_durable(self, subject: str, data: bytes, message_id: str) -> int:
        """Into the stream that captures the subject; returns its sequence. The same id twice is one message."""
        ...

    async def subscribe(
        self, subject: str, handler: Callable[[str, bytes], None], *, queue: str = "", pending_max: int = 65_536
    ) -> Subscription:
        """Call `handler(subject, data)` for each message, in order; a full backlog drops and counts."""
        ...

    def consume(self, stream: str, *, after: int = 0, subjects: Sequence[str] = ()) -> AsyncIterator[Message]:
        """Every message of a durable stream after a sequence, in order, with back-pressure, until closed."""
        ...

    async def ensure_stream(self, stream: str, subjects: Sequence[str], duplicate_window_s: float = 120.0) -> None:
        """Make the stream capture the subjects; harmless when it already does."""
        ...

    @property
    def connected(self) -> bool: ...

    async def close(self) -> None:
        """Deliver what was published, then let go."""
        ...


class Documents(Protocol):
    """Small JSON documents by collection and key, with compare-and-set. Raises `StorageError` when it is away."""

    async def get(self, collection: str, key: str) -> Mapping[str, object] | None: ...

    async def put(
        self, collection: str, key: str, document: Mapping[str, object], *, expected_version: int | None = None
    ) -> int:
        """Store and return the new version (1 for the first).

        Raises `VersionConflict` when `expected_version` is given and is not the stored one (0: must not exist yet).
        """
        ...

    async def delete(self, collection: str, key: str) -> bool:
        """Whether there was something to delete."""
        ...

    async def find(
        self, collection: str, *, where: Mapping[str, object] | None = None, limit: int = 200, after: str = ""
    ) -> Sequence[tuple[str, Mapping[str, object]]]:
        """Documents whose top-level fields equal `where`, by key, after the key `after`, at most `limit` (200)."""
        ...

    async def close(self) -> None: ...
