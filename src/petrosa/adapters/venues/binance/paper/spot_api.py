"""The endpoints of spot: `/api/v3`."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from petrosa.adapters.venues.binance.paper import spot_render as render
from petrosa.adapters.venues.binance.paper.endpoint import Call, Endpoint, Security, one_order
from petrosa.adapters.venues.binance.paper.limits import OrderLimit
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ms, text
from petrosa.adapters.venues.binance.paper.orders import Order
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.adapters.venues.binance.paper.public_api import PublicApi, required_symbol
from petrosa.adapters.venues.binance.paper.refusals import (
    Refusal,
    bad_symbol,
    missing,
    unknown_cancel,
    unknown_order,
)
from petrosa.adapters.venues.binance.paper.rules import SpotRules
from petrosa.adapters.venues.binance.paper.spot_account import SpotAccount
from petrosa.adapters.venues.binance.paper.spot_lists import SpotLists
from petrosa.adapters.venues.binance.paper.spot_orders import check_terms, make_order, read_terms

ROOT = "/api/v3"
WEIGHT_MAX = 6_000


class SpotApi:
    """Answers requests of spot. `accounts`, `limits` and `key_flags` are by account."""

    def __init__(
        self, markets: Mapping[str, PublicMarket], accounts: Mapping[str, SpotAccount],
        limits: Mapping[str, OrderLimit], public: PublicApi,
    ) -> None:  # fmt: skip
        self.markets = markets
        self.accounts = accounts
        self.rules = {symbol: SpotRules(market.instrument) for symbol, market in markets.items()}
        self._limits = limits
        self._public = public
        self._lists = SpotLists(self)

    def endpoints(self) -> list[Endpoint]:
        """Everything that spot serves, with what each costs."""
        signed, trade, none = Security.SIGNED, Security.TRADE, Security.NONE
        return [
            *self._public.endpoints(ROOT),
            Endpoint("GET", f"{ROOT}/exchangeInfo", none, 20, self._info),
            Endpoint("GET", f"{ROOT}/uiKlines", none, 2, lambda c: self._public.market(c.asked).klines(c.asked)),
            Endpoint("GET", f"{ROOT}/avgPrice", none, 2, lambda c: self._public.market(c.asked).average_price()),
            Endpoint("POST", f"{ROOT}/order", trade, 0, self._place, one_order),
            Endpoint("POST", f"{ROOT}/order/test", trade, 1, self._test),
            Endpoint("POST", f"{ROOT}/order/cancelReplace", trade, 1, self._cancel_replace, one_order),
            Endpoint("GET", f"{ROOT}/order", signed, 4, self._query),
            Endpoint("DELETE", f"{ROOT}/order", trade, 0, self._cancel),
            Endpoint("GET", f"{ROOT}/openOrders", signed, 6, self._open),
            Endpoint("DELETE", f"{ROOT}/openOrders", trade, 1, self._cancel_all),
            Endpoint("GET", f"{ROOT}/allOrders", signed, 20, self._all),
            *self._lists.endpoints(ROOT),
            Endpoint("GET", f"{ROOT}/account", signed, 20, self._account),
            Endpoint("GET", f"{ROOT}/account/commission", signed, 20, self._commission),
            Endpoint("GET", f"{ROOT}/myTrades", signed, 20, self._trades),
            Endpoint("GET", f"{ROOT}/rateLimit/order", signed, 40, self._order_count),
        ]

    # public

    def _info(self, call: Call) -> Any:
        asked = call.asked
        names = list(self.markets)
        if "symbol" in asked:
            names = [asked.text("symbol")]
        elif "symbols" in asked:
            names = [str(name) for name in asked.array("symbols", 1_000)]
        if any(name not in self.rules for name in names):
            raise bad_symbol()
        return {
            "timezone": "UTC", "serverTime": ms(call.now), "rateLimits": rate_limits(self._limits),
            "exchangeFilters": [], "symbols": [self.rules[name].describe() for name in names],
        }  # fmt: skip

    # orders

    def account(self, call: Call) -> SpotAccount:
        return self.accounts[call.account]

    def read(self, call: Call) -> Order:
        """The checked order of a request. Raises `Refusal`."""
        market = required_symbol(call.asked, self.markets)
        account = self.account(call)
        terms = read_terms(call.asked, account.ids.name("paper"))
        check_terms(terms, self.rules[market.symbol], market, account)
        return make_order(terms, market, account, call.now)

    def _place(self, call: Call) -> Any:
        default = "FULL" if call.asked.optional("type") in ("MARKET", "LIMIT") else "ACK"
        kind = call.asked.choice("newOrderRespType", ("ACK", "RESULT", "FULL"), default)
        order, account = self.read(call), self.account(call)
        account.place(order, call.now)
        return render.placed(order, self.fills(account, order), kind)

    def fills(self, account: SpotAccount, order: Order) -> list[Any]:
        return account.ledger.fills(order)

    def _test(self, call: Call) -> Any:
        order = self.read(call)
        reason = self.account(call).check_entry(order)
        if reason is not None:
            raise reason
        if not call.asked.boolean("computeCommissionRates"):
            return {}
        rules = self.markets[order.symbol].instrument
        rates = _rates(rules.maker_fee_rate, rules.taker_fee_rate)
        zero = _rates(Decimal(0), Decimal(0))
        return {"standardCommissionForOrder": rates, "taxCommissionForOrder": zero, "discount": _discount()}

    def found(self, call: Call, prefix: str = "", error: Refusal | None = None) -> Order:
        """The order that a request names. Raises -1102, and `error` (-2013 by default) when there is none."""
        market = required_symbol(call.asked, self.markets)
        id_name = "cancelOrderId" if prefix else "orderId"
        client_name = "cancelOrigClientOrderId" if prefix else "origClientOrderId"
        order_id, client_id = call.asked.maybe_integer(id_name), call.asked.optional(client_name)
        if order_id is None and client_id is None:
            raise Refusal(-1102, f"Param '{client_name}' or '{id_name}' must be sent, but both were empty/null!")
        order = self.account(call).ledger.find(market.symbol, order_id, client_id)
        if order is None:
            raise error or unknown_order()
        return order

    def _query(self, call: Call) -> Any:
        return render.queried(self.found(call))

    def _cancel(self, call: Call) -> Any:
        order = self.found(call, error=unknown_cancel())
        return self.cancel(call, order)

    def cancel(self, call: Call, order: Order, name: str = "newClientOrderId") -> Any:
        """Cancel an order; its list where it is a leg of one."""
        account = self.account(call)
        cancel_id = call.asked.client_id(name, account.ids.name("cancel"))
        made = account.lists.get(order.list_id)
        only = call.asked.optional("cancelRestrictions")
        if only not in (None, "ONLY_NEW", "ONLY_PARTIALLY_FILLED"):
            raise Refusal(-1145, "Invalid cancelRestrictions")
        if only is not None and order.is_open and order.status != only.removeprefix("ONLY_"):
            raise Refusal(-2011, "Order was not canceled due to cancel restrictions.")
        if not account.cancel(order, call.now, cancel_id):
            raise unknown_cancel()
        if made is None:
            return render.cancelled(order, cancel_id, call.now)
        legs = account.legs(made)
        return render.order_list(made, legs, [render.cancelled(leg, cancel_id, call.now) for leg in legs])

    def _cancel_all(self, call: Call) -> Any:
        market = required_symbol(call.asked, self.markets)
        account = self.account(call)
        known = list(account.ledger.open(market.symbol))
        if not known:
            raise unknown_cancel()
        return [self.cancel(call, order) for order in known if order.is_open]  # a list's legs go together

    def _cancel_replace(self, call: Call) -> Any:
        mode = call.asked.text("cancelReplaceMode")
        if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
            raise missing("cancelReplaceMode")
        cancelled, cancel_no = self._try(lambda: self.cancel(
            call, self.found(call, "cancel", unknown_cancel()), "cancelNewClientOrderId"))  # fmt: skip
        placed, place_no = None, None
        if cancel_no is None or mode == "ALLOW_FAILURE":
            placed, place_no = self._try(lambda: self._place(call))
        answer = {
            "cancelResult": "SUCCESS" if cancel_no is None else "FAILURE",
            "newOrderResult": "NOT_ATTEMPTED" if cancel_no is not None and mode == "STOP_ON_FAILURE"
            else "SUCCESS" if place_no is None else "FAILURE",
            "cancelResponse": cancelled if cancel_no is None else cancel_no.body(),
            "newOrderResponse": placed if place_no is None else place_no.body(),
        }  # fmt: skip
        if cancel_no is None and place_no is None:
            return answer
        partly = cancel_no is None or answer["newOrderResult"] == "SUCCESS"
        raise HalfDone(partly, answer)

    def _try(self, act: Any) -> tuple[Any, Refusal | None]:
        try:
            return act(), None
        except Refusal as refusal:
            return None, refusal

    def _open(self, call: Call) -> Any:
        symbol = required_symbol(call.asked, self.markets).symbol if "symbol" in call.asked else None
        return [render.queried(order) for order in self.account(call).ledger.open(symbol)]

    def _all(self, call: Call) -> Any:
        market = required_symbol(call.asked, self.markets)
        orders = self.account(call).ledger.every(market.symbol)
        return [render.queried(order) for order in window(orders, call.asked, "orderId", lambda o: (o.id, o.ts))]

    # the account

    def _account(self, call: Call) -> Any:
        account = self.account(call)
        hide = call.asked.boolean("omitZeroBalances")
        instrument = next(iter(self.markets.values())).instrument
        rows = [(asset, account.free(asset), account.locked(asset)) for asset in account.assets()]
        return {
            "makerCommission": _bps(instrument.maker_fee_rate), "takerCommission": _bps(instrument.taker_fee_rate),
            "buyerCommission": 0, "sellerCommission": 0,
            "commissionRates": _rates(instrument.maker_fee_rate, instrument.taker_fee_rate),
            "canTrade": True, "canWithdraw": False, "canDeposit": False, "brokered": False,
            "requireSelfTradePrevention": False, "preventSor": False, "updateTime": ms(account.ts_update),
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": text(free), "locked": text(locked)}
                for asset, free, locked in rows if free or locked or not hide
            ],
            "permissions": ["SPOT"], "uid": uid(call.account),
        }  # fmt: skip

    def _commission(self, call: Call) -> Any:
        rules = required_symbol(call.asked, self.markets).instrument
        zero = _rates(Decimal(0), Decimal(0))
        return {
            "symbol": rules.symbol, "standardCommission": _rates(rules.maker_fee_rate, rules.taker_fee_rate),
            "specialCommission": zero, "taxCommission": zero, "discount": _discount(),
        }  # fmt: skip

    def _trades(self, call: Call) -> Any:
        market = required_symbol(call.asked, self.markets)
        wanted = call.asked.maybe_integer("orderId")
        fills = (
            fill for fill in self.account(call).ledger.executions
            if fill.instrument == market.instrument.id and wanted in (None, fill.order_id)
        )  # fmt: skip
        found = window(fills, call.asked, "fromId", lambda fill: (fill.trade_id, fill.ts))
        return [render.trade_row(fill, market.symbol) for fill in found]

    def _order_count(self, call: Call) -> Any:
        return self._limits[call.account].describe(call.now)


class HalfDone(Refusal):
    """A cancelReplace of which a part failed: -2021 with HTTP 409, or -2022 with 400 where nothing was done."""

    def __init__(self, partly: bool, data: dict[str, Any]) -> None:
        code, words = (
            (-2021, "Order cancel-replace partially failed.") if partly else (-2022, "Order cancel-replace failed.")
        )
        super().__init__(code, words, 409 if partly else 400)
        self.data = data

    def body(self) -> dict[str, object]:
        return super().body() | {"data": self.data}


def window(rows: Any, asked: Parameters, id_name: str, key: Any) -> list[Any]:
    """Rows by id or time, at most `limit` (500, most 1,000): the first where a beginning is given, else the last."""
    limit = max(1, asked.integer("limit", 500, 1_000))
    first, start, end = asked.maybe_integer(id_name), asked.maybe_integer("startTime"), asked.maybe_integer("endTime")
    if start is not None and end is not None and end < start:
        raise Refusal(-1127, "More than 24 hours between startTime and endTime.")
    found = [
        row for row in rows
        if (first is None or key(row)[0] >= first)
        and (start is None or ms(key(row)[1]) >= start)
        and (end is None or ms(key(row)[1]) <= end)
    ]  # fmt: skip
    return found[-limit:] if first is None and start is None else found[:limit]


def rate_limits(limits: Mapping[str, OrderLimit]) -> list[dict[str, object]]:
    """`rateLimits` of exchangeInfo."""
    orders = next(iter(limits.values())).describe()
    return [
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": WEIGHT_MAX},
        *orders,
        {"rateLimitType": "RAW_REQUESTS", "interval": "MINUTE", "intervalNum": 5, "limit": 300_000},
    ]


def uid(account: str) -> int:
    """A number for an account's name, always the same."""
    return int.from_bytes(account.encode()[:6].ljust(6, b"0"), "big")


def _bps(rate: Decimal) -> int:
    return int(rate * 10_000)


def _rates(maker: Decimal, taker: Decimal) -> dict[str, str]:
    return {"maker": text(maker), "taker": text(taker), "buyer": text(Decimal(0)), "seller": text(Decimal(0))}


def _discount() -> dict[str, object]:
    return {"enabledForAccount": False, "enabledForSymbol": False, "discountAsset": "BNB", "discount": "0.25000000"}
