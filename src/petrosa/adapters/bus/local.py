"""The bus inside one process: the same promises as NATS, kept in memory."""

import asyncio
import logging
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncGenerator, Callable, Sequence
from typing import NamedTuple

from petrosa.adapters.wire.subjects import joined, matches
from petrosa.errors import ConfigError, InvariantError, TransportError
from petrosa.ports import Message, StreamState

log = logging.getLogger("petrosa.bus")

Handler = Callable[[str, bytes], None]


class LocalMessage(NamedTuple):
    """A message of a stream."""

    subject: str
    data: bytes
    sequence: int


class LocalSubscription:
    """A subscriber with its backlog, emptied by the event loop between other work."""

    def __init__(self, bus: "LocalBus", subject: str, handler: Handler, queue: str, pending_max: int) -> None:
        self.subject = subject
        self.queue = queue
        self.dropped = 0
        self._bus = bus
        self._handler = handler
        self._pending_max = pending_max
        self._backlog: deque[tuple[str, bytes]] = deque()
        self._scheduled = False

    def offer(self, subject: str, data: bytes) -> None:
        """Take a message into the backlog, or drop the newest and count it."""
        if len(self._backlog) >= self._pending_max:
            self.dropped += 1
            self._bus.count_drop(self.subject, self.dropped)
            return
        self._backlog.append((subject, data))
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self.deliver)

    def deliver(self) -> None:
        """Hand over what is waiting; what arrives meanwhile takes its turn after other work."""
        for _ in range(len(self._backlog)):
            subject, data = self._backlog.popleft()
            try:
                self._handler(subject, data)
            except Exception:  # a broken subscriber must not take the others with it
                log.exception("subscriber_failed subject=%s", subject)
        self._scheduled = bool(self._backlog)
        if self._scheduled:
            asyncio.get_running_loop().call_soon(self.deliver)

    async def unsubscribe(self) -> None:
        """Hear no more; what waits is forgotten."""
        self._bus.forget(self)
        self._backlog.clear()


class _Stream:
    """Messages kept in order, and the ids seen within the duplicate window."""

    def __init__(self, subjects: Sequence[str], duplicate_window_s: float) -> None:
        self.subjects = list(subjects)
        self.messages: list[LocalMessage] = []
        self.grown = asyncio.Event()
        self._window_s = duplicate_window_s
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def captures(self, subject: str) -> bool:
        return any(matches(pattern, subject) for pattern in self.subjects)

    def store(self, subject: str, data: bytes) -> int:
        sequence = len(self.messages) + 1
        self.messages.append(LocalMessage(subject, data, sequence))
        self.grown.set()
        return sequence

    def known(self, message_id: str) -> int:
        """The sequence under which a message of this id was stored within the window; 0 when it was not."""
        now = asyncio.get_running_loop().time()
        while self._seen and next(iter(self._seen.values()))[0] <= now - self._window_s:
            self._seen.popitem(last=False)
        return self._seen.get(message_id, (0.0, 0))[1]

    def remember(self, message_id: str, sequence: int) -> None:
        self._seen[message_id] = (asyncio.get_running_loop().time(), sequence)


class LocalBus:
    """A bus for the parts of one process. Streams live as long as it does."""

    durable = True

    def __init__(self) -> None:
        self.connected = True
        self.drops: Counter[str] = Counter()
        self._subscriptions: list[LocalSubscription] = []
        self._routes: dict[str, list[LocalSubscription]] = {}
        self._streams: dict[str, _Stream] = {}
        self._turn_of_queue: Counter[str] = Counter()
        self._gone = asyncio.Event()

    async def wait_connected(self) -> None:
        self._require_open()

    async def wait_disconnected(self) -> None:
        await self._gone.wait()

    async def publish(self, subject: str, data: bytes) -> None:
        self._require_open()
        for stream in self._streams.values():
            if stream.captures(subject):
                stream.store(subject, data)
        self._fan_out(subject, data)

    async def publish_durable(self, subject: str, data: bytes, message_id: str) -> int:
        self._require_open()
        stream = self._stream_of(subject)
        known = stream.known(message_id)
        if known:
            return known
        sequence = stream.store(subject, data)
        stream.remember(message_id, sequence)
        self._fan_out(subject, data)
        return sequence

    async def append(self, stream: str, subject: str, messages: Sequence[bytes], after: int) -> int:
        self._require_open()
        target = self._named(stream)
        held = target.messages
        if len(held) < after or [m.data for m in held[after:]] != list(messages[: len(held) - after]):
            raise InvariantError(
                f"stream {stream} holds {len(held)} messages, expected {after} of ours; who writes it?"
            )
        for data in messages[len(held) - after :]:
            target.store(subject, data)
            self._fan_out(subject, data)
        return after + len(messages)

    async def subscribe(
        self, subject: str, handler: Handler, *, queue: str = "", pending_max: int = 65_536
    ) -> LocalSubscription:
        self._require_open()
        subscription = LocalSubscription(self, subject, handler, queue, pending_max)
        self._subscriptions.append(subscription)
        self._routes.clear()
        return subscription

    async def consume(
        self, stream: str, *, after: int = 0, subjects: Sequence[str] = ()
    ) -> AsyncGenerator[Message, None]:
        self._require_open()
        source = self._named(stream)
        while True:
            while after < len(source.messages):
                message = source.messages[after]
                after += 1
                if not subjects or any(matches(pattern, message.subject) for pattern in subjects):
                    yield message
            if not self.connected:
                return
            source.grown.clear()
            await source.grown.wait()

    async def ensure_stream(self, stream: str, subjects: Sequence[str], duplicate_window_s: float = 120.0) -> None:
        self._require_open()
        for name, other in self._streams.items():
            for subject in subjects:
                if name != stream and (other.captures(subject) or any(matches(subject, s) for s in other.subjects)):
                    raise ConfigError(f"stream {stream} cannot capture {subject}: stream {name} already does")
        if stream not in self._streams:
            self._streams[stream] = _Stream(subjects, duplicate_window_s)
        self._streams[stream].subjects = joined(self._streams[stream].subjects, subjects)

    async def stream_state(self, stream: str) -> StreamState | None:
        self._require_open()
        source = self._streams.get(stream)
        return None if source is None else StreamState(1, len(source.messages))

    async def delete_stream(self, stream: str) -> bool:
        self._require_open()
        return self._streams.pop(stream, None) is not None

    async def close(self) -> None:
        for subscription in self._subscriptions:
            subscription.deliver()
        self.connected = False
        self._gone.set()
        self._subscriptions.clear()
        self._routes.clear()
        for stream in self._streams.values():
            stream.grown.set()

    def forget(self, subscription: LocalSubscription) -> None:
        """Remove a subscription from the routes."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
        self._routes.clear()

    def count_drop(self, subject: str, dropped: int) -> None:
        """Name the first drop of a subscriber and every thousandth."""
        self.drops[subject] += 1
        if dropped % 1000 == 1:
            log.warning("slow_subscriber subject=%s dropped=%d", subject, dropped)

    def _fan_out(self, subject: str, data: bytes) -> None:
        route = self._routes.get(subject)
        if route is None:
            route = self._routes[subject] = [s for s in self._subscriptions if matches(s.subject, subject)]
        groups: dict[str, list[LocalSubscription]] = {}
        for subscription in route:
            if subscription.queue:
                groups.setdefault(subscription.queue, []).append(subscription)
            else:
                subscription.offer(subject, data)
        for queue, members in groups.items():
            members[self._turn_of_queue[queue] % len(members)].offer(subject, data)
            self._turn_of_queue[queue] += 1

    def _stream_of(self, subject: str) -> _Stream:
        for stream in self._streams.values():
            if stream.captures(subject):
                return stream
        raise ConfigError(f"no stream captures {subject}; call ensure_stream first")

    def _named(self, stream: str) -> _Stream:
        if stream not in self._streams:
            raise ConfigError(f"there is no stream {stream}; call ensure_stream first")
        return self._streams[stream]

    def _require_open(self) -> None:
        if not self.connected:
            raise TransportError("the bus is closed")
