"""What becomes of an order that leaves for Binance, whatever the venue answers or does not answer."""

from decimal import Decimal

import pytest

from petrosa.adapters.venues.binance.live.refusals import NEVER_REACHED, NEVER_SENT
from petrosa.core.execution.lifecycle import WOULD_TRIGGER
from petrosa.core.model.account import AccountUnclear
from petrosa.core.model.events import Halted
from petrosa.core.model.orders import OrderAccepted
from petrosa.errors import RateLimited, TransportError, VenueClosed, VenueRefused
from tests.kit.live_venue import (
    LATE,
    LOST,
    NOT_SENT,
    UNANSWERED,
    Fate,
    client_ids,
    on,
    refused,
)

MARKETS = pytest.mark.parametrize("market", ["spot", "usdm"])
LIMITED = refused(RateLimited("-1003: too many requests", 5.0))
BRIEFLY = refused(RateLimited("-1015: too many orders", 0.3))


# answered


@MARKETS
async def test_a_filled_entry_is_told_with_its_fills(market: str) -> None:
    """On spot the answer holds the trades; on futures the gateway asks for them when the stream keeps silent."""
    async with on(market) as desk:
        entry = desk.enter()
        await desk.clock.pass_time(3)
    assert desk.heard(entry)[0] == "OrderAccepted"
    assert desk.filled(entry) == Decimal("1.5")
    assert client_ids(desk.call.sent) == [entry.client_order_id]
    assert (desk.gateway.in_flight, desk.gateway.unknown) == (0, 0)


async def test_a_stream_that_speaks_is_believed() -> None:
    """On futures nothing is asked when the user stream has told the whole order."""
    async with on("usdm") as desk:
        entry = desk.enter()
        await desk.clock.settle()
        for fill in await desk.account.fills(desk.key, 0):
            desk.gateway.heard(fill)
        asked = len(desk.call.questions)
        await desk.clock.pass_time(10)
    assert len(desk.call.questions) == asked
    assert desk.heard(entry) == ["OrderAccepted"]


async def test_a_resting_order_that_the_stream_has_named_is_not_asked_for() -> None:
    """That it rests is an answer; when the stream says nothing of it at all it is asked for once."""
    async with on("usdm") as desk:
        named, unnamed = desk.rest(), desk.rest(price="97")
        await desk.clock.settle()
        accepted = next(event for event in desk.told if isinstance(event, OrderAccepted))
        desk.gateway.heard(accepted)
        await desk.clock.pass_time(5)
    asked = [request.params["origClientOrderId"] for request in desk.call.questions]
    assert asked == [unnamed.client_order_id]
    assert named.client_order_id == accepted.client_order_id


async def test_the_rest_of_an_entry_that_the_book_does_not_fill_expires() -> None:
    """Fills are told before the end, on futures too, where the answer has no trades."""
    async with on("usdm") as desk:
        entry = desk.enter("80", "101")
        await desk.clock.pass_time(3)
    assert desk.heard(entry)[-2:] == ["OrderFilled", "OrderExpired"]
    assert desk.filled(entry) == desk.held() == Decimal(50)


# refused


@MARKETS
async def test_a_refused_entry_says_why(market: str) -> None:
    """The venue's number and words are the reason."""
    async with on(market) as desk:
        entry = desk.enter("100000")
        await desk.clock.settle()
    assert desk.heard(entry) == ["OrderRejected"]
    assert desk.reason(entry).startswith("-1013: Filter failure" if market == "spot" else "-4005: ")


@MARKETS
async def test_a_stop_that_the_market_has_passed_is_recognised(market: str) -> None:
    """Its reason begins as the core knows it, whatever the venue's number for it is."""
    async with on(market) as desk:
        desk.enter()
        await desk.clock.settle()
        stop = desk.stop(trigger="105")
        await desk.clock.settle()
    assert desk.reason(stop).startswith(WOULD_TRIGGER)


async def test_a_refusal_to_reduce_puts_the_position_in_doubt() -> None:
    """Futures -2022: what is held is not what we think, so the account has to be stated."""
    async with on("usdm") as desk:
        leaving = desk.leave()
        await desk.clock.settle()
    assert desk.heard(leaving) == ["OrderRejected"]
    assert [event.reason[:5] for event in desk.told if isinstance(event, AccountUnclear)] == ["-2022"]


async def test_a_venue_that_does_not_know_us_halts_entries() -> None:
    """A wrong key is a definite no for the order, and entries are over until a person has looked."""
    async with on("usdm") as desk:
        desk.call.plan.append(refused(VenueClosed("-2015: Invalid API-key")))
        entry = desk.enter()
        await desk.clock.settle()
    assert desk.heard(entry) == ["OrderRejected"]
    assert [event.reason for event in desk.told if isinstance(event, Halted)] == ["usdm: -2015: Invalid API-key"]


@MARKETS
async def test_an_order_that_is_there_already_is_adopted(market: str) -> None:
    """A duplicate is our own order, placed before: it is asked for and told, not placed again and not rejected."""
    code, said = (-2010, "Duplicate order sent.") if market == "spot" else (-4116, "ClientOrderId is duplicated.")
    async with on(market) as desk:
        desk.call.plan.append(Fate(VenueRefused(code, said)))
        entry = desk.rest()
        await desk.clock.settle()
    assert desk.heard(entry) == ["OrderAccepted"]
    assert desk.gateway.unknown == 0


async def test_what_cannot_be_asked_for_is_rejected_and_harms_nothing_else() -> None:
    """A stop with an impossible quantity is an order that never left; the next one leaves."""
    async with on("usdm") as desk:
        impossible = desk.stop(quantity="0")
        entry = desk.rest()
        await desk.clock.settle()
    assert desk.reason(impossible).startswith(f"{NEVER_SENT}, it cannot be asked for")
    assert desk.heard(entry) == ["OrderAccepted"]


# not sent


async def test_what_has_not_left_leaves_again_under_the_same_id() -> None:
    """An entry within what it may wait, an exit until it goes."""
    async with on("usdm") as desk:
        desk.call.plan.extend([NOT_SENT] * 3)
        entry = desk.rest()
        await desk.clock.pass_time(0.9)
        assert desk.heard(entry) == ["OrderAccepted"]
        desk.call.plan.extend([NOT_SENT] * 20)
        stop = desk.stop()
        await desk.clock.pass_time(60)
    assert set(desk.heard(stop)) == {"OrderAccepted"}
    sent = client_ids(desk.call.sent)
    assert (sent.count(entry.client_order_id), sent.count(stop.client_order_id)) == (4, 21)


async def test_an_entry_that_could_not_leave_in_time_is_not_wanted_any_more() -> None:
    """Its price is old: rejected, never sent."""
    async with on("usdm") as desk:
        desk.call.plan.extend([NOT_SENT] * 100)
        entry = desk.rest()
        await desk.clock.pass_time(5)
    assert desk.heard(entry) == ["OrderRejected"]
    assert desk.reason(entry).startswith(NEVER_SENT)


async def test_a_rate_limit_ends_an_entry_and_postpones_a_stop() -> None:
    """The stop leaves when the venue hears again, and is not asked about in between."""
    async with on("usdm") as desk:
        desk.call.plan.extend([LIMITED, LIMITED])
        stop, entry = desk.stop(), desk.rest()
        await desk.clock.pass_time(4.9)
        assert desk.heard(entry) == ["OrderRejected"]
        assert desk.heard(stop) == []
        await desk.clock.pass_time(0.2)
    assert desk.heard(stop) == ["OrderAccepted"]
    assert len(desk.call.changes) == 3


async def test_a_short_limit_does_not_end_an_entry() -> None:
    """It leaves when it may, if that is within what it may wait."""
    async with on("spot") as desk:
        desk.call.plan.append(BRIEFLY)
        entry = desk.rest()
        await desk.clock.pass_time(0.5)
    assert desk.heard(entry) == ["OrderAccepted"]


async def test_a_ban_is_counted_by_its_name() -> None:
    """Whoever watches for bans finds them."""
    async with on("usdm") as desk:
        desk.call.plan.append(refused(RateLimited("418", 120.0, is_ban=True)))
        stop = desk.stop()
        await desk.clock.pass_time(119)
        assert (desk.gateway.counts["banned"], desk.gateway.in_flight) == (1, 1)
        await desk.clock.pass_time(2)
    assert desk.heard(stop) == ["OrderAccepted"]


async def test_who_may_not_send_sends_nothing() -> None:
    """Without the lease neither an entry nor a stop nor a cancel leaves: another process works the account."""
    async with on("usdm", may_send=lambda: "another process holds account demo") as desk:
        entry, stop = desk.rest(), desk.stop()
        await desk.clock.settle()
        desk.cancel(entry)
        await desk.clock.settle()
    assert desk.call.sent == []
    assert desk.reason(stop) == f"{NEVER_SENT}, another process holds account demo"
    assert desk.heard(entry) == ["OrderRejected", "CancelRejected"]


# nobody knows


@MARKETS
@pytest.mark.parametrize("fate", [UNANSWERED, LATE])
async def test_an_order_without_an_answer_is_found(market: str, fate: Fate) -> None:
    """It is never sent again; what it did is told with its trades, also when it arrives after we gave up waiting."""
    async with on(market) as desk:
        desk.call.plan.append(fate)
        entry = desk.enter()
        await desk.clock.settle()
        assert desk.gateway.unknown == 1
        await desk.clock.pass_time(20)
    assert desk.filled(entry) == Decimal("1.5")
    assert client_ids(desk.call.sent) == [entry.client_order_id]
    assert desk.gateway.unknown == 0


@MARKETS
async def test_an_order_that_never_arrived_is_proved_absent(market: str) -> None:
    """Only after the whole window is it told as rejected, and then as one that never reached the venue."""
    async with on(market) as desk:
        desk.call.plan.append(LOST)
        entry = desk.enter()
        await desk.clock.pass_time(59)
        assert desk.heard(entry) == []
        assert desk.gateway.unknown == 1
        await desk.clock.pass_time(12)
    assert desk.heard(entry) == ["OrderRejected"]
    assert desk.reason(entry).startswith(NEVER_REACHED)
    assert any("rades" in request.path for request in desk.call.questions)
    assert client_ids(desk.call.sent) == [entry.client_order_id]


@MARKETS
async def test_what_was_sent_may_arrive_until_its_window_is_over(market: str) -> None:
    """As long as that, nobody may take the venue's word for it that there is no such order."""
    async with on(market) as desk:
        desk.call.plan.append(LOST)
        entry = desk.enter()
        assert desk.gateway.may_arrive(entry.client_order_id)
        await desk.clock.pass_time(5)
        assert desk.gateway.may_arrive(entry.client_order_id)
        await desk.clock.pass_time(2)
        assert not desk.gateway.may_arrive(entry.client_order_id)
        assert desk.gateway.unknown == 1


async def test_nothing_is_concluded_from_questions_without_an_answer() -> None:
    """While the venue cannot be asked the order stays unknown, however long that is."""
    async with on("usdm") as desk:
        desk.call.plan.append(LOST)
        desk.call.reads.extend([refused(TransportError("away"))] * 40)
        entry = desk.enter()
        await desk.clock.pass_time(200)
        assert (desk.heard(entry), desk.gateway.unknown) == ([], 1)
        await desk.clock.pass_time(200)
    assert desk.heard(entry) == ["OrderRejected"]
    assert desk.gateway.counts["TransportError"] == 40


async def test_an_order_that_the_stream_has_named_is_never_called_absent() -> None:
    """What the stream says and what a question says contradict each other: it stays unknown, and counts as alive."""
    async with on("usdm") as desk:
        desk.call.plan.append(LOST)
        entry = desk.rest()
        await desk.clock.settle()
        desk.gateway.heard(
            OrderAccepted("demo", desk.key, entry.client_order_id, "17", desk.clock.now(), desk.clock.now())
        )
        await desk.clock.pass_time(300)
        assert (desk.heard(entry), desk.gateway.unknown) == ([], 1)


async def test_a_stop_without_an_answer_is_found_in_the_algo_service() -> None:
    """Conditional futures orders have a place of their own, and are asked for there."""
    async with on("usdm") as desk:
        desk.enter()
        await desk.clock.settle()
        desk.call.plan.append(UNANSWERED)
        stop = desk.stop()
        await desk.clock.pass_time(1)
    assert desk.heard(stop) == ["OrderAccepted"]


async def test_a_stop_that_has_fired_before_it_is_found_is_told_whole() -> None:
    """Accepted, triggered, its fills: the order that the trigger made has another number and the same name."""
    async with on("usdm") as desk:
        desk.enter()
        await desk.clock.settle()
        desk.call.plan.append(UNANSWERED)
        stop = desk.stop()
        await desk.clock.settle()
        desk.bench.book("93.00", "94.00")
        desk.bench.trade("94.00")
        await desk.clock.pass_time(3)
    assert desk.heard(stop)[:2] == ["OrderAccepted", "OrderTriggered"]
    assert desk.filled(stop) == Decimal("1.5")
    assert desk.held() == 0
