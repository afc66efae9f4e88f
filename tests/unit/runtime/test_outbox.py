"""Orders leave by the venue of their instrument."""

import pytest

from petrosa.core.model.orders import Approved, Reducing
from petrosa.errors import InvariantError
from petrosa.runtime.outbox import Outbox
from tests.kit.toys import START, intent


class Kept:
    """A gateway that keeps what it was given."""

    def __init__(self) -> None:
        self.orders: list[tuple[Approved | Reducing, int]] = []

    def submit(self, order: Approved | Reducing, now: int) -> None:
        self.orders.append((order, now))


def test_an_order_goes_to_its_venue_between_two_crash_points() -> None:
    """The gateway of the instrument's venue has the order after one named point and before the other."""
    passed: list[str] = []
    venue = Kept()
    Outbox({"binance": venue, "other": Kept()}, passed.append).send(Approved(intent(1)), START)
    assert [(Approved(intent(1)), START)] == venue.orders
    assert passed == ["outbox.before_send", "outbox.after_send"]


def test_an_order_for_nobody_is_our_mistake() -> None:
    """An order whose venue has no gateway is not lost in silence."""
    with pytest.raises(InvariantError, match="no gateway for venue 'binance'; there is other"):
        Outbox({"other": Kept()}).send(Approved(intent(1)), START)
