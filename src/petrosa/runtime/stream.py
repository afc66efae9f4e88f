"""The decision stream: everybody who wants to know what a desk did, none of whom can slow it or change it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from petrosa.core.model.events import REPEATED, Decision, Event
from petrosa.runtime.observed import Observed


class Decided(NamedTuple):
    """One turn that is worth knowing about: it was told something or decided something."""

    sequence: int
    now: int
    event: Event
    decisions: Sequence[Decision]


class Subscriber:
    """A bounded queue of turns. Who is too slow loses the oldest, and `dropped` says how many."""

    def __init__(self, name: str, capacity: int, observed: Observed) -> None:
        self.name = name
        self.dropped = 0
        self._waiting: deque[Decided] = deque()
        self._capacity = capacity
        self._observed = observed
        self._filled = asyncio.Event()

    def offer(self, decided: Decided) -> None:
        if len(self._waiting) >= self._capacity:
            self._waiting.popleft()
            self.dropped += 1
            self._observed.drops[f"subscriber {self.name}"] += 1
        self._waiting.append(decided)
        self._filled.set()

    def drain(self) -> list[Decided]:
        """Everything that waits, oldest first, without waiting for more."""
        waiting = list(self._waiting)
        self._waiting.clear()
        self._filled.clear()
        return waiting

    async def __aiter__(self) -> AsyncIterator[Decided]:
        while True:
            await self._filled.wait()
            for decided in self.drain():
                yield decided


class DecisionStream:
    """Deals out recorded turns. `publish` has the shape of `core.turns.Record`; call it after the journal's."""

    def __init__(self, observed: Observed) -> None:
        self._observed = observed
        self._subscribers: list[Subscriber] = []

    def subscribe(self, name: str, capacity: int = 1_000) -> Subscriber:
        subscriber = Subscriber(name, capacity, self._observed)
        self._subscribers.append(subscriber)
        return subscriber

    def publish(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """Tell every subscriber, at the cost of one append each."""
        if not decisions and type(event) in REPEATED:
            return
        decided = Decided(sequence, now, event, decisions)
        for subscriber in self._subscribers:
            subscriber.offer(decided)
