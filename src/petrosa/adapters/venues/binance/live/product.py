"""What spot and USD-M futures differ in: how an order is asked for, and how the venue's answers are read.

No socket and no clock here: requests out, messages of the core in. `Spot` and `Usdm` are such products.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final, Protocol

from petrosa.adapters.venues.binance.live.request import Request
from petrosa.core.model.account import StatedOrder, StatedPosition
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import Intent, OrderEvent, OrderFilled

ALGO: Final = "algo:"
"""What a conditional futures order's number in the algo service begins with as a `venue_order_id`: those numbers are
not order ids, and trades never name them.
"""

Names = Mapping[str, str]
"""Client order ids by the venue's, `SYMBOL:orderId`: trades of the account name orders by the venue's id only."""


class Product(Protocol):
    """One market of Binance for one account. Every reader raises `DataError` for what it cannot read."""

    @property
    def market(self) -> str: ...

    @property
    def pairs(self) -> bool:
        """Whether two orders that cancel each other are asked for in one request; else each alone."""
        ...

    def place(self, intents: Sequence[Intent]) -> Request:
        """Ask for one order, or for two that cancel each other. Raises `InvariantError` for what cannot be asked."""
        ...

    def placed(self, intents: Sequence[Intent], body: bytes, ts_seen: int) -> Sequence[OrderEvent]:
        """What the answer to `place` says: accepted first, then fills, then the end if it has ended.

        The end is told only with every fill before it: of an order that executed more than the answer has trades for,
        the user stream, or `trades` and `query`, tell the rest.
        """
        ...

    def cancel(self, cancel: Intent) -> Request:
        """Ask for the end of an order; `cancel` holds a `Cancel`."""
        ...

    def cancelled(self, cancel: Intent, body: bytes, ts_seen: int) -> Sequence[OrderEvent]:
        """The end of the order that it was for, and of others that ended with it.

        Nothing about one that had executed something: its trades must be heard first.
        """
        ...

    def cancel_all(self, instrument: InstrumentId) -> Sequence[Request]:
        """Ask for the end of everything that is open on an instrument; `opened` says what came of it."""
        ...

    def query(self, placed: Intent) -> Sequence[Request]:
        """Where to ask what became of an order that we placed, by its client order id.

        The next place where `is_unknown_order` is the answer of the one before; the venue has no such order when all
        of them say so.
        """
        ...

    def queried(self, body: bytes, client_order_id: str = "") -> StatedOrder | Request:
        """The order; or what must be asked next to know, whose answer goes here too.

        It is stated under `client_order_id` where that is given: the order that a trigger made is ours by the name of
        the conditional one.
        """
        ...

    def is_unknown_order(self, code: int) -> bool:
        """Whether a refusal says that the venue has no such order (to cancel, or to tell about)."""
        ...

    def is_duplicate(self, code: int, said: str) -> bool:
        """Whether a refusal says that an order of this client order id is open already."""
        ...

    def opened(self) -> Sequence[Request]:
        """Ask for everything that is open; each answer goes to `read_opened`."""
        ...

    def history(self, instrument: InstrumentId) -> Sequence[Request]:
        """Ask for the last orders of an instrument, open or not; each answer goes to `read_opened`."""
        ...

    def read_opened(self, request: Request, body: bytes) -> Sequence[StatedOrder]:
        """Orders on instruments that we trade; of others nothing."""
        ...

    def account(self) -> Sequence[Request]:
        """Ask for balances and positions; each answer goes to `read_account`."""
        ...

    def read_account(self, request: Request, body: bytes) -> tuple[Mapping[str, Decimal], Sequence[StatedPosition]]:
        """Wallets with what is locked, and positions that are not flat, as far as this answer has them.

        Every asset of our instruments is there, with 0 where the venue leaves it out.
        """
        ...

    def trades(self, instrument: InstrumentId, since_ms: int, from_id: int | None) -> Request:
        """Ask for trades of the account from a time on, or from a trade id on, oldest first, as many as fit.

        By time, one answer covers at most 24 hours on spot and 7 days on futures.
        """
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
