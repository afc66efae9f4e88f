"""The venue's rules for an order before it may meet the market. A broken rule is a sentence for people."""

from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.orders import Place
from petrosa.core.model.terms import fault_of_terms
from petrosa.core.simulation.orders import price_of


def broken_rule(place: Place, instrument: Instrument, reference_ticks: int) -> str | None:
    """The first rule of the instrument that an order breaks, or None.

    `reference_ticks` is the price by which an order without a limit is valued; 0 when nothing is known.
    """
    return (
        fault_of_terms(place, instrument)
        or _of_size(place, instrument, reference_ticks)
        or _of_band(place, instrument, reference_ticks)
    )


def _of_size(place: Place, instrument: Instrument, reference_ticks: int) -> str | None:
    if place.quantity > instrument.max_quantity:
        return f"quantity {place.quantity} > maximum {instrument.max_quantity} ({instrument.symbol} LOT_SIZE)"
    if place.quantity < instrument.min_quantity:
        return f"quantity {place.quantity} < minimum {instrument.min_quantity} ({instrument.symbol} LOT_SIZE)"
    price = place.price or place.trigger_price or price_of(instrument, reference_ticks)
    if place.reduce_only or instrument.inverse or price == 0:
        return None
    notional = instrument.notional(place.quantity, price)
    if notional < instrument.min_notional:
        return f"notional {notional:f} < minimum {instrument.min_notional} ({instrument.symbol} MIN_NOTIONAL)"
    return None


def _of_band(place: Place, instrument: Instrument, reference_ticks: int) -> str | None:
    """Of a limit price alone; where no reference is known the band cannot be drawn."""
    reference, price = price_of(instrument, reference_ticks), place.price
    if price is None or reference == 0:
        return None
    down, up = instrument.price_multiplier_down, instrument.price_multiplier_up
    if down is not None and price < EXACT.multiply(reference, down):
        return f"price {price} < {down} × {reference} ({instrument.symbol} PERCENT_PRICE)"
    if up is not None and price > EXACT.multiply(reference, up):
        return f"price {price} > {up} × {reference} ({instrument.symbol} PERCENT_PRICE)"
    return None
