"""What the gate is told before it answers. `None` means not known, and what is not known refuses."""

from decimal import Decimal

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import FeedState
from petrosa.core.model.orders import Leg
from petrosa.core.model.signals import Signal
from petrosa.core.risk.exposure import Exposure


class Entry(msgspec.Struct, frozen=True):
    """What is asked for. The entry is expected to fill at `expected` and cannot fill worse than at `worst`.

    `at_market` is one without a limit: `worst` is then what is reckoned with, and nothing holds the venue to it. With a
    `quantity` it is wanted in that size or not at all; without, the size follows from the risk. One with a `trigger`
    waits on the venue until the market reaches it.
    """

    signal: Signal
    side: Side
    instrument: Instrument
    expected: Decimal | None
    worst: Decimal | None
    at_market: bool = False
    quantity: Decimal | None = None
    leg: Leg = Leg.ENTRY
    trigger: Decimal | None = None


class Today(msgspec.Struct, frozen=True):
    """The UTC day so far, in the account's currency. `equity` is what it began with.

    `loss` is above 0 when money is lost: realised and open, with fees and funding; deposits and withdrawals are none.
    `trades` counts entries that left.
    """

    equity: Decimal | None
    loss: Decimal | None
    trades: int


class Adding(msgspec.Struct, frozen=True):
    """A position that an entry would make larger. `stop` and `target` rest behind it and will behind the addition.

    `count` is how often it was added to, `ts_last` when its last entry left. `rival` names an opinion for the same side
    that must not be stronger, empty when there is none.
    """

    stop: Decimal
    target: Decimal | None
    count: int
    ts_last: int
    rival: str = ""


class Facts(msgspec.Struct, frozen=True):
    """How things stand at `now`. Money is in `currency`, the account's.

    `exposure` is of the whole account, `instrument_exposure` of this instrument alone; both hold positions and open
    entries, those whose fate is not known included. `spendable` is what can pay for a purchase in full; it matters
    where nothing is borrowed. `held` is signed and whole steps. `busy` and `closed` say in words what is under way on
    the instrument, and why no entry is taken at all; empty when nothing is.

    `adding` is None unless the entry is for the side that is held and positions may be added to. `liquidity` is the
    quantity that the book shows up to the worst price. `collateral` is what margin can be taken from, `margined` the
    notional that takes margin already; both are of the instrument's settle asset. `orders` and `conditional_orders`
    are alive on the instrument.
    """

    now: int
    currency: str
    equity: Decimal | None
    exposure: Exposure
    instrument_exposure: Decimal | None
    spendable: Decimal | None
    held: Decimal
    busy: str
    closed: str
    bid: float
    ask: float
    ts_quote: int
    feed_state: FeedState
    book_is_whole: bool
    today: Today
    mark: Decimal | None
    collateral: Decimal | None
    margined: Decimal | None
    liquidity: Decimal | None = None
    adding: Adding | None = None
    orders: int = 0
    conditional_orders: int = 0
