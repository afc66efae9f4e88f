"""What became of the orders of signals that somebody waits for, as the desk's turns say it."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from decimal import Decimal
from typing import Final, get_args

from petrosa.core.execution.lifecycle import Order, advance, submitted
from petrosa.core.model.base import Side
from petrosa.core.model.events import Decision, Event
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.orders import (
    Approved,
    OrderEvent,
    OrderFilled,
    OrderStatus,
    OrderType,
    Place,
    Reducing,
    TimeInForce,
)

KEPT: Final = 1_000
"""Orders that are listened for; of more, the oldest are given up."""
_ORDER_EVENTS: Final = get_args(OrderEvent)


class Progress:
    """How far the first order of a signal has come.

    `over` is done when nothing more is waited for: the order has ended, it rests, or there is none. Fills that are told
    later still count.
    """

    def __init__(self) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.order: Order | None = None
        self.fees: dict[str, Decimal] = {}
        self._trades: set[tuple[str, Side]] = set()

    def begin(self, order: Order | None) -> None:
        """Its turn is over, with this order or with none."""
        self.order = order
        if order is None:
            self.settle()

    def hear(self, event: OrderEvent) -> None:
        """News of the order; a fill may be told twice, and counts once."""
        assert self.order is not None
        if isinstance(event, OrderFilled):
            if (event.trade_id, event.side) in self._trades:
                return
            self._trades.add((event.trade_id, event.side))
            self.fees[event.fee_asset] = EXACT.add(self.fees.get(event.fee_asset, Decimal(0)), event.fee)
        self.order = advance(self.order, event)
        place = self.order.place
        takes = place.type is OrderType.MARKET or place.time_in_force in {TimeInForce.IOC, TimeInForce.FOK}
        if not self.order.is_live or (not takes and self.order.status is not OrderStatus.SUBMITTED):
            self.settle()

    def settle(self) -> None:
        """Let go of whoever waits."""
        if not self.over.done():
            self.over.set_result(None)


class Filling:
    """Listens for the orders of signals that were announced."""

    def __init__(self) -> None:
        self._announced: dict[int, tuple[Event, Progress]] = {}
        self._orders: OrderedDict[str, Progress] = OrderedDict()

    def announce(self, event: Event) -> Progress:
        """The desk is about to be told this."""
        progress = Progress()
        self._announced[id(event)] = event, progress  # the event is kept, so its id stays its own
        return progress

    def record(self, _sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """This is `core.turns.Record`."""
        if self._announced and (announced := self._announced.pop(id(event), None)) is not None:
            self._begin(announced[1], now, decisions)
        elif self._orders and isinstance(event, _ORDER_EVENTS):
            progress = self._orders.get(event.client_order_id)
            if progress is not None:
                progress.hear(event)

    def forget(self) -> None:
        """The desk turns nothing more."""
        for progress in (*self._orders.values(), *(progress for _, progress in self._announced.values())):
            progress.settle()
        self._announced.clear()
        self._orders.clear()

    def _begin(self, progress: Progress, now: int, decisions: Sequence[Decision]) -> None:
        intents = [one.intent for one in decisions if isinstance(one, Approved | Reducing)]
        first = next((intent for intent in intents if isinstance(intent.action, Place)), None)
        progress.begin(None if first is None else submitted(first, now))
        if first is None:
            return
        self._orders[first.client_order_id] = progress
        while len(self._orders) > KEPT:
            self._orders.popitem(last=False)[1].settle()
