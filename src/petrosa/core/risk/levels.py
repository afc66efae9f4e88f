"""Where an entry is wrong (stop) and where it has been right (target)."""

from decimal import Decimal

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument, Toward
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.model.signals import Signal
from petrosa.core.risk.params import RiskParams


class Levels(msgspec.Struct, frozen=True):
    """Trigger prices on the tick. `stop` is on the losing side of the entry, `target` on the winning side."""

    stop: Decimal
    target: Decimal
    outcome: Outcome


def levels_of(
    signal: Signal, side: Side, expected: Decimal, worst: Decimal, instrument: Instrument, params: RiskParams
) -> Levels | Outcome:
    """Stop and target of an entry, or why there are none.

    The signal's own levels count when they lie on the right side of both the `expected` and the `worst` entry price,
    prices before fractions; otherwise the default distances from `expected` do. Rounding to the tick never takes the
    stop farther away: a buy's stop rounds up, a sell's down, and targets round towards the entry too.
    """
    low, high = min(expected, worst), max(expected, worst)
    stop, stop_from = _choose(
        signal.stop_loss, signal.stop_loss_pct, params.default_stop_loss_fraction, -side.sign, low, high, expected
    )
    target, target_from = _choose(
        signal.take_profit, signal.take_profit_pct, params.default_take_profit_fraction, side.sign, low, high, expected
    )
    nearer_below, nearer_above = Toward.UP, Toward.DOWN
    stop = instrument.price(stop, nearer_below if side is Side.BUY else nearer_above)
    target = instrument.price(target, nearer_above if side is Side.BUY else nearer_below)
    saw = f"stop {stop} ({stop_from}), target {target} ({target_from})"
    wrong = _wrong(stop, target, side, low, high, saw)
    if wrong is not None:
        return wrong
    distance = EXACT.divide(EXACT.subtract(stop, worst), worst).copy_abs()
    least, most = params.min_stop_distance_fraction, params.max_stop_distance_fraction
    limit = f"stop {least:.4%} to {most:.4%} away from {worst}"
    saw = f"{saw}, {distance:.4%} away"
    if distance < Decimal(repr(least)) or distance > Decimal(repr(most)):
        return failed("stop_distance", saw, limit, "let the signal name a stop within the limits, or change them")
    return Levels(stop, target, passed("stop_distance", saw, limit))


def _choose(
    price: float | None,
    fraction: float | None,
    default: float,
    way: int,
    low: Decimal,
    high: Decimal,
    expected: Decimal,
) -> tuple[Decimal, str]:
    """A level and where it comes from; `way` is +1 when it belongs above the entry, −1 when below."""
    if price is not None:
        exact = Decimal(repr(price))
        if exact > high if way > 0 else exact < low:
            return exact, "signal"
        return _away(expected, default, way), f"default, signal's {price:g} is on the wrong side"
    if fraction is not None:
        return _away(expected, fraction, way), "signal's fraction"
    return _away(expected, default, way), "default"


def _away(price: Decimal, fraction: float, way: int) -> Decimal:
    return EXACT.add(price, EXACT.multiply(price, Decimal(repr(fraction * way))))


def _wrong(stop: Decimal, target: Decimal, side: Side, low: Decimal, high: Decimal, saw: str) -> Outcome | None:
    """A level that rounding or slippage has put on the wrong side of the entry, or below zero."""
    if side is Side.BUY:
        fine = Decimal(0) < stop < low and high < target
        limit = f"0 < stop < {low}, target > {high}"
    else:
        fine = stop > high and Decimal(0) < target < low
        limit = f"stop > {high}, 0 < target < {low}"
    if fine:
        return None
    return failed("stop_distance", saw, limit, "the levels must leave room for a tick and for max_slippage_bps")
