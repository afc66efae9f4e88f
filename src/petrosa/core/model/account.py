"""What a venue states about an account when it is asked, in our words: orders, positions, balances."""

from decimal import Decimal

from petrosa.core.model.base import Message, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import OrderStatus, OrderType
from petrosa.core.model.positions import PositionSide


class StatedOrder(Message, frozen=True, gc=False, tag="stated_order"):
    """One order as the venue has it. `client_order_id` is what the venue says, ours or somebody else's.

    `ts_event` is the venue's time of its last change. `filled` counts what its trades add up to; the trades themselves
    come as `OrderFilled`.
    """

    account: str
    instrument: InstrumentId
    client_order_id: str
    venue_order_id: str
    side: Side
    type: OrderType
    status: OrderStatus
    quantity: Decimal
    filled: Decimal
    ts_event: int
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    reduce_only: bool = False
    list_id: str = ""
    reason: str = ""


class StatedPosition(Message, frozen=True, gc=False, tag="stated_position"):
    """A derivative position as the venue has it; `quantity` is signed, positive when long."""

    account: str
    instrument: InstrumentId
    side: PositionSide
    quantity: Decimal
    entry_price: Decimal


class AccountUnclear(Message, frozen=True, gc=False, tag="account_unclear"):
    """What the venue has done may not all have been heard: no entry until the account has been stated and compared."""

    account: str
    reason: str


class AccountStated(Message, frozen=True, tag="account_stated"):
    """Everything the venue holds for an account, asked for between `ts_event` and `ts_seen`.

    `orders` are all that are open, conditional ones and those of lists included; `answers` those that were asked for
    one by one because we thought them open; `missing` the client order ids among them that the venue does not know.
    Trades that were found on the way have been told before, as fills. `cause` says why it was asked.
    """

    account: str
    cause: str
    orders: tuple[StatedOrder, ...]
    answers: tuple[StatedOrder, ...]
    missing: tuple[str, ...]
    positions: tuple[StatedPosition, ...]
    balances: dict[str, Decimal]
    ts_event: int
    ts_seen: int


class RulesStated(Message, frozen=True, tag="rules_stated"):
    """The venue's rules for these instruments from now on; those that are not named keep theirs."""

    instruments: tuple[Instrument, ...]
    ts_event: int
