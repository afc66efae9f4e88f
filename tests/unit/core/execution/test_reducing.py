"""What may leave without a gate, because it can only make things smaller."""

from decimal import Decimal

import msgspec
import pytest

from petrosa.core.execution.lifecycle import advance, submitted
from petrosa.core.execution.reducing import Cause, by_hand, cancel, exit_at_market, rest_stop, rest_target
from petrosa.core.model.base import Side
from petrosa.core.model.orders import Cancel, Intent, Leg, OrderRejected, OrderType, Place
from petrosa.errors import InvariantError
from tests.kit.trading import PERPETUAL, START, place_of

CAUSE = Cause("paper", PERPETUAL.id, "signal-1", "signal-1", "skew")
ENTRY = Intent(
    "p1", "paper", PERPETUAL.id, Leg.ENTRY, Place(Side.BUY, OrderType.LIMIT, Decimal(1), Decimal(100)), "s", "skew"
)


@pytest.mark.parametrize(("held", "side"), [("0.5", Side.SELL), ("-0.5", Side.BUY)])
def test_protection_is_always_the_other_side_and_reduce_only(held: str, side: Side) -> None:
    """The stop and target of a long sell, those of a short buy, and none of them can turn the position."""
    for reducing in (
        rest_stop(CAUSE, Decimal(held), Decimal("0.5"), Decimal(98)),
        rest_target(CAUSE, Decimal(held), Decimal("0.5"), Decimal(105)),
        exit_at_market(CAUSE, Leg.EXIT, Decimal(held), Decimal("0.5")),
    ):
        place = place_of(reducing.intent)
        assert (side, True, Decimal("0.5")) == (place.side, place.reduce_only, place.quantity)


def test_more_than_is_held_cannot_be_written() -> None:
    """A reducing order over the position, of nothing, or of a flat position raises instead of leaving."""
    for held, quantity in (("0.5", "0.501"), ("0.5", "0"), ("0", "0.1"), ("-1", "1.1")):
        with pytest.raises(InvariantError):
            exit_at_market(CAUSE, Leg.EXIT, Decimal(held), Decimal(quantity))


def test_an_order_by_hand_is_proved_like_any_other() -> None:
    """On its own terms, but the other side, reduce-only and not more than what is held."""
    fine = Place(Side.SELL, OrderType.LIMIT, Decimal(1), Decimal(100), reduce_only=True)
    assert fine == by_hand(CAUSE, Decimal(1), fine).intent.action
    for changed in ({"quantity": Decimal("1.001")}, {"reduce_only": False}, {"side": Side.BUY}):
        with pytest.raises(InvariantError, match="is more than what is held"):
            by_hand(CAUSE, Decimal(1), msgspec.structs.replace(fine, **changed))


def test_an_entry_is_not_a_reducing_leg() -> None:
    """No order that is called an entry goes past the gate."""
    with pytest.raises(InvariantError, match="a entry order does not make a position smaller"):
        exit_at_market(CAUSE, Leg.ENTRY, Decimal(1), Decimal(1))


def test_a_cancel_names_its_order_and_has_an_id_of_its_own() -> None:
    """A repeated cancel has another id, so that the venue sees two requests; a dead order cannot be cancelled."""
    order = submitted(ENTRY, START)
    first = cancel(order, "asked").intent
    assert Cancel("p1", "asked") == first.action
    assert "p1" != first.client_order_id
    dead = advance(order, OrderRejected("paper", PERPETUAL.id, "p1", "no", START, START))
    with pytest.raises(InvariantError, match="nothing to cancel"):
        cancel(dead, "asked")
