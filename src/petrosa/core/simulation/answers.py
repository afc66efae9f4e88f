"""What the account is going to hear, in the order in which it will."""

import heapq

from petrosa.core.model.base import NEVER
from petrosa.core.model.orders import AccountEvent


class Answers:
    """A queue by (due time, number). Numbers are given out in the order in which the venue spoke."""

    __slots__ = ("_heap", "number")

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, AccountEvent]] = []
        self.number = 0

    def push(self, due: int, event: AccountEvent) -> None:
        self.number += 1
        heapq.heappush(self._heap, (due, self.number, event))

    def next_due(self) -> int:
        return self._heap[0][0] if self._heap else NEVER

    def pop(self) -> AccountEvent:
        return heapq.heappop(self._heap)[2]

    def snapshot(self) -> tuple[tuple[int, int, AccountEvent], ...]:
        return tuple(sorted(self._heap, key=lambda item: item[:2]))

    def restore(self, queued: tuple[tuple[int, int, AccountEvent], ...], number: int) -> None:
        self._heap = list(queued)
        heapq.heapify(self._heap)
        self.number = number
