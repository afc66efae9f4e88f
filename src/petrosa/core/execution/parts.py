"""A position that no single order of the venue covers: its stop, and its target, in several orders that add up to it.

On derivatives. What rests and is right stays: as much of it as adds up to what is held, what is at work first, then
what the venue has confirmed. What is missing is placed, in parts about equal and none larger than the venue's largest
order; when all of it is confirmed, what is too much is cancelled. So here too new comes before old, and a part that
fills, or is taken off, is followed by its own size and no more.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from petrosa.core.execution.lifecycle import Order
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.orders import OrderStatus

ZERO = Decimal(0)


class Parts(msgspec.Struct, frozen=True):
    """What of a leg stays, what there is to place (sizes), and what is not needed."""

    kept: tuple[Order, ...]
    missing: tuple[Decimal, ...]
    surplus: tuple[Order, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the venue has all that should rest."""
        return not self.missing and all(order.is_confirmed for order in self.kept)


def needs_parts(quantity: Decimal, rules: Instrument, orders: Sequence[Order]) -> bool:
    """Whether a position is too large for one order, or several that protected it are being set off by now."""
    live = [order for order in orders if order.is_live and not order.cancels]
    return quantity > rules.max_quantity or (len(live) > 1 and any(order.is_at_work for order in live))


def compared(quantity: Decimal, rules: Instrument, orders: Sequence[Order], sound: Sequence[Order]) -> Parts:
    """The `orders` of a leg against what is held; `sound` are those that wait where they should, answered or not."""
    kept: list[Order] = []
    missing = quantity
    for order in sorted(sound, key=lambda one: (not one.is_at_work, not one.is_confirmed)):
        if order.leaves <= missing or (order.is_at_work and missing > 0):
            kept.append(order)
            missing = max(EXACT.subtract(missing, order.leaves), ZERO)
    idle = [order for order in kept if not order.is_at_work]
    if 0 < missing < rules.min_quantity and idle:  # too little for an order of its own: with the smallest it is not
        joined = min(idle, key=lambda order: order.leaves)
        kept.remove(joined)
        missing = EXACT.add(missing, joined.leaves)
    names = {order.client_order_id for order in kept}
    surplus = tuple(order for order in orders if order.client_order_id not in names)
    return Parts(tuple(kept), tuple(parts_of(missing, rules)) if missing > 0 else (), surplus)


def failed_since_confirmed(orders: Sequence[Order], stuck: Sequence[Order]) -> list[Order]:
    """The orders of a leg that failed, or were never answered, since the venue has last confirmed one."""
    good = [index for index, order in enumerate(orders) if order.is_confirmed or order.filled]
    since = orders[good[-1] + 1 :] if good else orders
    return [order for order in since if order in stuck or has_failed(order)]


def has_failed(order: Order) -> bool:
    """Whether it ended without having been asked to."""
    ended = order.status in (OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELED)
    return ended and not order.cancels


def parts_of(quantity: Decimal, rules: Instrument) -> list[Decimal]:
    """A quantity in as few orders as the venue's largest allows, about equal, so that no part is too small to rest."""
    steps, most = rules.quantity_steps(quantity), rules.quantity_steps(rules.max_quantity)
    count = -(-steps // most)
    least, larger = divmod(steps, count)
    return [EXACT.multiply(rules.step, Decimal(least + (index < larger))) for index in range(count)]
