"""A client of a real venue before the paper exchange: keys of every kind, a time that can be set, and no waiting."""

import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from petrosa.adapters.net.rate_limit import Ledger, Limit
from petrosa.adapters.net.signing import Signer
from petrosa.adapters.venues.binance.live.environments import urls
from petrosa.adapters.venues.binance.live.limits import DEFAULTS
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET, AccountEntry, KeyEntry
from petrosa.core.model.base import NS_PER_SECOND
from tests.kit.paper_server import Served

RSA_KEY = rsa.generate_private_key(65_537, 2_048)
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def pem(key: PrivateKeyTypes) -> str:
    """A private key as its owner keeps it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def public_pem(key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey) -> str:
    """What the venue is given of it."""
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


SECRETS = {"TheHmacKey": DEMO_SECRET, "TheRsaKey": pem(RSA_KEY), "TheEdKey": pem(ED_KEY)}.items()
"""Secrets by key, one of each kind, as `signing_account` has them."""


def account(*keys: KeyEntry) -> AccountEntry:
    return AccountEntry(name="demo", key=keys, spot={"USDT": Decimal(100_000)}, usdm={"USDT": Decimal(100_000)})


def signing_account() -> AccountEntry:
    """One account with a key of each kind."""
    return account(
        KeyEntry(key="TheHmacKey", secret=DEMO_SECRET),
        KeyEntry(key="TheRsaKey", public_key=public_pem(RSA_KEY)),
        KeyEntry(key="TheEdKey", public_key=public_pem(ED_KEY)),
    )


class Paused:
    """Pauses that take no time: it is what the client waited for."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Wall:
    """This machine's clock, which is the exchange's until it is set wrong."""

    def __init__(self, right: Callable[[], int]) -> None:
        self._right = right
        self.wrong_s = 0.0

    def __call__(self) -> int:
        return self._right() + round(self.wrong_s * NS_PER_SECOND)


class LiveClient:
    """A `Rest` with what was given to it, and requests that tests have use for."""

    def __init__(self, rest: Rest, wall: Wall, pauses: Paused) -> None:
        self.rest, self.wall, self.pauses = rest, wall, pauses


@asynccontextmanager
async def live_client(
    on: Served, product: str = "spot", *, key: str = DEMO_KEY, secret: str = DEMO_SECRET,
    limits: tuple[Limit, ...] = (), base_url: str = "", **more: Any,
) -> AsyncIterator[LiveClient]:  # fmt: skip
    """A client of the served exchange. `more` goes to `Rest`."""
    wall, pauses = Wall(lambda: on.bench.now), Paused()
    clock = ServerClock(wall)
    ledger = Ledger(limits or DEFAULTS[product], clock.now)
    where = urls("paper", product, base_url or on.url)
    more = {"pause": pauses, "chance": random.Random(1), **more}
    async with Rest(product, where, key, Signer(secret), clock, ledger, **more) as rest:
        yield LiveClient(rest, wall, pauses)


def buy(name: str = "order1", **more: Any) -> Request:
    """A spot order that rests below the market."""
    params = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1", "price": "90",
        "newClientOrderId": name,
    }  # fmt: skip
    return Request("POST", "/api/v3/order", params, weight=0, orders=1, changes=True, **more)


def cancel(name: str = "order1") -> Request:
    params = {"symbol": "BTCUSDT", "origClientOrderId": name}
    return Request("DELETE", "/api/v3/order", params, weight=0, urgent=True, changes=True)


def opened() -> Request:
    """Every open spot order."""
    return Request("GET", "/api/v3/openOrders", {"symbol": "BTCUSDT"}, weight=6)
