"""Where an entry is wrong (stop) and where it has been right (target)."""

from decimal import Decimal
from math import isfinite
from typing import NamedTuple

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument, Toward
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.model.signals import Signal
from petrosa.core.risk.facts import Adding
from petrosa.core.risk.params import RiskParams


class Levels(msgspec.Struct, frozen=True):
    """Trigger prices on the tick. `stop` is on the losing side of the entry, `target` on the winning side."""

    stop: Decimal
    target: Decimal
    outcome: Outcome


def levels_of(
    signal: Signal,
    side: Side,
    expected: Decimal,
    worst: Decimal,
    instrument: Instrument,
    params: RiskParams,
    adding: Adding | None = None,
) -> Levels | Outcome:
    """Stop and target of an entry, or why there are none.

    The signal's own levels count when they lie on the right side of both the `expected` and the `worst` entry price,
    prices before fractions; then multiples of the ATR that the signal supplies (`atr` in its indicators or metadata, in
    quote currency); otherwise the default distances from `expected` do. An addition has the levels that rest behind its
    position. Rounding to the tick never takes the stop farther away: a buy's stop rounds up, a sell's down, and targets
    round towards the entry too.
    """
    low, high = min(expected, worst), max(expected, worst)
    stop_sources = _Sources(
        signal.stop_loss, signal.stop_loss_pct, params.atr_stop_multiple, params.default_stop_loss_fraction
    )
    target_sources = _Sources(
        signal.take_profit, signal.take_profit_pct, params.atr_target_multiple, params.default_take_profit_fraction
    )
    atr = _atr_of(signal)
    stop, stop_from = _choose(stop_sources, atr, -side.sign, low, high, expected)
    target, target_from = _choose(target_sources, atr, side.sign, low, high, expected)
    if adding is not None:
        stop, stop_from = adding.stop, "of the position"
        target, target_from = (target, target_from) if adding.target is None else (adding.target, "of the position")
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


class _Sources(NamedTuple):
    """Where a level may come from, the first that is there: a price, a fraction, multiples of ATR, the default."""

    price: float | None
    fraction: float | None
    atr_multiple: float
    default: float


def _atr_of(signal: Signal) -> float | None:
    """The average true range that a signal supplies; None when it supplies none that is a distance."""
    for value in (signal.indicators.get("atr"), signal.metadata.get("atr")):
        if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value > 0.0:
            return float(value)
    return None


def _choose(
    sources: _Sources, atr: float | None, way: int, low: Decimal, high: Decimal, expected: Decimal
) -> tuple[Decimal, str]:
    """A level and where it comes from; `way` is +1 when it belongs above the entry, −1 when below."""
    why = ""
    if sources.price is not None:
        exact = Decimal(repr(sources.price))
        if exact > high if way > 0 else exact < low:
            return exact, "signal"
        why = f", signal's {sources.price:g} is on the wrong side"
    elif sources.fraction is not None:
        return _away(expected, sources.fraction, way), "signal's fraction"
    if atr is not None and sources.atr_multiple > 0.0:
        reach = EXACT.multiply(Decimal(repr(atr)), Decimal(repr(sources.atr_multiple * way)))
        return EXACT.add(expected, reach), f"{sources.atr_multiple:g} × ATR {atr:g}{why}"
    return _away(expected, sources.default, way), f"default{why}"


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
