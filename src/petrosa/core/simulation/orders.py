"""An order as the venue holds it: whole ticks and steps, and what has become of it so far."""

from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import OrderType, TimeInForce

UNKNOWN_QUEUE: Final = 1 << 62
"""Queue ahead of an order at a price whose size nobody shows: it fills only when trades go through the price."""


class VenueOrder(msgspec.Struct, kw_only=True):
    """`limit` and `trigger` are ticks, quantities steps; times are the venue's, except `deadline` and `heard` (ours).

    `arrival` is when it reached the venue: no earlier market fact may fill it. A conditional order is triggered
    at `ready` (0 before) and waits for a market as new as that, at most until `deadline`.
    `ahead` is the queue in front of a resting limit, last lowered by what was displayed at `ts_ahead`.
    """

    client_order_id: str
    number: int
    instrument: InstrumentId
    side: Side
    type: OrderType
    quantity: int
    limit: int | None
    trigger: int | None
    time_in_force: TimeInForce
    reduce_only: bool
    ts_expire: int | None
    arrival: int
    filled: int = 0
    ready: int = 0
    deadline: int = 0
    heard: int = 0
    ahead: int = UNKNOWN_QUEUE
    ts_ahead: int = 0

    @property
    def venue_order_id(self) -> str:
        return str(self.number)

    @property
    def leaves(self) -> int:
        """Steps still to fill."""
        return self.quantity - self.filled

    @property
    def is_resting(self) -> bool:
        """Whether it stands in the book for others to hit."""
        return self.type is OrderType.LIMIT

    @property
    def is_waiting(self) -> bool:
        """Whether it is a stop or take-profit that nothing has set off yet."""
        return self.trigger is not None and self.ready == 0

    @property
    def fires_upward(self) -> bool:
        """Whether a stop or take-profit is set off at its trigger or above; else at its trigger or below."""
        return (self.side is Side.BUY) is (self.type is OrderType.STOP)

    def is_touched(self, ticks: int) -> bool:
        """Whether the reference price sets off this stop or take-profit."""
        if self.trigger is None:
            return False
        return ticks >= self.trigger if self.fires_upward else ticks <= self.trigger


def price_of(instrument: Instrument, ticks: int) -> Decimal:
    return EXACT.multiply(instrument.tick, Decimal(ticks))


def quantity_of(instrument: Instrument, steps: int) -> Decimal:
    return EXACT.multiply(instrument.step, Decimal(steps))
