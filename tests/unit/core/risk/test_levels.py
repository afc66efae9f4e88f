"""Stops and targets of an entry."""

import math
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.model.base import Side
from petrosa.core.model.refusals import Outcome, Verdict
from petrosa.core.risk.facts import Adding
from petrosa.core.risk.levels import Levels, levels_of
from petrosa.core.risk.params import RiskParams
from tests.kit.soak import examples
from tests.kit.trading import PERPETUAL, instrument, signal

HUNDRED = Decimal(100)


def levels(side: Side = Side.BUY, expected: Decimal = HUNDRED, worst: Decimal = HUNDRED, **named: float) -> Levels:
    found = levels_of(signal(**named), side, expected, worst, PERPETUAL, RiskParams())
    assert isinstance(found, Levels)
    return found


def test_a_signal_without_levels_gets_the_default_distances() -> None:
    """A buy without levels has its stop 2 % below and its target 5 % above the expected price, a sell the reverse."""
    assert (Decimal("98.0"), Decimal("105.0")) == (levels().stop, levels().target)
    assert (Decimal("102.0"), Decimal("95.0")) == (levels(Side.SELL).stop, levels(Side.SELL).target)


def test_a_signals_own_levels_are_honoured() -> None:
    """Prices that the signal names are taken before the fractions it names, and those before the defaults."""
    both = levels(stop_loss=99.0, stop_loss_pct=0.03, take_profit=101.0)
    assert (Decimal("99.0"), Decimal("101.0")) == (both.stop, both.target)
    assert Decimal("97.0") == levels(stop_loss_pct=0.03).stop
    assert Decimal("101.0") == levels(take_profit_pct=0.01).target


def test_a_level_on_the_wrong_side_gives_way_to_the_default_and_says_so() -> None:
    """A buy's stop above the entry is not used, and the outcome names it."""
    found = levels(stop_loss=101.0)
    assert Decimal("98.0") == found.stop
    assert "stop 98.0 (default, signal's 101 is on the wrong side)" in found.outcome.saw


def test_zero_is_a_level_and_not_a_missing_one() -> None:
    """A target of 0.0 for a sell is not taken for none: it is on the right side, and refused as a price."""
    found = levels_of(signal(take_profit=0.0), Side.SELL, HUNDRED, HUNDRED, PERPETUAL, RiskParams())
    assert isinstance(found, Outcome)
    assert "target 0.0 (signal)" in found.saw


def test_rounding_to_the_tick_never_takes_a_stop_farther_away() -> None:
    """A long's stop rounds up, a short's down; targets round towards the entry."""
    long = levels(stop_loss=98.04, take_profit=104.96)
    short = levels(Side.SELL, stop_loss=101.96, take_profit=95.04)
    assert (Decimal("98.1"), Decimal("104.9")) == (long.stop, long.target)
    assert (Decimal("101.9"), Decimal("95.1")) == (short.stop, short.target)


def test_a_stop_too_near_or_too_far_is_refused_with_distance_and_limits() -> None:
    """Noise would hit a stop under 0.1 %, and one over 10 % is no stop."""
    near = levels_of(
        signal(stop_loss=99.95), Side.BUY, HUNDRED, HUNDRED, instrument(tick=Decimal("0.01")), RiskParams()
    )
    far = levels_of(signal(stop_loss=80.0), Side.BUY, HUNDRED, HUNDRED, PERPETUAL, RiskParams())
    assert isinstance(near, Outcome)
    assert isinstance(far, Outcome)
    assert (Verdict.FAILED, "stop 99.95 (signal), target 105.00 (default), 0.0500% away") == (near.verdict, near.saw)
    assert "stop 0.1000% to 10.0000% away from 100" == near.limit
    assert "stop 80.0 (signal), target 105.0 (default), 20.0000% away" == far.saw


@examples(100)
@given(
    side=st.sampled_from(Side),
    expected=st.decimals("10", "90000", places=1),
    slip=st.decimals("0", "0.005", places=4),
    distance=st.floats(0.002, 0.09),
)
def test_the_stop_is_always_on_the_losing_side_and_never_farther_than_asked(
    side: Side, expected: Decimal, slip: Decimal, distance: float
) -> None:
    """At any price and slippage stop and target surround the entry, and rounding only brings the stop nearer."""
    worst = PERPETUAL.price(expected * (1 + slip * side.sign))
    params = RiskParams(max_stop_distance_fraction=0.9)
    found = levels_of(signal(stop_loss_pct=distance), side, expected, worst, PERPETUAL, params)
    if isinstance(found, Outcome):
        assert Verdict.FAILED is found.verdict
        return
    sign = side.sign
    assert found.stop * sign < min(expected * sign, worst * sign)
    assert found.target * sign > max(expected * sign, worst * sign)
    assert abs(expected - found.stop) <= expected * Decimal(repr(distance))
    assert 0 == found.stop % PERPETUAL.tick


def with_more(adding: Adding | None = None, side: Side = Side.BUY, **named: Any) -> Levels:
    found = levels_of(signal(**named), side, HUNDRED, HUNDRED, PERPETUAL, RiskParams(), adding)
    assert isinstance(found, Levels)
    return found


def test_an_atr_that_the_signal_supplies_comes_before_the_default_distances() -> None:
    """Two ATR to the stop and three to the target, from indicators or metadata; the signal's own level comes first."""
    for supplied in ({"indicators": {"atr": 1.5}}, {"metadata": {"atr": 1.5}}):
        found = with_more(**supplied)
        assert (Decimal("97.0"), Decimal("104.5")) == (found.stop, found.target)
        assert "stop 97.0 (2 × ATR 1.5), target 104.5 (3 × ATR 1.5)" in found.outcome.saw
    mixed = with_more(side=Side.SELL, indicators={"atr": 1.5}, stop_loss=101.0)
    assert (Decimal("101.0"), Decimal("95.5")) == (mixed.stop, mixed.target)


@pytest.mark.parametrize("atr", [0.0, -1.0, math.nan, math.inf, True, "wide", None])
def test_an_atr_that_is_no_distance_is_not_used(atr: Any) -> None:
    """The default distances are."""
    found = with_more(metadata={"atr": atr})
    assert (Decimal("98.0"), Decimal("105.0")) == (found.stop, found.target)


def test_an_atr_can_be_switched_off_and_is_bounded_like_any_stop() -> None:
    """A multiple of 0 does not ask for it; a stop too far away is refused."""
    off = RiskParams(atr_stop_multiple=0, atr_target_multiple=0)
    found = levels_of(signal(indicators={"atr": 1.5}), Side.BUY, HUNDRED, HUNDRED, PERPETUAL, off)
    assert isinstance(found, Levels)
    assert Decimal("98.0") == found.stop
    far = levels_of(signal(indicators={"atr": 9.0}), Side.BUY, HUNDRED, HUNDRED, PERPETUAL, RiskParams())
    assert isinstance(far, Outcome)
    assert "stop_distance" == far.check


def test_an_addition_has_the_levels_of_its_position() -> None:
    """Its own are not used: what rests behind the position will close the addition too."""
    adding = Adding(Decimal("96.0"), Decimal("106.0"), 0, 0)
    found = with_more(adding, stop_loss=99.0, take_profit=101.0)
    assert (Decimal("96.0"), Decimal("106.0")) == (found.stop, found.target)
    assert Decimal("101.0") == with_more(msgspec.structs.replace(adding, target=None), take_profit=101.0).target
