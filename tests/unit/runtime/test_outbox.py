"""Orders leave by the venue of their instrument, and a queue that is full says so."""

import asyncio

import pytest

from petrosa.core.model.orders import Approved, Reducing
from petrosa.errors import InvariantError, OverflowHalt
from petrosa.runtime.observed import Observed
from petrosa.runtime.outbox import Lane, Outbox
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


async def test_a_lane_delivers_in_order() -> None:
    """Everything put is delivered once, in order, and `drained` waits for it."""
    delivered: list[int] = []

    async def deliver(item: int) -> None:
        await asyncio.sleep(0)
        delivered.append(item)

    lane = Lane("venue", deliver, Observed())
    running = asyncio.create_task(lane.run())
    for item in range(5):
        lane.put(item)
    await lane.drained()
    assert delivered == [0, 1, 2, 3, 4]
    assert (lane.delivered, len(lane)) == (5, 0)
    running.cancel()


async def test_a_full_lane_halts() -> None:
    """The item that does not fit is an error for who puts it; what is queued stays."""

    async def never(item: int) -> None:
        await asyncio.Event().wait()

    lane = Lane("venue", never, Observed(), capacity=2)
    lane.put(1)
    lane.put(2)
    with pytest.raises(OverflowHalt, match="2 things wait for venue, limit 2"):
        lane.put(3)
    assert len(lane) == 2


async def test_what_could_not_be_delivered_is_still_first() -> None:
    """A failed delivery ends `run` and loses nothing: the next run begins with the same item."""
    delivered: list[int] = []
    broken = True

    async def deliver(item: int) -> None:
        if broken:
            raise OSError("away")
        delivered.append(item)

    lane = Lane("venue", deliver, Observed())
    lane.put(1)
    with pytest.raises(OSError, match="away"):
        await lane.run()
    broken = False
    running = asyncio.create_task(lane.run())
    await lane.drained()
    assert delivered == [1]
    running.cancel()
