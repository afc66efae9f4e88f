"""The way out: an order leaves only after its turn is on disk, and the loop never waits for whoever takes it."""

from collections.abc import Callable, Mapping
from typing import Protocol

from petrosa.core.model.orders import Approved, Reducing
from petrosa.errors import InvariantError
from petrosa.ports import Gateway


class Owing(Protocol):
    """A journal that writes several turns before it syncs them."""

    @property
    def owed(self) -> bool:
        """Whether a turn is written of which nothing may leave before `sync`."""
        ...

    def sync(self) -> None: ...


class Outbox:
    """Hands each order to the gateway of its instrument's venue. This is `core.turns.Send`.

    A simulated venue takes it in the same instant of virtual time; that of a real one queues it.
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


class Together:
    """Keeps orders until the turns that made them are on disk, all behind one sync: `leave` ends such a group.

    What waits for the disk is what is late, and turns that come together need not wait for it one after the other.
    """

    def __init__(self, journal: Owing, send: Callable[[Approved | Reducing, int], None]) -> None:
        self._journal = journal
        self._send = send
        self._waiting: list[tuple[Approved | Reducing, int]] = []

    def send(self, order: Approved | Reducing, now: int) -> None:
        """This is `core.turns.Send`; the order leaves at the end of the group."""
        self._waiting.append((order, now))

    def leave(self) -> None:
        """Sync what is owed, then let the orders go. Raises `StorageError`: then none of them has left."""
        if self._journal.owed:
            self._journal.sync()
        waiting, self._waiting = self._waiting, []
        for order, now in waiting:
            self._send(order, now)
