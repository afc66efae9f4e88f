"""The bus between processes: NATS, with JetStream for what may not be lost.

Subscriptions use the callback form of nats-py (its iterator costs three times as much). Durable streams are read by
pulling: the server sends no more than we asked for, so a slow reader slows nobody down and loses nothing, and after
any interruption the reader asks for the sequence it needs next. Nothing is acknowledged message by message.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator, Sequence
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import nats
import nats.errors
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsPySubscription
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError, ServiceUnavailableError

from petrosa.adapters.bus.cells import Cells
from petrosa.adapters.bus.client import Client, after_a_while
from petrosa.adapters.bus.pull import Listen, Pull
from petrosa.adapters.bus.streams import bound, stream_config
from petrosa.adapters.wire.subjects import joined
from petrosa.errors import ConfigError, InvariantError, TransportError
from petrosa.ports import Message, StreamState

log = logging.getLogger("petrosa.bus")

Handler = Callable[[str, bytes], None]
T = TypeVar("T")

PENDING_BYTES: Final = 2 * 1024 * 1024
"""What may wait for the socket while connected; beyond it a publisher waits."""
APPEND_BATCH: Final = 512
SCHEMES: Final = ("nats", "tls", "ws", "wss")
ACK_TIMEOUT_S: Final = 5.0

_GONE: Final = (nats.errors.Error, asyncio.TimeoutError, OSError)


def _check_address(url: str) -> None:
    """Raises `ConfigError` unless it is `[nats|tls|ws|wss://][user:password@]host[:port]`."""
    try:
        parts = urlsplit(url if "://" in url else f"nats://{url}")
        is_one = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_one = False
    if not is_one:
        raise ConfigError(f"{url!r} is no address of a NATS server; set NATS_URL (nats.url) to nats://host:4222")


class NatsSubscription:
    """A subscriber; what it was too slow for is counted when nats-py reports it."""

    def __init__(
        self, subject: str, inner: NatsPySubscription, others: "dict[NatsPySubscription, NatsSubscription]"
    ) -> None:
        self.subject = subject
        self.dropped = 0
        self._inner = inner
        self._others = others

    async def unsubscribe(self) -> None:
        """Hear no more; harmless when the connection is closed."""
        self._others.pop(self._inner, None)
        with contextlib.suppress(nats.errors.Error):
            await self._inner.unsubscribe()


class NatsBus:
    """A connection that comes back by itself, for as long as it takes. Made by `connect`."""

    def __init__(self, url: str, *, allow_core_signals: bool = False) -> None:
        self.url = url
        self.durable = False
        self.drops: Counter[str] = Counter()
        self._allow_core = allow_core_signals
        self._client = Client()
        self._js = self._client.jetstream(timeout=ACK_TIMEOUT_S)
        self._subscriptions: dict[NatsPySubscription, NatsSubscription] = {}
        self._readers: set[Pull | Listen] = set()
        self._closed = False
        self._back = asyncio.Event()
        self._gone: asyncio.Future[None] | None = None

    @classmethod
    async def connect(
        cls, url: str, *, name: str = "petrosa", timeout_s: float = 5.0, allow_core_signals: bool = False
    ) -> "NatsBus":
        """Connect, and find out whether the server keeps streams.

        Raises `ConfigError` for what is no address, `TransportError` when nothing answers.
        """
        _check_address(url)
        bus = cls(url, allow_core_signals=allow_core_signals)
        try:
            async with asyncio.timeout(timeout_s):
                await bus._open(name)
                bus.durable = await bus._has_streams()
        except _GONE as problem:
            await bus._client.close()
            raise TransportError(
                f"no NATS server answers at {url} ({_said(problem)}); start one with `petrosa broker` or set NATS_URL"
            ) from None
        if not bus.durable and not allow_core_signals:
            log.warning("nats_without_jetstream url=%s", url)
        return bus

    async def _open(self, name: str) -> None:
        await self._client.connect(
            servers=[self.url],
            name=name,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
            reconnected_cb=self._on_reconnected,
            max_reconnect_attempts=-1,
            reconnect_to_server_handler=after_a_while,
            pending_size=PENDING_BYTES,
            ping_interval=20,
        )
        self._arrived()

    async def _has_streams(self) -> bool:
        try:
            await self._js.account_info()
        except (ServiceUnavailableError, NoStreamResponseError, nats.errors.NoRespondersError, APIError):
            return False
        return True

    @property
    def connected(self) -> bool:
        return self._client.is_connected

    async def wait_connected(self) -> None:
        await self._back.wait()
        if self._closed:
            raise TransportError(f"the connection to NATS at {self.url} is closed")

    async def wait_disconnected(self) -> None:
        if self._client.is_connected and self._gone is not None:
            await asyncio.wait((self._gone,))

    async def publish(self, subject: str, data: bytes) -> None:
        self._require_connection()
        with _transport(subject):
            await self._client.publish(subject, data)

    async def publish_all(self, messages: Sequence[tuple[str, bytes]]) -> None:
        """Publish (subject, data) in this order, as `publish` does one: all of them, or none when it raises."""
        self._require_connection()
        with _transport(", ".join({subject: None for subject, _ in messages})):
            await self._client.publish_all(messages)

    async def publish_durable(self, subject: str, data: bytes, message_id: str) -> int:
        self._require_connection()
        if not self.durable:
            self._require_streams()
            await self.publish(subject, data)
            return 0
        with _transport(subject):
            try:
                ack = await self._answer(self._js.publish(subject, data, headers={"Nats-Msg-Id": message_id}))
            except NoStreamResponseError:
                raise ConfigError(f"no stream captures {subject}; call ensure_stream first") from None
        return ack.seq

    async def append(self, stream: str, subject: str, messages: Sequence[bytes], after: int) -> int:
        """See `Bus.append`. Each message says which sequence it must follow, so the server refuses the rest of a
        batch as soon as one is missing: an interruption in the middle leaves no hole and no double."""
        self._require_connection()
        last = after + len(messages)
        if not self.durable:
            self._require_streams()
            for data in messages:
                await self.publish(subject, data)
            return last
        with _transport(subject):
            stored = await self._stored(stream, after, last)
            while stored < last:
                end = min(stored + APPEND_BATCH, last)
                if await self._append_batch(subject, messages[stored - after : end - after], stored):
                    stored = end
                    continue
                before, stored = stored, await self._stored(stream, after, last)
                if stored == before:
                    raise TransportError(f"stream {stream} does not grow beyond {stored}; try again")
        return last

    async def _append_batch(self, subject: str, batch: Sequence[bytes], stored: int) -> bool:
        """Whether the whole batch is in the stream: the last message asks, the others do not wait for an answer."""
        for number, data in enumerate(batch[:-1], stored):
            await self._client.publish(subject, data, headers={"Nats-Expected-Last-Sequence": str(number)})
        place = {"Nats-Expected-Last-Sequence": str(stored + len(batch) - 1)}
        try:
            await self._answer(self._js.publish(subject, batch[-1], headers=place))
        except APIError as problem:
            log.info("append_interrupted subject=%s problem=%s", subject, problem.description)
            return False
        return True

    async def _stored(self, stream: str, after: int, last: int) -> int:
        """How far the stream has come, which must be somewhere in what we are writing."""
        try:
            held = (await self._answer(self._js.stream_info(stream))).state.last_seq
        except NotFoundError:
            raise ConfigError(f"there is no stream {stream}; call ensure_stream first") from None
        if not after <= held <= last:
            raise InvariantError(
                f"stream {stream} ends at {held}, expected {after} to {last} of ours; another process writes it"
            )
        return held

    async def subscribe(
        self, subject: str, handler: Handler, *, queue: str = "", pending_max: int = 65_536
    ) -> NatsSubscription:
        self._require_connection()

        async def deliver(message: Msg) -> None:
            handler(message.subject, message.data)

        with _transport(subject):
            inner = await self._client.subscribe(
                subject, queue=queue, cb=deliver, pending_msgs_limit=pending_max, pending_bytes_limit=0
            )
            await self._client.flush()
        subscription = self._subscriptions[inner] = NatsSubscription(subject, inner, self._subscriptions)
        return subscription

    async def consume(
        self, stream: str, *, after: int = 0, subjects: Sequence[str] = ()
    ) -> AsyncGenerator[Message, None]:
        self._require_connection()
        if not self.durable:
            self._require_streams()
        pull = (
            Pull(self._client, self._js, self._answer, stream, after, subjects)
            if self.durable
            else Listen(self._client, subjects)
        )
        self._readers.add(pull)
        try:
            async for message in pull.messages():
                yield message
        finally:
            self._readers.discard(pull)
            await pull.stop()

    async def ensure_stream(self, stream: str, subjects: Sequence[str], duplicate_window_s: float = 120.0) -> None:
        self._require_connection()
        if not self.durable:
            self._require_streams()
            return
        with _transport(stream):
            try:
                known = (await self._answer(self._js.stream_info(stream))).config
            except NotFoundError:
                known = None
            try:
                if known is None:
                    await self._answer(self._js.add_stream(stream_config(stream, subjects, duplicate_window_s)))
                elif (wanted := joined(known.subjects or (), subjects)) != known.subjects:
                    # What an operator has set besides (limits, replicas) stays as it is.
                    await self._answer(self._js.update_stream(known.evolve(subjects=wanted)))
            except APIError as problem:
                raise ConfigError(f"stream {stream} cannot capture {list(subjects)}: {problem.description}") from None

    async def bound_stream(self, stream: str, subjects: Sequence[str], seconds: float, size: int) -> None:
        """Make the stream capture the subjects and forget what is older, or too much (bytes), for a source without end.

        A bound that the stream has already, of an operator or of us, stays as it is. Raises `ConfigError` as
        `ensure_stream` does.
        """
        await self.ensure_stream(stream, subjects)
        if self.durable:
            with _transport(stream):
                await bound(self._js, self._answer, stream, seconds, size)

    async def stream_state(self, stream: str) -> StreamState | None:
        self._require_connection()
        if not self.durable:
            return None
        with _transport(stream):
            try:
                state = (await self._answer(self._js.stream_info(stream))).state
            except NotFoundError:
                return None
        return StreamState(max(1, state.first_seq), state.last_seq)

    async def delete_stream(self, stream: str) -> bool:
        self._require_connection()
        with _transport(stream):
            try:
                return await self._answer(self._js.delete_stream(stream))
            except NotFoundError:
                return False

    def cells(self, bucket: str) -> Cells:
        """Small values by key, changed by compare-and-set."""
        return Cells(self._js, self._answer, bucket)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for reader in tuple(self._readers):
            reader.end()
        try:
            if self._client.is_connected:
                await self._client.drain()
        except _GONE as problem:
            log.warning("nats_close url=%s problem=%s", self.url, _said(problem))
        await self._client.close()
        self._back.set()

    async def _answer(self, request: Coroutine[Any, Any, T]) -> T:
        """What the server answers; `TransportError` as soon as it is gone, because nothing comes over a new one."""
        assert self._gone is not None
        task = asyncio.ensure_future(request)
        try:
            await asyncio.wait((task, self._gone), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise TransportError(f"NATS at {self.url} went away before it answered")
            return task.result()
        finally:
            task.cancel()

    def _require_connection(self) -> None:
        if not self._client.is_connected:
            state = "closed" if self._client.is_closed else "away, reconnecting"
            raise TransportError(f"the connection to NATS at {self.url} is {state}; nothing was sent")

    def _require_streams(self) -> None:
        if not self.durable and not self._allow_core:
            raise ConfigError(
                f"the NATS server at {self.url} has no JetStream, so a signal could be lost; start one that has"
                " (`petrosa broker`, or `nats-server -js`), or set nats.allow_core_signals = true to run at most once"
            )

    async def _on_error(self, problem: Exception) -> None:
        if isinstance(problem, nats.errors.SlowConsumerError):
            self._count_drop(problem)
        elif self._client.is_connected:
            log.warning("nats_error url=%s problem=%s", self.url, _said(problem))

    def _count_drop(self, problem: nats.errors.SlowConsumerError) -> None:
        subscription = self._subscriptions.get(problem.sub)
        name = subscription.subject if subscription is not None else problem.subject
        self.drops[name] += 1
        if subscription is not None:
            subscription.dropped += 1
        if self.drops[name] % 1000 == 1:
            log.warning("slow_subscriber subject=%s dropped=%d", name, self.drops[name])

    def _arrived(self) -> None:
        self._gone = asyncio.get_running_loop().create_future()
        self._back.set()

    async def _on_disconnected(self) -> None:
        if self._gone is not None and not self._gone.done():
            self._gone.set_result(None)
        self._back.clear()
        if not self._closed:
            log.warning("nats_away url=%s", self.url)

    async def _on_reconnected(self) -> None:
        log.warning("nats_back url=%s", self.url)
        self._arrived()
        for reader in self._readers:
            reader.interrupted()


@contextlib.contextmanager
def _transport(what: str) -> Iterator[None]:
    """Speak of the vendor's errors in our own words."""
    try:
        yield
    except nats.errors.MaxPayloadError:
        raise ConfigError(
            f"a message for {what} is larger than the NATS server's max_payload; raise it there"
        ) from None
    except nats.errors.BadSubjectError:
        raise ConfigError(f"{what!r} is not a subject: tokens without spaces, separated by dots") from None
    except _GONE as problem:
        raise TransportError(f"{what}: {_said(problem)}") from None


def _said(problem: BaseException) -> str:
    return str(problem) or type(problem).__name__
