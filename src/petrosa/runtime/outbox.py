"""The way out: an order leaves only after its turn is on disk, and the loop never waits for whoever takes it."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Generic, TypeVar

from petrosa.core.model.orders import Approved, Reducing
from petrosa.errors import InvariantError, OverflowHalt
from petrosa.ports import Gateway
from petrosa.runtime.observed import Observed

T = TypeVar("T")


class Outbox:
    """Hands each order to the gateway of its instrument's venue. This is `core.turns.Send`.

    A simulated venue takes it in the same instant of virtual time; a real one stands behind a `Lane`.
    `crash_point` is told `outbox.before_send` and `outbox.after_send` in passing.
    """

    def __init__(self, gateways: Mapping[str, Gateway], crash_point: Callable[[str], None] | None = None) -> None:
        self._gateways = gateways
        self._crash_point = crash_point
        self.sent = 0

    def send(self, order: Approved | Reducing, now: int) -> None:
        """Let an order leave. Its turn has been recorded."""
        venue = order.intent.instrument.partition(":")[0]
        gateway = self._gateways.get(venue)
        if gateway is None:
            raise InvariantError(
                f"an order for {order.intent.instrument}, but no gateway for venue {venue!r}; "
                f"there is {', '.join(sorted(self._gateways)) or 'none'}"
            )
        if self._crash_point is not None:
            self._crash_point("outbox.before_send")
        gateway.submit(order, now)
        self.sent += 1
        if self._crash_point is not None:
            self._crash_point("outbox.after_send")


class Lane(Generic[T]):
    """A bounded queue to one place, delivered one at a time in order. Nothing in it is ever dropped.

    `deliver` decides itself what to try again; when it raises, `run` raises, and the undelivered item is still first.
    """

    def __init__(
        self, name: str, deliver: Callable[[T], Awaitable[None]], observed: Observed, *, capacity: int = 1_000
    ) -> None:
        self.name = name
        self.delivered = 0
        self._deliver = deliver
        self._observed = observed
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._filled = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> None:
        """Queue it, or raise `OverflowHalt`: whoever takes from this lane has been away too long."""
        if len(self._items) >= self._capacity:
            self._observed.drops[f"refused by lane {self.name}"] += 1
            raise OverflowHalt(
                f"{len(self._items)} things wait for {self.name}, limit {self._capacity}; it does not take them"
            )
        self._items.append(item)
        self._empty.clear()
        self._filled.set()

    async def run(self) -> None:
        """Deliver for ever."""
        while True:
            while self._items:
                await self._deliver(self._items[0])
                self._items.popleft()
                self.delivered += 1
            self._empty.set()
            self._filled.clear()
            await self._filled.wait()

    async def drained(self) -> None:
        """Return when everything put so far has been delivered."""
        await self._empty.wait()
