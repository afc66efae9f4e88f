"""One log line for each thing that matters in a turn, tied together by the signal's id."""

from collections import OrderedDict
from collections.abc import Sequence

import structlog

from petrosa.core.model.events import Alarm, Configured, Decision, Event, Halted, SignalMade, TradingConfigured
from petrosa.core.model.findings import FindingResolved, Reconciled
from petrosa.core.model.orders import Approved, OrderFilled, OrderRejected, Place, Reducing
from petrosa.core.model.refusals import Refused

REMEMBERED = 10_000
"""Orders whose signal is remembered, so that an answer of the venue finds its correlation id."""


class DecisionLog:
    """Writes signals, orders, rejections and fills as INFO, refusals as DEBUG, alarms and halts as ERROR."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("petrosa.desk")
        self._signal_of: OrderedDict[str, str] = OrderedDict()

    def fold(self, sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """Log one turn; a turn that decided nothing and moved no money costs two type checks."""
        if isinstance(event, OrderFilled):
            self._log.info(
                "filled",
                correlation_id=self._signal_of.get(event.client_order_id, ""),
                client_order_id=event.client_order_id,
                instrument=event.instrument,
                side=event.side.value,
                quantity=str(event.quantity),
                price=str(event.price),
                modelled=event.modelled,
                sequence=sequence,
                ts_ns=now,
            )
        elif isinstance(event, OrderRejected):
            self._log.warning(
                "rejected by the venue",
                correlation_id=self._signal_of.get(event.client_order_id, ""),
                client_order_id=event.client_order_id,
                instrument=event.instrument,
                reason=event.reason,
                sequence=sequence,
                ts_ns=now,
            )
        for decision in decisions:
            self._decided(decision, sequence, now)

    def _decided(self, decision: Decision, sequence: int, now: int) -> None:
        match decision:
            case SignalMade():
                signal = decision.signal
                self._log.info(
                    "signal",
                    correlation_id=signal.signal_id,
                    strategy=signal.strategy_id,
                    symbol=signal.symbol,
                    action=signal.action.value,
                    confidence=round(signal.confidence, 4),
                    price=signal.price,
                    sequence=sequence,
                    ts_ns=now,
                )
            case Refused():
                self._log.debug(
                    "refused",
                    correlation_id=decision.signal_id,
                    strategy=decision.strategy_id,
                    instrument=decision.instrument,
                    check=decision.check,
                    why=decision.message,
                    sequence=sequence,
                    ts_ns=now,
                )
            case Approved() | Reducing():
                self._order(decision, sequence, now)
            case Configured() | TradingConfigured():
                self._configured(decision, sequence, now)
            case Alarm():
                self._log.error("alarm", name=decision.name, detail=decision.message, sequence=sequence, ts_ns=now)
            case Reconciled():
                self._log.info(
                    "reconciled",
                    cause=decision.cause,
                    is_clean=decision.is_clean,
                    findings=[finding.message for finding in decision.findings],
                    suspects=decision.suspects,
                    wallets={one.asset: f"{one.ours} -> {one.stated}" for one in decision.wallets},
                    sequence=sequence,
                    ts_ns=now,
                )
            case FindingResolved():
                self._log.info(
                    "finding resolved",
                    finding=decision.finding_id,
                    how=decision.how.value,
                    actor=decision.actor,
                    refused=decision.refused,
                    trade_id="" if decision.fill is None else decision.fill.trade_id,
                    sequence=sequence,
                    ts_ns=now,
                )
            case Halted():
                self._log.error("halted", reason=decision.reason, sequence=sequence, ts_ns=now)
            case _:
                pass

    def _configured(self, decision: Configured | TradingConfigured, sequence: int, now: int) -> None:
        if isinstance(decision, TradingConfigured):
            strategy, changes = "trading", dict.fromkeys(decision.changed, "changed")
        else:
            strategy = decision.strategy_id
            changes = {change.instrument: change.effect.value for change in decision.changes}
        self._log.info(
            "configured",
            strategy=strategy,
            version=decision.version,
            command_id=decision.command_id,
            changes=changes,
            sequence=sequence,
            ts_ns=now,
        )

    def _order(self, decision: Approved | Reducing, sequence: int, now: int) -> None:
        intent = decision.intent
        action = intent.action
        if not isinstance(action, Place):
            return
        self._signal_of[intent.client_order_id] = intent.signal_id
        if len(self._signal_of) > REMEMBERED:
            self._signal_of.popitem(last=False)
        self._log.info(
            "order",
            correlation_id=intent.signal_id,
            client_order_id=intent.client_order_id,
            instrument=intent.instrument,
            leg=intent.leg.value,
            side=action.side.value,
            type=action.type.value,
            quantity=str(action.quantity),
            price="" if action.price is None else str(action.price),
            trigger_price="" if action.trigger_price is None else str(action.trigger_price),
            sequence=sequence,
            ts_ns=now,
        )
