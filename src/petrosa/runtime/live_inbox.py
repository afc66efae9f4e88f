"""The inbox of a live desk: sockets push, and when the desk cannot keep up it is told exactly what it did not hear."""

import asyncio
from collections.abc import Callable, Sequence

from petrosa.core.model.base import NEVER, NS_PER_SECOND
from petrosa.core.model.events import Event
from petrosa.runtime.conflating import Conflating, Frame, Topic
from petrosa.runtime.inbox import SLICE, TOLD_MAX, Heard, Taken, Told
from petrosa.runtime.observed import Observed


class LiveInbox:
    """Is pushed to by sockets. `decode` makes events of frames, in order, once their place in the order is theirs.

    Up to `capacity` frames wait; `Conflating` says what is left out of a crowd, and the desk is told. `decode` is also
    where the tape is written, so a tape holds what was dequeued.
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
        self._now = now
        self._observed = observed
        self._told = Told(told_max, observed)
        self._frames = Conflating(topic_of, observed.drops, capacity, "inbox")
        self._closed = False

    def tell(self, event: Event) -> None:
        self._told.add(event)

    @property
    def waiting(self) -> int:
        """How much of what was told waits for its turn."""
        return len(self._told.events)

    def close(self) -> None:
        """Take no more frames; what is told is still handed out."""
        self._closed = True
        self._frames.clear()
        self._told.changed.set()

    def offer(self, frame: Frame) -> None:
        """A socket heard this. Never waits."""
        if self._closed:
            return
        if self._frames.add(frame):
            self._observed.depth(len(self._frames))
            self._told.changed.set()

    async def take(self, due: int) -> Taken | None:
        """What was told comes first. Returns empty when `due` has come, so that the loop lets time pass."""
        while True:
            self._told.changed.clear()
            news = [event for _, event in self._frames.news(self._now())] if self._frames.is_crowded else []
            if news or self._told.events:
                return Taken([*news, *self._told.drain()], ())
            if len(self._frames):
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
        frames = self._frames.take(SLICE)
        self._observed.depth(len(self._frames))
        self._observed.inbox_wait.add(max(0, self._now() - frames[0].arrival) / NS_PER_SECOND)
        return frames

    async def _wait(self, due: int) -> None:
        try:
            async with asyncio.timeout(None if due == NEVER else (due - self._now()) / NS_PER_SECOND):
                await self._told.changed.wait()
        except TimeoutError:
            pass
