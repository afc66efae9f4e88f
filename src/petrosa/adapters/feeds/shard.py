"""At most 200 streams on one kept connection: told each frame once, also while another connection takes over."""

import itertools
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final, NamedTuple

import msgspec

from petrosa.adapters.feeds.dialect import Dialect
from petrosa.adapters.feeds.face import Hear, OnLink
from petrosa.adapters.feeds.subscriptions import Control, Subscriptions, Wanted
from petrosa.adapters.net.attempts import Attempts
from petrosa.adapters.net.websocket import End, Kept, Pace, Wire

STREAMS_MAX: Final = 200
"""Streams of one connection. Binance takes 1,024, and clients that last stay far below."""
NAME_MAX: Final = 100
"""Letters in which the name of a frame's stream ends."""
ASIDE_MAX: Final = 20_000
"""Frames that wait beside a connection that lags; with one more the new connection leads at once."""

Dial = Callable[[str], Coroutine[Any, Any, Wire]]


class Wiring(NamedTuple):
    """What all shards of a market have in common."""

    dial: Dial
    dialect: Dialect
    attempts: Attempts
    hear: Hear
    on_link: OnLink
    control: Control
    now: Callable[[], int]
    pace: Pace
    sleep: Callable[[float], Coroutine[Any, Any, None]]
    chance: Callable[[], float]


class Shard:
    """One connection, or two while the second takes over.

    The first one leads. What the second hears meanwhile is put aside and forgotten when the first has told it too; what
    is left when the first goes is told then. So nothing is told twice, nothing is missed, and every stream is in order.
    """

    def __init__(self, wiring: Wiring, name: str, url: str) -> None:
        self.wanted = Wanted()
        self.ids = itertools.count(1)
        self.kept = Kept(
            name, self._dial, self.hear, up=self._up, down=self._down, now=wiring.now, pace=wiring.pace,
            sleep=wiring.sleep, chance=wiring.chance,
        )  # fmt: skip
        self._url = url
        self._wiring = wiring
        self._tell = wiring.hear
        self._streams: dict[bytes, str] = {}
        self._newest: dict[str, bytes] = {}
        self._said: dict[str, tuple[bool, str]] = {}
        self._lines: list[Subscriptions] = []
        self._aside: deque[tuple[str, bytes]] = deque()
        self._dialect = wiring.dialect
        self._start = len(wiring.dialect.prefix)

    @property
    def room(self) -> int:
        return STREAMS_MAX - len(self.wanted.names)

    def add(self, streams: Iterable[str]) -> None:
        for stream in streams:
            self.wanted.names[stream] = None
            self._streams[stream.encode()] = stream
        self._look_again()

    def remove(self, streams: Iterable[str]) -> None:
        for stream in streams:
            del self.wanted.names[stream], self._streams[stream.encode()]
            self.wanted.anew.discard(stream)
            for memory in (self.wanted.refused, self._newest, self._said):
                memory.pop(stream, None)
        self._look_again()

    def renew(self, streams: Iterable[str]) -> None:
        """Have these subscribed to once more, for what the venue says first on a subscription."""
        self.wanted.anew.update(stream for stream in streams if any(stream in line.held for line in self._lines))
        self._look_again()

    def hear(self, payload: bytes, arrival: int) -> End | None:
        """A message of the connection that leads, or one that is not of a stream."""
        start = self._start
        stream = self._streams.get(payload[start : payload.find(b'"', start, start + NAME_MAX)])
        if stream is None:
            return self._other(payload)
        self._newest[stream] = payload
        self._tell(stream, payload, arrival)
        return None

    # what connections say of themselves

    def joined(self, connection: Subscriptions) -> None:
        self._lines.append(connection)
        if len(self._lines) == 1:
            connection.lead()
        else:
            connection.follow(self._put_aside)

    def left(self, connection: Subscriptions) -> None:
        led = self._lines[0] is connection
        self._lines.remove(connection)
        if not self._lines:
            self._aside.clear()
            return
        if led:
            self._take_over()
        self.changed("the connection that has taken over does not have it yet")

    def changed(self, why: str) -> None:
        """Say what is up now and was not, and the other way round."""
        held = {name for line in self._lines for name in line.held}
        for stream in list(self.wanted.names):
            was_up = self._said.get(stream, (False, ""))[0]
            if was_up != (stream in held):
                self._say(stream, not was_up, why)

    def missing(self, stream: str, why: str) -> None:
        if not any(stream in line.held for line in self._lines):
            self._say(stream, False, why)

    def _say(self, stream: str, is_up: bool, why: str) -> None:
        if stream in self.wanted.names and self._said.get(stream) != (is_up, why):
            self._said[stream] = (is_up, why)
            self._wiring.on_link(stream, is_up, why)

    async def _dial(self) -> Wire:
        self._wiring.attempts.take()
        wire = await self._wiring.dial(self._url)
        return Subscriptions(wire, self, self._dialect, self._wiring.control, self._wiring.sleep)

    def _up(self, is_first: bool) -> None:
        """A stream is up when the venue has acknowledged it."""

    def _down(self, reason: str) -> None:
        for line in self._lines:
            line.held.clear()
        for stream in list(self.wanted.names):
            self._say(stream, False, f"the connection is away: {reason}")

    def _look_again(self) -> None:
        for line in self._lines:
            line.look_again()

    # one connection beside another

    def _put_aside(self, payload: bytes) -> None:
        start = self._start
        stream = self._streams.get(payload[start : payload.find(b'"', start, start + NAME_MAX)])
        if stream is None or self._was_told(stream, payload):
            self.wanted.counts["heard twice" if stream else "not asked for"] += 1
            return
        aside = self._aside
        while aside and self._was_told(*aside[0]):
            aside.popleft()
            self.wanted.counts["heard twice"] += 1
        aside.append((stream, payload))
        if len(aside) > ASIDE_MAX:
            self.wanted.counts["took over from a connection that lags"] += 1
            self._lines[0].deafen()
            self._take_over(1)

    def _take_over(self, number: int = 0) -> None:
        """The next connection leads, after what it heard and the one before it did not tell."""
        line, aside = self._lines[number], self._aside
        self._aside = deque()
        line.lead()
        for stream, payload in aside:
            if self._was_told(stream, payload):
                self.wanted.counts["heard twice"] += 1
            else:
                line.hand_on(payload)

    def _was_told(self, stream: str, payload: bytes) -> bool:
        """Whether this or a later frame of its stream has been handed on. What cannot be read is left to the other."""
        newest, key = self._newest.get(stream), self._dialect.key_of(stream, payload)
        if key is None:
            return True
        told = self._dialect.key_of(stream, newest) if newest is not None else None
        return told is not None and key <= told

    def _other(self, payload: bytes) -> End | None:
        if ends := self._dialect.ends(payload):
            return End(ends, planned=True)
        if payload.startswith(self._dialect.prefix):
            self.wanted.counts["not asked for"] += 1
            return None
        try:
            reply = self._dialect.reply(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.wanted.counts["unknown frame"] += 1
            return None
        if reply is not None and not any(line.took(reply) for line in self._lines):
            self.wanted.counts["late reply" if reply.number is not None else "unknown frame"] += 1
        return None
