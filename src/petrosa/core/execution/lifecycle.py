"""What becomes of an order, whatever order the news comes in.

    INITIALIZED → SUBMITTED → ACCEPTED → TRIGGERED → PARTIALLY_FILLED → FILLED
                     │  └→ UNKNOWN (no answer; counts as alive until the venue proves otherwise)
                     └→ REJECTED          CANCELED, EXPIRED from any that is alive

Filled quantity never falls. A status that is behind the one we have is late news and changes nothing. What is terminal
never lives again; but a fill that comes after a cancel is a fill all the same, and may complete the order.
"""

from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.orders import (
    CancelRejected,
    Intent,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderStatus,
    OrderTriggered,
    Place,
)
from petrosa.errors import InvariantError

WOULD_TRIGGER: Final = "would trigger immediately"
"""How the reason of an `OrderRejected` begins when the market is past the trigger already, on every venue. There is
nothing to wait for then, and nothing to try again: what the order was for must be done now."""

_PROGRESS: Final = {
    OrderStatus.INITIALIZED: 0,
    OrderStatus.SUBMITTED: 1,
    OrderStatus.UNKNOWN: 1,
    OrderStatus.ACCEPTED: 2,
    OrderStatus.TRIGGERED: 3,
    OrderStatus.PARTIALLY_FILLED: 4,
    OrderStatus.FILLED: 5,
    OrderStatus.CANCELED: 5,
    OrderStatus.EXPIRED: 5,
    OrderStatus.REJECTED: 5,
}


class Order(msgspec.Struct, frozen=True):
    """One order and all we know about it. `stop` and `target` are what shall rest behind an entry once it fills.

    `cancels` counts the cancels sent for it; `replaced_by` is the last order that was to take its place;
    `average_price` is of its fills.
    """

    intent: Intent
    status: OrderStatus
    ts_submitted: int
    filled: Decimal = Decimal(0)
    average_price: Decimal = Decimal(0)
    venue_order_id: str = ""
    reason: str = ""
    cancels: int = 0
    stop: Decimal | None = None
    target: Decimal | None = None
    replaced_by: str = ""

    @property
    def client_order_id(self) -> str:
        return self.intent.client_order_id

    @property
    def place(self) -> Place:
        if not isinstance(self.intent.action, Place):
            raise InvariantError(f"{self.intent.client_order_id} is not an order but a cancel")
        return self.intent.action

    @property
    def side(self) -> Side:
        return self.place.side

    @property
    def is_live(self) -> bool:
        """Whether it may still fill, as far as we can prove."""
        return not self.status.is_terminal

    @property
    def is_confirmed(self) -> bool:
        """Whether the venue has said that it has it, and not that it is gone."""
        return self.is_live and _PROGRESS[self.status] >= _PROGRESS[OrderStatus.ACCEPTED]

    @property
    def is_at_work(self) -> bool:
        """Whether it has been set off or has begun to fill, and may fill further."""
        return self.status in (OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)

    @property
    def is_selling(self) -> bool:
        """Whether it is at work at market: it needs nobody's help, and is soon over."""
        return self.is_at_work and self.place.price is None

    @property
    def was_too_late(self) -> bool:
        """Whether the venue refused it because the market was past its trigger."""
        return self.status is OrderStatus.REJECTED and self.reason.startswith(WOULD_TRIGGER)

    @property
    def enlarges(self) -> bool:
        """Whether it can make a position larger."""
        return not self.place.reduce_only

    @property
    def leaves(self) -> Decimal:
        """What may still fill; zero once it is terminal."""
        return max(Decimal(0), EXACT.subtract(self.place.quantity, self.filled)) if self.is_live else Decimal(0)


def submitted(intent: Intent, now: int, stop: Decimal | None = None, target: Decimal | None = None) -> Order:
    """An order that is leaving now."""
    return Order(intent, OrderStatus.SUBMITTED, now, stop=stop, target=target)


def lost(order: Order) -> Order:
    """An order that was never answered: its fate is unknown, and no passing of time makes it known."""
    if order.status is not OrderStatus.SUBMITTED:
        return order
    return msgspec.structs.replace(order, status=OrderStatus.UNKNOWN, reason="no answer")


def advance(order: Order, event: OrderEvent) -> Order:
    """The order after a piece of news. A fill must be news (see `Blotter`): it is counted each time it is given."""
    match event:
        case OrderFilled():
            return _filled(order, event)
        case OrderAccepted():
            known = msgspec.structs.replace(order, venue_order_id=event.venue_order_id or order.venue_order_id)
            return _forward(known, OrderStatus.ACCEPTED, "")
        case OrderTriggered():
            return _forward(order, OrderStatus.TRIGGERED, "")
        case OrderCanceled():
            return _forward(order, OrderStatus.CANCELED, event.reason)
        case OrderExpired():
            return _forward(order, OrderStatus.EXPIRED, event.reason)
        case OrderRejected():
            if _PROGRESS[order.status] >= _PROGRESS[OrderStatus.ACCEPTED] or order.filled > 0:
                return order  # it exists: what was rejected is a repetition of it
            return _forward(order, OrderStatus.REJECTED, event.reason)
        case CancelRejected():
            return order


def contradiction(order: Order, event: OrderEvent) -> str:
    """What cannot both be true of an order and the news about it; empty when nothing. A person must look."""
    match event:
        case OrderAccepted() | OrderTriggered() if order.status is OrderStatus.REJECTED:
            return f"{order.client_order_id} was rejected ({order.reason}) and is accepted now"
        case OrderFilled() if order.status is OrderStatus.REJECTED:
            return f"{order.client_order_id} was rejected ({order.reason}) and filled {event.quantity} now"
        case OrderFilled() if event.side is not order.side:
            return f"{order.client_order_id} is a {order.side.value} and filled as a {event.side.value}"
        case OrderFilled() if EXACT.add(order.filled, event.quantity) > order.place.quantity:
            total = EXACT.add(order.filled, event.quantity)
            return f"{order.client_order_id} is of {order.place.quantity} and filled {total}"
        case _:
            return ""


def _forward(order: Order, status: OrderStatus, reason: str) -> Order:
    if _PROGRESS[status] <= _PROGRESS[order.status]:
        return order
    return msgspec.structs.replace(order, status=status, reason=reason)


def _filled(order: Order, fill: OrderFilled) -> Order:
    filled = EXACT.add(order.filled, fill.quantity)
    paid = EXACT.add(EXACT.multiply(order.average_price, order.filled), EXACT.multiply(fill.price, fill.quantity))
    if filled >= order.place.quantity:
        status = OrderStatus.FILLED
    else:
        status = OrderStatus.PARTIALLY_FILLED if order.is_live else order.status
    return msgspec.structs.replace(order, filled=filled, average_price=EXACT.divide(paid, filled), status=status)
