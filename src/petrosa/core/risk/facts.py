"""What the gate is told before it answers. `None` means not known, and what is not known refuses."""

from decimal import Decimal

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import FeedState
from petrosa.core.model.signals import Signal
from petrosa.core.risk.exposure import Exposure


class Entry(msgspec.Struct, frozen=True):
    """What is asked for. The entry is expected to fill at `expected` and cannot fill worse than at `worst`."""

    signal: Signal
    side: Side
    instrument: Instrument
    expected: Decimal | None
    worst: Decimal | None


class Facts(msgspec.Struct, frozen=True):
    """How things stand at `now`. Money is in `currency`, the account's.

    `exposure` is of the whole account, `instrument_exposure` of this instrument alone; both hold positions and open
    entries, those whose fate is not known included. `spendable` is what can pay for a purchase in full; it matters
    where nothing is borrowed. `held` is signed and whole steps. `busy` and `closed` say in words what is under way on
    the instrument, and why no entry is taken at all; empty when nothing is.
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
