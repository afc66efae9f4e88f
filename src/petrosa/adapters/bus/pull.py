"""Reads one JetStream stream in order, by pulling, and never loses its place.

Messages come to an inbox through a callback; a new request leaves when half of the last one has arrived. Whatever goes
wrong (the connection, the server, the consumer it kept for us, a message missed in between) has one answer: a new
consumer that begins at the sequence we need next.
"""

import asyncio
import contextlib
import json
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from typing import Any, Final, NamedTuple

import nats.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext, api
from nats.js.errors import APIError, NotFoundError

from petrosa.errors import ConfigError, TransportError

log = logging.getLogger("petrosa.bus")

BATCH: Final = 1024
"""Messages asked for at a time: what can wait in memory when the reader is slow."""
HEARTBEAT_S: Final = 2.0
EXPIRES_S: Final = 30.0
IDLE_S: Final = 300.0
PAUSE_S: Final = 0.1
LISTEN_MAX: Final = 65_536

Answer = Callable[[Coroutine[Any, Any, api.ConsumerInfo]], Awaitable[api.ConsumerInfo]]
"""Waits for the server's answer, no longer than the connection lasts."""

_GONE: Final = (nats.errors.Error, asyncio.TimeoutError, OSError)


class PulledMessage(NamedTuple):
    """A message of a stream."""

    subject: str
    data: bytes
    sequence: int


class Pull:
    """One reader of one stream. `messages` is its output, `end` and `interrupted` what the connection tells it."""

    def __init__(
        self, client: Client, js: JetStreamContext, answer: Answer, stream: str, after: int, subjects: Sequence[str]
    ) -> None:
        self._client = client
        self._js = js
        self._answer = answer
        self._stream = stream
        self._subjects = list(subjects)
        self._after = after
        self._waiting: deque[PulledMessage] = deque()
        self._signal = asyncio.Event()
        self._inbox = ""
        self._ask = ""
        self._subscription: Subscription | None = None
        self._asked = 0
        self._delivered = 0
        self._broken = True
        self._ended = False

    async def messages(self) -> AsyncIterator[PulledMessage]:
        """Every message after the place given, until `end`."""
        while not self._ended:
            if self._broken:
                await self._begin()
            while self._waiting:
                message = self._waiting.popleft()
                self._after = message.sequence
                yield message
                if self._asked <= BATCH // 2 and len(self._waiting) <= BATCH // 2:
                    await self._request()
            await self._more()

    def end(self) -> None:
        """No more; a reader that waits is let go."""
        self._ended = True
        self._signal.set()

    def interrupted(self) -> None:
        """What was asked for will not come any more."""
        self._broken = True
        self._signal.set()

    async def stop(self) -> None:
        """Leave nothing behind on the client; the server forgets its part after a while."""
        self.end()
        await self._leave_inbox()

    async def _begin(self) -> None:
        """A new consumer from the next sequence on; tries until it is there."""
        while not self._ended:
            try:
                await self._leave_inbox()
                self._waiting.clear()
                self._asked = self._delivered = 0
                self._inbox = self._client.new_inbox()
                self._subscription = await self._client.subscribe(
                    self._inbox, cb=self._arrived, pending_msgs_limit=0, pending_bytes_limit=0
                )
                info = await self._answer(self._js.add_consumer(self._stream, self._consumer()))
            except NotFoundError:
                raise ConfigError(f"there is no stream {self._stream}; start what writes it first") from None
            except (APIError, TransportError, *_GONE) as problem:
                if self._client.is_closed:
                    self._ended = True
                    return
                log.info("stream_unavailable stream=%s problem=%s", self._stream, problem)
                await asyncio.sleep(PAUSE_S)
            else:
                self._ask = f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{info.name}"
                self._broken = False
                await self._request()
                return

    def _consumer(self) -> api.ConsumerConfig:
        return api.ConsumerConfig(
            deliver_policy=api.DeliverPolicy.BY_START_SEQUENCE,
            opt_start_seq=self._after + 1,
            ack_policy=api.AckPolicy.NONE,
            filter_subjects=self._subjects or None,
            inactive_threshold=IDLE_S,
            mem_storage=True,
            num_replicas=1,
            max_deliver=1,
        )

    async def _request(self) -> None:
        """Ask for what is missing to a whole batch, where there is somebody to ask."""
        if self._broken:
            return
        batch = BATCH - self._asked
        request = {"batch": batch, "expires": int(EXPIRES_S * 1e9), "idle_heartbeat": int(HEARTBEAT_S * 1e9)}
        try:
            await self._client.publish(self._ask, json.dumps(request).encode(), reply=self._inbox)
        except _GONE:
            self._broken = True
        else:
            self._asked += batch

    async def _more(self) -> None:
        """Wait for a message; silence longer than two heartbeats means that our request was lost."""
        self._signal.clear()
        if self._waiting or self._broken or self._ended:
            return
        if self._asked <= 0:
            await self._request()
        try:
            async with asyncio.timeout(2.5 * HEARTBEAT_S):
                await self._signal.wait()
        except TimeoutError:
            self._broken = True

    async def _arrived(self, message: Msg) -> None:
        """A message of the stream, or a word of the server about our request."""
        if message.headers and "Status" in message.headers:
            self._status(message.headers["Status"], message.headers)
        else:
            # $JS.ACK.<stream>.<consumer>.<times delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>
            # and with a domain and an account hash before <stream> where the server has domains.
            place = message.reply.split(".")
            first = 5 if len(place) == 9 else 7
            self._asked -= 1
            self._delivered += 1
            if int(place[first + 1]) != self._delivered:
                self._broken = True
            elif not self._broken:
                self._waiting.append(PulledMessage(message.subject, message.data, int(place[first])))
        self._signal.set()

    def _status(self, status: str, headers: dict[str, str]) -> None:
        if status == "100":  # a heartbeat: the wait begins anew
            return
        if status in ("404", "408"):  # the request ran out; the rest of it is not coming
            self._asked = max(0, self._asked - int(headers.get("Nats-Pending-Messages", self._asked)))
            return
        self._broken = True

    async def _leave_inbox(self) -> None:
        if self._subscription is not None:
            with contextlib.suppress(nats.errors.Error):
                await self._subscription.unsubscribe()
            self._subscription = None


class Listen:
    """What stands in for `Pull` on a server without streams: whatever comes while it listens, at most once."""

    def __init__(self, client: Client, subjects: Sequence[str]) -> None:
        self._client = client
        self._subjects = subjects
        self._waiting: deque[PulledMessage] = deque()
        self._signal = asyncio.Event()
        self._subscriptions: list[Subscription] = []
        self._ended = False
        self.dropped = 0

    async def messages(self) -> AsyncIterator[PulledMessage]:
        """Every message from now on, until `end`."""
        for subject in self._subjects:
            self._subscriptions.append(await self._client.subscribe(subject, cb=self._arrived))
        while not self._ended:
            while self._waiting:
                yield self._waiting.popleft()
            self._signal.clear()
            if not self._ended:
                await self._signal.wait()

    def end(self) -> None:
        """No more; a reader that waits is let go."""
        self._ended = True
        self._signal.set()

    def interrupted(self) -> None:
        """Nothing to do: the client subscribes again by itself, and what was missed is lost."""

    async def stop(self) -> None:
        """Stop listening."""
        self.end()
        for subscription in self._subscriptions:
            with contextlib.suppress(nats.errors.Error):
                await subscription.unsubscribe()

    async def _arrived(self, message: Msg) -> None:
        if len(self._waiting) < LISTEN_MAX:
            self._waiting.append(PulledMessage(message.subject, message.data, 0))
        else:
            self.dropped += 1
            if self.dropped % 1000 == 1:
                log.warning("slow_subscriber subject=%s dropped=%d", message.subject, self.dropped)
        self._signal.set()
