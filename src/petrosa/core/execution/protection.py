"""The stop and the target that rest behind a position: as large as what is held, never none, gone when it is flat.

Both are part of the position, not of the entry. After each piece of news what should rest is compared with what does:

* no stop, or one of another size or level: a new one is placed (next generation), and only when the venue has confirmed
  it is the old one cancelled, so that for a moment two rest, never none; both are reduce-only;
* rejected, expired or taken off by the venue: placed again (next attempt), and after a bound the position is closed;
* rejected because the market is past its level already: the position is closed at once;
* not confirmed in time: an alarm, and the next attempt;
* flat: everything that still rests is cancelled, which is also how a stop that filled takes its target with it.

A position larger than the venue's largest order is covered by several: see `parts.py`.

On spot it is `pairs.py` that compares: there what rests locks the balance.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.lifecycle import Order
from petrosa.core.execution.params import ExecutionParams
from petrosa.core.execution.parts import compared, failed_since_confirmed, has_failed, needs_parts
from petrosa.core.execution.reducing import Cause, reducing_id, rest_stop, rest_target
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Leg, Reducing

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


class Protection(msgspec.Struct, frozen=True):
    """How one position is protected by now, for readers and for whoever compares it with what the venue lists.

    `quantity` is what is held, unsigned, and `covered` the part of it that confirmed stops stand for. `orders` are the
    stops and targets that may rest, those that are asked to go excepted; `confirmed` those of them that the venue has
    said that it has. `since` is when (ns) the position was first without a confirmed stop for all of it; 0 while it has
    one. `stop` is None where nothing is meant to rest.
    """

    instrument: InstrumentId
    side: Side
    quantity: Decimal
    stop: Decimal | None
    target: Decimal | None
    covered: Decimal
    since: int
    orders: tuple[Order, ...] = ()

    @property
    def is_covered(self) -> bool:
        return self.covered >= self.quantity


def wanted(
    guard: Guard, held: Decimal, rules: Instrument, orders: Sequence[Order], blotter: Blotter, now: int,
    params: ExecutionParams,
) -> Wanted:  # fmt: skip
    """Compare what rests with what should, for a position of `held` (signed); `orders` are those of the guard."""
    if held == 0:
        return Wanted(cancels=tuple((order, "the position is flat") for order in orders if can_cancel(order)))
    turned = tuple((order, "the position has turned") for order in orders if order.side is not guard.side)
    result = Wanted(cancels=tuple(pair for pair in turned if can_cancel(pair[0])))
    for leg, level in ((Leg.STOP, guard.stop), (Leg.TARGET, guard.target)):
        if level is not None:
            mine = [order for order in orders if order.intent.leg is leg and order.side is guard.side]
            compare = _leg_in_parts if needs_parts(held.copy_abs(), rules, mine) else _leg
            result = compare(result, leg, level, guard.cause, held, rules, mine, blotter, now, params)
    return result


def covered(guard: Guard, orders: Sequence[Order]) -> Decimal:
    """The quantity for which stops rest that the venue has confirmed."""
    resting = Decimal(0)
    for order in orders:
        if order.intent.leg is Leg.STOP and order.side is guard.side and order.is_confirmed:
            resting = EXACT.add(resting, order.leaves)
    return resting


def _leg(
    result: Wanted,
    leg: Leg,
    level: Decimal,
    cause: Cause,
    held: Decimal,
    rules: Instrument,
    orders: list[Order],
    blotter: Blotter,
    now: int,
    params: ExecutionParams,
) -> Wanted:
    quantity = held.copy_abs()
    fitting = [order for order in orders if _fits(order, quantity) and not has_moved(order, level, rules, params)]
    resting = next((order for order in reversed(fitting) if order.is_confirmed), None)
    if resting is not None:
        others = [order for order in orders if order is not resting and can_cancel(order) and not order.is_at_work]
        cancels = tuple((order, f"{resting.client_order_id} rests instead") for order in others)
        return msgspec.structs.replace(result, cancels=result.cancels + cancels)
    newest = orders[-1] if orders else None
    if newest is not None and newest.was_too_late:
        return msgspec.structs.replace(result, gave_up=f"{leg.value} {level} {newest.reason}")
    stuck = newest is not None and is_stuck(newest, now, params)
    if newest is not None and not stuck and newest in fitting:
        return result
    generation, attempt = _next_try(newest, stuck)
    if attempt >= params.max_stop_attempts:
        why = f"{leg.value} {newest.status.value if newest else ''}: {newest.reason if newest else ''}"
        return msgspec.structs.replace(result, **{"gave_up" if leg is Leg.STOP else "drop_target": why})
    while reducing_id(cause, leg, generation, attempt) in blotter:
        generation += 1
    rest = rest_stop if leg is Leg.STOP else rest_target
    placed = rest(cause, held, quantity, level, generation, attempt)
    return msgspec.structs.replace(result, places=(*result.places, placed))


def _leg_in_parts(
    result: Wanted,
    leg: Leg,
    level: Decimal,
    cause: Cause,
    held: Decimal,
    rules: Instrument,
    orders: list[Order],
    blotter: Blotter,
    now: int,
    params: ExecutionParams,
) -> Wanted:
    stuck = [order for order in orders if is_stuck(order, now, params)]
    sound = [
        order
        for order in orders
        if can_cancel(order) and not has_moved(order, level, rules, params) and order not in stuck
    ]
    parts = compared(held.copy_abs(), rules, orders, sound)
    if parts.is_whole:
        gone = [order for order in parts.surplus if can_cancel(order) and not order.is_at_work]
        cancels = tuple((order, "others rest for all that is held") for order in gone)
        return msgspec.structs.replace(result, cancels=result.cancels + cancels)
    if not parts.missing:
        return result
    failed = failed_since_confirmed(orders, stuck)
    late = next((order for order in failed if order.was_too_late), None)
    if late is not None:
        return msgspec.structs.replace(result, gave_up=f"{leg.value} {level} {late.reason}")
    attempt = max((order.intent.attempt + 1 for order in failed), default=0)
    if attempt >= params.max_stop_attempts:
        why = f"{leg.value} {failed[-1].status.value}: {failed[-1].reason}"
        return msgspec.structs.replace(result, **{"gave_up" if leg is Leg.STOP else "drop_target": why})
    generation = max((order.intent.generation + 1 for order in orders), default=0)
    rest = rest_stop if leg is Leg.STOP else rest_target
    places = list(result.places)
    for quantity in parts.missing:
        while reducing_id(cause, leg, generation, attempt) in blotter:
            generation += 1
        places.append(rest(cause, held, quantity, level, generation, attempt))
        generation += 1
    return msgspec.structs.replace(result, places=tuple(places))


def _fits(order: Order, quantity: Decimal) -> bool:
    """Whether an order has the size that should rest. One that has been set off closes all, if it is large enough."""
    if not order.is_live or order.cancels:
        return False
    return order.leaves == quantity or (order.is_at_work and order.leaves > quantity)


def has_moved(order: Order, level: Decimal, rules: Instrument, params: ExecutionParams) -> bool:
    """Whether the level is so far from where the order waits that it is worth another order."""
    trigger = order.place.trigger_price
    if trigger is None or order.is_at_work:
        return False
    return EXACT.subtract(trigger, level).copy_abs() >= EXACT.multiply(rules.tick, Decimal(params.replace_ticks))


def _next_try(newest: Order | None, stuck: bool) -> tuple[int, int]:
    """(generation, attempt) of the next order: a failure is tried again, a change of size is a new generation."""
    if newest is None:
        return 0, 0
    intent = newest.intent
    if has_failed(newest) or stuck:
        return intent.generation, intent.attempt + 1
    return intent.generation + 1, 0


def is_stuck(order: Order, now: int, params: ExecutionParams) -> bool:
    """Whether the venue has kept silent about an order for longer than a position may be without a stop."""
    silent = order.is_live and not order.is_confirmed
    return silent and now - order.ts_submitted >= round(params.unprotected_seconds * NS_PER_SECOND)


def can_cancel(order: Order) -> bool:
    return order.is_live and order.cancels == 0
