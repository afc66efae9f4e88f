"""The way in: limits, keys, signatures and time are checked, in the venue's order, before an endpoint is called."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

import msgspec

from petrosa.adapters.venues.binance.paper.endpoint import Call, Endpoint, Security
from petrosa.adapters.venues.binance.paper.keys import ApiKey, KeyRing, split_signature
from petrosa.adapters.venues.binance.paper.limits import OrderLimit, WeightLimit
from petrosa.adapters.venues.binance.paper.parameters import Parameters
from petrosa.adapters.venues.binance.paper.refusals import (
    Refusal,
    ahead_of_server,
    missing,
    outside_window,
    unknown_key,
    window_too_large,
)
from petrosa.core.model.base import NS_PER_MS

WINDOW_MS: Final = 5_000
WINDOW_MAX_MS: Final = 60_000
AHEAD_MS: Final = 1_000
TIME_MAX: Final = 10**14
NOTHING: Final = Parameters({})


class Request(NamedTuple):
    """What came over HTTP; `query` and `body` exactly as sent, because that is what was signed."""

    method: str
    path: str
    query: str
    body: str
    api_key: str | None
    address: str


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


class Product(NamedTuple):
    """What spot and USD-M have each: a weight for addresses, and orders for accounts."""

    weight: WeightLimit
    orders: Mapping[str, OrderLimit]


class Gate:
    """Endpoints by method and path, and everything that stands before them."""

    def __init__(self, endpoints: Mapping[str, list[Endpoint]], products: Mapping[str, Product], keys: KeyRing) -> None:
        """`endpoints` and `products` are by market, `spot` and `usdm`."""
        self.keys = keys
        self.products = products
        self._routes: dict[tuple[str, str], tuple[str, Endpoint]] = {
            (one.method, one.path): (market, one) for market, served in endpoints.items() for one in served
        }
        self._paths = {path for _, path in self._routes}

    def find(self, method: str, path: str) -> tuple[str, Endpoint]:
        """(market, endpoint). Raises -5000 with 404 where there is none."""
        found = self._routes.get((method, path))
        if found is None:
            status = 405 if path in self._paths else 404
            raise Refusal(-5000, f"Path {path}, Method {method} is invalid", status)
        return found

    def answer(self, request: Request, now: int) -> Answer:
        """Whatever is to be answered; never raises."""
        headers: dict[str, str] = {}
        try:
            market, endpoint = self.find(request.method, request.path)
            try:
                asked = Parameters.of(request.query, request.body)
            except Refusal:
                self._charge(market, endpoint, NOTHING, request.address, now, headers)
                raise
            self._charge(market, endpoint, asked, request.address, now, headers)
            key = self._key(endpoint, request.api_key)
            if endpoint.security in (Security.SIGNED, Security.TRADE):
                assert key is not None
                payload, signature = split_signature(request.query, request.body)
                if not signature:
                    raise missing("signature")
                check_time(asked, now)
                key.verify(payload, signature)
            result = self.call(market, endpoint, asked, key, now, headers)
        except Refusal as refusal:
            if refusal.retry_after:
                headers["Retry-After"] = str(refusal.retry_after)
            return Answer(refusal.status, headers, msgspec.json.encode(refusal.body()))
        return Answer(200, headers, msgspec.json.encode(result))

    def call(
        self, market: str, endpoint: Endpoint, asked: Parameters, key: ApiKey | None, now: int, headers: dict[str, str]
    ) -> Any:  # fmt: skip
        """Call an endpoint for somebody who has been let in. Raises `Refusal`."""
        if endpoint.security is Security.TRADE and key is not None and not key.may_trade(market):
            raise unknown_key()
        account = "" if key is None else key.account
        if endpoint.orders is not None:
            limit = self.products[market].orders[account]
            try:
                limit.charge(now, endpoint.orders(asked))
            finally:
                headers.update(limit.headers(now))
        return endpoint.handler(Call(asked, now, account, key))

    def _charge(
        self, market: str, endpoint: Endpoint, asked: Parameters, address: str, now: int, headers: dict[str, str]
    ) -> None:  # fmt: skip
        used = self.products[market].weight.charge(address, endpoint.cost(asked), now)
        headers |= {"X-MBX-USED-WEIGHT": str(used), "X-MBX-USED-WEIGHT-1M": str(used)}

    def _key(self, endpoint: Endpoint, given: str | None) -> ApiKey | None:
        return None if endpoint.security is Security.NONE else self.keys.find(given)


def check_time(asked: Parameters, now: int) -> None:
    """Raises -1102, -1131 and -1021: a request is good from a second before it was signed to its window after."""
    stamp = asked.integer("timestamp")
    sent_ms = Decimal(stamp) if stamp < TIME_MAX else Decimal(stamp) / 1000
    try:
        window = Decimal(asked.text("recvWindow", str(WINDOW_MS)))
    except InvalidOperation:
        raise missing("recvWindow") from None
    if not window.is_finite() or window > WINDOW_MAX_MS:
        raise window_too_large()
    server_ms = Decimal(now) / NS_PER_MS
    if sent_ms >= server_ms + AHEAD_MS:
        raise ahead_of_server()
    if server_ms - sent_ms > window:
        raise outside_window()


def signed_text(params: Mapping[str, object]) -> str:
    """What is signed of a WebSocket API request: its parameters by name, without the signature."""
    return "&".join(f"{name}={shown(params[name])}" for name in sorted(params) if name != "signature")


def shown(value: object) -> str:
    """A JSON value as it stands in a signed text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def check_signed(params: Mapping[str, object], key: ApiKey) -> None:
    """Raises -1102 and -1022 unless the parameters carry the key's signature over themselves."""
    signature = params.get("signature")
    if not isinstance(signature, str):
        raise missing("signature")
    key.verify(signed_text(params), signature)
