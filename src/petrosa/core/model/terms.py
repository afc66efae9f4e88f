"""What the terms of an order must be before anybody may take it: which prices its type needs, and the grid they are on.

These are the rules that the simulated exchange and the desk's own checks share. A broken one is a sentence for people.
"""

from decimal import Decimal
from typing import Final

from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.orders import OrderType, Place, TimeInForce

LIMITED: Final = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT})
"""The types that have a limit price; the others take whatever price there is."""
TRIGGERED: Final = frozenset(
    {OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT, OrderType.TRAILING_STOP}
)
CALLBACK_MOST: Final = Decimal("0.1")
CALLBACK_STEP: Final = Decimal("0.0001")
"""The largest fraction by which a price may have to turn before a trailing stop is set off, and its grid."""


def fault_of_terms(place: Place, instrument: Instrument) -> str | None:
    """The first fault of an order's terms, whatever the market does; None when they can stand."""
    return _of_kind(place) or _of_time_in_force(place, instrument) or _of_callback(place) or _of_grid(place, instrument)


def _of_kind(place: Place) -> str | None:
    """Which prices a type needs, and which it takes none of."""
    name = f"a {place.type.value} order"
    if place.type in LIMITED and place.price is None:
        return f"{name} needs a price; say the limit up to which it may fill"
    if place.type not in LIMITED and place.price is not None:
        return f"{name} takes no limit price, got {place.price}; leave it out, or use a limit type"
    trails = place.type is OrderType.TRAILING_STOP
    if place.type in TRIGGERED and place.trigger_price is None and not trails:
        return f"{name} needs a trigger price; say the price that sets it off"
    if place.type not in TRIGGERED and place.trigger_price is not None:
        return f"{name} takes no trigger price, got {place.trigger_price}; leave it out, or use a stop or take_profit"
    return None


def _of_time_in_force(place: Place, instrument: Instrument) -> str | None:
    """Where an order can be post-only: with a limit, and on spot without a trigger, as on Binance."""
    name = f"a {place.type.value} order"
    if place.time_in_force is not TimeInForce.GTX:
        return None
    if place.type not in LIMITED:
        return f"{name} cannot be post-only (GTX): it takes whatever price there is; use a limit type"
    if place.type in TRIGGERED and instrument.market == "spot":
        return f"{name} cannot be post-only (GTX) on spot; use GTC, IOC or FOK"
    return None


def _of_callback(place: Place) -> str | None:
    callback = place.callback
    if place.type is not OrderType.TRAILING_STOP:
        if callback is None:
            return None
        return f"a {place.type.value} order takes no callback, got {callback}; leave it out, or use a trailing_stop"
    limit = f"a fraction above 0, at most {CALLBACK_MOST}"
    if callback is None:
        return f"a trailing_stop order needs a callback; say {limit} (0.01 is 1 %)"
    if not callback.is_finite() or not 0 < callback <= CALLBACK_MOST:
        return f"callback {callback} is not {limit}; 0.01 is 1 %"
    if _is_off(callback, CALLBACK_STEP):
        return f"callback {callback} is not a multiple of {CALLBACK_STEP} (a basis point); venues take no others"
    return None


def _of_grid(place: Place, instrument: Instrument) -> str | None:
    for name, price in (("price", place.price), ("trigger price", place.trigger_price)):
        fault = None if price is None else fault_of_price(name, price, instrument)
        if fault is not None:
            return fault
    if not place.quantity.is_finite() or place.quantity <= 0:
        return f"quantity {place.quantity} must be above 0"
    if _is_off(place.quantity, instrument.step):
        return (
            f"quantity {place.quantity} is not a multiple of the step {instrument.step} ({instrument.symbol} LOT_SIZE)"
        )
    return None


def fault_of_price(name: str, price: Decimal, instrument: Instrument) -> str | None:
    """Why a price, called `name`, is none of the instrument's; None when it is."""
    if not price.is_finite() or price <= 0:
        return f"{name} {price} must be above 0"
    if _is_off(price, instrument.tick):
        return f"{name} {price} is not a multiple of the tick {instrument.tick} ({instrument.symbol} PRICE_FILTER)"
    return None


def _is_off(value: Decimal, unit: Decimal) -> bool:
    """Whether a value is not on the grid; one of more digits than can be reckoned with is not."""
    if value.adjusted() - unit.adjusted() >= EXACT.prec - 1:
        return True
    return EXACT.remainder(value, unit) != 0
