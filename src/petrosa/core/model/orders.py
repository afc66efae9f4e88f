"""Orders: what we mean to do (`Intent`), the two keys that let it leave, and what the venue says about it."""

import hashlib
from decimal import Decimal
from enum import Enum
from typing import Final

import msgspec

from petrosa.core.model.base import Message, Side
from petrosa.core.model.market import InstrumentId


class OrderType(Enum):
    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    """Becomes a market order when the trigger price is touched (a buy at or above it, a sell at or below it)."""
    TAKE_PROFIT = "take_profit"
    """Becomes a market order when the trigger price is touched from the other side than a stop's."""
    STOP_LIMIT = "stop_limit"
    """As a stop, but it becomes a limit order at `price`."""
    TAKE_PROFIT_LIMIT = "take_profit_limit"
    """As a take-profit, but it becomes a limit order at `price`."""
    TRAILING_STOP = "trailing_stop"
    """Becomes a market order when the price has turned by the fraction `callback` from its best since activation."""

    @property
    def is_conditional(self) -> bool:
        """Whether it waits for a price before it meets the market."""
        return self not in (OrderType.MARKET, OrderType.LIMIT)


class TimeInForce(Enum):
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"
    """Good till crossing: rejected instead of taking liquidity (post-only)."""


class Leg(Enum):
    """What an order is for. With account, signal, generation and attempt it makes the client order id."""

    ENTRY = "entry"
    EXIT = "exit"
    STOP = "stop"
    TARGET = "target"
    FLATTEN = "flatten"
    MANUAL = "manual"


class OrderStatus(Enum):
    """See `core/execution/lifecycle.py` for the transitions."""

    INITIALIZED = "initialized"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    TRIGGERED = "triggered"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"

    @property
    def is_terminal(self) -> bool:
        return self in _TERMINAL


_TERMINAL = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED})


class Liquidity(Enum):
    MAKER = "maker"
    TAKER = "taker"


class Place(msgspec.Struct, frozen=True, gc=False, tag_field="action", tag="place"):
    """Put an order on the venue. `price` is the limit, `trigger_price` what a stop or take-profit waits for.

    A trailing stop has a `callback` (fraction, 0.005 is 0.5 %) and begins to follow the price at `trigger_price`, or at
    once without one. Two orders with the same `list_id` leave in one turn, and either cancels the other on the venue.
    `replaces` is the client order id of an order that has to go first, with its list, in the same request: where it
    does not go, nothing is placed.
    """

    side: Side
    type: OrderType
    quantity: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool = False
    ts_expire: int | None = None
    callback: Decimal | None = None
    list_id: str = ""
    replaces: str = ""


class Cancel(msgspec.Struct, frozen=True, gc=False, tag_field="action", tag="cancel"):
    """Take an order off the venue, named by the client order id of the intent that placed it.

    `conditional` says that it waits for its trigger: some venues keep such orders in a place of their own.
    """

    target_client_order_id: str
    reason: str
    conditional: bool = False


OrderAction = Place | Cancel


class Intent(Message, frozen=True, gc=False, tag="intent"):
    """What we mean to do. It is on disk before anything about it leaves.

    `client_order_id` is the new order's id for a `Place`, and the cancel's own id for a `Cancel`.
    """

    client_order_id: str
    account: str
    instrument: InstrumentId
    leg: Leg
    action: OrderAction
    signal_id: str
    strategy_id: str
    generation: int = 0
    attempt: int = 0


class Approved(Message, frozen=True, gc=False, tag="approved"):
    """Permission to enlarge a position. Only `core/risk/gate.py` makes one; an architecture test sees to it.

    `stop` and `target` are the trigger prices of what shall rest behind the position once it fills.
    """

    intent: Intent
    stop: Decimal | None = None
    target: Decimal | None = None


class Reducing(Message, frozen=True, gc=False, tag="reducing"):
    """Permission to make a position or a resting order smaller, which waits for no gate.

    Only `core/execution/reducing.py` makes one, and it proves that the quantity is not larger than what is there.
    """

    intent: Intent


class OrderAccepted(Message, frozen=True, gc=False, tag="order_accepted"):
    account: str
    instrument: InstrumentId
    client_order_id: str
    venue_order_id: str
    ts_event: int
    ts_seen: int


class OrderRejected(Message, frozen=True, gc=False, tag="order_rejected"):
    account: str
    instrument: InstrumentId
    client_order_id: str
    reason: str
    ts_event: int
    ts_seen: int


class OrderTriggered(Message, frozen=True, gc=False, tag="order_triggered"):
    account: str
    instrument: InstrumentId
    client_order_id: str
    ts_event: int
    ts_seen: int


class OrderCanceled(Message, frozen=True, gc=False, tag="order_canceled"):
    account: str
    instrument: InstrumentId
    client_order_id: str
    reason: str
    ts_event: int
    ts_seen: int


class OrderExpired(Message, frozen=True, gc=False, tag="order_expired"):
    """The venue ended it: the rest of an IOC or FOK, a time limit, or no liquidity for a market order."""

    account: str
    instrument: InstrumentId
    client_order_id: str
    reason: str
    ts_event: int
    ts_seen: int


class CancelRejected(Message, frozen=True, gc=False, tag="cancel_rejected"):
    account: str
    instrument: InstrumentId
    client_order_id: str
    reason: str
    ts_event: int
    ts_seen: int


class OrderFilled(Message, frozen=True, gc=False, tag="order_filled"):
    """One fill, never a sum. (`instrument`, `trade_id`, `side`) is unique for an account and is what duplicates are
    known by; an account that trades with itself has one trade on two sides.

    `fee` is positive when paid, in `fee_asset`; `modelled` says that the price was computed, not met in the market.
    """

    account: str
    instrument: InstrumentId
    client_order_id: str
    trade_id: str
    side: Side
    quantity: Decimal
    price: Decimal
    fee: Decimal
    fee_asset: str
    liquidity: Liquidity
    ts_event: int
    ts_seen: int
    modelled: bool = False


class BalanceChanged(Message, frozen=True, gc=False, tag="balance_changed"):
    """The venue's statement of a wallet balance, `total` after the change."""

    account: str
    asset: str
    total: Decimal
    reason: str
    ts_event: int
    ts_seen: int


class FundingPaid(Message, frozen=True, gc=False, tag="funding_paid"):
    """`amount` is negative when the account paid."""

    account: str
    instrument: InstrumentId
    asset: str
    amount: Decimal
    ts_event: int
    ts_seen: int


OrderEvent = (
    OrderAccepted | OrderRejected | OrderTriggered | OrderCanceled | OrderExpired | CancelRejected | OrderFilled
)
AccountEvent = OrderEvent | BalanceChanged | FundingPaid


_PAIRS: Final = tuple(a + b for a in "abcdefghijklmnopqrstuvwxyz234567" for b in "abcdefghijklmnopqrstuvwxyz234567")
_SHIFTS: Final = range(150, -1, -10)


def client_order_id_of(account: str, origin: str, leg: Leg, generation: int = 0, attempt: int = 0) -> str:
    """`p` and 31 characters of base32: a pure function of (account, signal or command, leg, generation, attempt).

    The characters are those that `base64.b32encode` makes of the digest, in lower case, a tenth as slowly.
    """
    text = f"{account}|{origin}|{leg.value}|{generation}|{attempt}"
    bits = int.from_bytes(hashlib.sha256(text.encode()).digest()[:20], "big")
    return "p" + "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])[:31]
