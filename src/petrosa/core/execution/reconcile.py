"""What a statement of the venue means for our books: pure comparisons of what is stated with what is ours.

What can be told as news of an order is told as news (`news_of`, `news_of_missing`); what cannot becomes a `Finding`.
Two rules keep a race from being taken for a difference: nothing is concluded from absence about an order younger than
`YOUNG_NS`, nor from absence in a list alone; and what news on its way would explain (a position, a wallet, fills of an
order, an order that is over for us and rests) must be seen in two statements in a row before it is a finding.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from petrosa.core.execution.lifecycle import Order
from petrosa.core.model.account import StatedOrder, StatedPosition
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.findings import Finding, FindingKind
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import (
    Leg,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderExpired,
    OrderRejected,
    OrderStatus,
    OrderTriggered,
)

YOUNG_NS: Final = 5 * NS_PER_SECOND
"""An order that left so shortly before a statement was asked for may not be in it."""
LOST_AFTER: Final = 3
LOST_AFTER_NS: Final = 60 * NS_PER_SECOND
"""An accepted order is lost when so many statements in a row, over so long, did not know it."""
RACES: Final = frozenset(
    {FindingKind.DEAD_ORDER_RESTS, FindingKind.FILLS_MISSING, FindingKind.POSITION_DIFFERS, FindingKind.WALLET_SHORT}
)
"""What news on its way would explain: a finding only when two statements in a row show it."""
UNANSWERED: Final = (OrderStatus.SUBMITTED, OrderStatus.UNKNOWN)
PROTECTIVE: Final = (Leg.STOP, Leg.TARGET)

ZERO: Final = Decimal(0)
_OURS: Final = re.compile("p[a-z2-7]{31}")


def is_of_our_form(client_order_id: str) -> bool:
    """Whether an id looks like one that `client_order_id_of` makes."""
    return _OURS.fullmatch(client_order_id) is not None


def news_of(order: Order, stated: StatedOrder, now: int) -> list[OrderEvent]:
    """What we would have heard of an order so that it stands where the venue says.

    An end is not told before the fills that came before it: an order whose trades are not all here stays alive.
    """
    who = (order.intent.account, order.intent.instrument, order.client_order_id)
    accepted = OrderAccepted(*who, stated.venue_order_id, stated.ts_event, now)
    is_whole = stated.filled <= order.filled
    match stated.status:
        case OrderStatus.ACCEPTED | OrderStatus.PARTIALLY_FILLED | OrderStatus.FILLED:
            return [accepted]
        case OrderStatus.TRIGGERED:
            return [accepted, OrderTriggered(*who, stated.ts_event, now)]
        case OrderStatus.CANCELED if is_whole:
            return [OrderCanceled(*who, stated.reason or "cancelled on the venue", stated.ts_event, now)]
        case OrderStatus.EXPIRED if is_whole:
            return [OrderExpired(*who, stated.reason or "expired on the venue", stated.ts_event, now)]
        case OrderStatus.REJECTED if order.is_confirmed:  # as a conditional order whose trigger led to nothing
            return [OrderExpired(*who, stated.reason or "rejected by the venue", stated.ts_event, now)]
        case OrderStatus.REJECTED:
            return [OrderRejected(*who, stated.reason or "rejected by the venue", stated.ts_event, now)]
        case OrderStatus.CANCELED | OrderStatus.EXPIRED:
            return [accepted]
        case _:
            return []


def news_of_missing(order: Order, asked_at: int, answer_ns: int, now: int) -> OrderEvent | None:
    """What follows at once from the venue's word that it does not know an order, asked for by its id.

    One that was never answered never reached it. A stop or target that is gone leaves a position bare, and a second one
    is harmless, so its place is free at once. Anything else that was accepted is for `Findings` to count.
    """
    age = asked_at - order.ts_submitted
    who = (order.intent.account, order.intent.instrument, order.client_order_id)
    if age < YOUNG_NS:
        return None
    if order.status in UNANSWERED:
        why = "it never reached the venue, which knows no such order"
        return OrderRejected(*who, why, asked_at, now) if age >= answer_ns else None
    if order.intent.leg in PROTECTIVE:
        return OrderExpired(*who, "the venue knows no such order any more", asked_at, now)
    return None


def finding_of_order(stated: StatedOrder, known: Order | None) -> Finding | None:
    """What an order that the venue lists as open is to us, unless it is a live one of ours."""
    if known is not None and known.is_live:
        return None
    name = stated.client_order_id
    if known is not None:
        kind, what = FindingKind.DEAD_ORDER_RESTS, f"is {known.status.value} here ({known.reason or 'no reason'})"
    elif is_of_our_form(name):
        kind, what = FindingKind.UNREMEMBERED_ORDER, "has an id of this desk's form, and is not remembered"
    else:
        kind, what = FindingKind.FOREIGN_ORDER, "was not placed by this desk"
    prices = "".join(
        f" {word} {value}"
        for word, value in (("at", stated.price), ("from", stated.trigger_price))
        if value is not None
    )
    shape = f"{stated.side.value} {stated.type.value} {stated.quantity}{prices}"
    shape += ", reduce-only" if stated.reduce_only else ""
    content = f"{name}|{stated.venue_order_id}|{shape}"
    return Finding(
        finding_id=finding_id_of(kind, stated.instrument, content),
        kind=kind,
        instrument=stated.instrument,
        message=f"{stated.instrument}: {shape} rests as {name or stated.venue_order_id} and {what}",
        order=stated,
        target=name,
    )


def finding_of_fills(order: Order, stated: StatedOrder) -> Finding | None:
    """An order that has filled more than we were told of."""
    if stated.filled <= order.filled:
        return None
    kind, instrument = FindingKind.FILLS_MISSING, order.intent.instrument
    text = f"{instrument}: {order.client_order_id} has filled {stated.filled}, and trades of {order.filled} were told"
    return Finding(
        finding_id=finding_id_of(kind, instrument, f"{order.client_order_id}|{stated.filled}|{order.filled}"),
        kind=kind,
        instrument=instrument,
        message=text,
        ours=order.filled,
        stated=stated.filled,
        order=stated,
        target=order.client_order_id,
    )


def finding_of_loss(order: Order, times: int) -> Finding:
    """An order that was accepted and that the venue does not know any more."""
    kind, instrument, name = FindingKind.ORDER_LOST, order.intent.instrument, order.client_order_id
    place = order.place
    text = (
        f"{instrument}: {order.intent.leg.value} {name} ({place.side.value} {place.quantity}) was "
        f"{order.status.value}, and {times} statements in a row did not know it; it counts as alive"
    )
    return Finding(finding_id_of(kind, instrument, name), kind, instrument, text, target=name)


def findings_of_positions(
    positions: Iterable[StatedPosition],
    held: Mapping[InstrumentId, Decimal],
    instruments: Mapping[InstrumentId, Instrument],
) -> list[Finding]:
    """Derivative positions that differ by a step or more; `held` are the signed sums of our fills.

    The two sides of a hedge-mode account are one net position, which is what this desk holds.
    """
    stated: dict[InstrumentId, Decimal] = {}
    prices: dict[InstrumentId, Decimal] = {}
    for position in positions:
        stated[position.instrument] = EXACT.add(stated.get(position.instrument, ZERO), position.quantity)
        prices[position.instrument] = position.entry_price
    ours = {key: value for key, value in held.items() if key in instruments and instruments[key].market != "spot"}
    found = []
    for key in dict.fromkeys((*stated, *ours)):
        theirs, mine, rules = stated.get(key, ZERO), ours.get(key, ZERO), instruments.get(key)
        difference = EXACT.subtract(theirs, mine)
        if difference == 0 or (rules is not None and difference.copy_abs() < rules.step):
            continue
        kind = FindingKind.POSITION_DIFFERS
        where = "" if rules is not None else ", which is not traded here"
        text = f"{key}: the venue holds {theirs}, our fills add up to {mine}{where}"
        content = format(difference.normalize(EXACT), "f")
        found.append(Finding(finding_id_of(kind, key, content), kind, key, text, mine, theirs, prices.get(key)))
    return found


def findings_of_wallets(
    balances: Mapping[str, Decimal],
    held: Mapping[InstrumentId, Decimal],
    instruments: Mapping[InstrumentId, Instrument],
) -> list[Finding]:
    """Spot holdings that the wallet of their base asset does not cover; those that share one are served in turn."""
    left = dict(balances)
    found = []
    for key, mine in held.items():
        rules = instruments.get(key)
        if rules is None or rules.market != "spot" or mine <= 0:
            continue
        there = max(left.get(rules.base, ZERO), ZERO)
        covered = min(there, mine)
        left[rules.base] = EXACT.subtract(there, covered)
        missing = EXACT.subtract(mine, covered)
        if missing < rules.step:
            continue
        kind = FindingKind.WALLET_SHORT
        text = f"{key}: our fills add up to {mine} {rules.base}, and the wallet holds {covered} of it"
        content = format(missing.normalize(EXACT), "f")
        found.append(Finding(finding_id_of(kind, key, content), kind, key, text, mine, covered))
    return found


def finding_id_of(kind: FindingKind, instrument: InstrumentId, content: str) -> str:
    """Sixteen hexadecimal digits of a hash over what makes the difference this one and no other."""
    return hashlib.sha256(f"{kind.value}|{instrument}|{content}".encode()).hexdigest()[:16]
