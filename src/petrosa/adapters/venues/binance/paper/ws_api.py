"""The WebSocket API: the same endpoints by method name, sessions, and the user streams of spot."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from petrosa.adapters.venues.binance.paper.endpoint import Security
from petrosa.adapters.venues.binance.paper.gate import Gate, check_signed, check_time, shown
from petrosa.adapters.venues.binance.paper.keys import ApiKey
from petrosa.adapters.venues.binance.paper.numbers import ms
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.adapters.venues.binance.paper.refusals import Refusal, missing
from petrosa.adapters.venues.binance.paper.user_streams import UserStream

Reply = dict[str, Any]
Params = dict[str, object]
SUBSCRIPTIONS_MAX: Final = 100
SESSION_WEIGHT: Final = 2

SPOT_METHODS: Final[Mapping[str, tuple[str, str]]] = {
    "ping": ("GET", "ping"), "time": ("GET", "time"), "exchangeInfo": ("GET", "exchangeInfo"),
    "depth": ("GET", "depth"), "trades.recent": ("GET", "trades"), "trades.historical": ("GET", "historicalTrades"),
    "trades.aggregate": ("GET", "aggTrades"), "klines": ("GET", "klines"), "uiKlines": ("GET", "uiKlines"),
    "avgPrice": ("GET", "avgPrice"), "ticker.24hr": ("GET", "ticker/24hr"), "ticker.price": ("GET", "ticker/price"),
    "ticker.book": ("GET", "ticker/bookTicker"), "order.place": ("POST", "order"), "order.test": ("POST", "order/test"),
    "order.status": ("GET", "order"), "order.cancel": ("DELETE", "order"),
    "order.cancelReplace": ("POST", "order/cancelReplace"), "openOrders.status": ("GET", "openOrders"),
    "openOrders.cancelAll": ("DELETE", "openOrders"), "orderList.place": ("POST", "order/oco"),
    "orderList.place.oco": ("POST", "orderList/oco"), "orderList.place.oto": ("POST", "orderList/oto"),
    "orderList.place.otoco": ("POST", "orderList/otoco"), "orderList.status": ("GET", "orderList"),
    "orderList.cancel": ("DELETE", "orderList"), "openOrderLists.status": ("GET", "openOrderList"),
    "account.status": ("GET", "account"), "account.commission": ("GET", "account/commission"),
    "account.rateLimits.orders": ("GET", "rateLimit/order"), "allOrders": ("GET", "allOrders"),
    "allOrderLists": ("GET", "allOrderList"), "myTrades": ("GET", "myTrades"),
}  # fmt: skip
USDM_METHODS: Final[Mapping[str, tuple[str, str]]] = {
    "depth": ("GET", "v1/depth"), "ticker.price": ("GET", "v2/ticker/price"),
    "ticker.book": ("GET", "v1/ticker/bookTicker"), "order.place": ("POST", "v1/order"),
    "order.modify": ("PUT", "v1/order"), "order.cancel": ("DELETE", "v1/order"), "order.status": ("GET", "v1/order"),
    "algoOrder.place": ("POST", "v1/algoOrder"), "algoOrder.cancel": ("DELETE", "v1/algoOrder"),
    "account.position": ("GET", "v2/positionRisk"), "v2/account.position": ("GET", "v3/positionRisk"),
    "account.balance": ("GET", "v2/balance"), "v2/account.balance": ("GET", "v3/balance"),
    "account.status": ("GET", "v2/account"), "v2/account.status": ("GET", "v3/account"),
    "userDataStream.start": ("POST", "v1/listenKey"), "userDataStream.ping": ("PUT", "v1/listenKey"),
    "userDataStream.stop": ("DELETE", "v1/listenKey"),
}  # fmt: skip
ROOTS: Final = {"spot": "/api/v3/", "usdm": "/fapi/"}
METHODS: Final = {"spot": SPOT_METHODS, "usdm": USDM_METHODS}


class _Subscription:
    """A user stream on this connection: its events go out with the subscription's number."""

    def __init__(
        self, number: int, stream: UserStream, send: Callable[[object], None], end: Callable[[], None]
    ) -> None:
        self.number = number
        self.stream = stream
        self.end = end
        self._send = send
        stream.sinks.append(self)

    def take(self, event: dict[str, Any]) -> None:
        self._send({"subscriptionId": self.number, "event": event})

    def close(self) -> None:
        if self in self.stream.sinks:
            self.stream.sinks.remove(self)


class WsSession:
    """One connection. `send` puts a message on it, `end` ends it."""

    def __init__(
        self, market: str, gate: Gate, streams: Mapping[str, UserStream], address: str,
        send: Callable[[object], None], end: Callable[[], None],
    ) -> None:  # fmt: skip
        self._market = market
        self._gate = gate
        self._streams = streams
        self._address = address
        self._send = send
        self._end = end
        self._key: ApiKey | None = None
        self._since = 0
        self._subscriptions: dict[int, _Subscription] = {}
        self._last = -1

    def method_path(self, message: bytes | str) -> tuple[str, str]:
        """(HTTP method, path) that a message amounts to, by which faults are chosen."""
        try:
            name = msgspec.json.decode(message)["method"]
            method, path = METHODS[self._market][name]
        except (msgspec.MsgspecError, KeyError, TypeError):
            return "WS", ""
        return method, ROOTS[self._market] + path

    def receive(self, message: bytes | str, now: int) -> Reply:
        """The reply to a request; a refusal is one too."""
        asked_id: object = None
        try:
            request = msgspec.json.decode(message)
            if not isinstance(request, dict) or not isinstance(request.get("method"), str):
                raise Refusal(-1130, "Data sent for parameter 'method' is not valid.")
            asked_id = request.get("id")
            params = request.get("params") or {}
            if not isinstance(params, dict):
                raise Refusal(-1130, "Data sent for parameter 'params' is not valid.")
            result = self._call(request["method"], params, now)
        except msgspec.MsgspecError:
            return self._refused(None, Refusal(-1130, "JSON is not valid."), now)
        except Refusal as refusal:
            return self._refused(asked_id, refusal, now)
        return {"id": asked_id, "status": 200, "result": result, "rateLimits": self._limits(now)}

    def close(self) -> None:
        """The connection is gone."""
        for subscription in self._subscriptions.values():
            subscription.close()
        self._subscriptions.clear()

    def _call(self, method: str, params: Params, now: int) -> Any:
        own = {
            "session.logon": self._logon, "session.status": self._status, "session.logout": self._logout,
            "session.subscriptions": self._listed, "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signed,
            "userDataStream.unsubscribe": self._unsubscribe,
        }  # fmt: skip
        if method in own and (self._market == "spot" or method.startswith("session.")):
            self._gate.products[self._market].weight.charge(self._address, SESSION_WEIGHT, now)
            return own[method](params, now)
        if method not in METHODS[self._market]:
            raise Refusal(-1020, f"Method {method} is not supported.")
        verb, path = METHODS[self._market][method]
        _, endpoint = self._gate.find(verb, ROOTS[self._market] + path)
        self._gate.products[self._market].weight.charge(self._address, endpoint.cost(_asked(params)), now)
        key = None
        if endpoint.security is Security.KEY:
            key = self._gate.keys.find(str(params.get("apiKey", "")) or (self._key.key if self._key else None))
        elif endpoint.security is not Security.NONE:
            key = self._authenticated(params, now)
        return self._gate.call(self._market, endpoint, _asked(params), key, now, {})

    def _authenticated(self, params: Params, now: int) -> ApiKey:
        """Whose request it is: signed itself, or within a session that was logged on."""
        check_time(_asked(params), now)
        if "signature" not in params and "apiKey" not in params and self._key is not None:
            return self._key
        key = self._gate.keys.find(str(params["apiKey"]) if "apiKey" in params else None)
        check_signed(params, key)
        return key

    # sessions

    def _logon(self, params: Params, now: int) -> Any:
        key = self._gate.keys.find(str(params["apiKey"]) if "apiKey" in params else None)
        check_time(_asked(params), now)
        if not key.is_ed25519:
            raise Refusal(-4056, "HMAC_SHA256 API key is not supported.")
        check_signed(params, key)
        self._key, self._since = key, now
        return self._status(params, now)

    def _status(self, _params: Params, now: int) -> Any:
        key = self._key.key if self._key else None
        since = ms(self._since) if self._key else None
        return {
            "apiKey": key, "authorizedSince": since, "connectedSince": since, "returnRateLimits": True,
            "serverTime": ms(now), "userDataStream": bool(self._subscriptions),
        }  # fmt: skip

    def _logout(self, params: Params, now: int) -> Any:
        self._key, self._since = None, 0
        return self._status(params, now)

    # user streams

    def _subscribe(self, _params: Params, _now: int) -> Any:
        if self._key is None:
            raise Refusal(-1002, "You are not authorized to execute this request.", 401)
        return self._open(self._key)

    def _subscribe_signed(self, params: Params, now: int) -> Any:
        key = self._gate.keys.find(str(params["apiKey"]) if "apiKey" in params else None)
        check_time(_asked(params), now)
        check_signed(params, key)
        return self._open(key)

    def _open(self, key: ApiKey) -> Any:
        if len(self._subscriptions) >= SUBSCRIPTIONS_MAX:
            raise Refusal(-2035, "User Data Stream subscription limit reached.")
        self._last += 1
        stream = self._streams[key.account]
        self._subscriptions[self._last] = _Subscription(self._last, stream, self._send, self._end)
        return {"subscriptionId": self._last}

    def _unsubscribe(self, params: Params, _now: int) -> Any:
        wanted = params.get("subscriptionId")
        numbers = list(self._subscriptions) if wanted is None else [wanted]
        for number in numbers:
            subscription = self._subscriptions.pop(number, None) if isinstance(number, int) else None
            if subscription is None:
                raise missing("subscriptionId")
            subscription.close()
        return {}

    def _listed(self, _params: Params, _now: int) -> Any:
        return [{"subscriptionId": number, "expirationTime": None} for number in self._subscriptions]

    # replies

    def _limits(self, now: int) -> list[dict[str, object]]:
        weight = self._gate.products[self._market].weight
        return [
            {
                "rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": weight.limit,
                "count": weight.used(self._address, now),
            }
        ]  # fmt: skip

    def refused(self, message: bytes | str, refusal: Refusal, now: int) -> Reply:
        """The reply to a request that is refused without being looked at."""
        try:
            asked_id = msgspec.json.decode(message)["id"]
        except (msgspec.MsgspecError, KeyError, TypeError):
            asked_id = None
        return self._refused(asked_id, refusal, now)

    def _refused(self, asked_id: object, refusal: Refusal, now: int) -> Reply:
        error = refusal.body()
        if refusal.retry_after:
            error["data"] = {"serverTime": ms(now), "retryAfter": ms(now) + refusal.retry_after * 1000}
        return {"id": asked_id, "status": refusal.status, "error": error, "rateLimits": self._limits(now)}


def _asked(params: Params) -> Parameters:
    return Parameters({name: shown(value) for name, value in params.items() if value is not None})
