"""Order lists of spot: OCO, OTO and OTOCO, placed, queried and cancelled as one."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from petrosa.adapters.venues.binance.paper import spot_render as render
from petrosa.adapters.venues.binance.paper.endpoint import Call, Endpoint, Security
from petrosa.adapters.venues.binance.paper.orders import Order, OrderList
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.adapters.venues.binance.paper.public_api import required_symbol
from petrosa.adapters.venues.binance.paper.refusals import Refusal, filter_failure, rejected, unknown_cancel
from petrosa.adapters.venues.binance.paper.rules import SPOT_LISTS_MAX, SPOT_TYPES
from petrosa.adapters.venues.binance.paper.spot_account import SpotAccount
from petrosa.adapters.venues.binance.paper.spot_orders import Terms, check_terms, make_order, read_leg
from petrosa.core.model.base import Side

if TYPE_CHECKING:
    from petrosa.adapters.venues.binance.paper.spot_api import SpotApi

ABOVE = ("STOP_LOSS", "STOP_LOSS_LIMIT", "LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
WORKING = ("LIMIT", "LIMIT_MAKER")
OLD_OCO: Mapping[str, tuple[str, str]] = {
    "SELL": ("limit", "stop"),
    "BUY": ("stop", "limit"),
}
"""In the old request: which leg is above and which below, by side."""


class SpotLists:
    """The list endpoints, over the orders of `SpotApi`."""

    def __init__(self, api: "SpotApi") -> None:
        self._api = api

    def endpoints(self, root: str) -> list[Endpoint]:
        """Everything about lists, with how many orders each counts as."""
        signed, trade = Security.SIGNED, Security.TRADE
        two, three = (lambda _: 2), (lambda _: 3)
        return [
            Endpoint("POST", f"{root}/orderList/oco", trade, 1, self._oco, two),
            Endpoint("POST", f"{root}/order/oco", trade, 1, lambda call: self._oco(renamed(call)), two),
            Endpoint("POST", f"{root}/orderList/oto", trade, 1, self._oto, two),
            Endpoint("POST", f"{root}/orderList/otoco", trade, 1, self._otoco, three),
            Endpoint("GET", f"{root}/orderList", signed, 4, self._query),
            Endpoint("DELETE", f"{root}/orderList", trade, 1, self._cancel),
            Endpoint("GET", f"{root}/openOrderList", signed, 6, self._open),
            Endpoint("GET", f"{root}/allOrderList", signed, 20, self._all),
        ]

    def _oco(self, call: Call) -> Any:
        asked, account, make = call.asked, self._api.account(call), self._names(call)
        side = Side[asked.choice("side", ("BUY", "SELL"))]
        quantity = asked.number("quantity")
        legs = [
            read_leg(asked, leg, side, _type(asked, f"{leg}Type", ABOVE), quantity, make) for leg in ("above", "below")
        ]
        _check_pair(legs, self._last(call))
        return self._begin(call, account, "OCO", legs, pending=[])

    def _oto(self, call: Call) -> Any:
        working = self._working(call)
        asked = call.asked
        side = Side[_side(asked, "pendingSide")]
        kind = _type(asked, "pendingType", SPOT_TYPES)
        pending = read_leg(asked, "pending", side, kind, asked.number("pendingQuantity"), self._names(call))
        return self._begin(call, self._api.account(call), "OTO", [working], pending=[pending])

    def _otoco(self, call: Call) -> Any:
        working = self._working(call)
        asked, make = call.asked, self._names(call)
        side, quantity = Side[_side(asked, "pendingSide")], asked.number("pendingQuantity")
        legs = [
            read_leg(asked, leg, side, _type(asked, f"{leg}Type", ABOVE), quantity, make)
            for leg in ("pendingAbove", "pendingBelow")
        ]
        _check_pair(legs, None)
        return self._begin(call, self._api.account(call), "OTO", [working], pending=legs)

    def _working(self, call: Call) -> Terms:
        asked = call.asked
        kind, side = _type(asked, "workingType", WORKING), Side[_side(asked, "workingSide")]
        return read_leg(asked, "working", side, kind, asked.number("workingQuantity"), self._names(call))

    def _names(self, call: Call) -> Any:
        return self._api.account(call).ids.name("paper")

    def _last(self, call: Call) -> Any:
        return required_symbol(call.asked, self._api.markets).last

    def _begin(
        self, call: Call, account: SpotAccount, contingency: str, now_legs: list[Terms], pending: list[Terms]
    ) -> Any:  # fmt: skip
        """Check every leg, then place the list as one. Raises `Refusal`; then nothing of it is left."""
        market = required_symbol(call.asked, self._api.markets)
        if sum(made.is_open for made in account.lists.values()) >= SPOT_LISTS_MAX:
            raise filter_failure("MAX_NUM_ORDER_LISTS")
        for terms in (*now_legs, *pending):
            check_terms(terms, self._api.rules[market.symbol], market, account)
        kind = call.asked.choice("newOrderRespType", ("ACK", "RESULT", "FULL"), "RESULT")
        list_id = account.ids.next()
        orders = [make_order(terms, market, account, call.now, list_id) for terms in (*now_legs, *pending)]
        for order in orders[len(now_legs) :]:
            order.status = "PENDING_NEW"
        made = OrderList(
            id=list_id, client_id=call.asked.client_id("listClientOrderId", account.ids.name("list")),
            symbol=market.symbol, contingency=contingency, ts=call.now, orders=tuple(order.id for order in orders),
            working=orders[0].id if pending else 0,
        )  # fmt: skip
        self._check(account, orders[: len(now_legs)])
        account.open_list(made, orders, call.now)
        reports = [render.placed(order, self._api.fills(account, order), kind) for order in orders]
        return render.order_list(made, orders, reports)

    def _check(self, account: SpotAccount, orders: list[Order]) -> None:
        names = [order.client_id for order in orders]
        if len(set(names)) < len(names):
            raise rejected("Duplicate order sent.")
        for order in orders:
            reason = account.check_entry(order)
            if reason is not None:
                raise reason
            account.check_funds(order)

    def _found(self, call: Call) -> OrderList | None:
        account = self._api.account(call)
        list_id, client_id = call.asked.maybe_integer("orderListId"), None
        if list_id is None:
            client_id = call.asked.optional("origClientOrderId") or call.asked.optional("listClientOrderId")
            if client_id is None:
                raise Refusal(
                    -1102, "Param 'origClientOrderId' or 'orderListId' must be sent, but both were empty/null!"
                )
        known = reversed(account.lists.values())
        return next((made for made in known if made.id == list_id or made.client_id == client_id), None)

    def _query(self, call: Call) -> Any:
        made = self._found(call)
        if made is None:
            raise Refusal(-2018, "Order list does not exist.")
        return render.order_list(made, self._api.account(call).legs(made))

    def _cancel(self, call: Call) -> Any:
        made, account = self._found(call), self._api.account(call)
        if made is None or not made.is_open:
            raise unknown_cancel()
        cancel_id = call.asked.client_id("newClientOrderId", account.ids.name("cancel"))
        account.cancel_list(made, call.now, cancel_id)
        legs = account.legs(made)
        return render.order_list(made, legs, [render.cancelled(leg, cancel_id, call.now) for leg in legs])

    def _open(self, call: Call) -> Any:
        account = self._api.account(call)
        return [render.order_list(made, account.legs(made)) for made in account.lists.values() if made.is_open]

    def _all(self, call: Call) -> Any:
        account = self._api.account(call)
        limit = max(1, call.asked.integer("limit", 500, 1_000))
        return [render.order_list(made, account.legs(made)) for made in list(account.lists.values())[-limit:]]


def _type(asked: Parameters, name: str, allowed: tuple[str, ...]) -> str:
    kind = asked.text(name)
    if kind not in allowed:
        raise Refusal(-1116, "Invalid orderType.")
    return kind


def _side(asked: Parameters, name: str) -> str:
    side = asked.text(name)
    if side not in ("BUY", "SELL"):
        raise Refusal(-1117, "Invalid side.")
    return side


def _check_pair(legs: list[Terms], last: Any) -> None:
    """One leg above the market and one below, of kinds that belong there, and not two that rest."""
    above, below = legs
    price = [leg.price if leg.type == "LIMIT_MAKER" else leg.stop_price for leg in legs]
    belongs = [_upward(above) is True, _upward(below) is False]
    ordered = not (price[0] and price[1]) or price[0] > price[1]
    around = not last or ((not price[0] or price[0] > last) and (not price[1] or price[1] < last))
    if not (all(belongs) and ordered and around) or above.type == below.type == "LIMIT_MAKER":
        raise rejected("The relationship of the prices for the orders is not correct.")


def _upward(leg: Terms) -> bool:
    """Whether a leg acts when the price rises to it."""
    if leg.type == "LIMIT_MAKER":
        return leg.side is Side.SELL
    return (leg.side is Side.BUY) is leg.type.startswith("STOP_LOSS")


def renamed(call: Call) -> Call:
    """The old `order/oco` request as the new one: a limit-maker leg and a stop leg, above and below by side."""
    asked = call.asked
    side = asked.choice("side", ("BUY", "SELL"))
    limit, stop = ("above", "below") if OLD_OCO[side][0] == "limit" else ("below", "above")
    priced = "stopLimitPrice" in asked
    values = {name: asked.text(name) for name in asked.names()}
    for old, new in (
        ("price", f"{limit}Price"), ("limitClientOrderId", f"{limit}ClientOrderId"),
        ("limitIcebergQty", f"{limit}IcebergQty"), ("stopPrice", f"{stop}StopPrice"),
        ("trailingDelta", f"{stop}TrailingDelta"), ("stopLimitPrice", f"{stop}Price"),
        ("stopClientOrderId", f"{stop}ClientOrderId"), ("stopLimitTimeInForce", f"{stop}TimeInForce"),
    ):  # fmt: skip
        if old in values:
            values[new] = values.pop(old)
    values |= {f"{limit}Type": "LIMIT_MAKER", f"{stop}Type": "STOP_LOSS_LIMIT" if priced else "STOP_LOSS"}
    return call._replace(asked=Parameters(values))
