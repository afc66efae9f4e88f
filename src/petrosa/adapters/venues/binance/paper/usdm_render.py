"""USD-M answers and user events: an order, an algo order, a fill or a position as Binance writes it."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from petrosa.adapters.venues.binance.paper.bars import Written
from petrosa.adapters.venues.binance.paper.ledger import Change, What
from petrosa.adapters.venues.binance.paper.numbers import ZERO, ms, plain, text
from petrosa.adapters.venues.binance.paper.orders import AlgoOrder, Execution, Order
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT

Answer = dict[str, object]
LIQUIDATION: Final = "LIQUIDATION"
"""The type of an order by which the venue closes a position; its fills are CALCULATED."""


def placed(order: Order, written: Written, *, acknowledged: bool = False) -> Answer:
    """The answer to a new, changed or cancelled order. An ACK is given before the order meets the market."""
    price, size = written.price_places, written.quantity_places
    executed = ZERO if acknowledged else order.executed
    return {
        "orderId": order.id, "symbol": order.symbol, "status": "NEW" if acknowledged else order.status,
        "clientOrderId": order.client_id, "price": text(order.price, price), "origQty": text(order.quantity, size),
        "executedQty": text(executed, size), "cumQty": text(executed, size), "timeInForce": order.tif,
        "type": order.type, "reduceOnly": order.reduce_only, "closePosition": order.close_position,
        "side": order.side.name, "positionSide": order.position_side, "stopPrice": text(order.stop_price, price),
        "workingType": order.working_type, "priceProtect": order.price_protect,
        "origType": order.created_type or order.type, "priceMatch": "NONE", "selfTradePreventionMode": order.stp,
        "goodTillDate": ms(order.good_till), "updateTime": ms(order.ts if acknowledged else order.ts_update),
    }  # fmt: skip


def queried(order: Order, written: Written) -> Answer:
    """The answer to a query, which knows the average price too."""
    made = placed(order, written)
    del made["cumQty"]
    quote = text(order.quote, written.quote_places)
    return made | {
        "avgPrice": text(order.average, written.price_places + 3), "cumQuote": quote, "time": ms(order.ts),
    }  # fmt: skip


def algo(order: AlgoOrder, written: Written, *, full: bool = True) -> Answer:
    """An algo order; `full` adds what the answer to a new one does not hold yet."""
    price = written.price_places
    made: Answer = {
        "algoId": order.id, "clientAlgoId": order.client_id, "algoType": "CONDITIONAL", "orderType": order.type,
        "symbol": order.symbol, "side": order.side.name, "positionSide": order.position_side, "timeInForce": order.tif,
        "quantity": text(order.quantity, written.quantity_places), "algoStatus": order.status,
    }  # fmt: skip
    if full:
        actual = str(order.order_id) if order.order_id else ""
        made |= {"actualOrderId": actual, "actualPrice": text(ZERO, price + 3)}
    made |= {"triggerPrice": text(order.trigger_price, price), "price": text(order.price, price)}
    made["icebergQuantity"] = None
    if full:
        made["tpOrderType"] = ""
    made |= {
        "selfTradePreventionMode": order.stp, "workingType": order.working_type, "priceMatch": order.price_match,
        "closePosition": order.close_position, "priceProtect": order.price_protect, "reduceOnly": order.reduce_only,
        "createTime": ms(order.ts), "updateTime": ms(order.ts_update), "triggerTime": ms(order.ts_trigger),
        "goodTillDate": ms(order.good_till),
    }  # fmt: skip
    if order.callback_pct:
        made |= {"activatePrice": text(order.activation, price), "callbackRate": plain(order.callback_pct)}
    return made


def trade_row(fill: Execution, symbol: str, written: Written, asset: str) -> Answer:
    return {
        "symbol": symbol, "id": fill.trade_id, "orderId": fill.order_id, "side": fill.side.name,
        "price": text(fill.price, written.price_places), "qty": text(fill.quantity, written.quantity_places),
        "realizedPnl": text(fill.realized), "quoteQty": text(fill.quote, written.quote_places), "marginAsset": asset,
        "commission": text(fill.fee), "commissionAsset": fill.fee_asset, "time": ms(fill.ts),
        "positionSide": fill.position_side, "buyer": fill.side is Side.BUY, "maker": fill.is_maker,
    }  # fmt: skip


# user events


def order_update(change: Change, written: Written, notional: tuple[Decimal, Decimal]) -> Answer:
    """`ORDER_TRADE_UPDATE`; `notional` is of the open bids and asks of the symbol."""
    order, fill, price, size = change.order, change.execution, written.price_places, written.quantity_places
    body: Answer = {
        "s": order.symbol, "c": order.client_id, "S": order.side.name, "o": order.type, "f": order.tif,
        "q": text(order.quantity, size), "p": text(order.price, price), "ap": plain(order.average),
        "sp": text(order.stop_price, price), "x": _execution(change), "X": order.status, "i": order.id,
        "l": text(fill.quantity if fill else ZERO, size), "z": text(order.executed, size),
        "L": text(fill.price if fill else ZERO, price), "n": text(fill.fee if fill else ZERO),
        "T": ms(change.ts), "t": fill.trade_id if fill else 0, "b": plain(notional[0]), "a": plain(notional[1]),
        "m": bool(fill and fill.is_maker), "R": order.reduce_only, "wt": order.working_type,
        "ot": order.created_type or order.type, "ps": order.position_side, "cp": order.close_position,
        "rp": text(fill.realized if fill else ZERO), "pP": order.price_protect, "si": 0, "ss": 0, "V": order.stp,
        "pm": "NONE", "gtd": ms(order.good_till),
    }  # fmt: skip
    if fill:
        body["N"] = fill.fee_asset
    if change.what is What.EXPIRED:
        body["er"] = "0"
    return {"e": "ORDER_TRADE_UPDATE", "E": ms(change.ts), "T": ms(change.ts), "o": body}


def _execution(change: Change) -> str:
    """The execution type, which has its own words for the venue's hand and for self-trade prevention."""
    if change.what is What.EXPIRED_IN_MATCH:
        return "EXPIRED"
    return "CALCULATED" if change.execution and change.order.type == LIQUIDATION else change.what.value


def trade_lite(change: Change, written: Written) -> Answer:
    """The short event about a fill, which comes first."""
    order, fill = change.order, change.execution
    assert fill is not None
    return {
        "e": "TRADE_LITE", "E": ms(change.ts), "T": ms(change.ts), "s": order.symbol,
        "q": text(order.quantity, written.quantity_places), "p": text(order.price, written.price_places),
        "m": fill.is_maker, "c": order.client_id, "S": order.side.name, "L": text(fill.price, written.price_places),
        "l": text(fill.quantity, written.quantity_places), "t": fill.trade_id, "i": order.id,
    }  # fmt: skip


def account_update(
    reason: str, ts: int, balances: Iterable[tuple[str, Decimal, Decimal]], positions: Iterable[Answer]
) -> Answer:  # fmt: skip
    """`ACCOUNT_UPDATE` of (asset, wallet balance, change other than of profit and fees) and position rows."""
    rows = [
        {"a": asset, "wb": text(wallet), "cw": text(wallet), "bc": text(change)} for asset, wallet, change in balances
    ]
    body = {"m": reason, "B": rows, "P": list(positions)}
    return {"e": "ACCOUNT_UPDATE", "E": ms(ts), "T": ms(ts), "a": body}


def position_row(
    symbol: str, side: str, quantity: Decimal, entry: Decimal, realized: Decimal, profit: Decimal
) -> Answer:  # fmt: skip
    """A position in `ACCOUNT_UPDATE`."""
    return {
        "s": symbol, "pa": plain(quantity), "ep": plain(entry), "bep": plain(entry), "cr": text(realized),
        "up": text(profit), "mt": "cross", "iw": "0", "ps": side,
    }  # fmt: skip


def algo_update(order: AlgoOrder, written: Written, actual: Order | None, ts: int) -> Answer:
    """`ALGO_UPDATE`; `actual` is the order that the trigger made."""
    price, size = written.price_places, written.quantity_places
    body: Answer = {
        "caid": order.client_id, "aid": order.id, "at": "CONDITIONAL", "o": order.type, "s": order.symbol,
        "S": order.side.name, "ps": order.position_side, "f": order.tif, "q": text(order.quantity, size),
        "X": order.status,
        "ai": str(order.order_id) if order.order_id else "",
        "ap": text(actual.average if actual else ZERO, price), "aq": text(actual.executed if actual else ZERO, size),
        "act": actual.type if actual else "0", "tp": text(order.trigger_price, price), "p": text(order.price, price),
        "V": order.stp, "wt": order.working_type, "pm": order.price_match, "cp": order.close_position,
        "pP": order.price_protect, "R": order.reduce_only, "tt": ms(order.ts_trigger), "gtd": ms(order.good_till),
        "rm": order.reason,
    }  # fmt: skip
    return {"e": "ALGO_UPDATE", "T": ms(ts), "E": ms(ts), "o": body}


def mean_break_even(quantity: Decimal, entry: Decimal, fee_rate: Decimal) -> Decimal:
    """The price at which a position has earned back the fee of closing it."""
    if not quantity:
        return ZERO
    factor = EXACT.add(Decimal(1), fee_rate if quantity > 0 else -fee_rate)
    return EXACT.multiply(entry, factor)
