"""How much is risked."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.model.base import Side
from petrosa.core.model.refusals import Outcome
from petrosa.core.risk.params import RiskParams, Sizing
from petrosa.core.risk.sizing import Budget, Size, size_of
from tests.kit.soak import examples
from tests.kit.trading import PERPETUAL, instrument

WIDE = RiskParams(risk_fraction=0.02, max_position_fraction=10.0, max_exposure_fraction=10.0, max_leverage=10.0)
HUNDRED = Decimal(100)


def budget(equity: str = "10000", exposure: str = "0", spendable: str | None = None) -> Budget:
    left = Decimal(spendable) if spendable is not None else None
    return Budget(Decimal(equity), Decimal(exposure), Decimal(0), left)


def size(params: RiskParams, stop: str = "99.5", held: Budget | None = None, side: Side = Side.BUY) -> Size:
    found = size_of(side, HUNDRED, HUNDRED, Decimal(stop), 7.0, held or budget(), PERPETUAL, params)
    assert isinstance(found, Size)
    return found


def test_risk_over_stop_is_the_notional_and_leverage_only_caps_it() -> None:
    """10,000 at 2 % risk and a stop 0.5 % away is a notional of 40,000, of which leverage 3 leaves 30,000."""
    assert Decimal(40_000) == size(WIDE).notional
    capped = size(RiskParams(risk_fraction=0.02, max_position_fraction=10.0, max_exposure_fraction=10.0))
    assert Decimal(30_000) == capped.notional
    assert "max_leverage, 30000.0 left" == capped.outcome.limit


def test_each_cap_holds_and_names_itself() -> None:
    """Position, exposure, leverage and a wallet that must pay in full each hold a size down."""
    position = RiskParams(risk_fraction=0.02, max_position_fraction=0.1, max_exposure_fraction=10.0, max_leverage=10.0)
    exposure = RiskParams(risk_fraction=0.02, max_position_fraction=10.0, max_exposure_fraction=1.0, max_leverage=10.0)
    assert (Decimal(1_000), True) == (size(position).notional, "max_position" in size(position).outcome.limit)
    used = size(exposure, held=budget(exposure="7000"))
    assert (Decimal(3_000), "max_exposure_fraction, 3000.0 left") == (used.notional, used.outcome.limit)
    paid = size(WIDE, held=budget(spendable="1000"))
    assert Decimal("999.5") == paid.notional
    assert "the balance" in paid.outcome.limit


def test_the_mirror_of_an_entry_has_the_mirrored_size() -> None:
    """A sell with its stop as far above risks what a buy with its stop below risks."""
    assert size(WIDE, "99.5").quantity == size(WIDE, "100.5", side=Side.SELL).quantity


def test_nothing_left_under_a_cap_is_refused_and_not_rounded_up() -> None:
    """A limit that is used up, or a size below one step, is a refusal with its reason."""
    full = size_of(Side.BUY, HUNDRED, HUNDRED, Decimal(99), 1.0, budget(exposure="30000"), PERPETUAL, RiskParams())
    small = size_of(
        Side.BUY, HUNDRED, HUNDRED, Decimal(99), 1.0, budget("10"), instrument(step=Decimal(1)), RiskParams()
    )
    assert isinstance(full, Outcome)
    assert isinstance(small, Outcome)
    assert "sizing: nothing left under max_exposure_fraction" == f"{full.check}: {full.saw}"
    assert small.saw.startswith("0 after rounding down")


def test_a_signals_quantity_counts_only_when_told_so_and_under_the_same_caps() -> None:
    """`quantity` is a hint by default; with sizing = signal it is the wish, and the caps hold it down."""
    by_signal = RiskParams(sizing=Sizing.SIGNAL, max_position_fraction=0.05)
    assert Decimal("5.000") == size(by_signal).quantity
    free = RiskParams(sizing=Sizing.SIGNAL, max_position_fraction=1.0)
    assert Decimal("7.000") == size(free).quantity


@examples(150)
@given(
    side=st.sampled_from(Side),
    equity=st.decimals("1", "1e7", places=2),
    price=st.decimals("1", "90000", places=1),
    stop=st.floats(0.001, 0.3),
    risk=st.floats(0.0001, 0.05),
    used=st.floats(0, 4),
)
def test_a_size_is_on_the_step_and_inside_every_limit(
    side: Side, equity: Decimal, price: Decimal, stop: float, risk: float, used: float
) -> None:
    """Rounded down to the step, never losing more at the stop than risk_fraction, never beyond a cap."""
    level = price * (1 - Decimal(repr(stop)) * side.sign)
    params = RiskParams(risk_fraction=risk)
    exposure = equity * Decimal(repr(used))
    found = size_of(side, price, price, level, 1.0, Budget(equity, exposure, Decimal(0)), PERPETUAL, params)
    if isinstance(found, Outcome):
        return
    exact = Decimal(repr(risk)) * equity
    assert 0 == found.quantity % PERPETUAL.step
    assert found.quantity * abs(price - level) <= exact
    assert found.notional <= equity * Decimal(repr(params.max_position_fraction))
    assert exposure + found.notional <= equity * Decimal(repr(params.max_exposure_fraction))
    assert exposure + found.notional <= equity * Decimal(repr(params.max_leverage))
