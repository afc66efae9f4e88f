"""The endpoints of USD-M about orders: `/fapi/v1/order` and its like, and the algo service."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from petrosa.adapters.venues.binance.paper import usdm_render as render
from petrosa.adapters.venues.binance.paper.endpoint import Call, Endpoint, Security, one_order
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.orders import AlgoOrder, Order
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.adapters.venues.binance.paper.public_api import required_symbol
from petrosa.adapters.venues.binance.paper.refusals import (
    Refusal,
    from_engine,
    missing,
    unknown_cancel,
    unknown_order,
)
from petrosa.adapters.venues.binance.paper.rules import UsdmRules
from petrosa.adapters.venues.binance.paper.spot_api import window
from petrosa.adapters.venues.binance.paper.usdm_account import UsdmAccount
from petrosa.adapters.venues.binance.paper.usdm_orders import check_order, read_algo, read_order
from petrosa.core.model.base import NS_PER_MS

ROOT: Final = "/fapi/v1"
BATCH_MAX: Final = 5
CANCEL_BATCH_MAX: Final = 10
DONE: Final = {"code": 200, "msg": "The operation of cancel all open order is done."}


class UsdmOrders:
    """Answers requests about orders. `accounts` is by name."""

    def __init__(self, markets: Mapping[str, PublicMarket], accounts: Mapping[str, UsdmAccount]) -> None:
        self.markets = markets
        self.accounts = accounts
        self.rules = {symbol: UsdmRules(market.instrument) for symbol, market in markets.items()}

    def endpoints(self) -> list[Endpoint]:
        """Everything about orders, with what each costs."""
        signed, trade = Security.SIGNED, Security.TRADE
        return [
            Endpoint("POST", f"{ROOT}/order", trade, 0, self._place, one_order),
            Endpoint("POST", f"{ROOT}/order/test", trade, 1, self._test),
            Endpoint("PUT", f"{ROOT}/order", trade, 1, self._modify, one_order),
            Endpoint("GET", f"{ROOT}/order", signed, 1, lambda call: self._row(self.found(call))),
            Endpoint("DELETE", f"{ROOT}/order", trade, 1, self._cancel),
            Endpoint("POST", f"{ROOT}/batchOrders", trade, 5, self._batch, _batch_size),
            Endpoint("DELETE", f"{ROOT}/batchOrders", trade, 1, self._cancel_batch),
            Endpoint("GET", f"{ROOT}/openOrder", signed, 1, self._open_one),
            Endpoint("GET", f"{ROOT}/openOrders", signed, 1, self._open),
            Endpoint("DELETE", f"{ROOT}/allOpenOrders", trade, 1, self._cancel_all),
            Endpoint("GET", f"{ROOT}/allOrders", signed, 5, self._all),
            Endpoint("POST", f"{ROOT}/countdownCancelAll", trade, 10, self._countdown),
            Endpoint("POST", f"{ROOT}/algoOrder", trade, 0, self._place_algo, one_order),
            Endpoint("GET", f"{ROOT}/algoOrder", signed, 1, self._query_algo),
            Endpoint("DELETE", f"{ROOT}/algoOrder", trade, 1, self._cancel_algo),
            Endpoint("GET", f"{ROOT}/openAlgoOrders", signed, 1, self._open_algos),
            Endpoint("GET", f"{ROOT}/allAlgoOrders", signed, 5, self._all_algos),
            Endpoint("DELETE", f"{ROOT}/algoOpenOrders", trade, 1, self._cancel_algos),
        ]  # fmt: skip

    def account(self, call: Call) -> UsdmAccount:
        return self.accounts[call.account]

    def market(self, call: Call) -> PublicMarket:
        return required_symbol(call.asked, self.markets)

    def _row(self, order: Order) -> Any:
        return render.queried(order, self.markets[order.symbol].written)

    def _placed(self, order: Order, *, acknowledged: bool = False) -> Any:
        return render.placed(order, self.markets[order.symbol].written, acknowledged=acknowledged)

    # plain orders

    def _read(self, call: Call) -> Order:
        market = self.market(call)
        return read_order(call.asked, market, self.rules[market.symbol], self.account(call), call.now)

    def _place(self, call: Call) -> Any:
        kind = call.asked.choice("newOrderRespType", ("ACK", "RESULT"), "ACK")
        order = self._read(call)
        self.account(call).place(order, call.now)
        return self._placed(order, acknowledged=kind == "ACK")

    def _test(self, call: Call) -> Any:
        order = self._read(call)
        self.account(call).margins.check(order)
        return self._placed(order, acknowledged=True)

    def found(self, call: Call, error: Refusal | None = None) -> Order:
        """The order that a request names. Raises -1102, and `error` (-2013 by default) when there is none."""
        market = self.market(call)
        order_id, client_id = call.asked.maybe_integer("orderId"), call.asked.optional("origClientOrderId")
        if order_id is None and client_id is None:
            raise Refusal(-1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!")
        client_id = client_id if order_id is None else None
        order = self.account(call).ledger.find(market.symbol, order_id, client_id)
        if order is None:
            raise error or unknown_order()
        return order

    def _modify(self, call: Call) -> Any:
        """Other terms for a resting limit order, which goes to the end of the queue.

        As at the venue, a quantity that is filled already, or a post-only price that would take, ends the order.
        """
        order, account = self.found(call), self.account(call)
        if call.asked.choice("side", ("BUY", "SELL")) != order.side.name:
            raise Refusal(-1117, "Invalid side.")
        quantity, price = call.asked.number("quantity"), call.asked.number("price")
        if not order.is_open:
            raise unknown_order()
        if (quantity, price) == (order.quantity, order.price):
            raise Refusal(-5027, "No need to modify the order.")
        if quantity <= order.executed or (order.tif == "GTX" and account.would_take(order, price)):
            account.ledger.withdraw(order, call.now, "")
            return self._placed(order)
        changed = msgspec.structs.replace(order, quantity=quantity, price=price)
        check_order(changed, self.markets[order.symbol], self.rules[order.symbol])
        account.margins.check_change(order, changed)
        reason = account.ledger.replace(order, quantity, price, call.now)
        if reason:
            raise from_engine(reason, spot=False)
        return self._placed(order)

    def _cancel(self, call: Call) -> Any:
        order = self.found(call, unknown_cancel())
        if not self.account(call).ledger.withdraw(order, call.now, ""):
            raise unknown_cancel()
        return self._placed(order)

    def _batch(self, call: Call) -> Any:
        """Up to five orders, each with its own answer."""
        answers: list[Any] = []
        for entry in call.asked.array("batchOrders", BATCH_MAX):
            try:
                answers.append(self._place(call._replace(asked=_parameters(entry))))
            except Refusal as refusal:
                answers.append(refusal.body())
        return answers

    def _cancel_batch(self, call: Call) -> Any:
        known = {name.lower(): call.asked.text(name) for name in call.asked.names()}
        lists = {name: known[key] for name, key in _CANCEL_LISTS.items() if key in known}
        if not lists:
            raise Refusal(
                -1102, "Param 'orderIdList' or 'origClientOrderIdList' must be sent, but both were empty/null!"
            )
        answers: list[Any] = []
        for name, encoded in lists.items():
            for entry in Parameters({"list": encoded}).array("list", CANCEL_BATCH_MAX):
                one = Parameters({"symbol": call.asked.text("symbol"), name: str(entry)})
                try:
                    answers.append(self._cancel(call._replace(asked=one)))
                except Refusal as refusal:
                    answers.append(refusal.body())
        return answers

    def _open_one(self, call: Call) -> Any:
        order = self.found(call)
        if not order.is_open:
            raise unknown_order()
        return self._row(order)

    def _open(self, call: Call) -> Any:
        symbol = self.market(call).symbol if "symbol" in call.asked else None
        return [self._row(order) for order in self.account(call).ledger.open(symbol)]

    def _cancel_all(self, call: Call) -> Any:
        self.account(call).cancel_all(self.market(call).symbol, call.now)
        return DONE

    def _all(self, call: Call) -> Any:
        symbol = self.market(call).symbol
        orders = self.account(call).ledger.every(symbol)
        return [self._row(order) for order in window(orders, call.asked, "orderId", lambda o: (o.id, o.ts))]

    def _countdown(self, call: Call) -> Any:
        """The dead-man switch: cancels plain orders of the symbol when it is not set again in time; 0 turns it off."""
        symbol, left = self.market(call).symbol, call.asked.integer("countdownTime")
        countdowns = self.account(call).countdowns
        countdowns.pop(symbol, None)
        if left:
            countdowns[symbol] = call.now + left * NS_PER_MS
        return {"symbol": symbol, "countdownTime": str(left)}

    # the algo service

    def _algo_row(self, order: AlgoOrder) -> Any:
        return render.algo(order, self.markets[order.symbol].written)

    def _place_algo(self, call: Call) -> Any:
        market, account = self.market(call), self.account(call)
        order = read_algo(call.asked, market, self.rules[market.symbol], account, call.now)
        account.algos.add(order, call.now)
        return render.algo(order, market.written, full=False)

    def _found_algo(self, call: Call, error: Refusal) -> AlgoOrder:
        algo_id, client_id = call.asked.maybe_integer("algoId"), call.asked.optional("clientAlgoId")
        if algo_id is None and client_id is None:
            raise missing("algoId")
        order = self.account(call).algos.find(algo_id, client_id)
        if order is None:
            raise error
        return order

    def _query_algo(self, call: Call) -> Any:
        return self._algo_row(self._found_algo(call, unknown_order()))

    def _cancel_algo(self, call: Call) -> Any:
        order = self._found_algo(call, unknown_cancel())
        if not order.is_open:
            raise unknown_cancel()
        self.account(call).algos.end(order, "CANCELED", call.now)
        return {"algoId": order.id, "clientAlgoId": order.client_id, "code": "200", "msg": "success"}

    def _of_symbol(self, call: Call, known: Iterable[AlgoOrder]) -> list[AlgoOrder]:
        symbol = self.market(call).symbol if "symbol" in call.asked else None
        return [order for order in known if symbol in (None, order.symbol)]

    def _open_algos(self, call: Call) -> Any:
        algo_id = call.asked.maybe_integer("algoId")
        found = self._of_symbol(call, self.account(call).algos.waiting())
        return [self._algo_row(order) for order in found if algo_id in (None, order.id)]

    def _all_algos(self, call: Call) -> Any:
        self.market(call)
        found = window(
            self._of_symbol(call, self.account(call).algos.orders.values()),
            call.asked,
            "algoId",
            lambda o: (o.id, o.ts),
        )
        return [self._algo_row(order) for order in found]

    def _cancel_algos(self, call: Call) -> Any:
        self.market(call)
        for order in self._of_symbol(call, self.account(call).algos.waiting()):
            self.account(call).algos.end(order, "CANCELED", call.now)
        return DONE


_CANCEL_LISTS: Final = {"orderId": "orderidlist", "origClientOrderId": "origclientorderidlist"}


def _batch_size(asked: Parameters) -> int:
    try:
        return min(BATCH_MAX, len(asked.array("batchOrders", BATCH_MAX)))
    except Refusal:
        return 0


def _parameters(entry: object) -> Parameters:
    """The parameters of one order of a batch."""
    if not isinstance(entry, dict):
        raise Refusal(-1130, "Data sent for parameter 'batchOrders' is not valid.")
    return Parameters({str(k): v if isinstance(v, str) else json.dumps(v) for k, v in entry.items() if v is not None})
