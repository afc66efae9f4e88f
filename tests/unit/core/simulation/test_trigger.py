"""Triggers: touched from the right side, and trailing from the extreme since they were activated."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.simulation.trigger import Trigger
from tests.kit.soak import examples

prices = st.lists(st.integers(min_value=50, max_value=150).map(Decimal), min_size=1, max_size=30)


@pytest.mark.parametrize(("upward", "below", "above"), [(True, False, True), (False, True, False)])
def test_a_price_sets_it_off_from_one_side(upward: bool, below: bool, above: bool) -> None:
    """At the price itself it is set off either way."""
    trigger = Trigger(price=Decimal(100), upward=upward)
    assert (below, True, above) == tuple(trigger.observe(Decimal(price)) for price in (99, 100, 101))


def test_a_trailing_one_follows_the_extreme_and_never_the_turn() -> None:
    """Down by a tenth from the highest, which moves up with the price and not down with it."""
    trigger = Trigger(price=None, upward=False, callback=Decimal("0.1"))
    assert [False, False, False, True] == [trigger.observe(Decimal(price)) for price in (100, 110, 100, 99)]
    assert Decimal(110) == trigger.best


def test_a_trailing_one_sleeps_until_it_is_activated() -> None:
    """A sell activated at 120 takes no notice of 80."""
    trigger = Trigger(price=Decimal(120), upward=False, callback=Decimal("0.1"))
    assert [False, False, False, True] == [trigger.observe(Decimal(price)) for price in (80, 119, 120, 108)]
    assert Decimal(120) == trigger.best


def test_a_trailing_one_may_be_activated_from_its_own_side() -> None:
    """A sell that begins to follow when the price has fallen to 90, and fires a tenth below the highest since."""
    trigger = Trigger(price=Decimal(90), upward=False, callback=Decimal("0.1"), on_its_side=True)
    assert [False, False, False, False, True] == [trigger.observe(Decimal(price)) for price in (120, 91, 90, 100, 90)]


@examples(100)
@given(path=prices)
def test_a_mirrored_market_sets_off_the_mirrored_trigger(path: list[Decimal]) -> None:
    """What an upward one does on a path, a downward one does on its mirror image, for plain triggers."""
    up, down = Trigger(price=Decimal(110), upward=True), Trigger(price=Decimal(90), upward=False)
    assert [up.observe(price) for price in path] == [down.observe(200 - price) for price in path]


@examples(100)
@given(path=prices)
def test_a_trailing_one_fires_exactly_when_the_turn_is_large_enough(path: list[Decimal]) -> None:
    """Compared with the definition over the whole path."""
    trigger = Trigger(price=None, upward=True, callback=Decimal("0.05"))
    fired = [trigger.observe(price) for price in path]
    expected = [price >= min(path[: at + 1]) * Decimal("1.05") for at, price in enumerate(path)]
    assert expected == fired
