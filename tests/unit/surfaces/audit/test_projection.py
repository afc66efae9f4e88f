"""A turn becomes records that have every documented field, exact, and tell one story under the signal's id."""

import json
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from petrosa.adapters.stores.documents.rules import encode
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.commands import Configure, Flatten, PauseEntries, SeatParameters
from petrosa.core.model.events import Configured, Decision, Effect, Event, SeatChange, SignalReceived
from petrosa.core.model.orders import Cancel, Intent, Leg, OrderCanceled, OrderType, Place, Reducing
from petrosa.surfaces.audit.memory import CLOSED_MAX, ORDERS_MAX, Memory
from petrosa.surfaces.audit.projection import Projection
from tests.kit.audited import from_nothing, ran
from tests.kit.services import turns_of
from tests.kit.story import ACCOUNT, BTC, ENTRY, SIGNAL, START, filled, story

DOCUMENTED = {
    "signal_id", "symbol", "side", "order_type", "quantity", "price", "stop_loss", "take_profit", "binance_order_id",
    "status", "fill_price", "fees", "timestamp", "simulation_mode", "metadata",
}  # fmt: skip
"""The fields of the documented record; `_id` is its key."""
AMOUNTS = ("quantity", "price", "stop_loss", "take_profit", "fill_price", "fees")


def projection(memory: Memory | None = None) -> Projection:
    return Projection("toy", "0123456789ab", simulated=True, memory=memory or Memory())


def told(*turns: tuple[Event, tuple[Decision, ...]]) -> list[dict[str, Any]]:
    """The records of turns, one after the other."""
    audit = projection()
    return [
        entry.document
        for number, (event, decisions) in enumerate(turns, 1)
        for entry in audit.fold(number, START + number, event, decisions)
    ]


def test_a_signal_its_order_and_its_fills_are_one_story() -> None:
    """From the opinion to the money, each with what it adds; a refusal and an alarm beside it."""
    audit = projection()
    records = [entry.document for turn in story() for entry in audit.fold(*turn)]
    assert [
        ("signal_received", "s1", "received"),
        ("order_placed", "s1", "submitted"),
        ("order_accepted", "s1", "accepted"),
        ("order_filled", "s1", "partially_filled"),
        ("order_filled", "s1", "filled"),
        ("signal_refused", "s2", "refused"),
        ("error", None, "alarm"),
    ] == [(record["event"], record["signal_id"], record["status"]) for record in records]
    last: dict[str, Any] = records[4]
    assert ("0.003", "50001.5", "0.05", "v1", "limit", "buy") == (
        last["quantity"], last["fill_price"], last["fees"], last["binance_order_id"], last["order_type"], last["side"],
    )  # fmt: skip
    assert ("0.004", "0.004", "USDT") == tuple(
        last["metadata"][name] for name in ("order_quantity", "filled_quantity", "fee_asset")
    )
    assert "cooldown: saw 12.0 s, limit 900 s; wait, or lower cooldown_seconds" == records[5]["reason"]


def test_every_record_has_every_documented_field() -> None:
    """Null where an event has none; amounts are texts that are exactly the number."""
    audit = projection()
    for turn in story():
        for key, record in audit.fold(*turn):
            assert record.keys() >= DOCUMENTED
            assert all(record[name] is None or Decimal(str(record[name])) >= 0 for name in AMOUNTS)
            assert all(isinstance(record[name], str | None) for name in AMOUNTS)
            assert json.loads(encode("trade_audit_log", key, record)) == record


def test_commands_say_who_and_why() -> None:
    """Who paused, who closed what, who changed a strategy, and what that did."""
    seats = (SeatParameters(BTC.id, True, {"top_levels": 3}),)
    changed = Configured("c3", "orderbook_skew", 4, (SeatChange(BTC.id, Effect.KEPT_STATE),))
    records = told(
        (PauseEntries("c1", "alice", "news at two"), ()),
        (Flatten("c2", "bob", "over", BTC.id), ()),
        (Configure("c3", "carol", "as measured", "orderbook_skew", 4, seats), (changed,)),
    )
    assert [
        ("command", "pause_entries", "alice", "news at two", None),
        ("command", "flatten", "bob", "over", "BTCUSDT"),
        ("command", "configure", "carol", "as measured", None),
    ] == [(r["event"], r["metadata"]["command"], r["metadata"]["actor"], r["reason"], r["symbol"]) for r in records[:3]]
    applied = records[3]
    assert ("configuration_applied", "orderbook_skew", 4, {BTC.id: "kept state"}) == (
        applied["event"], applied["strategy_id"], applied["metadata"]["version"], applied["metadata"]["changes"],
    )  # fmt: skip


def test_a_stop_is_protection_and_its_level_is_told() -> None:
    """Placed, taken back, gone: none of it looks like an entry."""
    stop = Intent(
        "p-stop", ACCOUNT, BTC.id, Leg.STOP,
        Place(SIGNAL.action.side.opposite, OrderType.STOP, Decimal("0.004"), trigger_price=Decimal("49000.0"),  # type: ignore[union-attr]
              reduce_only=True), "s1", "orderbook_skew",
    )  # fmt: skip
    take_back = Intent("p-no", ACCOUNT, BTC.id, Leg.STOP, Cancel("p-stop", "flat"), "s1", "orderbook_skew")
    gone = OrderCanceled(ACCOUNT, BTC.id, "p-stop", "asked for", START, START)
    records = told((filled(1, "0.004"), (Reducing(stop),)), (filled(2, "0.004"), (Reducing(take_back),)), (gone, ()))
    kinds = [(r["event"], r["status"], r["stop_loss"], r["side"]) for r in records if r["client_order_id"] == "p-stop"]
    assert [
        ("protection_placed", "submitted", "49000.0", "sell"),
        ("protection_cancel_requested", "cancelling", "49000.0", "sell"),
        ("protection_cancelled", "cancelled", "49000.0", "sell"),
    ] == kinds


def test_what_other_programs_write_is_kept_in_a_form_that_every_store_takes() -> None:
    """Names with a dollar, numbers without end, very long texts: bounded, and never a record that cannot be written."""
    strange = {"$where": 1, "big": 10**30, "long": "x" * 5_000, **{f"n{number}": number for number in range(500)}}
    signal = msgspec.structs.replace(SIGNAL, metadata=strange, indicators={"nan": float("nan")}, symbol="btc/usdt:usdt")
    (record,) = told((SignalReceived(signal, 7), ()))
    encode("trade_audit_log", "key", record)
    kept = record["metadata"]["signal_metadata"]
    assert ("1", str(10**30), 1_000, 101) == (kept["_$where"], kept["big"], len(kept["long"]), len(kept))
    assert ("nan", "BTCUSDT") == (record["metadata"]["indicators"]["nan"], record["symbol"])


def test_what_is_remembered_is_bounded() -> None:
    """Ended orders leave after a while, and open ones in an emergency: a fill of one is told without its order."""
    memory = Memory()
    assert isinstance(ENTRY.action, Place)
    for number in range(ORDERS_MAX + 10):
        memory.placed(msgspec.structs.replace(ENTRY, client_order_id=f"o{number}"), ENTRY.action)
    for number in range(ORDERS_MAX - CLOSED_MAX, ORDERS_MAX + 10):
        memory.ended(f"o{number}")
        memory.ended(f"o{number}")
    assert (ORDERS_MAX - 10, CLOSED_MAX) == (len(memory.orders), len(memory.closed))
    (record,) = told((filled(1, "0.004"), ()))
    assert ("order_filled", "filled", None, "0.004", "BTCUSDT") == (
        record["event"], record["status"], record["signal_id"], record["quantity"], record["symbol"],
    )  # fmt: skip


async def test_a_whole_run_is_told_whole(tmp_path: Path) -> None:
    """Every fill, order, refusal and signal of a journal has its record; an entry knows the stop it will get, and keys
    are in the order of what happened."""
    folder, _ = await ran(tmp_path)
    records = from_nothing(folder)
    assert list(records) == sorted(records)
    kinds = Counter(record["event"] for record in records.values())
    text = b"".join(path.read_bytes() for path in folder.glob("*.journal"))
    assert text.count(b'"kind":"order_filled"') == kinds["order_filled"] > 5
    assert text.count(b'"kind":"refused"') == kinds["signal_refused"] > 5
    assert text.count(b'"kind":"signal_made"') == kinds["signal_received"] > 5
    assert text.count(b'"action":"place"') == kinds["order_placed"] + kinds["protection_placed"] > 10
    entries = [r for r in records.values() if r["event"] == "order_placed" and r["metadata"]["leg"] == "entry"]
    stops = {r["signal_id"]: r["stop_loss"] for r in records.values() if r["metadata"].get("leg") == "stop"}
    filled_entries = [entry for entry in entries if entry["signal_id"] in stops]
    assert len(filled_entries) > 3
    assert {r["signal_id"]: r["stop_loss"] for r in filled_entries}.items() <= stops.items()
    assert len(turns_of(folder)) < len(records)
    assert START < min(record["ts_ns"] for record in records.values()) + 10**9 * NS_PER_SECOND
