"""The way out: an order leaves only after its turn is on disk, and the loop never waits for whoever takes it."""

from collections.abc import Callable, Mapping

from petrosa.core.model.orders import Approved, Reducing
from petrosa.errors import InvariantError
from petrosa.ports import Gateway


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
