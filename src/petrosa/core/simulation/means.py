"""Whether an account can pay for an order: its balance on spot, its margin on derivatives."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT
from petrosa.core.model.market import InstrumentId
from petrosa.core.simulation.account import FLAT, ZERO, Account, locked
from petrosa.core.simulation.listing import Listing
from petrosa.core.simulation.matching import Piece
from petrosa.core.simulation.orders import VenueOrder, price_of, quantity_of

Listings = Mapping[InstrumentId, Listing]


def lacking(
    account: Account, listings: Listings, order: VenueOrder, pieces: Iterable[Piece], leverage: int
) -> str | None:
    """Why the account cannot pay for an order that would take `pieces` now and rest for the remainder; None if it can.

    Reduce-only orders always can: they are never larger than what is held.
    """
    if order.reduce_only:
        return None
    if listings[order.instrument].instrument.market == "spot":
        return _lacking_balance(account, listings, order, pieces)
    return _lacking_margin(account, listings, order, leverage)


def _lacking_balance(account: Account, listings: Listings, order: VenueOrder, pieces: Iterable[Piece]) -> str | None:
    instrument = listings[order.instrument].instrument
    if order.side is Side.SELL:
        asset, needed = instrument.base, quantity_of(instrument, order.leaves)
    elif order.limit is not None:
        asset = instrument.quote
        needed = instrument.notional(quantity_of(instrument, order.leaves), price_of(instrument, order.limit))
    else:
        asset, needed = instrument.quote, ZERO
        for piece in pieces:
            value = instrument.notional(quantity_of(instrument, piece.steps), price_of(instrument, piece.ticks))
            needed = EXACT.add(needed, value)
    others = (o for listing in listings.values() for o in listing.orders.values() if o is not order)
    instruments = {key: listing.instrument for key, listing in listings.items()}
    free = EXACT.subtract(account.total(asset), locked(others, instruments, asset))
    if needed <= free:
        return None
    return f"balance is insufficient: needs {needed:f} {asset}, {free:f} is free; lower the quantity"


def _lacking_margin(account: Account, listings: Listings, order: VenueOrder, leverage: int) -> str | None:
    """Initial margin is the largest exposure that open orders could lead to, divided by the leverage."""
    settle = listings[order.instrument].instrument.settle
    equity, exposure, enlarges = account.total(settle), ZERO, False
    for listing in listings.values():
        instrument = listing.instrument
        if instrument.market == "spot" or instrument.settle != settle:
            continue
        is_own = instrument.id == order.instrument
        held = account.holdings.get(instrument.id, FLAT)
        worst = _worst_steps(listing, held.steps, order if is_own else None)
        if is_own:
            enlarges = worst > _worst_steps(listing, held.steps, None, without=order)
        if not worst:
            continue
        price = price_of(instrument, reference_ticks(listing) or order.limit or order.trigger or 0)
        if not price:
            continue
        exposure = EXACT.add(exposure, instrument.notional(quantity_of(instrument, worst), price))
        if held.steps:
            side = Side.BUY if held.steps > 0 else Side.SELL
            profit = instrument.profit(side, quantity_of(instrument, abs(held.steps)), held.entry, price)
            equity = EXACT.add(equity, profit)
    needed = EXACT.divide(exposure, Decimal(leverage))
    if not enlarges or needed <= equity:
        return None
    has = f"equity is {equity:.8f}; lower the quantity"
    return f"margin is insufficient: needs {needed:.8f} {settle} at {leverage}x, {has}"


def _worst_steps(listing: Listing, held: int, extra: VenueOrder | None, without: VenueOrder | None = None) -> int:
    """The largest position, either way, that open orders (and one more, or without one) could lead to."""
    long = short = held
    orders = [o for o in listing.orders.values() if o is not without and o is not extra and not o.reduce_only]
    for order in [*orders, extra] if extra is not None else orders:
        if order.side is Side.BUY:
            long += order.leaves
        else:
            short -= order.leaves
    return max(abs(long), abs(short))


def reference_ticks(listing: Listing) -> int:
    """The price by which positions are valued: mark, else last trade, else best bid; 0 when nothing is known."""
    displayed = listing.displayed
    if displayed.mark > 0.0:
        return displayed.ticks(displayed.mark)
    return displayed.last_ticks or displayed.best(Side.BUY)
