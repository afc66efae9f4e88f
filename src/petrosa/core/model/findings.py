"""What a comparison with the venue found, and what became of it."""

from decimal import Decimal
from enum import Enum

import msgspec

from petrosa.core.model.account import StatedOrder
from petrosa.core.model.base import Message
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import OrderEvent, OrderFilled


class FindingKind(Enum):
    """In what the venue and our books differ."""

    FOREIGN_ORDER = "foreign_order"
    """An order rests that this desk has not placed."""
    UNREMEMBERED_ORDER = "unremembered_order"
    """An order rests whose id is of our form, and that we do not remember."""
    DEAD_ORDER_RESTS = "dead_order_rests"
    """An order rests that was over in our books."""
    ORDER_LOST = "order_lost"
    """An order was accepted, and the venue does not know it any more."""
    FILLS_MISSING = "fills_missing"
    """An order has filled more than its trades that we were told of add up to."""
    POSITION_DIFFERS = "position_differs"
    """A derivative position is not the sum of our fills."""
    WALLET_SHORT = "wallet_short"
    """A spot wallet holds less of an asset than our fills add up to."""


class How(Enum):
    """What a person does about a finding."""

    ADOPT = "adopt"
    """Take the venue's truth into our books."""
    FLATTEN = "flatten"
    """Have it gone: cancel the order, or close the difference at market."""
    IGNORE = "ignore"
    """Accept it for as long as it does not change; it stays counted as exposure."""


class Finding(msgspec.Struct, frozen=True):
    """One difference. `finding_id` is a pure function of kind, instrument and content.

    `ours` and `stated` are the figures compared: signed position, wallet, or what an order has filled. `price` is the
    stated entry price of a position; `order` is set where the finding is about an order that the venue stated, `target`
    the client order id wherever it is about an order.
    """

    finding_id: str
    kind: FindingKind
    instrument: InstrumentId
    message: str
    ours: Decimal | None = None
    stated: Decimal | None = None
    price: Decimal | None = None
    order: StatedOrder | None = None
    target: str = ""
    is_ignored: bool = False


class WalletCorrected(msgspec.Struct, frozen=True):
    """A wallet that was not what we thought; `ours` is what we thought before."""

    asset: str
    ours: Decimal
    stated: Decimal


class Reconciled(Message, frozen=True, tag="reconciled"):
    """The account was compared with what the venue states, and what came of it is news.

    `suspects` count differences that were seen once and may be a race with news on its way. `is_clean` says that no
    entry waits for a comparison. `wallets` have been corrected already, and `news` of orders, which nobody had heard,
    has been taken in.
    """

    account: str
    cause: str
    findings: tuple[Finding, ...]
    is_clean: bool
    suspects: int
    wallets: tuple[WalletCorrected, ...]
    ts_event: int
    news: tuple[OrderEvent, ...] = ()


class FindingResolved(Message, frozen=True, tag="finding_resolved"):
    """What became of a `ResolveFinding`; `refused` says why nothing did, empty when it is done.

    `fill` is what was booked to make our books the venue's. `booked` is the gross profit that it made in the settle
    asset, at a price that was assumed; `difference` is what the open profit is more by the venue's entry price than by
    ours after it.
    """

    command_id: str
    actor: str
    reason: str
    finding_id: str
    how: How
    refused: str
    finding: Finding | None = None
    fill: OrderFilled | None = None
    booked: Decimal = Decimal(0)
    difference: Decimal = Decimal(0)
