"""Client order ids by the venue's own: trades of an account say only which order of the venue they belong to."""

from collections.abc import Iterator, Mapping
from typing import Final

from petrosa.adapters.venues.binance.live.product import ALGO
from petrosa.core.model.account import StatedOrder
from petrosa.core.model.market import symbol_of
from petrosa.core.model.orders import OrderAccepted

NAMES_KEPT: Final = 20_000
"""Orders remembered, the newest. What is forgotten is asked for again."""


class KnownNames(Mapping[str, str]):
    """What has been learned so far, by `SYMBOL:orderId`."""

    def __init__(self, kept: int = NAMES_KEPT) -> None:
        self._kept = kept
        self._names: dict[str, str] = {}

    def learn(self, order: str, client_order_id: str) -> None:
        """`order` is `SYMBOL:orderId`."""
        self._names.pop(order, None)
        self._names[order] = client_order_id
        if len(self._names) > self._kept:
            del self._names[next(iter(self._names))]

    def learn_from(self, stated: StatedOrder | OrderAccepted) -> None:
        """Take the name that an answer gives an order. Trades never name an order that waits in the algo service."""
        number = stated.venue_order_id
        if number and not number.startswith(ALGO):
            self.learn(f"{symbol_of(stated.instrument)}:{number}", stated.client_order_id)

    def __getitem__(self, order: str) -> str:
        return self._names[order]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)
