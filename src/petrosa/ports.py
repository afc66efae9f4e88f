"""The protocols that the core's surroundings speak. A docstring is the contract that tests/contract checks."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from petrosa.core.model.account import StatedOrder, StatedPosition
from petrosa.core.model.events import Decision, Event
from petrosa.core.model.history import FundingRate, GapKind, HistoricTrade, Kline, KnownGap, Series
from petrosa.core.model.market import InstrumentId, Reading
from petrosa.core.model.orders import Approved, Intent, OrderFilled, Reducing


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


class VenueAccount(Protocol):
    """What a real venue says about one account when it is asked. Reads only; asking again is always safe.

    Raises `TransportError` when it does not answer, `RateLimited`, and `VenueClosed`; an answer that cannot be read is
    a `DataError`. Not knowing is never answered with nothing.
    """

    async def orders(self) -> Sequence[StatedOrder]:
        """Every open order of the account on the instruments that we trade: plain, conditional, those of lists."""
        ...

    async def order(self, intent: Intent) -> StatedOrder | None:
        """What became of one that we meant to place; None when the venue says that it knows no such order."""
        ...

    async def positions(self) -> Sequence[StatedPosition]:
        """Every derivative position that is not flat; nothing on spot, where there are balances only."""
        ...

    async def balances(self) -> Mapping[str, Decimal]:
        """Wallets by asset, with what is locked in orders."""
        ...

    async def fills(self, instrument: InstrumentId, since: int) -> Sequence[OrderFilled]:
        """Every trade of the account on an instrument from a time on (ns, the venue's), oldest first."""
        ...


class Lease(Protocol):
    """The right to send for one account, which at most one process has at any time.

    It fences nobody's venue: a request that left while it was held may arrive after it was lost. `report` is told, once
    for each state, whom one waits for.
    """

    @property
    def token(self) -> int:
        """Of this holder; every later holder has a greater one. 0 before the first `acquire` has returned."""
        ...

    async def acquire(self) -> None:
        """Return when it is held here, however long another holds it or its keeper is away."""
        ...

    def why_not(self) -> str:
        """Why nothing may be sent now; empty while it is held for certain. Cheap: it is asked before each write."""
        ...

    async def run(self) -> None:
        """Keep it for ever. Raises `LeaseLost` when it has gone, and then it never comes back to this one."""
        ...

    async def release(self) -> None:
        """Let the next have it at once; calling it twice is harmless."""
        ...


class JournaledTurn(NamedTuple):
    """One remembered turn: what it was told (none: a market fact) and its decisions, in the bytes they were written."""

    sequence: int
    now: int
    event: Event | None
    decisions: tuple[bytes, ...]


class Journal(Protocol):
    """Append-only memory of a run. One writer.

    Raises `StorageError` when the disk does not take an entry: then nothing may leave.
    """

    @property
    def full(self) -> bool:
        """The segment has its size, or there is none yet: call `rotate` between two turns."""
        ...

    def rotate(self, sequence: int, now: int, checkpoint: bytes) -> None:
        """Begin a segment with a checkpoint (JSON) of everything after turn `sequence`."""
        ...

    def record(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """Write what a turn was told (market facts excepted) and what it decided; intents are durable on return."""
        ...

    def finish(self, sequence: int, now: int) -> None:
        """Say that the run ended in order after turn `sequence`."""
        ...

    def sync(self) -> None:
        """Everything recorded so far survives a power cut when this returns."""
        ...

    def close(self) -> None:
        """Sync and release; calling it twice is harmless."""
        ...


class Message(Protocol):
    """A message as a durable stream delivers it. Nobody acknowledges: a consumer remembers how far it has come."""

    @property
    def subject(self) -> str: ...
    @property
    def data(self) -> bytes: ...
    @property
    def sequence(self) -> int:
        """Place in the stream, counted from 1; 0 where there is no stream."""
        ...


class StreamState(NamedTuple):
    """What a durable stream holds: sequences `first` to `last`; nothing when `last` is below `first`."""

    first: int
    last: int


class Subscription(Protocol):
    async def unsubscribe(self) -> None: ...
    @property
    def dropped(self) -> int:
        """Messages this subscriber was too slow for."""
        ...


class Bus(Protocol):
    """Publish and subscribe by subject (`*` one token, `>` the rest), with durable streams beside.

    Raises `TransportError` when it is away or closed; a subscription or a `consume` waits and goes on by itself.
    """

    async def publish(self, subject: str, data: bytes) -> None:
        """At most once, to whoever listens now, and into the stream that captures the subject."""
        ...

    async def publish_durable(self, subject: str, data: bytes, message_id: str) -> int:
        """Into the stream that captures the subject; returns its sequence. The same id twice is one message.

        After a `TransportError` it may or may not be there: publish again with the same id.
        """
        ...

    async def append(self, stream: str, subject: str, messages: Sequence[bytes], after: int) -> int:
        """Write messages as sequences `after` + 1 and on of a stream that nobody else writes; returns the last.

        Fast, and exactly once: after a `TransportError` call again, what is there already is not written twice.
        Raises `InvariantError` when the stream holds what another has written.
        """
        ...

    async def subscribe(
        self, subject: str, handler: Callable[[str, bytes], None], *, queue: str = "", pending_max: int = 65_536
    ) -> Subscription:
        """Call `handler(subject, data)` for each message, in order; a full backlog drops and counts.

        Of the subscribers of one queue group one hears each message.
        """
        ...

    def consume(self, stream: str, *, after: int = 0, subjects: Sequence[str] = ()) -> AsyncGenerator[Message, None]:
        """Every message of a durable stream after a sequence, in order, with back-pressure, until closed."""
        ...

    async def ensure_stream(self, stream: str, subjects: Sequence[str], duplicate_window_s: float = 120.0) -> None:
        """Make the stream capture the subjects; harmless when it already does.

        Raises `ConfigError` when the server has no streams, or another stream captures one of the subjects.
        """
        ...

    async def stream_state(self, stream: str) -> StreamState | None:
        """What the stream holds; None when there is no such stream."""
        ...

    async def delete_stream(self, stream: str) -> bool:
        """Forget the stream and all it holds; whether there was one."""
        ...

    @property
    def connected(self) -> bool: ...

    async def wait_connected(self) -> None:
        """Return when it is there again, however long that takes. Raises `TransportError` when it was closed."""
        ...

    async def wait_disconnected(self) -> None:
        """Return when it is away, at once when it is already, and when it was closed."""
        ...

    @property
    def durable(self) -> bool:
        """Whether streams keep what is published durably; without them everything is at most once."""
        ...

    @property
    def drops(self) -> Mapping[str, int]:
        """Messages lost to slow subscribers, by the subject they subscribed to."""
        ...

    async def close(self) -> None:
        """Deliver what was published, then let go; calling it twice is harmless."""
        ...


class Versioned(NamedTuple):
    """A document and how often it was put; `expected_version` for whoever changes it."""

    version: int
    document: Mapping[str, object]


class Write(NamedTuple):
    """One change of one document: put `document`, or delete what is there when it is None.

    `expected_version` as for `Documents.put`; without it nothing is asked, and deleting what is not there is harmless.
    """

    collection: str
    key: str
    document: Mapping[str, object] | None
    expected_version: int | None = None


class Documents(Protocol):
    """Small JSON documents by collection and key, with compare-and-set and all-or-nothing writes.

    Raises `StorageError` when it is away or closed, `DataError` for what not every store could give back as it was.
    A key is 1 to 512 letters; a collection's name at most 128 bytes, without `$` and empty parts between dots, and not
    beginning with `system.`. A document is JSON of at most 1 MiB, nested at most 64 deep, its whole numbers within 64
    bits, without names that begin with `$`, and without fields `_id` and `_version` of its own.
    """

    async def get(self, collection: str, key: str) -> Versioned | None: ...

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

    async def write(self, writes: Sequence[Write]) -> tuple[int, ...]:
        """Make all of these changes (at most 100) or none; returns the new versions in their order, 0 for a delete.

        Raises `VersionConflict` when any expected version is not the stored one, and `DataError` when a document is
        named twice: then nothing has changed. After a `StorageError` all or nothing has changed; its message says when
        that cannot be known, and then reading tells.
        """
        ...

    async def find(
        self,
        collection: str,
        *,
        where: Mapping[str, object] | None = None,
        limit: int = 200,
        after: str = "",
        descending: bool = False,
    ) -> Sequence[tuple[str, Versioned]]:
        """Documents whose top-level fields equal `where`, by key, at most `limit` (200).

        The page begins after the key `after` in the order asked for: when descending, with the next smaller key.
        Empty is the beginning of that order.
        """
        ...

    async def index(self, collection: str, fields: Sequence[str]) -> None:
        """From now on find the documents of a collection by a text in one of these top-level fields without looking
        through the others. Changes no answer; may take a while where there are many already, and nothing the next time.
        """
        ...

    async def close(self) -> None:
        """Let go; calling it twice is harmless."""
        ...


class KlineStore(Protocol):
    """History of one venue: closed bars, funding rates, trades, and the gaps that are known to stay.

    Writing is idempotent: what is there is replaced by what is written, all of one call or nothing of it. Times are ns
    UTC, `since` included and `until` excluded; rows come oldest first. Raises `StorageError` when it is away or closed,
    `DataError` for what it cannot keep exactly: a number with more than 20 digits before or 8 behind the point.
    """

    async def write_klines(self, klines: Sequence[Kline]) -> int:
        """Store bars of one or more series; returns how many were not there or were different."""
        ...

    async def klines(self, series: Series, since: int, until: int, *, limit: int = 10_000) -> Sequence[Kline]:
        """Bars that open in [since, until), at most `limit` (10,000), oldest first."""
        ...

    async def last_klines(self, series: Series, count: int, *, until: int | None = None) -> Sequence[Kline]:
        """The newest `count` bars (10,000 at most) that open before `until`, oldest first."""
        ...

    async def opens(self, series: Series, since: int, until: int) -> Sequence[int]:
        """When the bars of [since, until) open: all of them, which for a year of minutes is half a million numbers."""
        ...

    async def series(self) -> Sequence[Series]:
        """Every series that has a bar."""
        ...

    async def write_funding(self, rates: Sequence[FundingRate]) -> int: ...

    async def funding(self, market: str, symbol: str, since: int, until: int) -> Sequence[FundingRate]: ...

    async def write_trades(self, trades: Sequence[HistoricTrade]) -> int: ...

    async def trades(
        self, market: str, symbol: str, since: int, until: int, *, limit: int = 10_000
    ) -> Sequence[HistoricTrade]: ...

    async def last_trade_id(self, market: str, symbol: str) -> int | None:
        """The greatest id that is there; None when there is no trade."""
        ...

    async def write_gaps(self, gaps: Sequence[KnownGap]) -> None:
        """Remember stretches that the venue itself has no bars for; the same stretch again replaces what is there."""
        ...

    async def gaps(self, series: Series, *, kinds: Sequence[GapKind] = ()) -> Sequence[KnownGap]: ...

    async def close(self) -> None:
        """Let go; calling it twice is harmless."""
        ...


class Readings(Protocol):
    """A source outside the venue: another venue's quotes, a share of the market, figures of a chain."""

    @property
    def source(self) -> str:
        """What it is called in its readings."""
        ...

    async def poll(self) -> Sequence[Reading]:
        """What it says now, in order; nothing when there is nothing to say. `ts_seen` is when it was heard.

        Raises `TransportError` when it is away or busy: ask again later. Raises `DataError` for what is no answer:
        nothing of it is believed.
        """
        ...

    async def close(self) -> None:
        """Let go; calling it twice is harmless."""
        ...
