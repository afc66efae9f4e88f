"""What became of the order of a signal, as turns tell it: each fill once, late ones too, and an end without a fill."""

from decimal import Decimal

import pytest

from petrosa.apps.filling import Filling, Progress
from petrosa.core.model.base import Side
from petrosa.core.model.commands import Shutdown
from petrosa.core.model.orders import (
    Approved,
    Intent,
    Leg,
    Liquidity,
    OrderAccepted,
    OrderExpired,
    OrderFilled,
    OrderStatus,
    OrderType,
    Place,
    TimeInForce,
)
from tests.kit.toys import BTC

NAME = "p" + "a" * 31
TOLD = Shutdown("one", "me", "any event will do")


def entered(filling: Filling, time_in_force: TimeInForce = TimeInForce.IOC) -> Progress:
    """An order for 2 has left."""
    place = Place(Side.BUY, OrderType.LIMIT, Decimal(2), Decimal(100), time_in_force=time_in_force)
    progress = filling.announce(TOLD)
    filling.record(1, 1, TOLD, (Approved(Intent(NAME, "a", BTC, Leg.ENTRY, place, "s", "test")),))
    return progress


def filled(trade: str, quantity: str, price: str) -> OrderFilled:
    return OrderFilled(
        "a", BTC, NAME, trade, Side.BUY, Decimal(quantity), Decimal(price), Decimal("0.1"), "USDT", Liquidity.TAKER,
        1, 1,
    )  # fmt: skip


async def test_a_fill_that_is_told_twice_counts_once() -> None:
    """As the answer and the stream both tell it; the price is the average, the fees are summed by asset."""
    filling = Filling()
    progress = entered(filling)
    for event in (filled("t1", "1", "100"), filled("t1", "1", "100"), filled("t2", "1", "102")):
        assert not progress.over.done()
        filling.record(2, 2, event, ())
    assert progress.over.done()
    assert progress.order is not None
    assert (OrderStatus.FILLED, Decimal(101)) == (progress.order.status, progress.order.average_price)
    assert {"USDT": Decimal("0.2")} == progress.fees


async def test_an_end_is_waited_for_and_a_later_fill_still_counts() -> None:
    filling = Filling()
    progress = entered(filling)
    filling.record(2, 2, OrderAccepted("a", BTC, NAME, "17", 1, 1), ())
    assert not progress.over.done()
    filling.record(3, 3, OrderExpired("a", BTC, NAME, "nothing to take", 1, 1), ())
    assert progress.over.done()
    filling.record(4, 4, filled("t1", "1", "100"), ())
    assert progress.order is not None
    assert (OrderStatus.EXPIRED, Decimal(1)) == (progress.order.status, progress.order.filled)


@pytest.mark.parametrize("rests", [True, False])
async def test_what_rests_and_what_is_none_keeps_nobody_waiting(rests: bool) -> None:
    filling = Filling()
    if rests:
        progress = entered(filling, TimeInForce.GTC)
        filling.record(2, 2, OrderAccepted("a", BTC, NAME, "17", 1, 1), ())
    else:
        progress = filling.announce(TOLD)
        filling.record(1, 1, TOLD, ())
    assert progress.over.done()
    assert rests is (progress.order is not None)


async def test_an_ended_desk_keeps_nobody_waiting() -> None:
    filling = Filling()
    progress = entered(filling)
    filling.forget()
    assert progress.over.done()
