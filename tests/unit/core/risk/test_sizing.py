"""How much is risked."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.model.base import Side
from petrosa.core.model.refusals import Outcome
from petrosa.core.risk.levels import levels_of
from petrosa.core.risk.params import RiskParams, Sizing
from petrosa.core.risk.sizing import Budget, Size, size_of
from tests.kit.soak import examples
from tests.kit.trading import PERPETUAL, instrument, signal

WIDE = RiskParams(risk_fraction=0.02, max_position_fraction=10.0, max_exposure_fraction=10.0, max_leverage=10.0)
HUNDRED = Decimal(100)
OPINION = signal(quantity=7.0)


def budget(equity: str = "10000", exposure: str = "0", spendable: str | None = None) -> Budget:
    left = Decimal(spendable) if spendable is not None else None
    return Budget(Decimal(equity), Decimal(exposure), Decimal(0), left)


def size(params: RiskParams, stop: str = "99.5", held: Budget | None = None, side: Side = Side.BUY) -> Size:
    found = size_of(OPINION, side, HUNDRED, HUNDRED, Decimal(stop), held or budget(), PERPETUAL, params)
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
    full = size_of(OPINION, Side.BUY, HUNDRED, HUNDRED, Decimal(99), budget(exposure="30000"), PERPETUAL, RiskParams())
    small = size_of(
        OPINION, Side.BUY, HUNDRED, HUNDRED, Decimal(99), budget("10"), instrument(step=Decimal(1)), RiskParams()
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
    found = size_of(OPINION, side, price, price, level, Budget(equity, exposure, Decimal(0)), PERPETUAL, params)
    if isinstance(found, Outcome):
        return
    exact = Decimal(repr(risk)) * equity
    assert 0 == found.quantity % PERPETUAL.step
    assert found.quantity * abs(price - level) <= exact
    assert found.notional <= equity * Decimal(repr(params.max_position_fraction))
    assert exposure + found.notional <= equity * Decimal(repr(params.max_exposure_fraction))
    assert exposure + found.notional <= equity * Decimal(repr(params.max_leverage))


def test_confidence_weighs_the_risk_within_its_bounds() -> None:
    """The weight is the confidence, held between the bounds; by default both are 1."""
    found = []
    for confidence in (0.5, 0.8, 1.0):
        params = RiskParams(risk_fraction=0.005, confidence_weight_min=0.6, confidence_weight_max=0.9)
        weighted = size_of(
            signal(confidence=confidence), Side.BUY, HUNDRED, HUNDRED, Decimal(90), budget(), PERPETUAL, params
        )
        assert isinstance(weighted, Size)
        found.append(weighted.quantity)
    assert [Decimal(3), Decimal(4), Decimal("4.5")] == found
    assert Decimal(5) == size(RiskParams(risk_fraction=0.005), "90").quantity


def test_the_balance_formula_of_the_specification_is_selectable() -> None:
    """Balance × 2 % × confidence ÷ price: 10,000 at 0.85 and 50,000 is 0.0034, floored to the step."""
    params, price = RiskParams(sizing=Sizing.BALANCE), Decimal(50_000)
    found = size_of(
        signal(confidence=0.85), Side.BUY, price, price, Decimal(49_000),
        Budget(Decimal(10_000), Decimal(0), Decimal(0), None, Decimal(10_000)), PERPETUAL, params,
    )  # fmt: skip
    assert isinstance(found, Size)
    assert (Decimal("0.003"), "2.00% of balance 10000 × confidence 0.85") == (found.quantity, found.outcome.limit)


@pytest.mark.parametrize(("balance", "saw"), [(None, "balance not known"), ("0", "balance 0"), ("10", "0 after")])
def test_a_balance_that_is_too_small_is_refused_and_never_raised_to_a_minimum(balance: str | None, saw: str) -> None:
    """Neither to the least quantity nor to the least notional."""
    known = None if balance is None else Decimal(balance)
    params, price = RiskParams(sizing=Sizing.BALANCE), Decimal(50_000)
    held = Budget(Decimal(10_000), Decimal(0), Decimal(0), None, known)
    found = size_of(OPINION, Side.BUY, price, price, Decimal(49_000), held, PERPETUAL, params)
    assert isinstance(found, Outcome)
    assert found.saw.startswith(saw)


def test_a_share_of_what_the_book_shows_caps_the_size() -> None:
    """A tenth of 30 is 3, whatever the risk would allow."""
    params = RiskParams(
        risk_fraction=0.02, max_position_fraction=10, max_exposure_fraction=10, max_liquidity_fraction=0.1
    )
    held = Budget(Decimal(10_000), Decimal(0), Decimal(0), None, None, Decimal(30))
    found = size(params, held=held)
    assert (Decimal(3), True) == (found.quantity, found.outcome.limit.startswith("max_liquidity_fraction"))


@examples(100)
@given(
    side=st.sampled_from(Side),
    confidence=st.floats(0, 1),
    low=st.floats(0.05, 0.5),
    high=st.floats(0.5, 1),
    atr=st.floats(0.05, 5),
    step=st.sampled_from(["0.001", "0.1", "1"]),
    tick=st.sampled_from(["0.01", "0.1", "0.5"]),
)
def test_rounding_never_enlarges_the_risk(
    side: Side, confidence: float, low: float, high: float, atr: float, step: str, tick: str
) -> None:
    """Neither of the stop to the tick nor of the quantity to the step: hit, it costs at most what was to be risked."""
    rules = instrument(step=Decimal(step), tick=Decimal(tick))
    params = RiskParams(confidence_weight_min=low, confidence_weight_max=high)
    said = signal(confidence=confidence, indicators={"atr": atr})
    levels = levels_of(said, side, HUNDRED, HUNDRED, rules, params)
    if isinstance(levels, Outcome):
        return
    exact = HUNDRED - side.sign * Decimal(repr(atr)) * 2
    assert abs(HUNDRED - levels.stop) <= abs(HUNDRED - exact)
    found = size_of(said, side, HUNDRED, HUNDRED, levels.stop, budget(), rules, params)
    if isinstance(found, Size):
        weight = min(max(confidence, low), high)
        assert found.quantity * abs(HUNDRED - levels.stop) <= 10_000 * Decimal("0.005") * Decimal(repr(weight))
