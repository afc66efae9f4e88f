"""An order as the venue holds it: whole ticks and steps, and what has become of it so far."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from math import inf
from typing import Final

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import OrderType, TimeInForce
from petrosa.core.simulation.trigger import Trigger

TAKE_PROFITS: Final = frozenset({OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT})
UNKNOWN_QUEUE: Final = 1 << 62
"""Queue ahead of an order at a price whose size nobody shows: it fills only when trades go through the price."""


class VenueOrder(msgspec.Struct, kw_only=True):
    """`limit` and `trigger` are ticks, quantities steps; times are the venue's, except `deadline` and `heard` (ours).

    `arrival` is when it reached the venue: no earlier market fact may fill it. A conditional order is triggered
    at `ready` (0 before) and waits for a market as new as that, at most until `deadline`; one with a limit is a plain
    limit order from then on. `trail` is what a trailing one follows, in ticks. Two orders of a list end each other.
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
    trail: Trigger | None = None
    list_id: str = ""

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
    def is_conditional(self) -> bool:
        """Whether it has a trigger, set off or not."""
        return self.trigger is not None or self.trail is not None

    @property
    def is_waiting(self) -> bool:
        """Whether nothing has set off its trigger yet."""
        return self.ready == 0 and self.is_conditional

    @property
    def fires_upward(self) -> bool:
        """Whether it is set off at its trigger or above; else at its trigger or below."""
        return (self.side is Side.BUY) is (self.type not in TAKE_PROFITS)

    def is_touched(self, ticks: int) -> bool:
        """Whether a reference price sets off a plain trigger at once; a trailing one has to be activated first."""
        if self.trigger is None or self.trail is not None:
            return False
        return ticks >= self.trigger if self.fires_upward else ticks <= self.trigger

    def observe(self, ticks: int) -> bool:
        """Learn a reference price; whether it sets the order off."""
        return self.is_touched(ticks) if self.trail is None else self.trail.observe(Decimal(ticks))

    def calm_ticks(self) -> tuple[float, float]:
        """Between which reference prices, both excluded, nothing changes for an order that waits for its trigger.

        An active trailing one wants to know of a new extreme and of the turn; before that, of its activation.
        """
        upward, trail = self.fires_upward, self.trail
        level = Decimal(self.trigger or 0)
        if trail is not None and trail.level is None:
            if trail.price is None:
                return inf, -inf
            upward, level = not upward, trail.price
        elif trail is not None and trail.level is not None and trail.best is not None:
            level, best = trail.level, int(trail.best)
            turn = int(level.to_integral_value(ROUND_FLOOR if upward else ROUND_CEILING))
            return (best, turn - 1) if upward else (turn + 1, best)
        return (-inf, int(level) - 1) if upward else (int(level) + 1, inf)

    def set_off(self, ts: int, deadline: int) -> None:
        """Its trigger was touched at `ts` (venue time)."""
        self.ready, self.deadline = max(ts, 1), deadline

    def become_plain(self, ts: int) -> None:
        """From `ts` on a conditional order with a limit is a limit order like any other, and no older than that.

        The venue says so by accepting it once more.
        """
        self.type, self.trigger, self.trail = OrderType.LIMIT, None, None
        self.ready = self.deadline = 0
        self.arrival = max(self.arrival, ts)

    def copy(self) -> "VenueOrder":
        """An order of its own, that later changes of this one do not reach."""
        trail = None if self.trail is None else msgspec.structs.replace(self.trail)
        return msgspec.structs.replace(self, trail=trail)


def price_of(instrument: Instrument, ticks: int) -> Decimal:
    return EXACT.multiply(instrument.tick, Decimal(ticks))


def quantity_of(instrument: Instrument, steps: int) -> Decimal:
    return EXACT.multiply(instrument.step, Decimal(steps))
