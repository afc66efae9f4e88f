"""Spot answers and user events: an order, a fill, a list or an account as Binance writes it."""

from collections.abc import Iterable
from decimal import Decimal

from petrosa.adapters.venues.binance.paper.ledger import Change, What
from petrosa.adapters.venues.binance.paper.numbers import ZERO, ms, text
from petrosa.adapters.venues.binance.paper.orders import Execution, Order, OrderList
from petrosa.core.model.base import Side

Answer = dict[str, object]


def _core(order: Order) -> Answer:
    """What every answer about an order holds, after its ids."""
    made: Answer = {
        "price": text(order.price), "origQty": text(order.quantity), "executedQty": text(order.executed),
        "origQuoteOrderQty": text(order.quote_quantity), "cummulativeQuoteQty": text(order.quote),
        "status": order.status, "timeInForce": order.tif, "type": order.type, "side": order.side.name,
    }  # fmt: skip
    return made


def _conditions(order: Order) -> Answer:
    made: Answer = {}
    if order.stop_price:
        made["stopPrice"] = text(order.stop_price)
    if order.trailing_delta:
        made |= {"trailingDelta": order.trailing_delta, "trailingTime": ms(order.ts)}
    return made


def acknowledged(order: Order) -> Answer:
    """newOrderRespType ACK."""
    return {
        "symbol": order.symbol, "orderId": order.id, "orderListId": order.list_id, "clientOrderId": order.client_id,
        "transactTime": ms(order.ts),
    }  # fmt: skip


def placed(order: Order, fills: Iterable[Execution], kind: str) -> Answer:
    """The answer to a new order: ACK, RESULT, or FULL with its fills."""
    made = acknowledged(order)
    if kind == "ACK":
        return made
    made |= {**_core(order), **_conditions(order), "workingTime": ms(order.ts_working) or -1}
    if kind == "FULL":
        made["fills"] = [
            {
                "price": text(fill.price), "qty": text(fill.quantity), "commission": text(fill.fee),
                "commissionAsset": fill.fee_asset, "tradeId": fill.trade_id,
            }
            for fill in fills
        ]  # fmt: skip
    return made | {"selfTradePreventionMode": order.stp}


def queried(order: Order) -> Answer:
    """The answer to a query."""
    made: Answer = {
        "symbol": order.symbol, "orderId": order.id, "orderListId": order.list_id, "clientOrderId": order.client_id,
        **_core(order), "stopPrice": text(order.stop_price), "icebergQty": text(ZERO), "time": ms(order.ts),
        "updateTime": ms(order.ts_update), "isWorking": bool(order.ts_working),
        "workingTime": ms(order.ts_working) or -1, "selfTradePreventionMode": order.stp,
    }  # fmt: skip
    return made | _conditions(order)


def cancelled(order: Order, cancel_id: str, now: int) -> Answer:
    """The answer to a cancel: the client id is the cancel's, the order's own is `origClientOrderId`."""
    return {
        "symbol": order.symbol, "origClientOrderId": order.client_id, "orderId": order.id,
        "orderListId": order.list_id, "clientOrderId": cancel_id, "transactTime": ms(now), **_core(order),
        **_conditions(order), "selfTradePreventionMode": order.stp,
    }  # fmt: skip


def trade_row(fill: Execution, symbol: str) -> Answer:
    return {
        "symbol": symbol, "id": fill.trade_id, "orderId": fill.order_id, "orderListId": fill.list_id,
        "price": text(fill.price), "qty": text(fill.quantity), "quoteQty": text(fill.quote),
        "commission": text(fill.fee), "commissionAsset": fill.fee_asset, "time": ms(fill.ts),
        "isBuyer": fill.side is Side.BUY, "isMaker": fill.is_maker, "isBestMatch": True,
    }  # fmt: skip


def order_list(made: OrderList, legs: Iterable[Order], reports: Iterable[Answer] | None = None) -> Answer:
    """An order list; `reports` are the orders of the answer that placed or cancelled it."""
    answer: Answer = {
        "orderListId": made.id, "contingencyType": made.contingency, "listStatusType": made.status_type,
        "listOrderStatus": made.status, "listClientOrderId": made.client_id, "transactionTime": ms(made.ts_update),
        "symbol": made.symbol,
        "orders": [{"symbol": leg.symbol, "orderId": leg.id, "clientOrderId": leg.client_id} for leg in legs],
    }  # fmt: skip
    return answer if reports is None else answer | {"orderReports": list(reports)}


# user events


def execution_report(change: Change) -> Answer:
    """The event about an order. In a cancel `c` is the cancel's id and `C` the order's."""
    order, fill = change.order, change.execution
    ended = change.what is What.CANCELED and bool(order.cancel_id)
    what = "TRADE_PREVENTION" if change.what is What.EXPIRED_IN_MATCH else change.what.value
    made: Answer = {
        "e": "executionReport", "E": ms(change.ts), "s": order.symbol,
        "c": order.cancel_id if ended else order.client_id, "S": order.side.name, "o": order.type, "f": order.tif,
        "q": text(order.quantity), "p": text(order.price), "P": text(order.stop_price), "F": text(ZERO),
        "g": order.list_id, "C": order.client_id if ended else "", "x": what, "X": order.status,
        "r": change.reason or "NONE", "i": order.id, "l": text(fill.quantity if fill else ZERO),
        "z": text(order.executed), "L": text(fill.price if fill else ZERO), "n": text(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None, "T": ms(change.ts), "t": fill.trade_id if fill else -1,
        "I": order.id * 10 + order.terms, "w": bool(order.ts_working) and order.is_open,
        "m": bool(fill and fill.is_maker), "M": False, "O": ms(order.ts), "Z": text(order.quote),
        "Y": text(fill.quote if fill else ZERO), "Q": text(order.quote_quantity), "V": order.stp,
    }  # fmt: skip
    if order.ts_working:
        made["W"] = ms(order.ts_working)
    if order.trailing_delta:
        made |= {"d": order.trailing_delta, "D": ms(order.ts)}
    return made


def account_position(balances: Iterable[tuple[str, Decimal, Decimal]], ts: int) -> Answer:
    """`outboundAccountPosition` of (asset, free, locked)."""
    rows = [{"a": asset, "f": text(free), "l": text(locked)} for asset, free, locked in balances]
    return {"e": "outboundAccountPosition", "E": ms(ts), "u": ms(ts), "B": rows}


def list_status(made: OrderList, legs: Iterable[Order], ts: int) -> Answer:
    return {
        "e": "listStatus", "E": ms(ts), "s": made.symbol, "g": made.id, "c": made.contingency, "l": made.status_type,
        "L": made.status, "r": "NONE", "C": made.client_id, "T": ms(ts),
        "O": [{"s": leg.symbol, "i": leg.id, "c": leg.client_id} for leg in legs],
    }  # fmt: skip
