"""How much: what the stop would cost decides, the caps hold it down, and the step rounds it down. Nothing raises it."""

from decimal import Decimal
from typing import Final

import msgspec

from petrosa.core.model.base import Side
from petrosa.core.model.instruments import EXACT, Instrument
from petrosa.core.model.refusals import Outcome, failed, passed
from petrosa.core.model.signals import Signal
from petrosa.core.risk.params import RiskParams, Sizing

ZERO: Final = Decimal(0)
ONE: Final = Decimal(1)


class Budget(msgspec.Struct, frozen=True):
    """What there is to size from, in the account's currency. `spendable` is None where margin is used.

    `balance` is the wallet of the quote currency, None when it is not known; `liquidity` the quantity that the book
    shows up to the worst price, None when that does not matter.
    """

    equity: Decimal
    exposure: Decimal
    instrument_exposure: Decimal
    spendable: Decimal | None = None
    balance: Decimal | None = None
    liquidity: Decimal | None = None


class Size(msgspec.Struct, frozen=True):
    """A quantity on the step. `notional` is its value at the dearest price it can fill at."""

    quantity: Decimal
    notional: Decimal
    outcome: Outcome


def size_of(
    signal: Signal,
    side: Side,
    expected: Decimal,
    worst: Decimal,
    stop: Decimal,
    budget: Budget,
    instrument: Instrument,
    params: RiskParams,
) -> Size | Outcome:
    """The quantity that is wished for, then the smallest of it and the caps, rounded down to the step.

    Leverage does not enter the formula, it only caps (10,000 at 2 % risk and a stop 0.5 % away want a notional of
    40,000; leverage 3 leaves 30,000).
    """
    wished = _wished(signal, side, expected, worst, stop, budget, instrument, params)
    if isinstance(wished, Outcome):
        return wished
    quantity, by = wished
    notional_per_unit = max(instrument.notional(ONE, expected), instrument.notional(ONE, worst))
    for name, room in _caps(budget, instrument, notional_per_unit, params):
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


def given_size(
    quantity: Decimal, expected: Decimal, worst: Decimal, budget: Budget, instrument: Instrument, params: RiskParams
) -> Size | Outcome:
    """The quantity that somebody asks for, whole: where a cap leaves less, it is refused and not made smaller."""
    notional_per_unit = max(instrument.notional(ONE, expected), instrument.notional(ONE, worst))
    for name, room in _caps(budget, instrument, notional_per_unit, params):
        most = instrument.quantity(EXACT.divide(max(room, ZERO), notional_per_unit))
        if quantity > most:
            limit = f"at most {most} ({name}, {room:f} left)"
            return failed("sizing", f"quantity {quantity}", limit, "ask for less, close something, or raise the limit")
    notional = EXACT.multiply(quantity, notional_per_unit)
    return Size(quantity, notional, passed("sizing", f"{quantity}, worth {notional:f}", "as asked for"))


def _wished(
    signal: Signal,
    side: Side,
    expected: Decimal,
    worst: Decimal,
    stop: Decimal,
    budget: Budget,
    instrument: Instrument,
    params: RiskParams,
) -> tuple[Decimal, str] | Outcome:
    """What `sizing` asks for before any cap, and by what.

    `risk`: risk_fraction × weight × equity ÷ loss per unit between `worst` and `stop`, where the weight is the
    confidence, held between confidence_weight_min and confidence_weight_max. `balance`: quote balance ×
    balance_fraction × confidence ÷ price. `signal`: the signal's quantity.
    """
    if params.sizing is Sizing.SIGNAL:
        return _exact(signal.quantity), "the signal"
    if params.sizing is Sizing.BALANCE:
        if budget.balance is None or budget.balance <= 0:
            saw = "not known" if budget.balance is None else f"{budget.balance:f}"
            return failed("sizing", f"balance {saw}", "above 0", f"fund the account's {instrument.quote}, or state it")
        value = EXACT.multiply(
            EXACT.multiply(budget.balance, _exact(params.balance_fraction)), _exact(signal.confidence)
        )
        by = f"{params.balance_fraction:.2%} of balance {budget.balance:f} × confidence {signal.confidence:g}"
        return EXACT.divide(value, instrument.notional(ONE, expected)), by
    loss_per_unit = instrument.profit(side, ONE, worst, stop).copy_negate()
    if loss_per_unit <= 0:
        return failed("sizing", f"a stop at {stop} loses nothing from {worst}", "a loss above 0", "repair the stop")
    weight = min(max(signal.confidence, params.confidence_weight_min), params.confidence_weight_max)
    risk = EXACT.multiply(EXACT.multiply(budget.equity, _exact(params.risk_fraction)), _exact(weight))
    by = (
        f"risk {params.risk_fraction:.2%} = {risk:f}"
        if weight == 1.0
        else (f"risk {params.risk_fraction:.2%} × weight {weight:g} = {risk:f}")
    )
    return EXACT.divide(risk, loss_per_unit), by


def _caps(
    budget: Budget, instrument: Instrument, notional_per_unit: Decimal, params: RiskParams
) -> list[tuple[str, Decimal]]:
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
    if budget.liquidity is not None:
        share = EXACT.multiply(budget.liquidity, _exact(params.max_liquidity_fraction))
        caps.append(("max_liquidity_fraction", EXACT.multiply(share, notional_per_unit)))
    return caps


def _exact(value: float) -> Decimal:
    return Decimal(repr(value))
