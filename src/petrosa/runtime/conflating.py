"""Frames that wait for somebody slower than their source: bounded, and what is left out is counted and told.

Up to `capacity` frames wait. When that many do, a frame of which only the newest matters (a quote, a ticker, a depth)
takes the place of an older one of its topic, and is let in beyond the limit when there is none: there are only as many
as topics. Any other frame (a trade, a bar, a mark price with its funding, a liquidation, a difference of a book) is
left out when there is no room. Sockets are not stalled for it: a connection that is not read makes everything on it
late, what conflates well too, and the venue ends it, which loses more.
"""

import itertools
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from petrosa.core.model.market import FeedState, FeedStateChanged, InstrumentId


class Frame(msgspec.Struct, frozen=True, gc=False):
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
    """Frames of one stream that were left out since there last was room."""

    __slots__ = ("announced", "count", "first", "last")

    def __init__(self, arrival: int) -> None:
        self.count = 0
        self.first = self.last = arrival
        self.announced = False

    def add(self, arrival: int) -> None:
        self.count += 1
        self.last = arrival


class Conflating:
    """`drops` counts by name what was left out: `conflated bookTicker`, `lost trade`.

    The stream of a lost frame is STALE until half is free again; then every stream that left something out is told
    LIVE with the range and number. They are told as streams of this place (`trade (inbox)`), because another one knows
    of its own whether the venue's stream is whole.
    """

    def __init__(self, topic_of: Callable[[Frame], Topic], drops: Counter[str], capacity: int, place: str) -> None:
        self._topic_of = topic_of
        self._drops = drops
        self._capacity = capacity
        self._place = place
        self._frames: dict[int, Frame] = {}
        self._number = 0
        self.has_lost = False
        """Whether a stream has lost its first frame since `news` was asked for."""
        self._losses: dict[Topic, _Loss] = {}
        self._newest: dict[Topic, int] | None = None

    def __len__(self) -> int:
        return len(self._frames)

    @property
    def is_crowded(self) -> bool:
        """Whether there may be something that was left out and not told yet."""
        return self._newest is not None

    def clear(self) -> None:
        self._frames.clear()

    def add(self, frame: Frame) -> bool:
        """Whether it waits now, or was left out."""
        crowded = self._newest is not None or len(self._frames) >= self._capacity
        if crowded and not self._crowded(frame):
            return False
        self._number += 1
        self._frames[self._number] = frame
        return True

    def take(self, most: int) -> list[Frame]:
        """The next ones, in their order."""
        numbers = list(itertools.islice(self._frames, most))
        return [self._frames.pop(number) for number in numbers]

    def news(self, now: int) -> list[tuple[Topic, FeedStateChanged]]:
        """STALE at the first frame lost, LIVE with the range when half is free again."""
        self.has_lost = False
        if len(self._frames) > self._capacity // 2:
            news = [(topic, loss) for topic, loss in self._losses.items() if not (loss.announced or topic.conflate)]
            for _, loss in news:
                loss.announced = True
            return [self._told(topic, now, FeedState.STALE, f"{self._full}; frames are lost") for topic, _ in news]
        told = [
            self._told(
                topic, now, FeedState.LIVE,
                f"{self._full}: {loss.count} frames left out, arrived {loss.first} to {loss.last}",
            )
            for topic, loss in self._losses.items()
        ]  # fmt: skip
        self._losses.clear()
        self._newest = None
        return told

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
        self._drops[f"{how} {topic.stream}"] += 1
        loss = self._losses.get(topic)
        if loss is None:
            loss = self._losses[topic] = _Loss(arrival)
            self.has_lost = self.has_lost or not topic.conflate
        loss.add(arrival)

    @property
    def _full(self) -> str:
        return f"{self._place} full at {self._capacity}"

    def _told(self, topic: Topic, now: int, state: FeedState, reason: str) -> tuple[Topic, FeedStateChanged]:
        stream = f"{topic.stream} ({self._place})"
        return topic, FeedStateChanged(topic.instrument, now, now, stream, state, reason)
