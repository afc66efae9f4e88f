"""The stop and the target that rest behind a position: as large as what is held, never none, gone when it is flat.

Both are part of the position, not of the entry. After each piece of news what should rest is compared with what does:

* no stop, or one of another size: a new one is placed (next generation), and only when the venue has confirmed it is
  the old one cancelled, so that for a moment two rest, never none; both are reduce-only;
* rejected, expired or taken off by the venue: placed again (next attempt), and after a bound the position is closed;
* not confirmed in time: an alarm, and the next attempt;
* flat: everything that still rests is cancelled, which is also how a stop that filled takes its target with it.
"""

from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.lifecycle import Order
from petrosa.core.execution.params import ExecutionParams
from petrosa.core.execution.reducing import Cause, reducing_id, rest_stop, rest_target
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.orders import Leg, OrderStatus, Reducing

PROTECTIVE_LEGS: Final = (Leg.STOP, Leg.TARGET)


class Guard(msgspec.Struct, frozen=True):
    """What rests behind one position. `side` is that of the orders that close it, `orders` those placed so far."""

    cause: Cause
    side: Side
    stop: Decimal
    target: Decimal | None
    orders: tuple[str, ...] = ()


class Wanted(msgspec.Struct, frozen=True):
    """What to do so that protection is as it should be. `gave_up` says why a stop will not be tried again."""

    places: tuple[Reducing, ...] = ()
    cancels: tuple[tuple[Order, str], ...] = ()
    gave_up: str = ""
    drop_target: str = ""


def wanted(guard: Guard, held: Decimal, most: Decimal, blotter: Blotter, now: int, params: ExecutionParams) -> Wanted:
    """Compare what rests with what should, for a position of `held` (signed) where one order holds at most `most`."""
    orders = [order for order in (blotter.get(name) for name in guard.orders) if order is not None]
    if held == 0:
        return Wanted(cancels=tuple((order, "the position is flat") for order in orders if _can_cancel(order)))
    turned = tuple((order, "the position has turned") for order in orders if order.side is not guard.side)
    result = Wanted(cancels=tuple(pair for pair in turned if _can_cancel(pair[0])))
    for leg in PROTECTIVE_LEGS:
        if leg is Leg.TARGET and guard.target is None:
            continue
        mine = [order for order in orders if order.intent.leg is leg and order.side is guard.side]
        result = _leg(result, leg, guard, held, most, mine, blotter, now, params)
    return result


def covered(guard: Guard, held: Decimal, blotter: Blotter) -> bool:
    """Whether stops that the venue has confirmed rest for all that is held."""
    resting = Decimal(0)
    for name in guard.orders:
        order = blotter.get(name)
        if order is not None and order.intent.leg is Leg.STOP and order.side is guard.side and order.is_confirmed:
            resting = EXACT.add(resting, order.leaves)
    return resting >= held.copy_abs()


def _leg(
    result: Wanted,
    leg: Leg,
    guard: Guard,
    held: Decimal,
    most: Decimal,
    orders: list[Order],
    blotter: Blotter,
    now: int,
    params: ExecutionParams,
) -> Wanted:
    quantity = min(held.copy_abs(), most)
    resting = next((order for order in reversed(orders) if order.is_confirmed and _fits(order, quantity)), None)
    if resting is not None:
        others = [order for order in orders if order is not resting and _can_cancel(order)]
        cancels = tuple((order, f"{resting.client_order_id} rests instead") for order in others)
        return msgspec.structs.replace(result, cancels=result.cancels + cancels)
    newest = orders[-1] if orders else None
    stuck = newest is not None and _is_stuck(newest, now, params)
    if newest is not None and not stuck and _fits(newest, quantity):
        return result
    generation, attempt = _next_try(newest, stuck)
    if attempt >= params.max_stop_attempts:
        why = f"{leg.value} {newest.status.value if newest else ''}: {newest.reason if newest else ''}"
        return msgspec.structs.replace(result, **{"gave_up" if leg is Leg.STOP else "drop_target": why})
    while reducing_id(guard.cause, leg, generation, attempt) in blotter:
        generation += 1
    if leg is Leg.STOP:
        placed = rest_stop(guard.cause, held, quantity, guard.stop, generation, attempt)
    else:
        assert guard.target is not None
        placed = rest_target(guard.cause, held, quantity, guard.target, generation, attempt)
    return msgspec.structs.replace(result, places=(*result.places, placed))


def _fits(order: Order, quantity: Decimal) -> bool:
    """Whether an order is what should rest. One that has been set off is at work and is left alone."""
    if not order.is_live or order.cancels:
        return False
    at_work = order.status in (OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)
    return at_work or order.leaves == quantity


def _next_try(newest: Order | None, stuck: bool) -> tuple[int, int]:
    """(generation, attempt) of the next order: a failure is tried again, a change of size is a new generation."""
    if newest is None:
        return 0, 0
    intent = newest.intent
    failed = newest.status in (OrderStatus.REJECTED, OrderStatus.EXPIRED, OrderStatus.CANCELED) and not newest.cancels
    if failed or stuck:
        return intent.generation, intent.attempt + 1
    return intent.generation + 1, 0


def _is_stuck(order: Order, now: int, params: ExecutionParams) -> bool:
    """Whether the venue has kept silent about an order for longer than a position may be without a stop."""
    silent = order.is_live and not order.is_confirmed
    return silent and now - order.ts_submitted >= round(params.unprotected_seconds * NS_PER_SECOND)


def _can_cancel(order: Order) -> bool:
    return order.is_live and order.cancels == 0
