"""The gate. Nothing that enlarges a position leaves without an `Approved`, and `Approved` is made here alone."""

from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.orders import Approved, Intent, Place
from petrosa.core.model.refusals import Outcome, Verdict
from petrosa.core.risk.checks import CHECKS, SIZE_CHECKS
from petrosa.core.risk.facts import Entry, Facts
from petrosa.core.risk.levels import Levels, levels_of
from petrosa.core.risk.params import RiskParams
from petrosa.core.risk.sizing import Budget, Size, given_size, size_of
from petrosa.errors import InvariantError

STEPS: Final = (
    *(check.__name__ for check in CHECKS),
    "stop_distance",
    "sizing",
    *(check.__name__ for check in SIZE_CHECKS),
)
"""The name of every answer of the gate, in order."""


class Cleared(msgspec.Struct, frozen=True):
    """An entry that passed: at most `quantity`, at `worst` or better, with `stop` and `target` to rest behind it."""

    entry: Entry
    quantity: Decimal
    worst: Decimal
    stop: Decimal
    target: Decimal
    outcomes: tuple[Outcome, ...]


def assess(entry: Entry, facts: Facts, params: RiskParams) -> Cleared | tuple[Outcome, ...]:
    """Ask everything. Checks that stand alone are all asked; levels, size and what hangs on them stop early."""
    outcomes = [check(entry, facts, params) for check in CHECKS]
    expected, worst = entry.expected, entry.worst
    if _any_failed(outcomes) or expected is None or worst is None:
        return _with_not_reached(outcomes)
    levels = levels_of(entry.signal, entry.side, expected, worst, entry.instrument, params, facts.adding)
    if not isinstance(levels, Levels):
        return _with_not_reached([*outcomes, levels])
    outcomes.append(levels.outcome)
    budget = _budget(facts, entry, params)
    if budget is None:
        return _with_not_reached([*outcomes, Outcome("sizing", Verdict.FAILED, "balance not known", "a balance")])
    if entry.quantity is None:
        size = size_of(entry.signal, entry.side, expected, worst, levels.stop, budget, entry.instrument, params)
    else:
        size = given_size(entry.quantity, expected, worst, budget, entry.instrument, params)
    if not isinstance(size, Size):
        return _with_not_reached([*outcomes, size])
    outcomes.append(size.outcome)
    outcomes.extend(check(size, entry, facts, params) for check in SIZE_CHECKS)
    if _any_failed(outcomes):
        return tuple(outcomes)
    return Cleared(entry, size.quantity, worst, levels.stop, levels.target, tuple(outcomes))


def approve(cleared: Cleared, intent: Intent) -> Approved:
    """The key for an intent that is no more than what was cleared. Raises `InvariantError` for one that is."""
    place, entry = intent.action, cleared.entry
    if not isinstance(place, Place) or (place.price is None and not entry.at_market):
        raise InvariantError(f"{intent.client_order_id}: an entry is placed with a limit price")
    price = place.price or place.trigger_price or cleared.worst
    within = price <= cleared.worst if entry.side is Side.BUY else price >= cleared.worst
    faults = [
        name
        for name, is_so in (
            (f"another leg than {entry.leg.value}", intent.leg is not entry.leg),
            ("another instrument", intent.instrument != entry.instrument.id),
            ("another signal", intent.signal_id != entry.signal.signal_id),
            ("another side", place.side is not entry.side),
            (f"quantity {place.quantity} over {cleared.quantity}", not 0 < place.quantity <= cleared.quantity),
            (f"price {price} beyond {cleared.worst}", not within),
            ("a check that did not pass", any(o.verdict is not Verdict.PASSED for o in cleared.outcomes)),
        )
        if is_so
    ]
    if faults:
        raise InvariantError(f"{intent.client_order_id} is not what the gate cleared: {', '.join(faults)}")
    return Approved(intent, cleared.stop, cleared.target)


def not_reached() -> tuple[Outcome, ...]:
    """The gate's answers to something that did not come as far as the gate."""
    return _with_not_reached([])


def _budget(facts: Facts, entry: Entry, params: RiskParams) -> Budget | None:
    """What sizing may use; None when a part of it is not known. Without credit a purchase is paid in full."""
    equity, notional, own = facts.equity, facts.exposure.notional, facts.instrument_exposure
    if equity is None or notional is None or own is None:
        return None
    liquidity = facts.liquidity if params.max_liquidity_fraction > 0.0 else None
    if entry.instrument.market != "spot":
        return Budget(equity, notional, own, None, facts.spendable, liquidity)
    return (
        None if facts.spendable is None else Budget(equity, notional, own, facts.spendable, facts.spendable, liquidity)
    )


def _any_failed(outcomes: list[Outcome]) -> bool:
    return any(outcome.verdict is Verdict.FAILED for outcome in outcomes)


def _with_not_reached(outcomes: list[Outcome]) -> tuple[Outcome, ...]:
    return (*outcomes, *(Outcome(name, Verdict.NOT_REACHED) for name in STEPS[len(outcomes) :]))
