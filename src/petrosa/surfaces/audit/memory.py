"""What the audit has to remember of earlier turns to tell a later one whole: bounded, and kept with its place."""

from typing import Final

import msgspec

from petrosa.core.model.orders import Intent, Leg, Place

CLOSED_MAX: Final = 64
"""Orders remembered after their end, for a fill that the venue tells of late."""
ORDERS_MAX: Final = 2_000
SIGNALS_MAX: Final = 64


class Ordered(msgspec.Struct, frozen=True, omit_defaults=True):
    """An order as the records about it need it. Numbers are exact texts."""

    leg: str
    side: str
    type: str
    quantity: str
    price: str | None
    signal_id: str
    strategy_id: str
    filled: str = "0"
    venue_order_id: str = ""
    stop_loss: str | None = None
    take_profit: str | None = None

    @property
    def is_protection(self) -> bool:
        return self.leg in (Leg.STOP.value, Leg.TARGET.value)


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True):
    """A signal whose entry is not ordered yet: a reversal is agreed to again when the old position is closed."""

    strategy_id: str
    symbol: str
    side: str | None
    stop_loss: str | None = None
    take_profit: str | None = None


class Memory(msgspec.Struct):
    """Orders by client order id, the ended ones among them oldest first, and signals by id."""

    orders: dict[str, Ordered] = msgspec.field(default_factory=dict)
    closed: list[str] = msgspec.field(default_factory=list)
    signals: dict[str, Wanted] = msgspec.field(default_factory=dict)

    def heard(self, signal_id: str, wanted: Wanted) -> None:
        """Remember a signal, as long as there is neither an entry nor a refusal."""
        self.signals[signal_id] = wanted
        if len(self.signals) > SIGNALS_MAX:
            del self.signals[next(iter(self.signals))]

    def copy(self) -> "Memory":
        """What is remembered now, whatever is remembered later."""
        return Memory(dict(self.orders), list(self.closed), dict(self.signals))

    def placed(self, intent: Intent, place: Place, stop: str | None = None, target: str | None = None) -> Ordered:
        """Remember an order that is meant to leave, with the levels of what shall rest behind it."""
        if intent.leg is Leg.ENTRY:
            self.signals.pop(intent.signal_id, None)
        price = place.price if place.trigger_price is None else place.trigger_price
        if intent.leg is Leg.STOP:
            stop = exact(price)
        elif intent.leg is Leg.TARGET:
            target = exact(price)
        order = Ordered(
            leg=intent.leg.value,
            side=place.side.value,
            type=place.type.value,
            quantity=f"{place.quantity:f}",
            price=exact(price),
            signal_id=intent.signal_id,
            strategy_id=intent.strategy_id,
            stop_loss=stop,
            take_profit=target,
        )
        self.orders[intent.client_order_id] = order
        if len(self.orders) > ORDERS_MAX:
            del self.orders[next(iter(self.orders))]
        return order

    def changed(self, client_order_id: str, **changes: str) -> None:
        """Remember what the venue said of an order."""
        order = self.orders.get(client_order_id)
        if order is not None:
            self.orders[client_order_id] = msgspec.structs.replace(order, **changes)

    def ended(self, client_order_id: str) -> None:
        """An order has come to its end; the oldest of those that did are forgotten."""
        if client_order_id not in self.orders or client_order_id in self.closed:
            return
        self.closed.append(client_order_id)
        if len(self.closed) > CLOSED_MAX:
            self.orders.pop(self.closed.pop(0), None)


def exact(number: object) -> str | None:
    """A decimal without an exponent, a float as short as it can be told apart, none for none."""
    if number is None:
        return None
    return repr(number) if isinstance(number, float) else f"{number:f}"
