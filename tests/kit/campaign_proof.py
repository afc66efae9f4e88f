"""What must be so at the end of a campaign: exchange, journal and audit tell the same story to the last digit."""

from collections import Counter
from decimal import Decimal

import msgspec

from petrosa.adapters.stores.journal.format import decode_decision
from petrosa.adapters.stores.journal.listing import verify
from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.apps.documents import open_documents
from petrosa.core.execution.reconcile import is_of_our_form
from petrosa.core.model.orders import Approved, OrderFilled, Place, Reducing
from tests.kit.audited import from_nothing, stored
from tests.kit.campaign import Campaign
from tests.kit.campaign_exchange import Trade


def told(campaign: Campaign) -> tuple[set[Trade], list[str]]:
    """The fills of the journal, each once, and every order that was meant, as often as it was."""
    fills: set[Trade] = set()
    meant: list[str] = []
    for turn in JournalReader(campaign.desk.folder).turns():
        if isinstance(turn.event, OrderFilled):
            fills.add(trade_of(turn.event))
        for raw in turn.decisions:
            decision = decode_decision(msgspec.Raw(raw))
            if isinstance(decision, Approved | Reducing) and isinstance(decision.intent.action, Place):
                meant.append(decision.intent.client_order_id)
    return fills, meant


def trade_of(fill: OrderFilled) -> Trade:
    return Trade(
        fill.client_order_id, fill.trade_id, fill.side.value, fill.quantity, fill.price, fill.fee, fill.fee_asset
    )


async def prove(campaign: Campaign) -> list[str]:
    """Everything that is not as it must be, in words; nothing when all is well."""
    exchange, wrong = campaign.exchange, [f"unprotected: {one}" for one in campaign.naked]
    verify(campaign.desk.folder)
    fills, meant = told(campaign)
    ours, theirs = {one for one in fills if is_of_our_form(one.order)}, set(exchange.trades())
    wrong += [f"fill only in the journal: {one}" for one in ours - theirs]
    wrong += [f"fill only at the exchange: {one}" for one in theirs - ours]
    wrong += [f"asked for again: {one}" for one in exchange.posts.repeated()]
    wrong += [f"meant {times} times: {name}" for name, times in Counter(meant).items() if times > 1]
    wrong += [f"asked for, and not meant: {name}" for name in exchange.posts.answers if name not in set(meant)]
    wrong += [f"rests: {one}" for one in exchange.open_orders() if is_of_our_form(one.client_id)]
    return wrong + await audited(campaign, meant, theirs)


def books(campaign: Campaign) -> list[str]:
    """Positions and wallets, while the desk still lives."""
    trader, exchange, wrong = campaign.desk.trader, campaign.exchange, []
    for symbol, rules in exchange.rules.items():
        position = trader.positions.get(rules.id)
        ours, there = position.quantity if position is not None else Decimal(0), exchange.position(symbol)
        if trader.held(rules.id) != 0 or (rules.market != "spot" and ours != there):
            wrong.append(f"{symbol}: the desk holds {ours}, the exchange {there}")
    mine, theirs = trader.balances, exchange.balance
    wrong += [
        f"{asset}: the desk has {mine.get(asset)}, the exchange {theirs(asset)}"
        for asset in {"USDT", *mine}
        if mine.get(asset, Decimal(0)) != theirs(asset)
    ]
    return wrong


async def audited(campaign: Campaign, meant: list[str], trades: set[Trade]) -> list[str]:
    """The audit tells of every order and fill exactly once, and is what the journal amounts to."""
    documents = await open_documents(campaign.desk.settings)
    try:
        held = await stored(documents)
    finally:
        await documents.close()
    wrong = []
    if from_nothing(campaign.desk.folder) != {key: one.document for key, one in held.items()}:
        wrong.append("the audit is not what the journal amounts to")
    placed: Counter[str] = Counter()
    filled: Counter[tuple[str, str]] = Counter()
    for one in held.values():
        record = one.document
        if record["event"] in ("order_placed", "protection_placed"):
            placed[record["client_order_id"]] += 1
        if record["event"] == "order_filled" and is_of_our_form(record["client_order_id"] or ""):
            filled[(record["metadata"]["trade_id"], record["side"])] += 1
    wrong += [f"audit: order {name} {placed[name]} times" for name in {*meant, *placed} if placed[name] != 1]
    known = {(one.trade_id, one.side) for one in trades}
    wrong += [f"audit: fill {key} {filled[key]} times" for key in {*known, *filled} if filled[key] != 1]
    return wrong
