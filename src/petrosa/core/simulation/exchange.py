"""The simulated exchange: keeps time for the venue, so that nothing meets or is heard of anything too early.

An order or cancel sent at `now` reaches the venue at `now` + order latency, in the order of sending. It meets only
market facts whose venue time (`ts_event`) is at or after that; venue stamps run backwards, so its arrival is noticed by
the latest stamp so far, and what it trades against must itself be as new as the arrival. Its answers are heard at the
later of `now` and the venue's time + response latency. Where the market is quiet for `quiet_market_ms`, nothing has
changed, and the order meets what was shown last.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from operator import itemgetter
from typing import Any, Final

import msgspec

from petrosa.core.model.base import NEVER, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookGap,
    BookSnapshot,
    Depth,
    InstrumentId,
    MarketEvent,
    MarkPrice,
    Trade,
)
from petrosa.core.model.orders import AccountEvent, Approved, Intent, Reducing
from petrosa.core.simulation.account import Account, Holding
from petrosa.core.simulation.clearing import Clearing
from petrosa.core.simulation.engine import Engine
from petrosa.core.simulation.latency import Latency
from petrosa.core.simulation.listing import InTransit, Listing, ListingState, Overdue
from petrosa.core.simulation.matching import Piece
from petrosa.core.simulation.params import FillModel, SimulationParams
from petrosa.errors import InvariantError

BUY: Final = Side.BUY
SELL: Final = Side.SELL


class SimulatedState(msgspec.Struct, frozen=True, kw_only=True):
    """An `Exchange` at rest. An exchange restored from it answers the same events with the same answers."""

    balances: dict[str, Decimal]
    holdings: dict[InstrumentId, Holding]
    listings: dict[InstrumentId, ListingState]
    closed: tuple[str, ...]
    answers: tuple[tuple[int, int, AccountEvent], ...]
    answers_made: int
    orders_made: int
    trades_made: int
    orders_sent: int
    last_arrival: int


class Exchange:
    """Implements `core.turns.SimulatedVenue` for one account on any number of instruments."""

    def __init__(
        self,
        instruments: Mapping[InstrumentId, Instrument],
        params: SimulationParams,
        account: str,
        balances: Mapping[str, Decimal],
        beside: "Exchange | None" = None,
    ) -> None:
        """`beside` holds the other side of a hedged account: balances, and what was taken of the book, are one."""
        self.account = Account(balances)
        self._is_instant = params.fill_model is FillModel.INSTANT
        self._latency = Latency(params)
        self._listings = {key: Listing(instrument) for key, instrument in instruments.items()}
        if beside is not None:
            self.account.balances = beside.account.balances
            for key, listing in self._listings.items():
                listing.consumed = beside._listings[key].consumed
        self._clearing = Clearing(account, self.account, params, self._latency)
        self._engine = Engine(self._listings, params, self._clearing, self._latency)
        self._busy: dict[InstrumentId, Listing] = {}
        self._orders_sent = 0
        self._last_arrival = 0
        self._next = NEVER
        self._planned = 0
        self._routes: dict[type, Callable[[Listing, Any, int], None]] = {
            BookDiff: self._on_diff,
            BestQuote: self._on_quote,
            Depth: self._on_depth,
            BookSnapshot: self._on_snapshot,
            MarkPrice: self._on_mark,
            BookGap: self._on_gap,
        }

    def submit(self, order: Approved | Reducing, now: int) -> None:
        """Take an order or cancel that left the desk at `now`."""
        self.take(order.intent, now)

    def take(self, intent: Intent, now: int) -> None:
        """Take an order or cancel of somebody who is not our desk, and needs no permission of its gate, at `now`."""
        self._orders_sent += 1
        arrival = max(now + self._latency.order_delay(self._orders_sent), self._last_arrival)
        self._last_arrival = arrival
        listing = self._listings.get(intent.instrument)
        if listing is None:
            reason = f"unknown instrument {intent.instrument}; it has no rules in this simulation"
            self._clearing.rejected(intent, reason, arrival, now)
        elif self._is_instant:
            self._engine.arrive(listing, intent, arrival, now)
        else:
            deadline = arrival + self._latency.quiet + self._latency.response_max
            listing.transit.append(InTransit(intent, arrival, deadline, self._orders_sent))
        self._after(listing)

    def on_market(self, event: MarketEvent, now: int) -> None:
        """Learn a market fact, and match what is open against it. Costs next to nothing while nothing is open."""
        listing = self._listings.get(event.instrument)
        if listing is None:
            return
        ts = event.ts_event
        if type(event) is Trade:
            if ts > listing.ts_max:
                listing.ts_max = ts
            if not listing.busy or listing.calm_above < event.price < listing.calm_below:
                listing.displayed.last_trade = event
            else:
                self._before(listing, ts, now)
                listing.displayed.last_trade = event
                self._engine.meet_trade(listing, event, now)
                self._admit(listing, now)
            return
        route = self._routes.get(type(event))
        if route is not None:
            if ts > listing.ts_max:
                listing.ts_max = ts
            route(listing, event, now)

    def takeable(self, instrument: InstrumentId, side: Side, limit: Decimal | None, steps: int) -> list[Piece]:
        """What an order of so many steps would take of the market as it is shown now, best first; nothing is taken."""
        listing = self._listings[instrument]
        return self._engine.takeable(
            listing, side, None if limit is None else listing.instrument.price_ticks(limit), steps
        )

    def supply(self, steps: int | None) -> None:
        """From now on let an order take at most so many steps when it comes; None: whatever is shown."""
        self._engine.supply = steps

    def next_due(self) -> int:
        """When the account hears the next thing; `NEVER` when nothing is queued."""
        return self._next

    def pop_due(self) -> AccountEvent:
        """The next thing the account hears."""
        due = self._next
        if self._clearing.answers.next_due() > due:
            self._act_in_quiet(due)
        event = self._clearing.answers.pop()
        self._plan()
        return event

    # market facts

    def _on_diff(self, listing: Listing, diff: BookDiff, now: int) -> None:
        if listing.consumed.taken:
            self._show(listing, diff)
        if not listing.busy:
            listing.displayed.difference(diff)
            return
        self._before(listing, diff.ts_event, now)
        listing.displayed.difference_at_once(diff)
        self._meet(listing, now)

    def _on_quote(self, listing: Listing, quote: BestQuote, now: int) -> None:
        if not listing.busy:
            listing.displayed.quote(quote)
            return
        self._before(listing, quote.ts_event, now)
        listing.displayed.quote(quote)
        self._meet(listing, now)

    def _on_depth(self, listing: Listing, depth: Depth, now: int) -> None:
        self._before(listing, depth.ts_event, now)
        listing.displayed.depth(depth)
        self._meet(listing, now)

    def _on_snapshot(self, listing: Listing, snapshot: BookSnapshot, now: int) -> None:
        self._before(listing, snapshot.ts_event, now)
        listing.displayed.snapshot(snapshot)
        self._meet(listing, now)

    def _on_mark(self, listing: Listing, mark: MarkPrice, now: int) -> None:
        self._before(listing, mark.ts_event, now)
        listing.displayed.mark = mark.mark
        self._engine.meet_mark(listing, mark, now)
        self._admit(listing, now)

    def _on_gap(self, listing: Listing, gap: BookGap, now: int) -> None:
        listing.displayed.gap(gap)
        self._admit(listing, now)

    def _show(self, listing: Listing, diff: BookDiff) -> None:
        displayed, consumed = listing.displayed, listing.consumed
        for side, levels in ((BUY, diff.bids), (SELL, diff.asks)):
            for price, quantity in levels:
                ticks = displayed.place(price)
                if type(ticks) is int:
                    consumed.shown(side, ticks, displayed.steps(quantity))

    def _before(self, listing: Listing, ts: int, now: int) -> None:
        """What happened at the venue before a fact of time `ts` did: expiries, stops and cancels that had arrived."""
        if not listing.busy:
            return
        self._engine.expire(listing, ts, now)
        for sent in listing.take_arrived():
            self._engine.arrive(listing, sent.intent, sent.arrival, now)

    def _meet(self, listing: Listing, now: int) -> None:
        if listing.busy:
            self._engine.meet_prices(listing, now)
            self._admit(listing, now)

    def _admit(self, listing: Listing, now: int) -> None:
        """Let in, in the order of sending, what has arrived by now."""
        transit = listing.transit
        while transit and listing.has_arrived(transit[0]):
            sent = transit.popleft()
            self._engine.arrive(listing, sent.intent, sent.arrival, now)
        if self._clearing.answers.number != self._planned or listing.unsettled:  # mostly, what changes a plan is said
            self._after(listing)

    # time

    def _act_in_quiet(self, due: int) -> None:
        """Do what fell due without a market fact: orders arrive, triggered ones take, others expire."""
        response_max = self._latency.response_max
        plans = ((listing.next_due(response_max), listing) for listing in self._listings.values() if listing.busy)
        (at, kind, number), listing = min(plans, key=itemgetter(0))
        if at != due:
            raise InvariantError(f"the simulated exchange has nothing to say at {due}; its next answer is at {at}")
        match kind:
            case Overdue.ARRIVAL:
                sent = listing.transit.popleft()
                self._engine.arrive(listing, sent.intent, sent.arrival, due)
            case Overdue.TRIGGERED:
                self._engine.take_overdue(listing, number, due)
            case _:
                self._engine.expire(listing, due - response_max, due)
        self._after(listing)

    def _after(self, listing: Listing | None) -> None:
        """Note whether a listing still has anything open, and when the next thing happens."""
        if listing is not None:
            listing.settle()
            if listing.busy:
                self._busy[listing.instrument.id] = listing
            else:
                self._busy.pop(listing.instrument.id, None)
        self._plan()

    def _plan(self) -> None:
        self._planned = self._clearing.answers.number
        due = self._clearing.answers.next_due()
        for listing in self._busy.values():
            due = min(due, listing.next_due(self._latency.response_max)[0])
        self._next = due

    # stopping and going on

    def snapshot(self) -> SimulatedState:
        """Everything that the future depends on."""
        answers = self._clearing.answers
        return SimulatedState(
            balances=dict(self.account.balances),
            holdings=dict(self.account.holdings),
            listings={key: listing.save() for key, listing in self._listings.items()},
            closed=tuple(self._engine.closed),
            answers=answers.snapshot(),
            answers_made=answers.number,
            orders_made=self._engine.orders_made,
            trades_made=self._clearing.trades_made,
            orders_sent=self._orders_sent,
            last_arrival=self._last_arrival,
        )

    def restore(self, state: SimulatedState) -> None:
        """Go on from a snapshot. Instruments that it does not know start afresh; ones unknown here are an error."""
        self.account.balances = dict(state.balances)
        self.account.holdings = dict(state.holdings)
        for key, saved in state.listings.items():
            if key not in self._listings:
                raise InvariantError(f"the saved simulation has {key}, which is not configured; configure it again")
            self._listings[key].load(saved)
        self._engine.closed = dict.fromkeys(state.closed)
        self._clearing.answers.restore(state.answers, state.answers_made)
        self._engine.orders_made = state.orders_made
        self._clearing.trades_made = state.trades_made
        self._orders_sent, self._last_arrival = state.orders_sent, state.last_arrival
        self._busy = {key: listing for key, listing in self._listings.items() if listing.busy}
        self._plan()
