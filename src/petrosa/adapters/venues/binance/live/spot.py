"""Spot: its requests, and what its answers mean. No socket and no clock."""

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from petrosa.adapters.venues.binance.live import rules, spot_replies
from petrosa.adapters.venues.binance.live.product import Names
from petrosa.adapters.venues.binance.live.replies import ZERO, list_client_id, named, needed, place_of, plain
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.core.model.account import StatedOrder, StatedPosition
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.core.model.orders import Cancel, Intent, OrderEvent, OrderFilled, OrderType, Place, TimeInForce
from petrosa.errors import DataError, InvariantError

ROOT: Final = "/api/v3"
TRADES_MAX: Final = 1_000
FEW: Final = 5
"""Up to so many symbols are asked for one by one, which costs less than asking for all."""
BIPS: Final = Decimal(10_000)
_TYPES: Final = {
    OrderType.STOP: "STOP_LOSS",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.STOP_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
}
_TIMED: Final = (TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK)


class Spot:
    """The spot market of one account. `instruments` are those that we trade. There is no reduce-only on spot: what is
    held bounds what can be sold.
    """

    market: Final = "spot"
    pairs: Final = True

    def __init__(self, account: str, instruments: Mapping[InstrumentId, Instrument]) -> None:
        self._account = account
        self._instruments = instruments
        self._symbols = {one.symbol: key for key, one in instruments.items()}
        self._assets = {asset for one in instruments.values() for asset in (one.base, one.quote)}

    # orders

    def place(self, intents: Sequence[Intent]) -> Request:
        if len(intents) == 2:
            return self._place_pair(*intents)
        (intent,) = intents
        place = place_of(intent)
        params = {
            "symbol": symbol_of(intent.instrument), "side": place.side.name, **_terms(place),
            "quantity": plain(place.quantity), "newClientOrderId": intent.client_order_id, "newOrderRespType": "FULL",
        }  # fmt: skip
        path = f"{ROOT}/order"
        if place.replaces:
            path = f"{ROOT}/order/cancelReplace"
            params |= {"cancelReplaceMode": "STOP_ON_FAILURE", "cancelOrigClientOrderId": place.replaces}
        return Request("POST", path, params, orders=1, urgent=place.reduce_only, changes=True)

    def _place_pair(self, one: Intent, other: Intent) -> Request:
        """An OCO: the leg that acts when the price rises is above, the other below."""
        first, second = place_of(one), place_of(other)
        same = (first.side, first.quantity, first.list_id) == (second.side, second.quantity, second.list_id)
        if not same or not first.list_id or one.instrument != other.instrument:
            raise InvariantError(
                f"{one.client_order_id} and {other.client_order_id} cannot be one order list: they must have the same "
                "list id, instrument, side and quantity"
            )
        above, below = (one, other) if _acts_above(first) else (other, one)
        if _acts_above(place_of(above)) == _acts_above(place_of(below)):
            raise InvariantError(f"of {one.client_order_id} and {other.client_order_id} one must act above, one below")
        params = {
            "symbol": symbol_of(one.instrument), "listClientOrderId": list_client_id(self._account, first.list_id),
            "side": first.side.name, "quantity": plain(first.quantity),
            **_leg("above", above), **_leg("below", below), "newOrderRespType": "FULL",
        }  # fmt: skip
        urgent = first.reduce_only and second.reduce_only
        return Request("POST", f"{ROOT}/orderList/oco", params, orders=2, urgent=urgent, changes=True)

    def placed(self, intents: Sequence[Intent], body: bytes, ts_seen: int) -> Sequence[OrderEvent]:
        told: list[OrderEvent] = []
        if place_of(intents[0]).replaces:
            ended, body = spot_replies.read_replaced(intents[0], body, ts_seen)
            told += ended
        reports = {report.client_order_id: report for report in spot_replies.read_reports(body)}
        for intent in intents:
            report = reports.get(intent.client_order_id)
            if report is None:
                raise DataError(f"asked for {intent.client_order_id}, answered about {', '.join(reports) or 'nothing'}")
            told += spot_replies.placed(intent, place_of(intent).side, report, ts_seen)
        return told

    def cancel(self, cancel: Intent) -> Request:
        if not isinstance(cancel.action, Cancel):
            raise InvariantError(f"{cancel.client_order_id} is an order and not a cancel")
        params = {
            "symbol": symbol_of(cancel.instrument), "origClientOrderId": cancel.action.target_client_order_id,
            "newClientOrderId": named(cancel.client_order_id),
        }  # fmt: skip
        return Request("DELETE", f"{ROOT}/order", params, urgent=True, changes=True)

    def cancelled(self, cancel: Intent, body: bytes, ts_seen: int) -> Sequence[OrderEvent]:
        return spot_replies.cancelled(cancel, spot_replies.read_reports(body), ts_seen)

    def cancel_all(self, instrument: InstrumentId) -> Sequence[Request]:
        params = {"symbol": symbol_of(instrument)}
        return (Request("DELETE", f"{ROOT}/openOrders", params, urgent=True, changes=True),)

    def query(self, placed: Intent) -> Sequence[Request]:
        params = {"symbol": symbol_of(placed.instrument), "origClientOrderId": placed.client_order_id}
        return (Request("GET", f"{ROOT}/order", params, weight=4, urgent=True),)

    def queried(self, body: bytes, client_order_id: str = "") -> StatedOrder | Request:
        order = spot_replies.read_order(self._account, self._symbols, body)
        if client_order_id not in ("", order.client_order_id):
            raise DataError(f"asked about {client_order_id}, answered about {order.client_order_id!r}")
        return order

    def name_of(self, order: str) -> Request:
        symbol, _, number = order.partition(":")
        return Request("GET", f"{ROOT}/order", {"symbol": symbol, "orderId": number}, weight=4)

    def is_unknown_order(self, code: int) -> bool:
        return code in (-2011, -2013)

    def is_duplicate(self, code: int, said: str) -> bool:
        return code == -2010 and "duplicate order" in said.lower()

    # the account

    def opened(self) -> Sequence[Request]:
        path = f"{ROOT}/openOrders"
        if len(self._symbols) > FEW:
            return (Request("GET", path, weight=80),)
        return tuple(Request("GET", path, {"symbol": symbol}, weight=6) for symbol in self._symbols)

    def history(self, instrument: InstrumentId) -> Sequence[Request]:
        return (Request("GET", f"{ROOT}/allOrders", {"symbol": symbol_of(instrument)}, weight=20),)

    def read_opened(self, request: Request, body: bytes) -> Sequence[StatedOrder]:  # noqa: ARG002 - the protocol's
        return spot_replies.read_orders(self._account, self._symbols, body)

    def account(self) -> Sequence[Request]:
        return (Request("GET", f"{ROOT}/account", {"omitZeroBalances": "true"}, weight=20),)

    def read_account(
        self, request: Request, body: bytes,  # noqa: ARG002 - the protocol's
    ) -> tuple[Mapping[str, Decimal], Sequence[StatedPosition]]:  # fmt: skip
        return dict.fromkeys(sorted(self._assets), ZERO) | spot_replies.read_balances(body), ()

    def trades(self, instrument: InstrumentId, since_ms: int, from_id: int | None) -> Request:
        begin = {"startTime": str(since_ms)} if from_id is None else {"fromId": str(from_id)}
        params = {"symbol": symbol_of(instrument), **begin, "limit": str(TRADES_MAX)}
        return Request("GET", f"{ROOT}/myTrades", params, weight=20)

    def read_trades(self, body: bytes, names: Names, ts_seen: int) -> tuple[Sequence[OrderFilled], Sequence[str]]:
        return spot_replies.read_trades(self._account, self._symbols, body, names, ts_seen)

    def rules(self, body: bytes) -> Mapping[InstrumentId, Instrument]:
        return rules.read_rules(self.market, body)


def _acts_above(place: Place) -> bool:
    """Whether a leg of a list acts when the price rises to it."""
    if place.type is OrderType.LIMIT:
        return place.side is Side.SELL
    return (place.side is Side.BUY) is _kind(place).startswith("STOP_LOSS")


def _leg(leg: str, intent: Intent) -> dict[str, str]:
    """The terms of a leg: `abovePrice` for `price`."""
    terms = {**_terms(place_of(intent)), "clientOrderId": intent.client_order_id}
    return {leg + name[0].upper() + name[1:]: value for name, value in terms.items()}


def _kind(place: Place) -> str:
    """What Binance calls it. A trailing stop that begins to follow at a price is a TAKE_PROFIT there: its condition is
    met when the price has gone the way that is good for the order; one that follows at once is a STOP_LOSS.
    """
    match place.type:
        case OrderType.MARKET:
            return "MARKET"
        case OrderType.LIMIT:
            return "LIMIT_MAKER" if place.time_in_force is TimeInForce.GTX else "LIMIT"
        case OrderType.TRAILING_STOP:
            return "STOP_LOSS" if place.trigger_price is None else "TAKE_PROFIT"
        case _:
            return _TYPES[place.type]


def _terms(place: Place) -> dict[str, str]:
    """Type, prices and time in force. Raises `InvariantError` for what is missing or cannot be said on spot."""
    kind = _kind(place)
    terms = {"type": kind}
    if kind.endswith("LIMIT") or kind == "LIMIT_MAKER":
        terms["price"] = needed(place.price, "price", place)
    if kind.endswith("LIMIT"):
        if place.time_in_force not in _TIMED:
            raise InvariantError(f"a {place.type.value} order of spot cannot be {place.time_in_force.value}")
        terms["timeInForce"] = place.time_in_force.value
    if place.type is OrderType.TRAILING_STOP:
        terms["trailingDelta"] = _bips(place)
        if place.trigger_price is not None:
            terms["stopPrice"] = plain(place.trigger_price)
    elif place.type.is_conditional:
        terms["stopPrice"] = needed(place.trigger_price, "trigger price", place)
    return terms


def _bips(place: Place) -> str:
    """The callback in basis points, which are whole numbers."""
    if place.callback is None:
        raise InvariantError("a trailing stop needs a callback")
    bips = EXACT.multiply(place.callback, BIPS)
    if bips <= 0 or bips != bips.to_integral_value():
        raise InvariantError(f"a callback of {place.callback} is {bips} basis points; spot takes whole ones above 0")
    return plain(bips)


def info(symbols: Sequence[str]) -> Request:
    """Ask for the rules of symbols; the answer goes to `rules`."""
    listed = json.dumps(list(symbols), separators=(",", ":"))
    return Request("GET", f"{ROOT}/exchangeInfo", {"symbols": listed}, signed=False, weight=20)
