"""What an order may meet when it comes to the market: never an order of its own account, and a thin book by a fault."""

from collections.abc import Iterator
from contextlib import contextmanager

from petrosa.adapters.venues.binance.paper.faults import FaultKind, Faults
from petrosa.adapters.venues.binance.paper.ledger import Ledger, What
from petrosa.adapters.venues.binance.paper.orders import Order
from petrosa.adapters.venues.binance.paper.refusals import from_engine


@contextmanager
def encounter(ledger: Ledger, faults: Faults, order: Order, now: int) -> Iterator[None]:
    """Within it an order is submitted; self-trade prevention ends by its mode what would have met. Raises `Refusal`.

    EXPIRE_MAKER ends the own orders that it would meet, EXPIRE_TAKER what is left of it where it would meet the first,
    EXPIRE_BOTH that and the first. A post-only order that would meet one is refused as any that would take.
    """
    own = _would_meet(ledger, order)
    spot = ledger.instruments[order.instrument].market == "spot"
    if own and (order.type == "LIMIT_MAKER" or order.tif == "GTX"):
        raise from_engine("post-only", spot=spot)
    bounds = []
    thin = faults.on_request(FaultKind.THIN_BOOK, "POST", "/api/v3/order" if spot else "/fapi/v1/order")
    if thin is not None:
        bounds.append(int(ledger.instruments[order.instrument].quantity_steps(order.leaves) * thin.share))
    if own and order.stp != "EXPIRE_MAKER":
        bounds.append(_steps_before(ledger, order, own[0]))
    for maker in own if order.stp == "EXPIRE_MAKER" else own[:1] if order.stp == "EXPIRE_BOTH" else ():
        ledger.withdraw(maker, now, "", What.EXPIRED_IN_MATCH)
    ledger.supply(min(bounds, default=None))
    try:
        yield
    finally:
        ledger.supply(None)
    if own and order.stp != "EXPIRE_MAKER":
        ledger.withdraw(order, now, "", What.EXPIRED_IN_MATCH)


def _would_meet(ledger: Ledger, order: Order) -> list[Order]:
    """Own resting orders within what an order would take, best first. At one price what is shown was there before."""
    sign, rules = order.side.sign, ledger.instruments[order.instrument]
    resting = [
        one for one in ledger.open(order.symbol)
        if one is not order and one.side is not order.side and one.is_limit and not (one.is_waiting or one.is_pending)
    ]  # fmt: skip
    if not resting:
        return []
    steps, limit = rules.quantity_steps(order.leaves), order.price or None
    pieces = ledger.exchange.takeable(order.instrument, order.side, limit, steps)
    finds_all = sum(piece.steps for piece in pieces) >= steps
    last = rules.tick * pieces[-1].ticks if pieces else None
    found = [
        one for one in resting
        if (limit is None or sign * one.price <= sign * limit)
        and (not finds_all or last is None or sign * one.price < sign * last)
    ]  # fmt: skip
    return sorted(found, key=lambda one: (sign * one.price, one.id))


def _steps_before(ledger: Ledger, order: Order, own: Order) -> int:
    """What an order takes at prices that are better than that of an own one, or as good."""
    rules = ledger.instruments[order.instrument]
    steps = rules.quantity_steps(order.leaves)
    return sum(piece.steps for piece in ledger.exchange.takeable(order.instrument, order.side, own.price, steps))
