"""Turns as the records of the collection `trade_audit_log`: the documented fields, and what else tells the story.

A record's key is the turn's time, the run, the turn's number and the record's place in it: the same turn makes the same
keys and documents whenever it is told, and keys in descending order are newest first. Amounts are exact texts. A field
that an event does not have is null; what an event has besides is in `metadata`.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from petrosa.core.model.events import Decision, Event, SignalAgreed, SignalMade, SignalReceived
from petrosa.core.model.findings import FindingResolved, Reconciled
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.core.model.orders import (
    Approved,
    Cancel,
    CancelRejected,
    FundingPaid,
    Intent,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderTriggered,
    Reducing,
)
from petrosa.core.model.refusals import Refused
from petrosa.core.model.signals import Signal
from petrosa.core.signals.symbols import plain_symbol
from petrosa.surfaces.audit.desk_told import decided_told, heard_told
from petrosa.surfaces.audit.memory import Memory, Wanted, exact
from petrosa.surfaces.audit.telling import (
    Document,
    checks_of,
    funding_told,
    meta_of,
    order_told,
    reconciled_told,
    refused_told,
    resolved_told,
    signal_told,
    timestamp,
)

COLLECTION: Final = "trade_audit_log"

_FIELDS: Final = (
    "event", "signal_id", "strategy_id", "symbol", "side", "order_type", "quantity", "price", "stop_loss",
    "take_profit", "binance_order_id", "client_order_id", "status", "fill_price", "fees", "reason",
)  # fmt: skip
_ENDS: Final[Mapping[type, tuple[str, str]]] = {
    OrderRejected: ("rejected", "rejected"),
    OrderCanceled: ("cancelled", "cancelled"),
    OrderExpired: ("expired", "expired"),
}
_STAYS: Final[Mapping[type, tuple[str, str]]] = {
    OrderAccepted: ("accepted", "accepted"),
    OrderTriggered: ("triggered", "triggered"),
    CancelRejected: ("cancel_rejected", "cancel_rejected"),
}
Levels = tuple[str | None, str | None]
"""Trigger prices of stop and target, as exact texts."""


class Entry(NamedTuple):
    """One record and its key in the collection."""

    key: str
    document: Document


class Projection:
    """Folds turns into records. `memory` is all that it carries from one turn to the next."""

    def __init__(self, run: str, tag: str, *, simulated: bool, memory: Memory) -> None:
        """`run` is the run's name, `tag` what no other run has."""
        self.memory = memory
        self._run = run
        self._tag = tag
        self._simulated = simulated

    def fold(self, sequence: int, now: int, event: Event | None, decisions: Sequence[Decision]) -> list[Entry]:
        """The records of one turn, in the order of what happened; none for most."""
        told = [] if event is None else self._told(event)
        signals: dict[str, Signal] = {}
        levels = {one.intent.signal_id: _levels(one) for one in decisions if isinstance(one, Approved)}
        if isinstance(event, SignalReceived):
            signals[event.signal.signal_id] = event.signal
            self._heard(event.signal)
        for decision in decisions:
            if isinstance(decision, SignalMade):
                signals[decision.signal.signal_id] = decision.signal
                self._heard(decision.signal)
            told += self._decided(decision, signals, levels)
        return [self._entry(sequence, now, position, one) for position, one in enumerate(told)]

    def _entry(self, sequence: int, now: int, position: int, told: Document) -> Entry:
        document: Document = {name: told.get(name) for name in _FIELDS}
        document["timestamp"] = timestamp(now)
        document["simulation_mode"] = self._simulated
        document["run"] = self._run
        document["sequence"] = sequence
        document["ts_ns"] = now
        document["metadata"] = told.get("metadata", {})
        return Entry(f"{now:020d}-{self._tag}-{sequence:012d}-{position:04d}", document)

    def _told(self, event: Event) -> list[Document]:
        match event:
            case OrderFilled():
                return [self._filled(event)]
            case OrderAccepted():
                self.memory.changed(event.client_order_id, venue_order_id=event.venue_order_id)
                return [self._answered(event, *_STAYS[type(event)])]
            case OrderTriggered() | CancelRejected():
                return [self._answered(event, *_STAYS[type(event)])]
            case OrderRejected() | OrderCanceled() | OrderExpired():
                self.memory.ended(event.client_order_id)
                return [self._answered(event, *_ENDS[type(event)])]
            case SignalReceived():
                return [signal_told(event.signal, "signal_received", "received", stream_sequence=event.sequence)]
            case FundingPaid():
                return [funding_told(event)]
            case _:
                return heard_told(event)

    def _decided(
        self, decision: Decision, signals: Mapping[str, Signal], levels: Mapping[str, Levels]
    ) -> list[Document]:
        match decision:
            case SignalMade():
                checks = checks_of(decision.outcomes)
                return [signal_told(decision.signal, "signal_received", "received", checks=checks)]
            case SignalAgreed():
                return [self._agreed(decision, signals.get(decision.signal_id), levels.get(decision.signal_id))]
            case Refused():
                if decision.check != "duplicate":  # then the first of its name goes on
                    self.memory.signals.pop(decision.signal_id, None)
                return [refused_told(decision, signals.get(decision.signal_id))]
            case Approved():
                return [self._meant(decision.intent, _levels(decision))]
            case Reducing():
                return [self._meant(decision.intent, (None, None))]
            case Reconciled():
                return [*(one for news in decision.news for one in self._told(news)), reconciled_told(decision)]
            case FindingResolved():
                fill = [] if decision.fill is None else [self._filled(decision.fill)]
                return [resolved_told(decision), *fill]
            case _:
                return decided_told(decision)

    def _heard(self, signal: Signal) -> None:
        side = signal.action.side
        wanted = Wanted(
            strategy_id=signal.strategy_id,
            symbol=plain_symbol(signal.symbol),
            side=None if side is None else side.value,
            stop_loss=exact(signal.stop_loss),
            take_profit=exact(signal.take_profit),
        )
        self.memory.heard(signal.signal_id, wanted)

    def _agreed(self, agreed: SignalAgreed, signal: Signal | None, levels: Levels | None) -> Document:
        checks = checks_of(agreed.outcomes)
        told: Document = {"metadata": {"checks": checks}}
        wanted = self.memory.signals.get(agreed.signal_id)
        if wanted is not None:
            stop, target = levels or (None, None)
            wanted = msgspec.structs.replace(
                wanted, stop_loss=stop or wanted.stop_loss, take_profit=target or wanted.take_profit
            )
            self.memory.signals[agreed.signal_id] = wanted
            told |= msgspec.structs.asdict(wanted)
        if signal is not None:
            told = {**signal_told(signal, "", "", checks=checks), **msgspec.structs.asdict(wanted)} if wanted else told
        return {**told, "event": "signal_agreed", "signal_id": agreed.signal_id, "status": "agreed"}

    def _meant(self, intent: Intent, levels: Levels) -> Document:
        """An order that is meant to leave, or the wish to take one back."""
        action = intent.action
        if isinstance(action, Cancel):
            told = self._of_order(action.target_client_order_id, "cancel_requested", "cancelling", intent.instrument)
            return {**told, "reason": action.reason, "metadata": {**meta_of(told), "account": intent.account}}
        order = self.memory.placed(intent, action, *levels)
        told = order_told(order, intent.client_order_id, "placed", "submitted", intent.instrument)
        more = {
            "account": intent.account,
            "time_in_force": action.time_in_force.value,
            "reduce_only": action.reduce_only,
            "generation": intent.generation,
            "attempt": intent.attempt,
            "expires": None if action.ts_expire is None else timestamp(action.ts_expire),
        }
        return {**told, "metadata": {**meta_of(told), **more}}

    def _answered(self, event: OrderEvent, what: str, status: str) -> Document:
        told = self._of_order(event.client_order_id, what, status, event.instrument)
        seen = {"account": event.account, "venue_time": timestamp(event.ts_event)}
        return {**told, "reason": getattr(event, "reason", None), "metadata": {**meta_of(told), **seen}}

    def _filled(self, fill: OrderFilled) -> Document:
        told = self._of_order(fill.client_order_id, "filled", "filled", fill.instrument)
        order = self.memory.orders.get(fill.client_order_id)
        if order is not None:
            filled = EXACT.add(Decimal(order.filled), fill.quantity)
            whole = filled >= Decimal(order.quantity)
            self.memory.changed(fill.client_order_id, filled=f"{filled:f}")
            told["status"] = "filled" if whole else "partially_filled"
            if whole:
                self.memory.ended(fill.client_order_id)
            told["metadata"] = {**meta_of(told), "order_quantity": order.quantity, "filled_quantity": f"{filled:f}"}
        more = {
            "account": fill.account,
            "trade_id": fill.trade_id,
            "fee_asset": fill.fee_asset,
            "liquidity": fill.liquidity.value,
            "modelled": fill.modelled,
            "venue_time": timestamp(fill.ts_event),
        }
        return {
            **told,
            "event": "order_filled",
            "side": fill.side.value,
            "quantity": f"{fill.quantity:f}",
            "fill_price": f"{fill.price:f}",
            "fees": f"{fill.fee:f}",
            "metadata": {**meta_of(told), **more},
        }

    def _of_order(self, client_order_id: str, what: str, status: str, instrument: InstrumentId) -> Document:
        order = self.memory.orders.get(client_order_id)
        if order is None:
            return {"event": f"order_{what}", "client_order_id": client_order_id, "status": status,
                    "symbol": symbol_of(instrument), "metadata": {"instrument": instrument}}  # fmt: skip
        return order_told(order, client_order_id, what, status, instrument)


def _levels(approved: Approved) -> Levels:
    return exact(approved.stop), exact(approved.target)
