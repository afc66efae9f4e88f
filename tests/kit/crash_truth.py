"""What must hold after a crash, read from the exchange: orders, trades, positions and wallets, against the desk's."""

import asyncio
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.adapters.stores.journal.format import decode_decision
from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.core.model.orders import Approved, Intent, Leg, OrderFilled, Place, Reducing
from tests.kit.audited import assert_whole, from_nothing
from tests.kit.live_desk import Desk
from tests.kit.paper_process import HandExchange

ZERO = Decimal(0)
DUST = Decimal("0.00001")
"""A fee in the base asset leaves less than a step, which cannot be sold."""
SAID_TO = Decimal("0.00000001")
"""The exchange keeps fees in the base asset exactly, and says them to eight places."""
HELD_BEFORE = Decimal(1)
"""Bitcoins that the demo account has on spot and that are none of the desk's business."""


class Fill(NamedTuple):
    """A trade, by what money depends on."""

    trade_id: str
    side: str
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str


def held(exchange: HandExchange, market: str) -> Decimal:
    """The position, as the exchange has it."""
    if market == "usdm":
        return sum(exchange.positions().values(), ZERO)
    return exchange.balances("spot")["BTC"] - HELD_BEFORE


def is_flat(quantity: Decimal, market: str) -> bool:
    return quantity == 0 if market == "usdm" else abs(quantity) < DUST


def stopped(exchange: HandExchange, market: str) -> Decimal:
    """The quantity behind which stops rest that can only reduce; on spot a sell can do nothing else."""
    if market == "usdm":
        stops = [one for one in exchange.open_algos() if one["orderType"] == "STOP_MARKET" and one["reduceOnly"]]
        return sum((Decimal(one["quantity"]) for one in stops if one["side"] == "SELL"), ZERO)
    stops = [one for one in exchange.open_orders("spot") if one["type"] == "STOP_LOSS" and one["side"] == "SELL"]
    return sum((Decimal(one["origQty"]) for one in stops), ZERO)


def is_guarded_or_flat(exchange: HandExchange, market: str) -> bool:
    quantity = held(exchange, market)
    if is_flat(quantity, market):
        return True
    return stopped(exchange, market) >= (quantity if market == "usdm" else quantity - DUST)


def assert_guarded(exchange: HandExchange, market: str) -> None:
    """A position has a stop of its size; nothing short was ever made."""
    quantity = held(exchange, market)
    assert quantity >= 0 or is_flat(quantity, market)
    assert is_guarded_or_flat(exchange, market), f"{quantity} held, stops for {stopped(exchange, market)}"


def assert_end(exchange: HandExchange, desk: Desk, market: str) -> None:
    """Flat on both sides, the same in every figure, and all of it remembered."""
    quantity = held(exchange, market)
    assert is_flat(quantity, market)
    assert [] == exchange.open_orders(market)
    assert [] == (exchange.open_algos() if market == "usdm" else [])
    found = {name: Decimal(total) for name, total in desk.ask("/account")["balances"].items()}
    assert {name: total for name, total in exchange.balances(market).items() if total} == found
    positions = {row["symbol"]: Decimal(row["quantity"]) for row in desk.ask("/positions")["positions"]}
    traded, difference = exchange.trades(market), quantity - positions.get("BTCUSDT", ZERO)
    assert abs(difference) <= (SAID_TO * len(traded) if market == "spot" else 0), f"{quantity}, {positions} here"
    desk.stop()
    intents, fills = remembered(desk)
    assert_orders(exchange, market, intents, fills)
    asyncio.run(assert_audited(desk, exchange, market))


def remembered(desk: Desk) -> tuple[dict[str, Intent], dict[Fill, str]]:
    """What the whole journal holds: every intent that placed an order, and whose order each trade was."""
    intents: dict[str, Intent] = {}
    fills: dict[Fill, str] = {}
    reader = JournalReader(desk.journal)
    for turn in reader.turns():
        for one in map(decode_decision, turn.decisions):
            if isinstance(one, Approved | Reducing) and isinstance(one.intent.action, Place):
                assert one.intent.client_order_id not in intents, "an order was decided twice"
                intents[one.intent.client_order_id] = one.intent
        if isinstance(turn.event, OrderFilled):
            fill = turn.event
            key = Fill(fill.trade_id, fill.side.value, fill.quantity, fill.price, fill.fee, fill.fee_asset)
            assert fill.client_order_id == fills.setdefault(key, fill.client_order_id)
    assert reader.torn_bytes == 0
    return intents, fills


def assert_orders(exchange: HandExchange, market: str, intents: dict[str, Intent], fills: dict[Fill, str]) -> None:
    """No order twice, none that nobody decided, one filled entry a signal, and every trade counted as it was."""
    orders = exchange.orders(market)
    placed = [one["clientOrderId"] for one in orders]
    assert len(placed) == len(set(placed))
    conditional = [one["clientAlgoId"] for one in exchange.algos()] if market == "usdm" else []
    assert len(conditional) == len(set(conditional))
    assert set(placed) | set(conditional) <= set(intents), "orders that the desk did not decide"
    entries = [intents[one["clientOrderId"]] for one in orders if Decimal(one["executedQty"])]
    signals = [one.signal_id for one in entries if one.leg is Leg.ENTRY]
    assert len(signals) == len(set(signals)), "a signal entered twice"
    names = {one["orderId"]: one["clientOrderId"] for one in orders}
    traded = {_fill(one): names[one["orderId"]] for one in exchange.trades(market)}
    assert traded == fills
    assert set(fills.values()) <= set(intents)


def _fill(row: dict[str, Any]) -> Fill:
    side = row.get("side") or ("BUY" if row["isBuyer"] else "SELL")
    return Fill(
        str(row["id"]), side.lower(), Decimal(row["qty"]), Decimal(row["price"]), Decimal(row["commission"]),
        row["commissionAsset"],
    )  # fmt: skip


async def assert_audited(desk: Desk, exchange: HandExchange, market: str) -> None:
    """The store holds what the journal amounts to, and names every order and trade of the exchange."""
    documents = await SqliteDocuments.open(desk.home / "documents.sqlite")
    try:
        await assert_whole(documents, desk.journal)
    finally:
        await documents.close()
    records = list(from_nothing(desk.journal).values())
    told = msgspec.json.encode(records).decode()
    names = [one["clientOrderId"] for one in exchange.orders(market)]
    names += [one["clientAlgoId"] for one in exchange.algos()] if market == "usdm" else []
    assert [] == [name for name in names if f'"{name}"' not in told]
    assert [] == [one["id"] for one in exchange.trades(market) if f'"{one["id"]}"' not in told]
