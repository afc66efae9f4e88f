"""The venue's own rules for an order, asked before it leaves: what breaks one would only be rejected there."""

from decimal import Decimal

from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.risk.facts import Entry, Facts
from petrosa.core.risk.params import RiskParams
from petrosa.core.risk.sizing import Size

PROTECTIVE_ORDERS = 2
"""A stop and a target come to rest behind an entry."""


def price_band(entry: Entry, facts: Facts, _: RiskParams) -> Outcome:
    """The venue's PERCENT_PRICE: the worst price is within its multiples of the mark."""
    rules = entry.instrument
    down, up = rules.price_multiplier_down, rules.price_multiplier_up
    if down is None and up is None:
        return passed("price_band", "no such filter", rules.symbol)
    named = f"({rules.symbol} PERCENT_PRICE)"
    if facts.mark is None or entry.worst is None:
        return failed("price_band", "mark not known", f"{down} to {up} × mark {named}", "wait for a mark price")
    low = None if down is None else EXACT.multiply(facts.mark, down)
    high = None if up is None else EXACT.multiply(facts.mark, up)
    saw = f"price {entry.worst}"
    limit = f"{'0' if low is None else f'{low:f}'} to {'any' if high is None else f'{high:f}'} {named}"
    if (low is not None and entry.worst < low) or (high is not None and entry.worst > high):
        return failed("price_band", saw, limit, "wait until market and mark agree, or lower max_slippage_bps")
    return passed("price_band", saw, limit)


def order_count(entry: Entry, facts: Facts, _: RiskParams) -> Outcome:
    """The venue's MAX_NUM_ORDERS and MAX_NUM_ALGO_ORDERS: there is room for the entry, its stop and its target.

    An addition replaces what rests behind the position, new before old, so for a moment it needs the same room.
    """
    rules = entry.instrument
    if rules.max_orders is None and rules.max_conditional_orders is None:
        return passed("order_count", "no such filter", rules.symbol)
    orders = facts.orders + 1 + PROTECTIVE_ORDERS
    conditional = facts.conditional_orders + PROTECTIVE_ORDERS + (entry.trigger is not None)
    saw = f"{orders} orders, {conditional} of them conditional, with this entry"
    limit = f"{rules.max_orders or 'any'} orders, {rules.max_conditional_orders or 'any'} conditional ({rules.symbol})"
    too_many = rules.max_orders is not None and orders > rules.max_orders
    too_conditional = rules.max_conditional_orders is not None and conditional > rules.max_conditional_orders
    if too_many or too_conditional:
        return failed("order_count", saw, limit, "cancel orders that are not needed")
    return passed("order_count", saw, limit)


def on_grid(size: Size, entry: Entry, _: Facts, __: RiskParams) -> Outcome:
    """The venue's PRICE_FILTER and LOT_SIZE: the price is on the tick and the quantity on the step."""
    rules = entry.instrument
    saw = f"{size.quantity} at {entry.worst}"
    limit = f"step {rules.step} (LOT_SIZE), tick {rules.tick} ({rules.symbol} PRICE_FILTER)"
    off = entry.worst is None or EXACT.remainder(entry.worst, rules.tick) or EXACT.remainder(size.quantity, rules.step)
    if off:
        return failed("on_grid", saw, limit, "repair the rules of the instrument")
    return passed("on_grid", saw, limit)


def min_quantity(size: Size, entry: Entry, _: Facts, __: RiskParams) -> Outcome:
    """The venue's LOT_SIZE from below. A size is never raised to it: that would raise the risk."""
    instrument = entry.instrument
    limit = f"at least {instrument.min_quantity} ({instrument.symbol} LOT_SIZE)"
    if size.quantity < instrument.min_quantity:
        remedy = _more("raise risk_fraction or the caps, or leave it", entry)
        return failed("min_quantity", f"quantity {size.quantity}", limit, remedy)
    return passed("min_quantity", f"quantity {size.quantity}", limit)


def max_quantity(size: Size, entry: Entry, facts: Facts, _: RiskParams) -> Outcome:
    """The venue's LOT_SIZE from above: of the order, and of as many stops and targets as may rest behind all of it."""
    rules = entry.instrument
    saw, limit = f"quantity {size.quantity}", f"at most {rules.max_quantity} ({rules.symbol} LOT_SIZE)"
    remedy = "lower risk_fraction or max_position_fraction" if entry.quantity is None else "ask for less"
    if size.quantity > rules.max_quantity:
        return failed("max_quantity", saw, limit, remedy)
    held = facts.held.copy_abs() if facts.held * entry.side.sign > 0 else Decimal(0)
    after, most = EXACT.add(held, size.quantity), protectable(rules)
    if most is not None and after > most:
        named = f"at most {most:f} ({rules.symbol} LOT_SIZE {rules.max_quantity} × MAX_NUM_ALGO_ORDERS)"
        return failed("max_quantity", f"position {after:f} after it", f"{named}: so much can rest behind stops", remedy)
    return passed("max_quantity", saw, limit)


def protectable(rules: Instrument) -> Decimal | None:
    """The largest position that stops and targets can rest behind; None where the venue names no number of them.

    On spot each part is a stop and a target. On derivatives there may be twice as many for a moment, new before old.
    """
    if rules.max_conditional_orders is None:
        return None
    each = PROTECTIVE_ORDERS if rules.market == "spot" else 2 * PROTECTIVE_ORDERS
    return EXACT.multiply(rules.max_quantity, Decimal(max(rules.max_conditional_orders // each, 1)))


def min_notional(size: Size, entry: Entry, _: Facts, __: RiskParams) -> Outcome:
    """The venue's MIN_NOTIONAL, at the cheapest price the entry can fill at."""
    instrument = entry.instrument
    prices = [price for price in (entry.expected, entry.worst) if price is not None]
    notional = min((instrument.notional(size.quantity, price) for price in prices), default=Decimal(0))
    limit = f"minimum {instrument.min_notional} ({instrument.symbol} MIN_NOTIONAL)"
    if notional < instrument.min_notional:
        share = EXACT.divide(instrument.min_notional, notional) if notional > 0 else Decimal(0)
        needed = EXACT.add(instrument.quantity(EXACT.multiply(size.quantity, share)), instrument.step)
        remedy = (
            f"it takes a quantity of about {needed}: {_more('raise risk_fraction or the caps, or leave it', entry)}"
        )
        return failed("min_notional", f"notional {notional:f}", limit, remedy)
    return passed("min_notional", f"notional {notional:f}", limit)


def _more(remedy: str, entry: Entry) -> str:
    """What helps against a size that is too small; one that was asked for is only made larger by asking for more."""
    return remedy if entry.quantity is None else "ask for more, or leave it"
