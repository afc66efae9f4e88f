"""The only maker of `Reducing`: what makes a position or a resting order smaller, and provably not more than that."""

from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.execution.lifecycle import Order
from petrosa.core.model.base import Side
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import (
    Cancel,
    Intent,
    Leg,
    OrderType,
    Place,
    Reducing,
    client_order_id_of,
)
from petrosa.errors import InvariantError

REDUCING_LEGS: Final = frozenset({Leg.EXIT, Leg.STOP, Leg.TARGET, Leg.FLATTEN, Leg.MANUAL})
"""The legs that may be proved to make a position smaller. A manual order is either this or an entry of the gate's."""


class Cause(msgspec.Struct, frozen=True):
    """Why something shrinks. `origin` (a signal's or command's id) makes the order's id.

    `strategy_id` is whose position it is, so that the fills of a strategy add up to what it holds.
    """

    account: str
    instrument: InstrumentId
    origin: str
    signal_id: str
    strategy_id: str


def exit_at_market(
    cause: Cause,
    leg: Leg,
    held: Decimal,
    quantity: Decimal,
    generation: int = 0,
    attempt: int = 0,
    *,
    replaces: str = "",
) -> Reducing:
    """Close `quantity` of what is `held` (signed) now, at whatever price there is, in the place of what locks it."""
    place = Place(_closing(held), OrderType.MARKET, quantity, reduce_only=True, replaces=replaces)
    return _smaller(cause, leg, place, held, generation, attempt)


def rest_stop(
    cause: Cause,
    held: Decimal,
    quantity: Decimal,
    trigger: Decimal,
    generation: int = 0,
    attempt: int = 0,
    *,
    list_id: str = "",
) -> Reducing:
    """Close `quantity` at market once the price has moved against the position to `trigger`."""
    place = Place(_closing(held), OrderType.STOP, quantity, None, trigger, reduce_only=True, list_id=list_id)
    return _smaller(cause, Leg.STOP, place, held, generation, attempt)


def rest_target(
    cause: Cause,
    held: Decimal,
    quantity: Decimal,
    trigger: Decimal,
    generation: int = 0,
    attempt: int = 0,
    *,
    list_id: str = "",
) -> Reducing:
    """Close `quantity` at market once the price has moved in favour of the position to `trigger`."""
    place = Place(_closing(held), OrderType.TAKE_PROFIT, quantity, None, trigger, reduce_only=True, list_id=list_id)
    return _smaller(cause, Leg.TARGET, place, held, generation, attempt)


def by_hand(cause: Cause, held: Decimal, place: Place) -> Reducing:
    """An order that somebody has asked for, on its own terms, of at most what is `held` (signed)."""
    return _smaller(cause, Leg.MANUAL, place, held, 0, 0)


def cancel(order: Order, reason: str) -> Reducing:
    """Take an order off the venue. Its id is its own: a repeated cancel of the same order has another one."""
    if not order.is_live:
        raise InvariantError(f"{order.client_order_id} is {order.status.value}: there is nothing to cancel")
    target = order.client_order_id
    waits = order.place.type.is_conditional and not order.is_at_work
    intent = Intent(
        client_order_id=client_order_id_of(
            order.intent.account, f"cancel:{target}", order.intent.leg, 0, order.cancels
        ),
        account=order.intent.account,
        instrument=order.intent.instrument,
        leg=order.intent.leg,
        action=Cancel(target, reason, conditional=waits),
        signal_id=order.intent.signal_id,
        strategy_id=order.intent.strategy_id,
        attempt=order.cancels,
    )
    return Reducing(intent)


def reducing_id(cause: Cause, leg: Leg, generation: int, attempt: int) -> str:
    """The client order id that a reducing order would have."""
    return client_order_id_of(cause.account, cause.origin, leg, generation, attempt)


def list_id_of(cause: Cause, generation: int, attempt: int) -> str:
    """The name of the order list that a stop and a target of this generation and attempt make together."""
    return client_order_id_of(cause.account, f"list:{cause.origin}", Leg.STOP, generation, attempt)


def _closing(held: Decimal) -> Side:
    """The side that makes a signed holding smaller. Raises `InvariantError` when nothing is held."""
    if held == 0:
        raise InvariantError("nothing is held, so nothing can be made smaller")
    return Side.SELL if held > 0 else Side.BUY


def _smaller(cause: Cause, leg: Leg, place: Place, held: Decimal, generation: int, attempt: int) -> Reducing:
    """The proof: the other side, reduce-only, at most what is held."""
    if leg not in REDUCING_LEGS:
        raise InvariantError(f"a {leg.value} order does not make a position smaller")
    if not (place.reduce_only and place.side is _closing(held) and 0 < place.quantity <= held.copy_abs()):
        raise InvariantError(f"{leg.value} {place.side.value} {place.quantity} is more than what is held, {held}")
    intent = Intent(
        client_order_id=reducing_id(cause, leg, generation, attempt),
        account=cause.account,
        instrument=cause.instrument,
        leg=leg,
        action=place,
        signal_id=cause.signal_id,
        strategy_id=cause.strategy_id,
        generation=generation,
        attempt=attempt,
    )
    return Reducing(intent)
