"""What the desk has been told about an order so far, from answers and from the user stream."""

from decimal import Decimal
from typing import Final

from petrosa.core.model.instruments import EXACT
from petrosa.core.model.orders import (
    Intent,
    OrderCanceled,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderType,
    Place,
    TimeInForce,
)

ORDERS_KEPT: Final = 4_096


class Orders:
    """The newest orders, how they were meant, and what was told about them, by client order id."""

    def __init__(self, kept: int = ORDERS_KEPT) -> None:
        self._kept = kept
        self._orders: dict[str, _Told] = {}

    def placed(self, intent: Intent, now: int) -> None:
        """An order that we place; `now` is when that was decided."""
        told = self._of(intent.client_order_id)
        told.intent, told.since = intent, now

    def told(self, event: OrderEvent, *, by_stream: bool) -> None:
        """The desk hears this, from the user stream or from an answer."""
        told = self._of(event.client_order_id)
        told.heard = told.heard or by_stream
        match event:
            case OrderFilled():
                told.fills[(event.trade_id, event.side.value)] = event.quantity
            case OrderCanceled() | OrderExpired() | OrderRejected():
                told.ended = True
            case _:
                pass

    def intent(self, client_order_id: str) -> Intent | None:
        told = self._orders.get(client_order_id)
        return told.intent if told is not None else None

    def listed_with(self, client_order_id: str) -> list[Intent]:
        """An order that we have placed, and those of its list; nothing where it is not remembered."""
        intent = self.intent(client_order_id)
        if intent is None or not isinstance(intent.action, Place) or not intent.action.list_id:
            return [] if intent is None else [intent]
        known = [told.intent for told in self._orders.values() if told.intent is not None]
        name = intent.action.list_id
        return [one for one in known if isinstance(one.action, Place) and one.action.list_id == name]

    def since(self, client_order_id: str) -> int:
        """When it was decided; 0 when that is not known."""
        told = self._orders.get(client_order_id)
        return told.since if told is not None else 0

    def filled(self, client_order_id: str) -> Decimal:
        """What the fills add up to that the desk was told."""
        told = self._orders.get(client_order_id)
        total = Decimal(0)
        for quantity in told.fills.values() if told is not None else ():
            total = EXACT.add(total, quantity)
        return total

    def is_heard_of(self, client_order_id: str) -> bool:
        """Whether the user stream has said anything about it."""
        told = self._orders.get(client_order_id)
        return told is not None and told.heard

    def is_complete(self, client_order_id: str) -> bool:
        """Whether the desk knows how it ended: filled whole, or ended in words."""
        told = self._orders.get(client_order_id)
        if told is None:
            return False
        place = told.intent.action if told.intent is not None else None
        return told.ended or (isinstance(place, Place) and self.filled(client_order_id) >= place.quantity)

    def _of(self, client_order_id: str) -> "_Told":
        told = self._orders.get(client_order_id)
        if told is None:
            told = self._orders[client_order_id] = _Told()
            if len(self._orders) > self._kept:
                del self._orders[next(iter(self._orders))]
        return told


class _Told:
    __slots__ = ("ended", "fills", "heard", "intent", "since")

    def __init__(self) -> None:
        self.intent: Intent | None = None
        self.since = 0
        self.heard = False
        self.ended = False
        self.fills: dict[tuple[str, str], Decimal] = {}


def may_rest(intent: Intent) -> bool:
    """Whether an order that nobody says anything about may simply be waiting in the book."""
    place = intent.action
    waits = isinstance(place, Place) and place.type is not OrderType.MARKET
    return waits and isinstance(place, Place) and place.time_in_force in (TimeInForce.GTC, TimeInForce.GTX)
