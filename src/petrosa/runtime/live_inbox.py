"""The inbox of a live desk: sockets push, and when the desk cannot keep up it is told exactly what it did not hear."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

from petrosa.core.model.base import NEVER, NS_PER_SECOND
from petrosa.core.model.events import Event
from petrosa.core.model.market import FeedState, FeedStateChanged, InstrumentId
from petrosa.runtime.inbox import SLICE, TOLD_MAX, Heard, Taken, Told
from petrosa.runtime.observed import Observed


class Frame(NamedTuple):
    """Raw bytes as a socket had them. `tag` is `venue:market`."""

    arrival: int
    tag: str
    payload: bytes


class Topic(NamedTuple):
    """What a frame is about, seen from outside: `conflate` when only the newest of its kind matters."""

    instrument: InstrumentId
    stream: str
    conflate: bool


class _Loss:
    """Frames of one stream that were left out since the inbox last had room."""

    __slots__ = ("announced", "count", "first", "last")

    def __init__(self, arrival: int) -> None:
        self.count = 0
        self.first = self.last = arrival
        self.announced = False

    def add(self, arrival: int) -> None:
        self.count += 1
        self.last = arrival


class LiveInbox:
    """Is pushed to by sockets. `decode` makes events of frames, in order, once their place in the order is theirs.

    Up to `capacity` frames wait. When that many do, a conflatable frame takes the place of an older one of its topic
    (and is let in beyond the limit when there is none: there are only as many as topics). Any other frame is left out:
    its stream is STALE to the desk at once. When half is free again, each such stream is told LIVE with the range and
    number of what was left out. `decode` is also where the tape is written, so a tape holds what was dequeued.
    """

    def __init__(
        self,
        decode: Callable[[Sequence[Frame]], Sequence[Heard]],
        topic_of: Callable[[Frame], Topic],
        now: Callable[[], int],
        observed: Observed,
        *,
        capacity: int = 20_000,
        told_max: int = TOLD_MAX,
    ) -> None:
        self._decode = decode
        self._topic_of = topic_of
        self._now = now
        self._observed = observed
        self._capacity = capacity
        self._told = Told(told_max, observed)
        self._frames: dict[int, Frame] = {}
        self._number = 0
        self._losses: dict[Topic, _Loss] = {}
        self._newest: dict[Topic, int] | None = None
        self._closed = False

    def tell(self, event: Event) -> None:
        self._told.add(event)

    def close(self) -> None:
        """Take no more frames; what is told is still handed out."""
        self._closed = True
        self._frames.clear()
        self._told.changed.set()

    def offer(self, frame: Frame) -> None:
        """A socket heard this. Never waits."""
        if self._closed:
            return
        crowded = self._newest is not None or len(self._frames) >= self._capacity
        if crowded and not self._crowded(frame):
            return
        self._number += 1
        self._frames[self._number] = frame
        self._observed.depth(len(self._frames))
        self._told.changed.set()

    def _crowded(self, frame: Frame) -> bool:
        """Whether the frame is let in. The index of newest frames exists only while there is a crowd."""
        topic = self._topic_of(frame)
        if self._newest is None:
            topics = ((self._topic_of(waiting), number) for number, waiting in self._frames.items())
            self._newest = {waiting: number for waiting, number in topics if waiting.conflate}
        if topic.conflate:
            older = self._newest.get(topic, 0)
            self._newest[topic] = self._number + 1
            if len(self._frames) >= self._capacity and self._frames.pop(older, None) is not None:
                self._left_out(topic, frame.arrival, "conflated")
            return True
        if len(self._frames) < self._capacity:
            return True
        self._left_out(topic, frame.arrival, "lost")
        return False

    def _left_out(self, topic: Topic, arrival: int, how: str) -> None:
        self._observed.drops[f"{how} {topic.stream}"] += 1
        loss = self._losses.get(topic)
        if loss is None:
            loss = self._losses[topic] = _Loss(arrival)
        loss.add(arrival)

    async def take(self, due: int) -> Taken | None:
        """What was told comes first. Returns empty when `due` has come, so that the loop lets time pass."""
        while True:
            self._told.changed.clear()
            news = self._news_of_losses() if self._newest is not None else []
            if news or self._told.events:
                return Taken([*news, *self._told.drain()], ())
            if self._frames:
                return Taken((), self._decode(self._next_frames()))
            if self._closed:
                return None
            if due <= self._now():
                return Taken((), ())
            await self._wait(due)

    async def told(self, wanted: Callable[[Event], bool], due: int) -> Sequence[Event]:
        """Only what was told and is wanted now; nothing when `due` has come. The rest waits for `take`."""
        while True:
            self._told.changed.clear()
            found = self._told.pick(wanted)
            if found or due <= self._now():
                return found
            await self._wait(due)

    def _next_frames(self) -> list[Frame]:
        numbers = list(itertools.islice(self._frames, SLICE))
        frames = [self._frames.pop(number) for number in numbers]
        self._observed.depth(len(self._frames))
        self._observed.inbox_wait.add(max(0, self._now() - frames[0].arrival) / NS_PER_SECOND)
        return frames

    def _news_of_losses(self) -> list[Event]:
        """STALE at the first frame lost, LIVE with the range when half the inbox is free again."""
        now = self._now()
        if len(self._frames) > self._capacity // 2:
            news = [(topic, loss) for topic, loss in self._losses.items() if not (loss.announced or topic.conflate)]
            for _, loss in news:
                loss.announced = True
            return [_changed(topic, now, FeedState.STALE, f"{self._full}; frames are lost") for topic, _ in news]
        told = [
            _changed(
                topic,
                now,
                FeedState.LIVE,
                f"{self._full}: {loss.count} frames left out, arrived {loss.first} to {loss.last}",
            )
            for topic, loss in self._losses.items()
        ]
        self._losses.clear()
        self._newest = None
        return told

    @property
    def _full(self) -> str:
        return f"inbox full at {self._capacity}"

    async def _wait(self, due: int) -> None:
        try:
            async with asyncio.timeout(None if due == NEVER else (due - self._now()) / NS_PER_SECOND):
                await self._told.changed.wait()
        except TimeoutError:
            pass


def _changed(topic: Topic, now: int, state: FeedState, reason: str) -> Event:
    return FeedStateChanged(topic.instrument, now, now, topic.stream, state, reason)
