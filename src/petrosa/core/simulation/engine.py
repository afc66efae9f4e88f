"""The venue itself: takes orders in, matches them against market facts, and says what became of them.

It knows no queues of time: `exchange.py` decides when something has arrived and is to be told.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

from petrosa.core.execution.lifecycle import WOULD_TRIGGER
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId, MarkPrice, Trade
from petrosa.core.model.orders import Cancel, Intent, Liquidity, Place, TimeInForce
from petrosa.core.simulation import queue
from petrosa.core.simulation.clearing import Clearing
from petrosa.core.simulation.displayed import Source
from petrosa.core.simulation.filters import broken_rule
from petrosa.core.simulation.latency import Latency
from petrosa.core.simulation.listing import Listing
from petrosa.core.simulation.matching import Piece, instant, modelled, takeable
from petrosa.core.simulation.means import lacking, reference_ticks
from petrosa.core.simulation.orders import VenueOrder, price_of, quantity_of
from petrosa.core.simulation.params import FillModel, SimulationParams, TriggerReference
from petrosa.core.simulation.trigger import Trigger

CLOSED_MAX: Final = 1_000
"""Client order ids of ended orders that are remembered, so that a repeated one is still known as a duplicate."""


class Engine:
    """`ts` is the venue's time of what happens, `now` ours when we learn of it.

    `supply` is how many steps an order may take at most when it comes, where the market is made thin on purpose.
    """

    def __init__(
        self,
        listings: Mapping[InstrumentId, Listing],
        params: SimulationParams,
        clearing: Clearing,
        latency: Latency,
    ) -> None:
        self.orders_made = 0
        self.supply: int | None = None
        self.closed: dict[str, None] = {}
        self._listings = listings
        self._params = params
        self._clearing = clearing
        self._account = clearing.account
        self._latency = latency
        self._instant = params.fill_model is FillModel.INSTANT

    # orders and cancels that have arrived

    def arrive(self, listing: Listing, intent: Intent, ts: int, now: int) -> None:
        """Take in an order or a cancel."""
        if isinstance(intent.action, Cancel):
            self._cancel(listing, intent, intent.action, ts, now)
        else:
            self._place(listing, intent, intent.action, ts, now)

    def _cancel(self, listing: Listing, intent: Intent, cancel: Cancel, ts: int, now: int) -> None:
        order = listing.orders.get(cancel.target_client_order_id)
        if order is None:
            self._clearing.rejected(intent, "unknown order: it never arrived, or has ended", ts, now)
            return
        self._take_off(listing, order, cancel.reason, ts, now)

    def _make_way(self, listing: Listing, intent: Intent, replaced: str, ts: int, now: int) -> bool:
        """Take off what an order replaces; where that is over already, the order is refused, and nothing is placed."""
        order = listing.orders.get(replaced)
        if order is None:
            self._clearing.rejected(intent, f"{replaced}, which it was to replace, is over or never was", ts, now)
            return False
        self._take_off(listing, order, f"replaced by {intent.client_order_id}", ts, now)
        return True

    def _take_off(self, listing: Listing, order: VenueOrder, reason: str, ts: int, now: int) -> None:
        """End an order and its list, because somebody asked for it."""
        for one in (order, *_list_of(listing, order)):
            self._close(listing, one)
            self._clearing.canceled(one, reason, ts, now)

    def _place(self, listing: Listing, intent: Intent, place: Place, ts: int, now: int) -> None:
        if place.replaces and not self._make_way(listing, intent, place.replaces, ts, now):
            return
        order = self._order(listing, intent, place, ts)
        reason = order if isinstance(order, str) else self._refusal(listing, order, place)
        if isinstance(order, str) or reason is not None:
            self._clearing.rejected(intent, str(reason), ts, now)
            return
        self.orders_made += 1
        listing.orders[order.client_order_id] = order
        self._clearing.accepted(order, ts, now)
        if not order.is_conditional:
            self._take(listing, order, ts, now)
        elif self._trigger_ticks(listing):
            order.observe(self._trigger_ticks(listing))  # nothing is set off by it, and a trailing one has its first

    def _order(self, listing: Listing, intent: Intent, place: Place, ts: int) -> VenueOrder | str:
        """The order in ticks and steps, or why there cannot be one."""
        cid, instrument = intent.client_order_id, listing.instrument
        if cid in self.closed or any(cid in one.orders for one in self._listings.values()):
            return "duplicate client order id"
        if place.ts_expire is not None and place.ts_expire <= ts:
            return f"expired before it arrived: ts_expire {place.ts_expire} <= {ts}"
        rule = broken_rule(place, instrument, reference_ticks(listing))
        if rule is not None:
            return rule
        return VenueOrder(
            client_order_id=cid,
            number=self.orders_made + 1,
            instrument=instrument.id,
            side=place.side,
            type=place.type,
            quantity=instrument.quantity_steps(place.quantity),
            limit=None if place.price is None else instrument.price_ticks(place.price),
            trigger=None if place.trigger_price is None else instrument.price_ticks(place.trigger_price),
            time_in_force=place.time_in_force,
            reduce_only=place.reduce_only,
            ts_expire=place.ts_expire,
            arrival=ts,
            trail=_trail(place, instrument),
            list_id=place.list_id,
        )

    def _refusal(self, listing: Listing, order: VenueOrder, place: Place) -> str | None:
        """Why a well-formed order is not accepted in this market by this account; None when it is."""
        instrument = listing.instrument
        if order.reduce_only and not self._account.reducible(instrument, order.side):
            held = quantity_of(instrument, self._account.steps_held(instrument))
            return f"reduce-only {order.side.value} of {place.quantity} makes nothing smaller: position is {held}"
        if order.is_conditional:
            reference = self._trigger_ticks(listing)
            if reference and order.is_touched(reference):
                return (
                    f"{WOULD_TRIGGER}: {self._params.trigger_reference.value} price is "
                    f"{price_of(instrument, reference)}, trigger {place.trigger_price}"
                )
            return None if instrument.market == "spot" else self._lacking(order, ())
        pieces = self._pieces(listing, order, order.quantity)
        if order.time_in_force is TimeInForce.GTX and pieces:
            price = price_of(instrument, pieces[0].ticks)
            return f"post-only at {place.price} would take liquidity at {price}"
        if order.limit is None and not pieces and listing.displayed.source is Source.NOTHING:
            return f"no price of {instrument.symbol} has been seen yet"
        return self._lacking(order, pieces)

    def _lacking(self, order: VenueOrder, pieces: Iterable[Piece]) -> str | None:
        return lacking(self._account, self._listings, order, pieces, self._params.initial_leverage)

    # what market facts do to open orders

    def meet_trade(self, listing: Listing, trade: Trade, now: int) -> None:
        """A print fills resting orders of the side it hit, best price first, oldest first, and sets off stops."""
        displayed = listing.displayed
        place, left, ts = displayed.place(trade.price), displayed.steps(trade.quantity), trade.ts_event
        hit = trade.aggressor.opposite
        resting = [o for o in listing.orders.values() if o.is_resting and o.side is hit and o.arrival <= ts]
        for order in sorted(resting, key=_priority):
            steps = self._reached(order, place, left, ts)
            steps = min(steps, self._allowed(listing, order)) if order.client_order_id in listing.orders else 0
            if steps > 0:
                left = max(0, left - steps)
                self._fill_resting(listing, order, steps, ts, now)
        if displayed.source is Source.TRADES:
            self.meet_prices(listing, now)
        if self._params.trigger_reference is TriggerReference.LAST:
            self.trigger(listing, round(place), ts, now)

    def meet_prices(self, listing: Listing, now: int) -> None:
        """New displayed sizes shorten queues, cross resting orders, and are what triggered orders wait for."""
        displayed = listing.displayed
        as_of = displayed.as_of
        for order in list(listing.orders.values()):
            if order.client_order_id not in listing.orders:
                continue  # ended by the fill of another one
            if order.ready:
                if order.ready <= as_of:
                    self._take(listing, order, order.ready, now)
            elif order.is_resting and order.arrival <= as_of:
                self._cross(listing, order, as_of, now)
                queue.look(order, displayed)

    def trigger(self, listing: Listing, ticks: int, ts: int, now: int) -> None:
        """Set off the stops and take-profits that a reference price touches."""
        is_any = False
        for order in list(listing.orders.values()):
            if not (order.is_waiting and order.arrival <= ts and order.client_order_id in listing.orders):
                continue
            listing.unsettled = listing.unsettled or order.trail is not None
            if not order.observe(ticks):
                continue
            order.set_off(ts, max(now, ts) + self._latency.quiet + self._latency.response_max)
            self._clearing.triggered(order, ts, now)
            self._end_list(listing, order, "was triggered", ts, now)
            is_any = True
        if not is_any:
            return
        if self._instant or listing.displayed.source is not Source.TRADES:
            self.take_ready(listing, now)

    def take_ready(self, listing: Listing, now: int) -> None:
        """Let triggered orders take what is displayed, if it is as new as their trigger."""
        for order in list(listing.orders.values()):
            is_new = self._instant or order.ready <= listing.displayed.as_of
            if order.ready and is_new and order.client_order_id in listing.orders:
                self._take(listing, order, order.ready, now)

    def take_overdue(self, listing: Listing, number: int, now: int) -> None:
        """Let a triggered order that waited long enough take what is displayed."""
        for order in list(listing.orders.values()):
            if order.number == number:
                self._take(listing, order, order.ready, now)

    def meet_mark(self, listing: Listing, mark: MarkPrice, now: int) -> None:
        """A mark price settles funding that has fallen due since the last one, and may set off stops."""
        if listing.ts_funded < listing.ts_funding <= mark.ts_event:
            listing.ts_funded = listing.ts_funding
            self._clearing.funding(listing.instrument, mark.mark, listing.funding_rate, listing.ts_funding, now)
        listing.funding_rate, listing.ts_funding = mark.funding_rate, mark.ts_next_funding
        if self._params.trigger_reference is TriggerReference.MARK and listing.orders:
            self.trigger(listing, listing.displayed.ticks(mark.mark), mark.ts_event, now)

    def expire(self, listing: Listing, ts: int, now: int) -> None:
        """End the orders whose time has come."""
        for order in list(listing.orders.values()):
            if order.ts_expire is not None and order.ts_expire <= ts:
                self._end(listing, order, "its time has come", order.ts_expire, now)

    # fills

    def _take(self, listing: Listing, order: VenueOrder, ts: int, now: int) -> None:
        """Let an order take what it may, then rest or end."""
        allowed = self._allowed(listing, order)
        pieces = self._pieces(listing, order, allowed)
        ts = max(ts, listing.displayed.as_of)
        if order.time_in_force is TimeInForce.FOK and sum(piece.steps for piece in pieces) < order.leaves:
            self._end(listing, order, "FOK: not all of it could be filled at once", ts, now)
            return
        if order.is_conditional:
            reason = _taking(listing, order, pieces) or self._lacking(order, pieces)
            if reason is not None:
                self._end(listing, order, reason, ts, now)
                return
            if order.limit is not None:
                order.become_plain(ts)
                self._clearing.accepted(order, ts, now)
        if pieces:
            for piece in pieces:
                listing.consumed.take(order.side.opposite, piece)
            self._fill(listing, order, pieces, Liquidity.TAKER, ts, now)
        if order.client_order_id not in listing.orders:
            return
        if order.is_resting and order.time_in_force in (TimeInForce.GTC, TimeInForce.GTX):
            queue.join(order, listing.displayed)
        else:
            self._end(listing, order, f"{_rest_of(order)}: nothing more to take within its limit", ts, now)

    def _pieces(self, listing: Listing, order: VenueOrder, wanted: int) -> list[Piece]:
        return self.takeable(listing, order.side, order.limit, wanted)

    def takeable(self, listing: Listing, side: Side, limit: int | None, wanted: int) -> list[Piece]:
        """What an order of a side would take now within its limit (ticks), displayed levels first, then the model."""
        displayed = listing.displayed
        if self.supply is not None:
            wanted = min(wanted, self.supply)
        if self._instant:
            return instant(displayed, side, limit, wanted)
        pieces = takeable(displayed, listing.consumed, side, limit, wanted)
        wanted -= sum(piece.steps for piece in pieces)
        return pieces + modelled(displayed, side, limit, wanted, self._params.impact_ticks)

    def _allowed(self, listing: Listing, order: VenueOrder) -> int:
        """Steps that may still fill: a reduce-only order is never larger than the position it reduces."""
        if not order.reduce_only:
            return order.leaves
        return min(order.leaves, self._account.reducible(listing.instrument, order.side))

    def _reached(self, order: VenueOrder, place: float, left: int, ts: int) -> int:
        if self._instant:
            assert order.limit is not None
            return order.leaves if order.side.sign * (order.limit - place) >= 0 else 0
        return min(left, queue.reached(order, place, left, ts)) if left else 0

    def _cross(self, listing: Listing, order: VenueOrder, ts: int, now: int) -> None:
        """Somebody shows a price at or through a resting order's: they would have met it, at its own limit."""
        allowed = self._allowed(listing, order)
        if self._instant:
            steps = allowed if instant(listing.displayed, order.side, order.limit, allowed) else 0
        else:
            pieces = takeable(listing.displayed, listing.consumed, order.side, order.limit, allowed)
            for piece in pieces:
                listing.consumed.take(order.side.opposite, piece)
            steps = sum(piece.steps for piece in pieces)
        if steps > 0:
            self._fill_resting(listing, order, steps, ts, now)

    def _fill_resting(self, listing: Listing, order: VenueOrder, steps: int, ts: int, now: int) -> None:
        assert order.limit is not None
        self._fill(listing, order, [Piece(order.limit, steps, 0, self._instant)], Liquidity.MAKER, ts, now)

    def _fill(
        self, listing: Listing, order: VenueOrder, pieces: list[Piece], liquidity: Liquidity, ts: int, now: int
    ) -> None:
        self._clearing.filled(listing.instrument, order, pieces, liquidity, ts, now)
        if order.leaves == 0:
            self._close(listing, order)
        self._end_list(listing, order, "filled", ts, now)
        self._end_what_reduces_nothing(listing, ts, now)

    def _end_what_reduces_nothing(self, listing: Listing, ts: int, now: int) -> None:
        for order in list(listing.orders.values()):
            if order.reduce_only and not self._account.reducible(listing.instrument, order.side):
                self._end(listing, order, "reduce-only: nothing is left to reduce", ts, now)

    def _end_list(self, listing: Listing, order: VenueOrder, what: str, ts: int, now: int) -> None:
        """Of two orders of a list the one that goes to work ends the other."""
        for other in _list_of(listing, order):
            self._end(listing, other, f"order list: {order.client_order_id} {what}", ts, now)

    def _end(self, listing: Listing, order: VenueOrder, reason: str, ts: int, now: int) -> None:
        self._close(listing, order)
        self._clearing.expired(order, reason, ts, now)

    def _close(self, listing: Listing, order: VenueOrder) -> None:
        del listing.orders[order.client_order_id]
        self.closed[order.client_order_id] = None
        if len(self.closed) > CLOSED_MAX:
            del self.closed[next(iter(self.closed))]

    def _trigger_ticks(self, listing: Listing) -> int:
        displayed = listing.displayed
        if self._params.trigger_reference is TriggerReference.LAST:
            return displayed.last_ticks
        return displayed.ticks(displayed.mark)


def _priority(order: VenueOrder) -> tuple[int, int, int]:
    """Price, then time."""
    limit = order.limit or 0
    return (-limit if order.side is Side.BUY else limit, order.arrival, order.number)


def _rest_of(order: VenueOrder) -> str:
    return "market" if order.limit is None else order.time_in_force.value


def _list_of(listing: Listing, order: VenueOrder) -> list[VenueOrder]:
    """The other orders of an order's list that are still open."""
    if not order.list_id:
        return []
    return [one for one in listing.orders.values() if one.list_id == order.list_id and one is not order]


def _trail(place: Place, instrument: Instrument) -> Trigger | None:
    """What a trailing stop follows, in ticks."""
    if place.callback is None:
        return None
    activation = None if place.trigger_price is None else Decimal(instrument.price_ticks(place.trigger_price))
    return Trigger(price=activation, upward=place.side is Side.BUY, callback=place.callback)


def _taking(listing: Listing, order: VenueOrder, pieces: list[Piece]) -> str | None:
    """Why a post-only order that was set off ends instead of resting."""
    if order.time_in_force is not TimeInForce.GTX or not pieces:
        return None
    price = price_of(listing.instrument, pieces[0].ticks)
    return f"post-only would take liquidity at {price}"
