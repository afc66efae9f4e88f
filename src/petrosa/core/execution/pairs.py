"""Stop and target on spot, where what rests locks the balance: pairs that end each other and add up to what is held.

A pair is one order list of the venue (`Place.list_id`): two conditional orders over one quantity, placed in one turn.
One that is set off or cancelled takes the other with it. Without a target a stop stands alone. Two stops over the same
balance cannot rest, so nothing can be replaced new before old:

* more is held than the pairs cover: one more pair for the difference, and nothing is cancelled;
* the difference is too small for the venue, or it has no room for a pair more: the pairs are cancelled, and when the
  venue has confirmed that, one for all takes their place;
* less is held, the level has moved, or a pair has lost its stop: it is cancelled, and placed again when that is
  confirmed;
* a pair that is not answered for as long as a position may be without a stop counts as a failure, and another is
  placed: if the first rests all the same, or arrives after all, the venue refuses whichever comes second, whose balance
  is locked; where the wallet holds more of the asset than the position both may rest, and the newer one is cancelled as
  soon as both are confirmed.

In between the position is without a stop, which the alarm and the bound of `Guards` are about.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.lifecycle import Order
from petrosa.core.execution.params import ExecutionParams
from petrosa.core.execution.parts import parts_of
from petrosa.core.execution.protection import Guard, Wanted, has_moved, is_stuck
from petrosa.core.execution.reducing import Cause, list_id_of, reducing_id, rest_stop, rest_target
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.orders import Leg, OrderStatus, Reducing

ZERO: Final = Decimal(0)
ROOM_MAX: Final = 200
"""Conditional orders that are thought to have room where the venue names no number."""


class Pair(msgspec.Struct, frozen=True):
    """What shares one balance: a stop and a target, or a stop alone. `legs` are as they were placed."""

    legs: tuple[Order, ...]

    @property
    def live(self) -> tuple[Order, ...]:
        return tuple(order for order in self.legs if order.is_live)

    @property
    def stop(self) -> Order | None:
        return next((order for order in self.legs if order.intent.leg is Leg.STOP), None)

    @property
    def quantity(self) -> Decimal:
        """What it locks: both legs stand for the same, so what one has filled the other cannot."""
        filled = sum((order.filled for order in self.legs), ZERO)
        return max(ZERO, EXACT.subtract(self.legs[0].place.quantity, filled)) if self.live else ZERO

    @property
    def is_going(self) -> bool:
        return any(order.cancels for order in self.live)

    @property
    def at_work(self) -> Order | None:
        return next((order for order in self.live if order.is_at_work), None)

    @property
    def has_failed(self) -> bool:
        """Whether it is gone, filled nothing, and its stop went without being asked to."""
        was_asked = self.legs[0].cancels or self.legs[0].replaced_by
        return not was_asked and not any(order.is_live or order.filled for order in self.legs)


def pairs_of(orders: Iterable[Order]) -> list[Pair]:
    """Orders by the list they belong to, in the order in which they were placed."""
    lists: dict[str, list[Order]] = {}
    for order in orders:
        lists.setdefault(order.place.list_id or order.client_order_id, []).append(order)
    return [Pair(tuple(legs)) for legs in lists.values()]


def covered_by_pairs(guard: Guard, orders: Iterable[Order]) -> Decimal:
    """The quantity that confirmed stops stand for, or that a leg which was set off is closing by now."""
    total = ZERO
    for pair in pairs_of(order for order in orders if order.side is guard.side):
        working, stop = pair.at_work, pair.stop
        if working is not None:
            total = EXACT.add(total, working.leaves)
        elif stop is not None and stop.is_confirmed:
            total = EXACT.add(total, stop.leaves)
    return total


def ending(pair: Pair, why: str) -> tuple[Order, str]:
    """The cancel that ends a pair. It names the target: where a venue links nothing the stop is the last to go."""
    return next((order for order in pair.live if order.intent.leg is Leg.TARGET), pair.live[0]), why


def wanted_pairs(
    guard: Guard, held: Decimal, rules: Instrument, orders: Sequence[Order], blotter: Blotter, now: int,
    params: ExecutionParams, since: int,
) -> Wanted:  # fmt: skip
    """Compare what rests with what should; `since` is when the position lost its last confirmed stop, or 0."""
    pairs = pairs_of(orders)
    standing = [pair for pair in pairs if pair.live and not pair.is_going]
    if held == 0:
        return Wanted(cancels=tuple(ending(pair, "the position is flat") for pair in standing))
    tried = [*_failed(pairs), *pairs[-1:]]
    late = next((order for pair in tried for order in pair.legs if order.was_too_late), None)
    if late is not None:
        return Wanted(gave_up=f"{late.intent.leg.value} {late.place.trigger_price} {late.reason}")
    naked_for = now - since if since else 0
    faults = [(pair, _fault(pair, guard, rules, naked_for, params)) for pair in standing]
    cancels = [ending(pair, why) for pair, why in faults if why]
    stuck = [pair for pair in standing if any(is_stuck(order, now, params) for order in pair.live)]
    sound = [pair for pair, why in faults if not why and pair not in stuck]
    surplus = EXACT.subtract(_sum(sound), held.copy_abs())
    for pair in [pair for pair in reversed(sound) if pair.at_work is None]:
        if surplus > 0:
            cancels.append(ending(pair, f"{surplus:f} more than what is held"))
            surplus = EXACT.subtract(surplus, pair.quantity)
    if surplus >= 0 or cancels or any(pair.is_going for pair in pairs):
        return Wanted(cancels=tuple(cancels))
    return _more(guard, held, surplus.copy_negate(), rules, pairs, sound, stuck, blotter, params)


def _fault(pair: Pair, guard: Guard, rules: Instrument, naked_for: int, params: ExecutionParams) -> str:
    """Why a pair that stands must go; empty when it need not."""
    if any(order.filled and not order.is_live for order in pair.legs):
        return "the order it was listed with has filled"
    if pair.at_work is not None:
        return ""
    stop = pair.stop
    if stop is None or pair.live[0].side is not guard.side:
        return "it is not what protects this position"
    if not stop.is_live:  # news of the other leg may be a moment behind: refused with it, or set off
        is_over = naked_for >= round(params.unprotected_seconds * NS_PER_SECOND)
        stands_alone = stop.status is OrderStatus.REJECTED and pair.live[0].is_confirmed
        return "its stop is gone" if is_over or stands_alone else ""
    levels = {Leg.STOP: guard.stop, Leg.TARGET: guard.target}
    for order in pair.live:
        level = levels[order.intent.leg]
        if level is not None and has_moved(order, level, rules, params):
            return f"{order.intent.leg.value} {level} instead of {order.place.trigger_price}"
    return ""


def _more(
    guard: Guard, held: Decimal, missing: Decimal, rules: Instrument, pairs: list[Pair], sound: list[Pair],
    stuck: list[Pair], blotter: Blotter, params: ExecutionParams,
) -> Wanted:  # fmt: skip
    """Pairs for what none stands for. Nothing is on its way to be cancelled, so that balance is free."""
    generation, attempt = _next_try(pairs, stuck)
    drop_target = ""
    if attempt >= params.max_stop_attempts:
        last = pairs[-1].legs[0]
        why = f"{last.intent.leg.value} {last.status.value}: {last.reason}"
        if guard.target is None or len(pairs[-1].legs) == 1:
            return Wanted(gave_up=why)
        guard, drop_target = msgspec.structs.replace(guard, target=None), why
        generation, attempt = generation + 1, 0
    legs = 1 if guard.target is None else 2
    room = _room(rules, blotter) // legs
    parts = parts_of(missing, rules)
    if not (_may_rest(min(parts), guard, rules) and len(parts) <= room):
        idle = [pair for pair in sound if pair.at_work is None]
        whole = parts_of(EXACT.add(missing, _sum(idle)), rules)
        if len(whole) < len(idle) + len(parts) and idle and _may_rest(min(whole), guard, rules):
            return Wanted(cancels=tuple(ending(pair, "one for all takes its place") for pair in idle))
        parts = [part for part in parts if _may_rest(part, guard, rules)][:room]
    places: list[Reducing] = []
    for part in parts:
        while reducing_id(guard.cause, Leg.STOP, generation, attempt) in blotter:
            generation += 1
        places.extend(_placed(guard.cause, held, part, guard.stop, guard.target, generation, attempt))
        generation, attempt = generation + 1, 0
    return Wanted(places=tuple(places), drop_target=drop_target)


def _placed(
    cause: Cause, held: Decimal, part: Decimal, stop: Decimal, target: Decimal | None, generation: int, attempt: int
) -> tuple[Reducing, ...]:
    if target is None:
        return (rest_stop(cause, held, part, stop, generation, attempt),)
    name = list_id_of(cause, generation, attempt)
    return (
        rest_stop(cause, held, part, stop, generation, attempt, list_id=name),
        rest_target(cause, held, part, target, generation, attempt, list_id=name),
    )


def _next_try(pairs: list[Pair], stuck: list[Pair]) -> tuple[int, int]:
    """(generation, attempt) of the next pair. Of several that fail, each failure after the first is no first one."""
    if not pairs:
        return 0, 0
    failed = _failed(pairs, stuck)
    generation = max(pair.legs[0].intent.generation for pair in pairs)
    return (generation, max(pair.legs[0].intent.attempt for pair in failed) + 1) if failed else (generation + 1, 0)


def _failed(pairs: list[Pair], stuck: Sequence[Pair] = ()) -> list[Pair]:
    """Those of the newest one's kind that failed since the venue has last confirmed one, or has dealt for one."""
    good = [i for i, pair in enumerate(pairs) if any(order.is_confirmed or order.filled for order in pair.legs)]
    since = pairs[good[-1] + 1 :] if good else pairs
    return [pair for pair in since if (pair.has_failed or pair in stuck) and len(pair.legs) == len(pairs[-1].legs)]


def _may_rest(quantity: Decimal, guard: Guard, rules: Instrument) -> bool:
    """Whether the venue takes an order of this size at either level."""
    levels = [level for level in (guard.stop, guard.target) if level is not None]
    enough = all(rules.notional(quantity, level) >= rules.min_notional for level in levels)
    return quantity >= rules.min_quantity and enough


def _room(rules: Instrument, blotter: Blotter) -> int:
    """How many conditional orders more the venue lets rest."""
    if rules.max_conditional_orders is None:
        return ROOM_MAX
    resting = sum(order.place.type.is_conditional for order in blotter.live(rules.id))
    return max(0, rules.max_conditional_orders - resting)


def _sum(pairs: Iterable[Pair]) -> Decimal:
    total = ZERO
    for pair in pairs:
        total = EXACT.add(total, pair.quantity)
    return total
