"""Orders leave by the venue of their instrument."""

import pytest

from petrosa.core.model.orders import Approved, Reducing
from petrosa.errors import InvariantError, StorageError
from petrosa.runtime.outbox import Outbox, Together
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


class Paper:
    """A journal that owes until it is synced, and may refuse to."""

    def __init__(self, refuses: bool = False) -> None:
        self.owed = False
        self.syncs = 0
        self._refuses = refuses

    def sync(self) -> None:
        if self._refuses:
            raise StorageError("no space left on device")
        self.owed = False
        self.syncs += 1


def test_orders_of_several_turns_leave_behind_one_sync() -> None:
    """In their order, and none before; where nothing is owed the disk is left alone."""
    journal, left = Paper(), list[tuple[Approved | Reducing, int, int]]()
    together = Together(journal, lambda order, now: left.append((order, now, journal.syncs)))
    journal.owed = True
    for number in (1, 2):
        together.send(Approved(intent(number)), START + number)
    assert [] == left
    together.leave()
    assert [(Approved(intent(1)), START + 1, 1), (Approved(intent(2)), START + 2, 1)] == left
    together.leave()
    assert (1, 2) == (journal.syncs, len(left))


def test_where_the_disk_takes_nothing_none_of_them_leaves() -> None:
    """What is not remembered was not sent."""
    journal, left = Paper(refuses=True), list[object]()
    together = Together(journal, lambda order, now: left.append(order))
    journal.owed = True
    together.send(Approved(intent(1)), START)
    with pytest.raises(StorageError):
        together.leave()
    assert [] == left
