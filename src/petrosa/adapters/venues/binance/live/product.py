"""What spot and USD-M futures differ in: how an order is asked for, and how the venue's answers are read.

No socket and no clock here: requests out, messages of the core in. `Spot` and `Usdm` are such products.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from petrosa.adapters.venues.binance.live.request import Request
from petrosa.core.model.account import StatedOrder, StatedPosition
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Intent, OrderEvent, OrderFilled

Names = Mapping[str, str]
"""Client order ids by the venue's, `SYMBOL:orderId`: trades of the account name orders by the venue's id only."""


class Product(Protocol):
    """One market of Binance for one account. Every reader raises `DataError` for what it cannot read."""

    @property
    def market(self) -> str: ...

    def place(self, intents: Sequence[Intent]) -> Request:
        """Ask for one order, or for two that cancel each other. Raises `InvariantError` for what cannot be asked."""
        ...

    def placed(self, intents: Sequence[Intent], body: bytes, ts_seen: int) -> Sequence[OrderEvent]:
        """What the answer to `place` says: accepted first, then fills, then the end if it has ended."""
        ...

    def cancel(self, cancel: Intent) -> Request:
        """Ask for the end of an order; `cancel` holds a `Cancel`."""
        ...

    def cancelled(self, cancel: Intent, body: bytes, ts_seen: int) -> Sequence[OrderEvent]:
        """What the answer to `cancel` says about the order that it was for."""
        ...

    def query(self, placed: Intent) -> Request:
        """Ask what became of an order that we placed, by its client order id."""
        ...

    def queried(self, body: bytes) -> StatedOrder: ...

    def is_unknown_order(self, code: int) -> bool:
        """Whether a refusal says that the venue has no such order (to cancel, or to tell about)."""
        ...

    def is_duplicate(self, code: int, said: str) -> bool:
        """Whether a refusal says that an order of this client order id is open already."""
        ...

    def opened(self) -> Sequence[Request]:
        """Ask for everything that is open; each answer goes to `read_opened`."""
        ...

    def read_opened(self, request: Request, body: bytes) -> Sequence[StatedOrder]:
        """Orders on instruments that we trade; of others nothing."""
        ...

    def account(self) -> Sequence[Request]:
        """Ask for balances and positions; each answer goes to `read_account`."""
        ...

    def read_account(self, request: Request, body: bytes) -> tuple[Mapping[str, Decimal], Sequence[StatedPosition]]:
        """Wallets with what is locked, and positions that are not flat, as far as this answer has them."""
        ...

    def trades(self, instrument: InstrumentId, since_ms: int, from_id: int | None) -> Request:
        """Ask for trades of the account from a time on, or from a trade id on, oldest first, as many as fit."""
        ...

    def read_trades(self, body: bytes, names: Names, ts_seen: int) -> tuple[Sequence[OrderFilled], Sequence[str]]:
        """Trades of orders that have names, and the `SYMBOL:orderId` of those that have none yet."""
        ...

    def name_of(self, order: str) -> Request:
        """Ask for the client order id of an order by `SYMBOL:orderId`; the answer goes to `queried`."""
        ...

    def rules(self, body: bytes) -> Mapping[InstrumentId, Instrument]:
        """The instruments of an `exchangeInfo`, those that are traded now."""
        ...
