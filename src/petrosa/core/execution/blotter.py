"""Every order by its client id, and every fill once."""

from collections.abc import Iterator
from typing import Final

import msgspec

from petrosa.core.execution.lifecycle import Order, advance, contradiction, lost
from petrosa.core.model.base import Side
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Cancel, Intent, OrderEvent, OrderFilled, OrderStatus
from petrosa.errors import InvariantError

ORDERS_KEPT: Final = 512
"""Orders remembered, the live and the pinned ones always. Late fills of older ones are fills of an order that is not
ours."""
TRADES_KEPT: Final = 8_192
"""Trade ids remembered, by which a fill that is told twice is known."""


class Applied(msgspec.Struct, frozen=True):
    """What a piece of news did. `order` is None when we know no such order; `is_new_fill` when it must be counted."""

    order: Order | None
    is_new_fill: bool
    contradiction: str


class BlotterState(msgspec.Struct, frozen=True):
    """Orders and trade ids, oldest first."""

    orders: tuple[Order, ...]
    trades: tuple[tuple[InstrumentId, str, Side], ...]


class Blotter:
    """Holds what `lifecycle` computes. The only state here is which orders and fills there have been."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._live: dict[str, Order] = {}
        self._trades: dict[tuple[InstrumentId, str, Side], None] = {}
        self._pinned: dict[InstrumentId, tuple[str, ...]] = {}

    def __contains__(self, client_order_id: str) -> bool:
        return client_order_id in self._orders

    def __iter__(self) -> Iterator[Order]:
        """Every remembered order, oldest first."""
        return iter(self._orders.values())

    def get(self, client_order_id: str) -> Order | None:
        return self._orders.get(client_order_id)

    def live(self, instrument: InstrumentId | None = None) -> list[Order]:
        """Orders that may still fill, in the order in which they were placed."""
        if instrument is None:
            return list(self._live.values())
        return [order for order in self._live.values() if order.intent.instrument == instrument]

    def add(self, order: Order) -> None:
        """Remember an order that is leaving. Raises `InvariantError` for an id that was used before."""
        if order.client_order_id in self._orders:
            raise InvariantError(f"client order id {order.client_order_id} is used twice")
        self._put(order)
        if len(self._orders) > ORDERS_KEPT:
            pinned = {name for names in self._pinned.values() for name in names}
            oldest = next((one for one in self._orders if one not in self._live and one not in pinned), None)
            if oldest is not None:
                del self._orders[oldest]

    def revive(self, client_order_id: str) -> Order:
        """Call an order alive that was over here and rests on the venue."""
        return self._put(msgspec.structs.replace(self._orders[client_order_id], status=OrderStatus.ACCEPTED))

    def pin(self, instrument: InstrumentId, names: tuple[str, ...]) -> None:
        """Keep these orders of an instrument, ended or not, and no others than these."""
        if names:
            self._pinned[instrument] = names
        else:
            self._pinned.pop(instrument, None)

    def cancelling(self, intent: Intent) -> None:
        """Note that a cancel is leaving for an order."""
        if not isinstance(intent.action, Cancel):
            raise InvariantError(f"{intent.client_order_id} is not a cancel")
        self.going(intent.action.target_client_order_id)

    def going(self, client_order_id: str) -> None:
        """Note that an order has been asked to go, itself or by a cancel of what it is listed with."""
        order = self._orders[client_order_id]
        self._put(msgspec.structs.replace(order, cancels=order.cancels + 1))

    def replacing(self, client_order_id: str, replaced_by: str) -> None:
        """Note that an order leaves which takes the place of this one and of what it is listed with."""
        named = self._orders[client_order_id]
        for order in self.live(named.intent.instrument):
            listed = order.place.list_id and order.place.list_id == named.place.list_id
            if listed or order.client_order_id == client_order_id:
                self._put(msgspec.structs.replace(order, replaced_by=replaced_by))

    def lose(self, client_order_id: str) -> Order | None:
        """Call an order unknown that was not answered; returns it if that is news."""
        before = self._orders.get(client_order_id)
        if before is None or lost(before) is before:
            return None
        return self._put(lost(before))

    def apply(self, event: OrderEvent) -> Applied:
        """Take in news of an order: once, in whatever order it comes."""
        is_new_fill = isinstance(event, OrderFilled) and self._is_new(event)
        before = self._orders.get(event.client_order_id)
        if before is None:
            return Applied(None, is_new_fill, "")
        if isinstance(event, OrderFilled) and not is_new_fill:
            return Applied(before, False, "")
        return Applied(self._put(advance(before, event)), is_new_fill, contradiction(before, event))

    def has_counted(self, fill: OrderFilled) -> bool:
        """Whether a fill of this identity is remembered."""
        return (fill.instrument, fill.trade_id, fill.side) in self._trades

    def snapshot(self) -> BlotterState:
        return BlotterState(tuple(self._orders.values()), tuple(self._trades))

    def restore(self, state: BlotterState) -> None:
        self._orders = {order.client_order_id: order for order in state.orders}
        self._live = {key: order for key, order in self._orders.items() if order.is_live}
        self._trades = dict.fromkeys(state.trades)

    def _put(self, order: Order) -> Order:
        key = order.client_order_id
        self._orders[key] = order
        if order.is_live:
            self._live[key] = order
        else:
            self._live.pop(key, None)
        return order

    def _is_new(self, fill: OrderFilled) -> bool:
        key = (fill.instrument, fill.trade_id, fill.side)
        if key in self._trades:
            return False
        self._trades[key] = None
        if len(self._trades) > TRADES_KEPT:
            del self._trades[next(iter(self._trades))]
        return True
