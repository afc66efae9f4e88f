"""Records become execution events with the fields that subscribers know."""

import msgspec

from petrosa.surfaces.audit.execution import ExecutionEvent, execution_event
from petrosa.surfaces.audit.memory import Memory
from petrosa.surfaces.audit.projection import Projection
from tests.kit.story import ENTRY, story


def events() -> list[ExecutionEvent]:
    audit = Projection("toy", "0123456789ab", simulated=True, memory=Memory())
    made = [execution_event(entry.document) for turn in story() for entry in audit.fold(*turn)]
    return [event for event in made if event is not None]


def test_placed_filled_and_rejected() -> None:
    """In order; a refusal of the risk checks says so, and what no strategy caused is not told."""
    assert [
        ("placed", "s1", "orderbook_skew"),
        ("partial_fill", "s1", "orderbook_skew"),
        ("filled", "s1", "orderbook_skew"),
        ("rejected", "s2", "trade_momentum"),
    ] == [(event.event_type, event.decision_id, event.strategy_id) for event in events()]


def test_a_fill_has_what_it_cost() -> None:
    """Exact texts, the order's size beside the fill's."""
    fill = events()[2]
    assert ("0.003", "0.004", "50001.5", "0.05", "USDT", ENTRY.client_order_id) == (
        fill.fill_qty, fill.quantity, fill.fill_price, fill.fee, fill.fee_asset, fill.order_id,
    )  # fmt: skip
    assert fill.fill_time is not None
    assert fill.rejection_source is None


def test_a_rejection_says_who_and_why() -> None:
    """With the fields under the names that subscribers read."""
    event = msgspec.to_builtins(events()[3])
    assert ("risk_check", event["reason"], event["timestamp"]) == (
        event["rejection_source"], event["rejection_reason"], event["rejected_at"],
    )  # fmt: skip
    assert event["rejection_reason"].startswith("cooldown: saw 12.0 s")
