"""How signals, orders and commands are told in a record of the audit: field by field, from messages of the core."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.commands import CancelOrder, Command, Configure, ConfigureTrading, PlaceOrder
from petrosa.core.model.findings import FindingResolved, Reconciled
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.core.model.orders import FundingPaid
from petrosa.core.model.refusals import Outcome, Refused
from petrosa.core.model.signals import Signal
from petrosa.core.signals.symbols import plain_symbol
from petrosa.surfaces.audit.foreign import faithful
from petrosa.surfaces.audit.memory import Ordered, exact
from petrosa.surfaces.configuration import TRADING

Document = dict[str, object]

_ELSEWHERE: Final = frozenset({"kind", "reason"})
"""What a record says of an order by hand apart from its terms."""


def timestamp(ts: int) -> str:
    """`2026-01-02T03:04:05.123456Z`; digits beyond microseconds are cut, `ts_ns` has them."""
    second, rest = divmod(ts, NS_PER_SECOND)
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def meta_of(told: Document) -> Document:
    found = told.get("metadata")
    return found if isinstance(found, dict) else {}


def checks_of(outcomes: Sequence[Outcome]) -> list[dict[str, str]]:
    """Every check with what it saw and its limit."""
    return [{"check": one.check, "verdict": one.verdict.value, "saw": one.saw, "limit": one.limit} for one in outcomes]


def signal_told(signal: Signal, event: str, status: str, **more: object) -> Document:
    """A signal with everything that its producer said; `more` goes into the metadata."""
    side = signal.action.side
    told: Document = {
        "action": signal.action.value,
        "confidence": exact(signal.confidence),
        "current_price": exact(signal.current_price),
        "timeframe": signal.timeframe,
        "source": signal.source,
        "signal_time": timestamp(signal.ts_event),
        "stop_loss_pct": exact(signal.stop_loss_pct),
        "take_profit_pct": exact(signal.take_profit_pct),
        "indicators": faithful(signal.indicators),
        "signal_metadata": faithful(signal.metadata),
        **more,
    }
    return {
        "event": event,
        "signal_id": signal.signal_id,
        "strategy_id": signal.strategy_id,
        "symbol": plain_symbol(signal.symbol),
        "side": None if side is None else side.value,
        "quantity": exact(signal.quantity),
        "price": exact(signal.price),
        "stop_loss": exact(signal.stop_loss),
        "take_profit": exact(signal.take_profit),
        "status": status,
        "metadata": told,
    }


def refused_told(refused: Refused, signal: Signal | None) -> Document:
    """A refusal with every check and what the signal asked for, where that is known."""
    told: Document = {"metadata": {}} if signal is None else signal_told(signal, "", "")
    more = {"check": refused.check, "saw": refused.saw, "limit": refused.limit, "checks": checks_of(refused.outcomes)}
    return {
        **told,
        "event": "signal_refused",
        "signal_id": refused.signal_id,
        "strategy_id": refused.strategy_id,
        "symbol": refused_symbol(refused.instrument),
        "status": "refused",
        "reason": refused.message,
        "metadata": {**meta_of(told), **more},
    }


def refused_symbol(instrument: InstrumentId | str) -> str:
    """The symbol of an instrument, or of whatever a foreign signal called one."""
    return symbol_of(InstrumentId(instrument)) if instrument.count(":") == 2 else plain_symbol(instrument)


def order_told(order: Ordered, client_order_id: str, what: str, status: str, instrument: InstrumentId) -> Document:
    """Something about an order, stops and targets told apart from what enters and leaves."""
    return {
        "event": f"{'protection' if order.is_protection else 'order'}_{what}",
        "signal_id": order.signal_id,
        "strategy_id": order.strategy_id,
        "symbol": symbol_of(instrument),
        "side": order.side,
        "order_type": order.type,
        "quantity": order.quantity,
        "price": order.price,
        "stop_loss": order.stop_loss,
        "take_profit": order.take_profit,
        "binance_order_id": order.venue_order_id or None,
        "client_order_id": client_order_id,
        "status": status,
        "metadata": {"leg": order.leg, "instrument": instrument},
    }


def funding_told(paid: FundingPaid) -> Document:
    more = {"account": paid.account, "asset": paid.asset, "amount": f"{paid.amount:f}", "instrument": paid.instrument}
    return {"event": "funding_paid", "symbol": symbol_of(paid.instrument), "status": "paid", "metadata": more}


def command_told(command: Command) -> Document:
    """Who told the desk what, and why; what a change of configuration sets is in the journal and its own history."""
    told: Document = {"actor": command.actor, "command_id": command.command_id}
    told["command"] = type(command).__struct_config__.tag
    strategy = None
    if isinstance(command, Configure):
        strategy = command.strategy_id
        told["version"] = command.version
        told["seats"] = {
            seat.instrument: {"enabled": seat.enabled, "parameters": msgspec.json.encode(seat.parameters).decode()}
            for seat in command.seats
        }
    elif isinstance(command, ConfigureTrading):
        strategy = TRADING
        told["version"] = command.version
        told["parameters"] = {name: msgspec.json.encode(one).decode() for name, one in command.parameters.items()}
    elif isinstance(command, PlaceOrder | CancelOrder):
        told |= {name: value for name, value in msgspec.to_builtins(command).items() if name not in _ELSEWHERE}
    elif (instrument := getattr(command, "instrument", None)) is not None:
        told["instrument"] = instrument
    symbol = symbol_of(InstrumentId(str(told["instrument"]))) if "instrument" in told else None
    return {"event": "command", "strategy_id": strategy, "symbol": symbol, "status": "told", "reason": command.reason,
            "metadata": told}  # fmt: skip


def reconciled_told(decision: Reconciled) -> Document:
    """The account was compared with the venue."""
    findings = {finding.finding_id: finding.message for finding in decision.findings}
    wallets = {one.asset: f"{one.ours} -> {one.stated}" for one in decision.wallets}
    return {"event": "reconciled", "status": "clean" if decision.is_clean else "differs", "reason": decision.cause,
            "metadata": {"findings": findings, "suspects": decision.suspects, "wallets": wallets}}  # fmt: skip


def resolved_told(decision: FindingResolved) -> Document:
    """What became of a decision about a finding."""
    finding = decision.finding
    told: Document = {"finding": decision.finding_id, "how": decision.how.value, "actor": decision.actor,
                      "command_id": decision.command_id, "refused": decision.refused,
                      "message": "" if finding is None else finding.message, "booked": str(decision.booked),
                      "difference": str(decision.difference)}  # fmt: skip
    symbol = None if finding is None else symbol_of(finding.instrument)
    return {"event": "finding_resolved", "symbol": symbol, "status": "refused" if decision.refused else "done",
            "reason": decision.reason, "metadata": told}  # fmt: skip
