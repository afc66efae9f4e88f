"""What happened so far, folded from the stream of turns: a replica that tables, metrics and the terminal read.

It never looks into the desk. Everything in it is bounded, so it is as big after a year as after an hour.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from petrosa.core.model.events import Alarm, Decision, Event, Halted, SignalMade, SignalReceived
from petrosa.core.model.findings import FindingResolved, Reconciled
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import (
    Approved,
    BalanceChanged,
    CancelRejected,
    Intent,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderStatus,
    OrderTriggered,
    Place,
    Reducing,
)
from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Signal

KEPT = 200
"""Rows of each kind that are remembered; also the largest page."""

ORDERS_KEPT = 2_000

ENDS: dict[type, OrderStatus] = {
    OrderAccepted: OrderStatus.ACCEPTED,
    OrderRejected: OrderStatus.REJECTED,
    OrderTriggered: OrderStatus.TRIGGERED,
    OrderCanceled: OrderStatus.CANCELED,
    OrderExpired: OrderStatus.EXPIRED,
}
"""What the venue says, as the status an order has after it."""


class OrderRow(msgspec.Struct):
    """One order as tables show it; `filled` is the sum of its fills."""

    client_order_id: str
    signal_id: str
    strategy_id: str
    instrument: InstrumentId
    leg: str
    side: str
    type: str
    quantity: Decimal
    price: Decimal | None
    ts_sent: int
    status: OrderStatus = OrderStatus.SUBMITTED
    filled: Decimal = Decimal(0)
    reason: str = ""


class SignalRow(msgspec.Struct, frozen=True):
    """A signal with the time at which it was made or received."""

    now: int
    signal: Signal


class RefusalRow(msgspec.Struct, frozen=True):
    """A refusal with its time."""

    now: int
    refusal: Refused


class FillRow(msgspec.Struct, frozen=True):
    """A fill with its time and the strategy whose signal it goes back to."""

    now: int
    strategy_id: str
    signal_id: str
    fill: OrderFilled


class ReadModel:
    """Counts since the start, and the last rows of each kind."""

    def __init__(self) -> None:
        self.sequence = self.now = 0
        self.signals: Counter[str] = Counter()
        self.signals_by_side: Counter[tuple[str, str]] = Counter()
        self.refusals: Counter[str] = Counter()
        self.refusals_by_strategy: Counter[tuple[str, str]] = Counter()
        self.orders_by_leg: Counter[str] = Counter()
        self.order_ends: Counter[str] = Counter()
        self.fills = self.modelled_fills = 0
        self.fees: dict[str, Decimal] = {}
        self.balances: dict[str, Decimal] = {}
        self.halted = ""
        self.recent_signals: deque[SignalRow] = deque(maxlen=KEPT)
        self.recent_refusals: deque[RefusalRow] = deque(maxlen=KEPT)
        self.recent_fills: deque[FillRow] = deque(maxlen=KEPT)
        self.alarms: deque[Alarm] = deque(maxlen=KEPT)
        self.alarms_by_name: Counter[str] = Counter()
        self.orders: OrderedDict[str, OrderRow] = OrderedDict()

    def fold(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """Take in one turn; of a market fact without decisions only the time is kept."""
        self.sequence, self.now = sequence, now
        match event:
            case OrderFilled():
                self._filled(event, now)
            case OrderAccepted() | OrderRejected() | OrderTriggered() | OrderCanceled() | OrderExpired():
                self._changed(event)
            case CancelRejected():
                self.order_ends["cancel_rejected"] += 1
            case BalanceChanged():
                self.balances[event.asset] = event.total
            case SignalReceived():
                self._signal(event.signal, now)
            case _:
                pass
        for decision in decisions:
            self._decided(decision, now)

    @property
    def open_orders(self) -> list[OrderRow]:
        """Orders that may still do something, oldest first."""
        return [row for row in self.orders.values() if not row.status.is_terminal]

    def _decided(self, decision: Decision, now: int) -> None:
        match decision:
            case SignalMade():
                self._signal(decision.signal, now)
            case Refused():
                self.refusals[decision.check] += 1
                self.refusals_by_strategy[decision.strategy_id, decision.check] += 1
                self.recent_refusals.append(RefusalRow(now, decision))
            case Approved() | Reducing():
                self._sent(decision.intent, now)
            case Alarm():
                self.alarms.append(decision)
                self.alarms_by_name[decision.name] += 1
            case Halted():
                self.halted = decision.reason
            case Reconciled():
                for news in decision.news:
                    if not isinstance(news, OrderFilled | CancelRejected):
                        self._changed(news)
            case FindingResolved() if decision.fill is not None:
                self._filled(decision.fill, now)
            case _:
                pass

    def _signal(self, signal: Signal, now: int) -> None:
        self.signals[signal.strategy_id] += 1
        self.signals_by_side[signal.strategy_id, signal.action.value] += 1
        self.recent_signals.append(SignalRow(now, signal))

    def _sent(self, intent: Intent, now: int) -> None:
        action = intent.action
        if not isinstance(action, Place):
            return
        self.orders_by_leg[intent.leg.value] += 1
        self.orders[intent.client_order_id] = OrderRow(
            client_order_id=intent.client_order_id,
            signal_id=intent.signal_id,
            strategy_id=intent.strategy_id,
            instrument=intent.instrument,
            leg=intent.leg.value,
            side=action.side.value,
            type=action.type.value,
            quantity=action.quantity,
            price=action.price if action.price is not None else action.trigger_price,
            ts_sent=now,
        )
        if len(self.orders) > ORDERS_KEPT:
            self._forget_one()

    def _forget_one(self) -> None:
        """The oldest order that is over; the oldest of all when none is."""
        over = next((key for key, row in self.orders.items() if row.status.is_terminal), next(iter(self.orders)))
        del self.orders[over]

    def _changed(self, event: OrderAccepted | OrderRejected | OrderTriggered | OrderCanceled | OrderExpired) -> None:
        status = ENDS[type(event)]
        self.order_ends[status.value] += status.is_terminal
        row = self.orders.get(event.client_order_id)
        if row is None or row.status.is_terminal:
            return
        if status is OrderStatus.ACCEPTED and row.status is not OrderStatus.SUBMITTED:
            return  # a late answer does not take back what is known already
        row.status = status
        row.reason = getattr(event, "reason", "")

    def _filled(self, fill: OrderFilled, now: int) -> None:
        self.fills += 1
        self.modelled_fills += fill.modelled
        self.fees[fill.fee_asset] = self.fees.get(fill.fee_asset, Decimal(0)) + fill.fee
        row = self.orders.get(fill.client_order_id)
        if row is None:
            self.recent_fills.append(FillRow(now, "", "", fill))
            return
        row.filled += fill.quantity
        if not row.status.is_terminal:
            row.status = OrderStatus.FILLED if row.filled >= row.quantity else OrderStatus.PARTIALLY_FILLED
            self.order_ends["filled"] += row.status is OrderStatus.FILLED
        self.recent_fills.append(FillRow(now, row.strategy_id, row.signal_id, fill))
