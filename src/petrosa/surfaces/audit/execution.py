"""Records of the audit as execution events on the bus: the fields that subscribers of `execution.events.>` know."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

_TYPES: Final[Mapping[str, str]] = {
    "order_placed": "placed",
    "protection_placed": "placed",
    "order_filled": "filled",
    "order_rejected": "rejected",
    "protection_rejected": "rejected",
    "signal_refused": "rejected",
}
_SOURCES: Final[Mapping[str, str]] = {"signal_refused": "risk_check"}
"""Who said no; else the exchange did."""


class ExecutionEvent(msgspec.Struct, frozen=True, kw_only=True):
    """What happened to an order. Amounts are exact texts; `decision_id` is the signal's id."""

    decision_id: str | None
    strategy_id: str
    order_id: str | None
    event_type: str
    timestamp: str
    reason: str | None
    symbol: str | None = None
    side: str | None = None
    quantity: str | None = None
    price: str | None = None
    fill_qty: str | None = None
    fill_price: str | None = None
    fee: str | None = None
    fee_asset: str | None = None
    fill_time: str | None = None
    rejection_source: str | None = None
    rejection_reason: str | None = None
    rejected_at: str | None = None
    simulation_mode: bool = False


def execution_event(record: Mapping[str, Any]) -> ExecutionEvent | None:
    """The event that a record amounts to; none for what subscribers have no word for, or what no strategy caused."""
    kind = _TYPES.get(record["event"])
    if kind is None or not record["strategy_id"]:
        return None
    is_fill, is_no = kind == "filled", kind == "rejected"
    if is_fill and record["status"] == "partially_filled":
        kind = "partial_fill"
    return ExecutionEvent(
        decision_id=record["signal_id"],
        strategy_id=record["strategy_id"],
        order_id=record["client_order_id"],
        event_type=kind,
        timestamp=record["timestamp"],
        reason=record["reason"],
        symbol=record["symbol"],
        side=record["side"],
        quantity=record["metadata"].get("order_quantity", record["quantity"]),
        price=record["price"],
        fill_qty=record["quantity"] if is_fill else None,
        fill_price=record["fill_price"],
        fee=record["fees"],
        fee_asset=record["metadata"].get("fee_asset"),
        fill_time=record["metadata"].get("venue_time") if is_fill else None,
        rejection_source=_SOURCES.get(record["event"], "exchange") if is_no else None,
        rejection_reason=record["reason"] if is_no else None,
        rejected_at=record["timestamp"] if is_no else None,
        simulation_mode=record["simulation_mode"],
    )
