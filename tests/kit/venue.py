"""A venue that answers as it is told: no market, no matching, only the truth about orders, and how it is reported."""

import heapq
import random
from collections.abc import Sequence
from decimal import Decimal
from enum import Enum

from petrosa.core.model.base import NEVER, NS_PER_MS, Side
from petrosa.core.model.market import InstrumentId, MarketEvent
from petrosa.core.model.orders import (
    AccountEvent,
    Approved,
    Cancel,
    CancelRejected,
    Intent,
    Leg,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    Place,
    Reducing,
    TimeInForce,
)
from tests.kit.trading import fill_of, place_of


class Answer(Enum):
    """What becomes of an order when it arrives."""

    FILL = "fill"
    REST = "rest"
    REJECT = "reject"
    PARTIAL = "partial"
    """Half of it fills; of an immediate-or-cancel order the rest expires."""
    SILENCE = "silence"
    """It rests, and the venue does not say so."""


class FakeVenue:
    """Implements `core.turns.SimulatedVenue`. `told` says what to answer per leg, `REST` or `FILL` where it does not.

    With a `chaos` generator answers are random, late, doubled and out of order; the truth stays the truth: reduce-only
    orders never fill beyond the position, and what has gone does not fill.
    """

    def __init__(self, told: dict[Leg, Answer] | None = None, chaos: random.Random | None = None) -> None:
        self.told = told or {}
        self.chaos = chaos
        self.price = Decimal(100)
        self.position = Decimal(0)
        self.fills: list[OrderFilled] = []
        self.sent: list[Intent] = []
        self.resting: dict[str, tuple[Intent, Decimal]] = {}
        self.now = 0
        self._answers: list[tuple[int, int, AccountEvent]] = []
        self._count = 0

    def submit(self, order: Approved | Reducing, now: int) -> None:
        """Take an order or a cancel, and queue what the account will hear."""
        self.now, intent = max(self.now, now), order.intent
        self.sent.append(intent)
        if isinstance(intent.action, Cancel):
            self._cancel(intent, intent.action.target_client_order_id)
        else:
            self._place(intent, intent.action)

    def on_market(self, event: MarketEvent, now: int) -> None:
        """The market is none of its business."""
        self.now = max(self.now, now)

    def next_due(self) -> int:
        return self._answers[0][0] if self._answers else NEVER

    def pop_due(self) -> AccountEvent:
        return heapq.heappop(self._answers)[2]

    def fill(self, client_order_id: str, quantity: Decimal | None = None) -> None:
        """A resting order fills, whole unless told how much, as far as it may."""
        intent, left = self.resting.pop(client_order_id)
        place = place_of(intent)
        amount = left if quantity is None else min(quantity, left)
        if place.reduce_only:
            against = -self.position if place.side is Side.BUY else self.position
            amount = min(amount, max(Decimal(0), against))
        if amount > 0:
            self.position += amount * place.side.sign
            done = fill_of(intent, amount, self.price, f"t{len(self.fills)}", at=self.now)
            self.fills.append(done)
            self.say(done)
        if left > amount and not (place.reduce_only and self.position == 0):
            self.resting[client_order_id] = (intent, left - amount)
        elif left > amount:
            self.say(OrderExpired(*_where(intent), "reduce only", self.now, self.now))

    def say(self, event: AccountEvent) -> None:
        """Queue an event; chaos delays it by up to 3 s, and sometimes says it twice."""
        times = 1 if self.chaos is None or self.chaos.random() < 0.8 else 2
        for _ in range(times):
            delay = NS_PER_MS if self.chaos is None else self.chaos.randrange(1, 3_000) * NS_PER_MS
            self._count += 1
            heapq.heappush(self._answers, (self.now + delay, self._count, event))

    def _place(self, intent: Intent, place: Place) -> None:
        answer = self._answer(intent.leg)
        if answer is Answer.REJECT:
            self.say(OrderRejected(*_where(intent), "told so", self.now, self.now))
            return
        self.resting[intent.client_order_id] = (intent, place.quantity)
        if answer is not Answer.SILENCE:
            self.say(OrderAccepted(*_where(intent), f"v{len(self.sent)}", self.now, self.now))
        if answer in (Answer.FILL, Answer.PARTIAL):
            half = None if answer is Answer.FILL else (place.quantity / 2).quantize(Decimal("0.001"))
            self.fill(intent.client_order_id, half)
        at_once = place.price is None and place.trigger_price is None
        if (place.time_in_force is TimeInForce.IOC or at_once) and intent.client_order_id in self.resting:
            del self.resting[intent.client_order_id]
            self.say(OrderExpired(*_where(intent), "the rest of it", self.now, self.now))

    def _cancel(self, intent: Intent, target: str) -> None:
        where = (intent.account, intent.instrument, target)
        if target in self.resting:
            del self.resting[target]
            self.say(OrderCanceled(*where, "asked", self.now, self.now))
        else:
            self.say(CancelRejected(*where, "unknown order", self.now, self.now))

    def _answer(self, leg: Leg) -> Answer:
        usual = Answer.REST if leg in (Leg.STOP, Leg.TARGET) else Answer.FILL
        if self.chaos is None:
            return self.told.get(leg, usual)
        others: Sequence[Answer] = (Answer.PARTIAL, Answer.REJECT, Answer.SILENCE)
        if leg in (Leg.STOP, Leg.TARGET):
            others = (Answer.REJECT, Answer.SILENCE)
        return usual if self.chaos.random() < 0.7 else self.chaos.choice(others)


def _where(intent: Intent) -> tuple[str, InstrumentId, str]:
    return (intent.account, intent.instrument, intent.client_order_id)
