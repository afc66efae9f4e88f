"""Which request to Binance leaves when: cancels and what they are for, pairs, urgent before the rest, the end."""

import asyncio
from decimal import Decimal

import pytest

from petrosa.adapters.venues.binance.live.gateway_params import GatewayParams
from petrosa.adapters.venues.binance.live.refusals import NEVER_SENT
from petrosa.core.model.account import AccountUnclear
from petrosa.errors import OverflowHalt
from tests.kit.live_venue import (
    DONE,
    LATE,
    LOST,
    SLOW,
    UNANSWERED,
    Fate,
    client_ids,
    on,
)

MARKETS = pytest.mark.parametrize("market", ["spot", "usdm"])


# cancels


@MARKETS
async def test_a_cancelled_order_ends(market: str) -> None:
    """The answer to the cancel is the end of the order."""
    async with on(market) as desk:
        entry = desk.rest()
        await desk.clock.settle()
        desk.cancel(entry)
        await desk.clock.pass_time(3)
    assert desk.heard(entry)[-1] == "OrderCanceled"


async def test_a_cancel_of_an_order_that_has_filled_tells_the_fill() -> None:
    """The venue does not know it any more; that is no error, the order is asked for."""
    async with on("usdm") as desk:
        entry = desk.rest()
        await desk.clock.settle()
        desk.bench.book("96.00", "97.00")
        desk.cancel(entry)
        await desk.clock.settle()
    assert desk.filled(entry) == Decimal("1.5")
    assert "CancelRejected" not in desk.heard(entry)


@MARKETS
async def test_a_cancel_of_an_order_that_never_was_is_told(market: str) -> None:
    """Nobody knows the order: the cancel is rejected, and the account must be stated."""
    async with on(market) as desk:
        never = desk.intent(desk.rest().leg, desk.rest().action)
        await desk.clock.settle()
        desk.cancel(never)
        await desk.clock.settle()
    assert desk.heard(never) == ["CancelRejected"]
    assert any(isinstance(event, AccountUnclear) for event in desk.told)


@MARKETS
@pytest.mark.parametrize("fate", [LOST, UNANSWERED])
async def test_a_cancel_without_an_answer_may_be_repeated(market: str, fate: Fate) -> None:
    """First the order is asked for: one that is open is cancelled again, one that is gone is told."""
    async with on(market) as desk:
        entry = desk.rest()
        await desk.clock.settle()
        desk.call.plan.append(fate)
        desk.cancel(entry)
        await desk.clock.pass_time(5)
    assert desk.heard(entry)[-1] == "OrderCanceled"
    assert [request.method for request in desk.call.changes] == ["POST", "DELETE", *(["DELETE"] * (fate is LOST))]


async def test_a_cancel_that_is_never_answered_is_given_back() -> None:
    """After a few tries the desk is told; its own timer goes on."""
    async with on("usdm") as desk:
        entry = desk.rest()
        await desk.clock.settle()
        desk.call.plan.extend([LOST] * 3)
        desk.cancel(entry)
        await desk.clock.pass_time(5)
    assert "CancelRejected" in desk.heard(entry)
    assert len(desk.call.changes) == 4


async def test_a_cancel_after_a_restart_knows_the_order_by_name_only() -> None:
    """The gateway has not placed it and asks all the same."""
    async with on("usdm") as desk:
        stop = desk.intent(desk.stop().leg, desk.stop().action)
        await desk.clock.settle()
        desk.call.plan.append(LOST)
        desk.cancel(stop)
        await desk.clock.pass_time(1)
    assert [request.path for request in desk.call.questions][:2] == ["/fapi/v1/algoOrder", "/fapi/v1/order"]
    assert desk.heard(stop) == ["CancelRejected"]


async def test_an_order_that_is_cancelled_before_it_left_never_leaves() -> None:
    """Neither it nor its cancel is sent."""
    async with on("usdm") as desk:
        entry = desk.rest()
        desk.cancel(entry)
        await desk.clock.settle()
    assert desk.call.sent == []
    assert desk.reason(entry) == f"{NEVER_SENT}, cancelled before it left: not wanted"


# two that cancel each other


async def test_two_orders_of_one_list_are_one_request_on_spot() -> None:
    """Both legs rest, under their own names, and lock the balance once."""
    async with on("spot") as desk:
        desk.enter()
        await desk.clock.settle()
        stop, target = desk.stop(list_id="pair"), desk.target(list_id="pair")
        await desk.clock.settle()
    assert [request.path for request in desk.call.changes] == ["/api/v3/order", "/api/v3/orderList/oco"]
    assert desk.heard(stop) == desk.heard(target) == ["OrderAccepted"]


async def test_two_orders_of_one_list_are_two_requests_on_futures() -> None:
    """There is no such list there: the desk cancels what the other leaves."""
    async with on("usdm") as desk:
        desk.enter()
        await desk.clock.settle()
        desk.stop(list_id="pair"), desk.target(list_id="pair")
        await desk.clock.settle()
    assert [request.path for request in desk.call.changes] == ["/fapi/v1/order"] + ["/fapi/v1/algoOrder"] * 2


async def test_half_a_list_is_not_sent() -> None:
    """The second leg did not come in the same turn."""
    async with on("spot") as desk:
        stop = desk.stop(list_id="pair")
        await desk.clock.settle()
    assert desk.call.sent == []
    assert desk.reason(stop).startswith(f"{NEVER_SENT}, list pair needs two orders")


@pytest.mark.parametrize("fate", [UNANSWERED, LATE])
async def test_a_list_without_an_answer_is_found_leg_by_leg(fate: Fate) -> None:
    """Each leg is asked for by its own name."""
    async with on("spot") as desk:
        desk.enter()
        await desk.clock.settle()
        desk.call.plan.append(fate)
        stop, target = desk.stop(list_id="pair"), desk.target(list_id="pair")
        await desk.clock.pass_time(20)
    assert desk.heard(stop) == desk.heard(target) == ["OrderAccepted"]


# who goes first


async def test_a_stop_does_not_wait_behind_entries() -> None:
    """However many entries wait, what makes something smaller leaves first."""
    async with on("usdm") as desk:
        entries = [desk.rest(price=f"{90 + number}") for number in range(8)]
        stop = desk.stop()
        await desk.clock.settle()
    sent = client_ids(desk.call.sent)
    assert sent == [stop.client_order_id, *(entry.client_order_id for entry in entries)]


async def test_one_silent_request_does_not_hold_an_exit_back() -> None:
    """The next order of the instrument waits half a second for the one before, then it leaves."""
    async with on("usdm") as desk:
        desk.enter()
        await desk.clock.settle()
        desk.call.plan.append(SLOW)
        stop, leaving = desk.stop(), desk.leave()
        await desk.clock.pass_time(0.4)
        assert client_ids(desk.call.sent)[1:] == [stop.client_order_id]
        await desk.clock.pass_time(0.2)
        assert client_ids(desk.call.sent)[1:] == [stop.client_order_id, leaving.client_order_id]
        assert desk.held() == 0
        await desk.clock.pass_time(3)
    assert desk.heard(stop)[0] == "OrderAccepted"


async def test_a_cancel_waits_for_the_answer_to_its_order() -> None:
    """Before that the venue may not know the order yet, and it would rest after its cancel."""
    async with on("usdm") as desk:
        desk.call.plan.append(SLOW)
        entry = desk.rest()
        await desk.clock.settle()
        desk.cancel(entry)
        await desk.clock.pass_time(1.9)
        assert [request.method for request in desk.call.changes] == ["POST"]
        await desk.clock.pass_time(0.2)
    assert desk.heard(entry) == ["OrderAccepted", "OrderCanceled"]


async def test_a_full_lane_refuses_an_entry_and_halts_for_a_stop() -> None:
    """An entry can be left out and is told; a stop cannot."""
    async with on("usdm", GatewayParams(lane_capacity=1)) as desk:
        desk.rest()
        left_out = desk.rest()
        desk.stop()
        with pytest.raises(OverflowHalt, match="1 requests wait for usdm"):
            desk.stop()
        assert desk.reason(left_out).startswith(f"{NEVER_SENT}, 1 requests wait for usdm, which is the limit")


async def test_an_entry_that_waits_behind_others_too_long_is_rejected() -> None:
    """The slots for entries are taken by silent requests; the third is told in time."""
    async with on("usdm", GatewayParams(entry_slots=1)) as desk:
        desk.call.plan.append(SLOW)
        first, second = desk.rest(), desk.rest()
        await desk.clock.pass_time(1.1)
        assert desk.heard(second) == ["OrderRejected"]
        await desk.clock.pass_time(2)
    assert desk.heard(first)[0] == "OrderAccepted"


# the end


async def test_drained_is_when_everything_is_answered() -> None:
    """What is not answered in time is counted, orders that are looked for too."""
    async with on("usdm") as desk:
        desk.call.plan.extend([SLOW, LOST])
        desk.rest()
        await desk.clock.settle()
        desk.stop()
        draining = asyncio.create_task(desk.gateway.drain(1.0))
        await desk.clock.pass_time(1.1)
        assert await draining == 2
        draining = asyncio.create_task(desk.gateway.drain(5.0))
        await desk.clock.pass_time(5.1)
        assert await draining == 1


async def test_a_request_passes_the_named_points() -> None:
    """Before its bytes go, and after its answer came and before anybody is told."""
    passed: list[str] = []
    async with on("usdm", crash_point=passed.append) as desk:
        desk.rest()
        await desk.clock.settle()
        desk.call.plan.append(DONE)
        desk.leave()
        await desk.clock.settle()
    assert passed == ["gateway.before_write", "gateway.after_answer"] * 2
