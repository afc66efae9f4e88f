"""Frames of a live market on their way to whoever publishes or writes them, when that is slower than the market."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

from petrosa.core.model.market import FeedState, FeedStateChanged
from petrosa.runtime.conflating import Conflating, Frame, Topic

CAPACITY: Final = 20_000


class Outgoing:
    """Is offered frames, never waits, and hands them out in order; see `Conflating` for what is left out of a crowd.

    `tell` is given the news of what was left out. `lost` is given every topic that has lost what no later frame makes
    up for, once there is room again: a book of differences needs a snapshot then (`LiveFeed.ask_books`).
    """

    def __init__(
        self, tag: str, topic_of: Callable[[Frame], Topic], now: Callable[[], int],
        tell: Callable[[FeedStateChanged], None], lost: Callable[[Topic], None], *, capacity: int = CAPACITY,
    ) -> None:  # fmt: skip
        self.drops: Counter[str] = Counter()
        """What was left out, by name."""
        self._tag = tag
        self._now = now
        self._tell = tell
        self._lost = lost
        self._waiting = Conflating(topic_of, self.drops, capacity, "outgoing")
        self._changed = asyncio.Event()
        self._is_awaited = False
        """Whether the taker waits for it."""
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, arrival: int, _stream: str, payload: bytes) -> None:
        """As a live feed offers."""
        if self._closed:
            return
        waiting = self._waiting
        waiting.add(Frame(arrival, self._tag, payload))
        if waiting.has_lost:
            self._say()
        if self._is_awaited:
            self._is_awaited = False
            self._changed.set()

    def close(self) -> None:
        """Take no more; what waits is still handed out."""
        self._closed = True
        self._is_awaited = False
        self._changed.set()

    async def take(self, most: int) -> list[Frame]:
        """The next ones, at least one; nothing when it is closed and empty. One taker."""
        while not len(self._waiting):
            if self._closed:
                return []
            self._changed.clear()
            self._is_awaited = True
            await self._changed.wait()
        frames = self._waiting.take(most)
        if self._waiting.is_crowded:
            self._say()
        return frames

    def _say(self) -> None:
        for topic, news in self._waiting.news(self._now()):
            self._tell(news)
            if news.state is FeedState.LIVE and not topic.conflate:
                self._lost(topic)
