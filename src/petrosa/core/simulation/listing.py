"""One instrument as listed on the simulated venue: what is shown, what rests on it, what is on its way to it."""

from collections import deque
from enum import IntEnum
from math import inf

import msgspec

from petrosa.core.model.base import NEVER, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.orders import Intent, Place
from petrosa.core.simulation.displayed import Displayed, DisplayedState
from petrosa.core.simulation.matching import Consumed
from petrosa.core.simulation.orders import VenueOrder


class Overdue(IntEnum):
    """What happens by the clock alone, in the order in which it does at one instant."""

    ARRIVAL = 0
    TRIGGERED = 1
    EXPIRY = 2
    NOTHING = 3


class InTransit(msgspec.Struct, frozen=True):
    """An order or cancel, the `number`th that was sent, that reaches the venue at `arrival` (its time).

    When no market fact as late as that has been heard in time, the account hears of it at `deadline` (our time).
    """

    intent: Intent
    arrival: int
    deadline: int
    number: int

    @property
    def needs_prices(self) -> bool:
        """Whether it meets the market on arrival; a cancel and a conditional order do not."""
        action = self.intent.action
        return isinstance(action, Place) and not action.type.is_conditional


class ListingState(msgspec.Struct, frozen=True, kw_only=True):
    """A `Listing` at rest."""

    displayed: DisplayedState
    consumed: tuple[tuple[Side, int, int, int], ...]
    orders: tuple[VenueOrder, ...]
    transit: tuple[InTransit, ...]
    ts_max: int
    funding_rate: float
    ts_funding: int
    ts_funded: int


class Listing:
    """`ts_max` is the latest time the venue has named so far; its stamps run backwards, this does not.

    `funding_rate` will be settled at `ts_funding` (0: none announced) unless that time is `ts_funded` already.
    A print between `calm_above` and `calm_below`, both excluded, concerns nothing that is open. `unsettled` says that
    what is open has changed in a way that nobody is told of.
    """

    __slots__ = (
        "busy", "calm_above", "calm_below", "consumed", "displayed", "funding_rate", "instrument", "orders", "transit",
        "ts_funded", "ts_funding", "ts_max", "unsettled",
    )  # fmt: skip

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.displayed = Displayed(instrument)
        self.consumed = Consumed()
        self.orders: dict[str, VenueOrder] = {}
        self.transit: deque[InTransit] = deque()
        self.ts_max = 0
        self.funding_rate = 0.0
        self.ts_funding = 0
        self.ts_funded = 0
        self.busy = self.unsettled = False
        self.calm_above, self.calm_below = inf, -inf

    def settle(self) -> None:
        """Note what is open, after it changed: a position is mostly guarded by a stop and a target far from the price.

        The bounds are a tick inside the triggers, so that rounding a price to ticks cannot matter.
        """
        self.busy, self.unsettled = bool(self.orders or self.transit), False
        self.calm_above, self.calm_below = -inf, inf
        tick = float(self.instrument.tick)
        for order in self.orders.values():
            if not order.is_waiting or order.ts_expire is not None:
                self.calm_above, self.calm_below = inf, -inf
                break
            above, below = order.calm_ticks()
            self.calm_above, self.calm_below = max(self.calm_above, above * tick), min(self.calm_below, below * tick)
        if self.transit:
            self.calm_above, self.calm_below = inf, -inf

    def has_arrived(self, sent: InTransit) -> bool:
        """Whether the venue is as late as the arrival, and shows prices as late as that where they are needed."""
        return (self.displayed.as_of if sent.needs_prices else self.ts_max) >= sent.arrival

    def take_arrived(self) -> list[InTransit]:
        """What has arrived and needs no prices, so that it takes effect before the fact that shows its arrival does.

        Orders keep the order of sending; a cancel waits only for the order it is for.
        """
        if not self.transit:
            return []
        behind: set[str] = set()
        taken: list[InTransit] = []
        for sent in self.transit:
            action = sent.intent.action
            is_first = not behind if isinstance(action, Place) else action.target_client_order_id not in behind
            if is_first and not sent.needs_prices and self.has_arrived(sent):
                taken.append(sent)
            elif isinstance(action, Place):
                behind.add(sent.intent.client_order_id)
        for sent in taken:
            self.transit.remove(sent)
        return taken

    def next_due(self, response_max: int) -> tuple[int, Overdue, int]:
        """What the account hears from here first though the market stays quiet: (when, kind, sequence number)."""
        first = (NEVER, Overdue.NOTHING, 0)
        if self.transit:
            first = (self.transit[0].deadline, Overdue.ARRIVAL, self.transit[0].number)
        for order in self.orders.values():
            if order.ready:
                first = min(first, (max(order.deadline, order.heard), Overdue.TRIGGERED, order.number))
            if order.ts_expire is not None:
                first = min(first, (max(order.ts_expire + response_max, order.heard), Overdue.EXPIRY, order.number))
        return first

    def save(self) -> ListingState:
        return ListingState(
            displayed=self.displayed.save(),
            consumed=tuple((side, ticks, *entry) for (side, ticks), entry in self.consumed.taken.items()),
            orders=tuple(order.copy() for order in self.orders.values()),
            transit=tuple(self.transit),
            ts_max=self.ts_max,
            funding_rate=self.funding_rate,
            ts_funding=self.ts_funding,
            ts_funded=self.ts_funded,
        )

    def load(self, state: ListingState) -> None:
        self.displayed.load(state.displayed)
        self.consumed.taken = {(side, ticks): (shown, taken) for side, ticks, shown, taken in state.consumed}
        self.orders = {order.client_order_id: order.copy() for order in state.orders}
        self.transit = deque(state.transit)
        self.ts_max, self.ts_funded = state.ts_max, state.ts_funded
        self.funding_rate, self.ts_funding = state.funding_rate, state.ts_funding
        self.settle()
