"""What an endpoint is: its path, what it costs, who may call it, and the function that answers."""

from collections.abc import Callable
from enum import Enum
from typing import Any, NamedTuple

from petrosa.adapters.venues.binance.paper.keys import ApiKey
from petrosa.adapters.venues.binance.paper.parameters import Parameters


class Security(Enum):
    """NONE for everybody, KEY with an API key, SIGNED with a signature and a time too, TRADE if the key may trade."""

    NONE = "none"
    KEY = "key"
    SIGNED = "signed"
    TRADE = "trade"


class Call(NamedTuple):
    """One request that passed the gate. `account` is the name of the key's account, empty without a key."""

    asked: Parameters
    now: int
    account: str
    key: ApiKey | None = None


Handler = Callable[[Call], Any]


class Endpoint(NamedTuple):
    """`weight` is what a call costs, for some by what is asked; `orders` says how many new orders it counts as."""

    method: str
    path: str
    security: Security
    weight: int | Callable[[Parameters], int]
    handler: Handler
    orders: Callable[[Parameters], int] | None = None

    def cost(self, asked: Parameters) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(asked)


def one_order(_asked: Parameters) -> int:
    return 1
