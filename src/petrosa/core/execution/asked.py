"""An order by hand as the gate sees it: its terms, the prices it may fill at, and an opinion that stands for it."""

from decimal import Decimal
from typing import Final, NamedTuple

from petrosa.core.execution.params import EntryStyle
from petrosa.core.execution.plan import entry_prices
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import Side
from petrosa.core.model.commands import PlaceOrder
from petrosa.core.model.instruments import EXACT, Instrument, Toward
from petrosa.core.model.orders import OrderType, Place
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.model.signals import Action, Signal
from petrosa.core.model.terms import fault_of_price, fault_of_terms
from petrosa.core.risk.facts import Adding

MANUAL: Final = "manual"
"""The strategy that orders by hand, and what they hold, are counted under."""
RISING: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})
"""A buy of these types waits for a rise, one of the other conditional types for a fall."""


class Prices(NamedTuple):
    """Where an order is expected to fill, the worst it may fill at, and the price by which it is said to be sane."""

    expected: Decimal | None
    worst: Decimal | None
    said: float


def place_of(command: PlaceOrder) -> Place:
    """The order as it leaves, if it does."""
    return Place(
        side=command.side,
        type=command.type,
        quantity=command.quantity,
        price=command.price,
        trigger_price=command.trigger_price,
        time_in_force=command.time_in_force,
        reduce_only=command.reduce_only,
        callback=command.callback,
    )


def terms_answers(
    command: PlaceOrder, place: Place, rules: Instrument, market: MarketState
) -> tuple[Outcome, Outcome, Outcome]:
    """What can be said of an order before anything is known of the account."""
    fault = fault_of_terms(place, rules)
    wanted = f"what a {place.type.value} order of {rules.symbol} is made of"
    terms = passed("terms", place.type.value, wanted) if fault is None else failed("terms", fault, wanted, _REPAIR)
    trigger = passed("trigger", "not looked at", wanted) if fault is not None else _trigger(place, market)
    return terms, trigger, _levels_wanted(command, rules)


def prices_of(place: Place, market: MarketState, rules: Instrument, max_slippage_bps: float) -> Prices:
    """Where a sound order that enlarges may fill; nothing where the market shows no price.

    A limit is its own worst price. Without one an order is reckoned to slip by `max_slippage_bps` from what it takes,
    the best opposite price or its trigger. A limit that would take is held against the market, so that a slip of the
    finger shows; one that waits for its price may be anywhere.
    """
    touch, slipped = entry_prices(place.side, market, rules, EntryStyle.MARKETABLE, max_slippage_bps)
    if touch is None:
        return Prices(None, None, market.mid)
    sign, limit, trigger = place.side.sign, place.price, place.trigger_price
    if limit is None and trigger is None:
        return Prices(touch, slipped, market.mid)
    if limit is None:
        assert trigger is not None
        slip = EXACT.multiply(trigger, Decimal(repr(1.0 + sign * max_slippage_bps / 10_000.0)))
        worst = rules.price(slip, Toward.DOWN if place.side is Side.BUY else Toward.UP)
        return Prices(trigger, worst if sign * (worst - trigger) > 0 else trigger, market.mid)
    waits_for = touch if trigger is None else trigger
    takes = sign * (limit - waits_for) >= 0
    return Prices(waits_for if takes else limit, limit, float(limit) if takes and trigger is None else market.mid)


def levels_answer(command: PlaceOrder, prices: Prices, adding: Adding | None) -> Outcome:
    """A stop or target that was asked for is on its side of every price that the entry may have, or is refused."""
    given = [(name, level) for name, level in _levels(command) if level is not None]
    if not given:
        return passed("levels", "none given", "the default distances, or those of the position")
    if adding is not None:
        limit = f"the stop {adding.stop} and target {adding.target} of the position"
        return failed("levels", _said(given), limit, "leave them out: an addition is protected as its position is")
    if prices.expected is None or prices.worst is None:
        return passed("levels", _said(given), "no price yet")
    low, high = min(prices.expected, prices.worst), max(prices.expected, prices.worst)
    buys = command.side is Side.BUY
    limit = f"stop {'below' if buys else 'above'} and target {'above' if buys else 'below'} {low} to {high}"
    for name, level in given:
        beyond = level < low if buys is (name == "stop_loss") else level > high
        if not beyond:
            return failed("levels", _said(given), limit, f"move {name} to its side, or leave it out")
    return passed("levels", _said(given), limit)


def opinion_of(command: PlaceOrder, rules: Instrument, prices: Prices, now: int) -> Signal:
    """What the gate's checks read instead of a strategy's signal: sure of itself, and made now."""
    return Signal(
        signal_id=command.command_id,
        strategy_id=MANUAL,
        symbol=rules.symbol,
        action=Action.BUY if command.side is Side.BUY else Action.SELL,
        confidence=1.0,
        price=prices.said,
        quantity=float(command.quantity),
        current_price=prices.said,
        ts_event=now,
        ts_seen=now,
        stop_loss=None if command.stop_loss is None else float(command.stop_loss),
        take_profit=None if command.take_profit is None else float(command.take_profit),
        source=command.actor,
    )


_REPAIR: Final = "send it again with terms that can be"


def _trigger(place: Place, market: MarketState) -> Outcome:
    """A trigger that the market is beyond already would be set off at once, and the venue refuses it."""
    reference = market.last or market.mid
    if place.type is OrderType.TRAILING_STOP or place.trigger_price is None or reference <= 0.0:
        return passed("trigger", "nothing to compare", "not set off at once")
    upward = (place.side is Side.BUY) is (place.type in RISING)
    limit = f"{'above' if upward else 'below'} the last price {reference:g}"
    saw = f"{place.side.value} {place.type.value} at {place.trigger_price}"
    last = Decimal(repr(reference))
    if place.trigger_price <= last if upward else place.trigger_price >= last:
        return failed("trigger", saw, limit, "it would be set off at once: send a market or limit order")
    return passed("trigger", saw, limit)


def _levels_wanted(command: PlaceOrder, rules: Instrument) -> Outcome:
    """Levels belong to what opens a position, and what opens one has a price by which they can be set."""
    given = [(name, level) for name, level in _levels(command) if level is not None]
    saw = _said(given) or "none given"
    if command.reduce_only:
        if given:
            remedy = "leave them out; to protect with other levels, place a reduce_only stop"
            return failed("protection", saw, "none with reduce_only", remedy)
        return passed("protection", saw, "none with reduce_only")
    if command.type is OrderType.TRAILING_STOP:
        limit = "a type whose price is known, so that a stop can be set behind it"
        return failed("protection", "a trailing_stop that opens a position", limit, "use stop, or send reduce_only")
    limit = f"above 0, on the tick {rules.tick}"
    fault = next((one for one in (fault_of_price(*pair, rules) for pair in given) if one), None)
    return passed("protection", saw, limit) if fault is None else failed("protection", fault, limit, _REPAIR)


def _levels(command: PlaceOrder) -> tuple[tuple[str, Decimal | None], ...]:
    return ("stop_loss", command.stop_loss), ("take_profit", command.take_profit)


def _said(given: list[tuple[str, Decimal]]) -> str:
    return ", ".join(f"{name} {level}" for name, level in given)
