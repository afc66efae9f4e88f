"""USD-M futures: their requests, and what their answers mean. No socket and no clock.

A conditional order lives in the algo service under its client order id until its trigger makes the real order, which
Binance gives the same client order id and another number (`actualOrderId`). A query therefore goes to the algo service
first, follows it to the real order, and to the plain orders when the service has forgotten it.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Literal

from petrosa.adapters.venues.binance.live import rules, usdm_replies
from petrosa.adapters.venues.binance.live.product import ALGO, Names
from petrosa.adapters.venues.binance.live.replies import (
    ZERO,
    Who,
    answered,
    decode,
    ended,
    named,
    needed,
    ns,
    place_of,
    plain,
)
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.core.model.account import StatedOrder, StatedPosition
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId, symbol_of
from petrosa.core.model.orders import (
    Cancel,
    Intent,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderFilled,
    OrderType,
    Place,
)
from petrosa.errors import DataError, InvariantError

ROOT: Final = "/fapi/v1"
TRADES_MAX: Final = 1_000
FEW: Final = 5
"""Up to so many symbols are asked for one by one, which costs less than asking for all."""
PERCENT: Final = Decimal(100)
WorkingType = Literal["CONTRACT_PRICE", "MARK_PRICE"]
_TYPES: Final = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP: "STOP_MARKET",
    OrderType.STOP_LIMIT: "STOP",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT_MARKET",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT",
    OrderType.TRAILING_STOP: "TRAILING_STOP_MARKET",
}
_PRICED: Final = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT)


class Usdm:
    """The USD-M market of one account. `instruments` are those that we trade; `hedged` says that the account holds long
    and short sides apart; `working_type` is the price that sets conditional orders off, the last trade's by default.
    """

    market: Final = "usdm"
    pairs: Final = False

    def __init__(
        self, account: str, instruments: Mapping[InstrumentId, Instrument], hedged: bool = False,
        working_type: WorkingType = "CONTRACT_PRICE",
    ) -> None:  # fmt: skip
        self._account = account
        self._symbols = {one.symbol: key for key, one in instruments.items()}
        self._assets = {one.settle for one in instruments.values()}
        self._hedged = hedged
        self._working_type = working_type

    # orders

    def place(self, intents: Sequence[Intent]) -> Request:
        (intent,) = intents
        place = place_of(intent)
        if place.replaces:
            raise InvariantError(f"{intent.client_order_id}: futures have no request that replaces {place.replaces}")
        conditional = place.type.is_conditional
        params = {"symbol": symbol_of(intent.instrument), "side": place.side.name, "type": _TYPES[place.type]}
        if conditional:
            params = {"algoType": "CONDITIONAL", **params}
        if self._hedged:
            params["positionSide"] = usdm_replies.position_side(place.side, reduces=place.reduce_only)
        params["quantity"] = plain(place.quantity)
        if place.type in _PRICED:
            params |= {"price": needed(place.price, "price", place), "timeInForce": place.time_in_force.value}
        if conditional:
            params |= {**_trigger(place), "workingType": self._working_type}
        if place.reduce_only and not self._hedged:
            params["reduceOnly"] = "true"
        params |= {
            "clientAlgoId" if conditional else "newClientOrderId": intent.client_order_id,
            "newOrderRespType": "RESULT",
        }
        path = f"{ROOT}/algoOrder" if conditional else f"{ROOT}/order"
        return Request("POST", path, params, orders=1, urgent=place.reduce_only, changes=True)

    def placed(self, intents: Sequence[Intent], body: bytes, ts_seen: int) -> Sequence[OrderEvent]:
        """Futures answer without trades: an order that executed anything is only accepted here."""
        (intent,) = intents
        if place_of(intent).type.is_conditional:
            algo = decode(usdm_replies.ALGO_ROW, body)
            _check_name(intent, algo.client_algo_id)
            who = Who(intent.account, intent.instrument, intent.client_order_id, ns(algo.update_time), ts_seen)
            if algo.made or algo.algo_status == "FINISHED":
                return [OrderAccepted(*who[:3], f"{ALGO}{algo.algo_id}", who.ts_event, ts_seen)]
            usdm_replies.stated_algo(intent.account, intent.instrument, algo)
            said = "NEW" if algo.algo_status.startswith("TRIGGER") else algo.algo_status
            return answered(who, f"{ALGO}{algo.algo_id}", said, ZERO, ())
        row = decode(usdm_replies.ROW, body)
        _check_name(intent, row.client_order_id)
        who = Who(intent.account, intent.instrument, intent.client_order_id, ns(row.update_time), ts_seen)
        return answered(who, str(row.order_id), row.status, row.executed_qty, ())

    def cancel(self, cancel: Intent) -> Request:
        if not isinstance(cancel.action, Cancel):
            raise InvariantError(f"{cancel.client_order_id} is an order and not a cancel")
        target = named(cancel.action.target_client_order_id)
        name, path = ("clientAlgoId", "algoOrder") if cancel.action.conditional else ("origClientOrderId", "order")
        params = {"symbol": symbol_of(cancel.instrument), name: target}
        return Request("DELETE", f"{ROOT}/{path}", params, urgent=True, changes=True)

    def cancelled(self, cancel: Intent, body: bytes, ts_seen: int) -> Sequence[OrderEvent]:
        """The algo service gives no time with a cancel: it is when we heard of it."""
        if not usdm_replies.is_algo(body):
            row = decode(usdm_replies.ROW, body)
            who = Who(cancel.account, cancel.instrument, row.client_order_id, ns(row.update_time), ts_seen)
            end = ended(who, row.status)
            return [end] if end is not None and row.executed_qty is not None and row.executed_qty == 0 else []
        answer = decode(usdm_replies.ALGO_CANCELLED, body)
        if str(answer.code) != "200":
            raise DataError(f"the cancel of {answer.client_algo_id} was answered with {answer.code}: {answer.msg}")
        return [
            OrderCanceled(cancel.account, cancel.instrument, answer.client_algo_id, "canceled", ts_seen, ts_seen)
        ]  # fmt: skip

    def cancel_all(self, instrument: InstrumentId) -> Sequence[Request]:
        """Plain and conditional orders: neither request touches the other's."""
        params = {"symbol": symbol_of(instrument)}
        return tuple(
            Request("DELETE", f"{ROOT}/{path}", params, urgent=True, changes=True)
            for path in ("allOpenOrders", "algoOpenOrders")
        )

    def query(self, placed: Intent) -> Sequence[Request]:
        name = placed.client_order_id
        params = {"symbol": symbol_of(placed.instrument), "origClientOrderId": name}
        plain_order = Request("GET", f"{ROOT}/order", params, urgent=True)
        if not place_of(placed).type.is_conditional:
            return (plain_order,)
        return (Request("GET", f"{ROOT}/algoOrder", {"clientAlgoId": name}, urgent=True), plain_order)

    def queried(self, body: bytes, client_order_id: str = "") -> StatedOrder | Request:
        if usdm_replies.is_algo(body):
            algo = decode(usdm_replies.ALGO_ROW, body)
            if algo.made:
                params = {"symbol": algo.symbol, "orderId": algo.made}
                return Request("GET", f"{ROOT}/order", params, urgent=True)
            return usdm_replies.stated_algo(self._account, self._key(algo.symbol), algo)
        row = decode(usdm_replies.ROW, body)
        return usdm_replies.stated(self._account, self._key(row.symbol), row, client_order_id)

    def name_of(self, order: str) -> Request:
        symbol, _, number = order.partition(":")
        return Request("GET", f"{ROOT}/order", {"symbol": symbol, "orderId": number})

    def is_unknown_order(self, code: int) -> bool:
        return code in (-2011, -2013)

    def is_duplicate(self, code: int, said: str) -> bool:  # noqa: ARG002 - the protocol's
        return code == -4116

    # the account

    def opened(self) -> Sequence[Request]:
        paths = (f"{ROOT}/openOrders", f"{ROOT}/openAlgoOrders")
        if len(self._symbols) > FEW:
            return tuple(Request("GET", path, weight=40) for path in paths)
        return tuple(Request("GET", path, {"symbol": symbol}) for symbol in self._symbols for path in paths)

    def history(self, instrument: InstrumentId) -> Sequence[Request]:
        params = {"symbol": symbol_of(instrument)}
        return tuple(Request("GET", f"{ROOT}/{path}", params, weight=5) for path in ("allOrders", "allAlgoOrders"))

    def read_opened(self, request: Request, body: bytes) -> Sequence[StatedOrder]:
        read = usdm_replies.read_algos if "Algo" in request.path else usdm_replies.read_orders
        return read(self._account, self._symbols, body)

    def account(self) -> Sequence[Request]:
        return (Request("GET", "/fapi/v3/account", weight=5), Request("GET", "/fapi/v3/positionRisk", weight=5))

    def read_account(self, request: Request, body: bytes) -> tuple[Mapping[str, Decimal], Sequence[StatedPosition]]:
        if request.path.endswith("/positionRisk"):
            return {}, usdm_replies.read_positions(self._account, self._symbols, body)
        return dict.fromkeys(sorted(self._assets), ZERO) | usdm_replies.read_wallets(body), ()

    def trades(self, instrument: InstrumentId, since_ms: int, from_id: int | None) -> Request:
        begin = {"startTime": str(since_ms)} if from_id is None else {"fromId": str(from_id)}
        params = {"symbol": symbol_of(instrument), **begin, "limit": str(TRADES_MAX)}
        return Request("GET", f"{ROOT}/userTrades", params, weight=5)

    def read_trades(self, body: bytes, names: Names, ts_seen: int) -> tuple[Sequence[OrderFilled], Sequence[str]]:
        return usdm_replies.read_trades(self._account, self._symbols, body, names, ts_seen)

    def rules(self, body: bytes) -> Mapping[InstrumentId, Instrument]:
        return rules.read_rules(self.market, body)

    def _key(self, symbol: str) -> InstrumentId:
        if symbol not in self._symbols:
            raise DataError(f"answered about an order on {symbol}, which is not traded here")
        return self._symbols[symbol]


def _check_name(intent: Intent, said: str) -> None:
    if said != intent.client_order_id:
        raise DataError(f"asked for {intent.client_order_id}, answered about {said!r}")


def _trigger(place: Place) -> dict[str, str]:
    """What a conditional order waits for. Raises `InvariantError` for what is missing."""
    if place.type is not OrderType.TRAILING_STOP:
        return {"triggerPrice": needed(place.trigger_price, "trigger price", place)}
    if place.callback is None:
        raise InvariantError("a trailing stop needs a callback")
    terms = {"callbackRate": plain(EXACT.multiply(place.callback, PERCENT))}
    if place.trigger_price is not None:
        terms["activatePrice"] = plain(place.trigger_price)
    return terms
