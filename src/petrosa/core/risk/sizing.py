"""How much: what the stop would cost decides, the caps hold it down, and the step rounds it down. Nothing raises it."""

from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.risk.params import RiskParams, Sizing

ONE: Final = Decimal(1)


class Budget(msgspec.Struct, frozen=True):
    """What there is to size from, in the account's currency. `spendable` is None where margin is used."""

    equity: Decimal
    exposure: Decimal
    instrument_exposure: Decimal
    spendable: Decimal | None = None


class Size(msgspec.Struct, frozen=True):
    """A quantity on the step. `notional` is its value at the dearest price it can fill at."""

    quantity: Decimal
    notional: Decimal
    outcome: Outcome


def size_of(
    side: Side,
    expected: Decimal,
    worst: Decimal,
    stop: Decimal,
    wished: float,
    budget: Budget,
    instrument: Instrument,
    params: RiskParams,
) -> Size | Outcome:
    """risk_fraction × equity ÷ loss per unit between `worst` and `stop`, then the smallest of it and the caps.

    Leverage does not enter the formula, it only caps (10,000 at 2 % risk and a stop 0.5 % away want a notional of
    40,000; leverage 3 leaves 30,000).
    """
    if params.sizing is Sizing.SIGNAL:
        quantity, by = Decimal(repr(wished)), "the signal"
    else:
        loss_per_unit = instrument.profit(side, ONE, worst, stop).copy_negate()
        if loss_per_unit <= 0:
            return failed("sizing", f"a stop at {stop} loses nothing from {worst}", "a loss above 0", "repair the stop")
        risk = EXACT.multiply(budget.equity, _exact(params.risk_fraction))
        quantity, by = EXACT.divide(risk, loss_per_unit), f"risk {params.risk_fraction:.2%} = {risk:f}"
    notional_per_unit = max(instrument.notional(ONE, expected), instrument.notional(ONE, worst))
    for name, room in _caps(budget, instrument, params):
        if room <= 0:
            return failed("sizing", f"nothing left under {name}", "above 0", "close something, or raise the limit")
        capped = EXACT.divide(room, notional_per_unit)
        if capped < quantity:
            quantity, by = capped, f"{name}, {room:f} left"
    quantity = instrument.quantity(quantity)
    if quantity <= 0:
        limit = f"at least one step of {instrument.step}"
        return failed(
            "sizing", f"0 after rounding down ({by})", limit, "the limits leave too little for this instrument"
        )
    notional = EXACT.multiply(quantity, notional_per_unit)
    return Size(quantity, notional, passed("sizing", f"{quantity}, worth {notional:f}", by))


def _caps(budget: Budget, instrument: Instrument, params: RiskParams) -> list[tuple[str, Decimal]]:
    """What each limit still leaves, as notional."""
    equity = budget.equity

    def left(fraction: float, used: Decimal) -> Decimal:
        return EXACT.subtract(EXACT.multiply(equity, _exact(fraction)), used)

    caps = [
        ("max_position_fraction", left(params.max_position_fraction, budget.instrument_exposure)),
        ("max_exposure_fraction", left(params.max_exposure_fraction, budget.exposure)),
        ("max_leverage", left(params.max_leverage, budget.exposure)),
    ]
    if budget.spendable is not None:
        with_fee = EXACT.add(ONE, max(instrument.taker_fee_rate, instrument.maker_fee_rate))
        caps.append(("the balance", EXACT.divide(budget.spendable, with_fee)))
    return caps


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))
