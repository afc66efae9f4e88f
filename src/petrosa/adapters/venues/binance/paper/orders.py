"""Orders, fills and lists as the exchange's books hold them: what every answer and event about them is made from."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

import msgspec

from petrosa.adapters.venues.binance.paper.numbers import ZERO
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.market import InstrumentId
from petrosa.core.simulation.trigger import Trigger

OPEN: Final = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW"})
BOTH, LONG, SHORT = "BOTH", "LONG", "SHORT"
"""Position sides: one net position, or in hedge mode two beside each other."""


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One fill."""

    trade_id: int
    order_id: int
    list_id: int
    instrument: InstrumentId
    side: Side
    position_side: str
    price: Decimal
    quantity: Decimal
    quote: Decimal
    fee: Decimal
    fee_asset: str
    realized: Decimal
    is_maker: bool
    ts: int


class Order(msgspec.Struct, kw_only=True):
    """One order. Times are nanoseconds; `core_id` is its name in the matching engine, new with each change of terms.

    A spot order with a `trigger` that has not been set off waits here, outside the engine. `created_type` is what a
    futures order was before an algo order's trigger made it a plain one.
    """

    id: int
    client_id: str
    instrument: InstrumentId
    symbol: str
    side: Side
    type: str
    tif: str
    quantity: Decimal
    price: Decimal
    ts: int
    ts_update: int
    status: str = "NEW"
    stop_price: Decimal = ZERO
    trailing_delta: int = 0
    quote_quantity: Decimal = ZERO
    executed: Decimal = ZERO
    quote: Decimal = ZERO
    stp: str = "EXPIRE_MAKER"
    list_id: int = -1
    position_side: str = BOTH
    reduce_only: bool = False
    close_position: bool = False
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    created_type: str = ""
    good_till: int = 0
    ts_working: int = 0
    trigger: Trigger | None = None
    core_id: str = ""
    terms: int = 0
    cancel_id: str = ""
    ending: str = "CANCELED"
    """What an end that the exchange itself brings about is called: the sibling of a filled leg is EXPIRED."""

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_pending(self) -> bool:
        """Whether it is a leg that is placed only when another order has been filled."""
        return self.status == "PENDING_NEW"

    @property
    def is_waiting(self) -> bool:
        """Whether it waits for its trigger, outside the engine."""
        return self.trigger is not None and not self.is_pending

    @property
    def leaves(self) -> Decimal:
        return EXACT.subtract(self.quantity, self.executed)

    @property
    def average(self) -> Decimal:
        return EXACT.divide(self.quote, self.executed) if self.executed else ZERO

    @property
    def is_limit(self) -> bool:
        return self.price > 0


class OrderList(msgspec.Struct, kw_only=True):
    """OCO: legs stand side by side. OTO and OTOCO: `pending` legs are placed when the working one is wholly filled."""

    id: int
    client_id: str
    symbol: str
    contingency: str
    ts: int
    orders: tuple[int, ...]
    working: int = 0
    status_type: str = "EXEC_STARTED"
    status: str = "EXECUTING"
    ts_update: int = 0

    @property
    def is_open(self) -> bool:
        return self.status == "EXECUTING"


class AlgoOrder(msgspec.Struct, kw_only=True):
    """A conditional futures order in the algo service; `order_id` is the real order that its trigger made."""

    id: int
    client_id: str
    instrument: InstrumentId
    symbol: str
    side: Side
    type: str
    tif: str
    quantity: Decimal
    price: Decimal
    trigger_price: Decimal
    trigger: Trigger
    ts: int
    ts_update: int
    status: str = "NEW"
    working_type: str = "CONTRACT_PRICE"
    price_match: str = "NONE"
    position_side: str = BOTH
    close_position: bool = False
    price_protect: bool = False
    reduce_only: bool = False
    stp: str = "EXPIRE_MAKER"
    activation: Decimal = ZERO
    callback_pct: Decimal = ZERO
    good_till: int = 0
    ts_trigger: int = 0
    order_id: int = 0
    reason: str = ""

    @property
    def is_open(self) -> bool:
        return self.status == "NEW"


class Ids:
    """Numbers of one market of the exchange, shared by its accounts: each is given out once and they only grow."""

    def __init__(self, start: int = 1_000_000) -> None:
        self.last = start

    def next(self) -> int:
        self.last += 1
        return self.last

    def name(self, prefix: str) -> Callable[[], str]:
        """Makes client ids for those who send none."""
        return lambda: f"{prefix}{self.next():016d}"
