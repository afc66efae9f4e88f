"""Whatever becomes of requests, in whatever order: no order leaves twice, no fill is lost, and what is held is told."""

import asyncio
from collections import Counter
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.lifecycle import submitted
from petrosa.core.model.orders import Intent
from petrosa.errors import NotSent, RateLimited, TransportError, VenueRefused
from tests.kit.live_venue import DONE, LATE, LOST, NOT_SENT, SLOW, UNANSWERED, Fate, LiveDesk, refused
from tests.kit.paper_venue import START

LIMITED = refused(RateLimited("-1015: too many orders", 0.4))
REFUSED = refused(VenueRefused(-2019, "Margin is insufficient."))
AWAY = refused(TransportError("away"))
FATES = st.lists(st.sampled_from([DONE, SLOW, NOT_SENT, LOST, UNANSWERED, LATE, LIMITED, REFUSED]), max_size=12)
READS = st.lists(st.sampled_from([DONE, AWAY]), max_size=6)
STEPS = st.lists(st.sampled_from(["enter", "rest", "leave", "stop", "cancel", "fall", "rise", "wait"]), max_size=10)


def step(desk: LiveDesk, name: str, placed: list[Intent]) -> None:
    """One thing that a desk or a market does."""
    match name:
        case "enter" | "rest" | "leave" | "stop":
            placed.append(getattr(desk, name)("0.5"))
        case "cancel" if placed:
            desk.cancel(placed[-1])
        case "fall":
            desk.bench.book("96.50", "97.50")
            desk.bench.trade("97.00")
        case "rise":
            desk.bench.book("99.00", "101.00")
            desk.bench.trade("100.00")
        case _:
            pass


async def story(market: str, steps: list[str], fates: list[Fate], reads: list[Fate]) -> None:
    desk = LiveDesk(market)
    at_first = desk.held()
    placed: list[Intent] = []
    async with desk.running():
        desk.call.plan.extend(fates)
        desk.call.reads.extend(reads)
        for name in steps:
            step(desk, name, placed)
            await desk.clock.pass_time(0.7 if name == "wait" else 0.0)
        await desk.clock.pass_time(150)
        assert (desk.gateway.in_flight, desk.gateway.unknown) == (0, 0)
        check_sent_once(desk, placed, fates)
        await check_told(desk, placed, at_first)


def check_sent_once(desk: LiveDesk, placed: list[Intent], fates: list[Fate]) -> None:
    """An order is sent again only where nothing had left."""
    harmless = Counter[str]()
    sent = Counter[str]()
    for number, request in enumerate(desk.call.changes):
        name = request.params.get("newClientOrderId", request.params.get("clientAlgoId", ""))
        if request.method == "POST":
            sent[name] += 1
            fate = fates[number] if number < len(fates) else DONE
            harmless[name] += isinstance(fate.raises, NotSent | RateLimited)
    assert all(sent[name] - harmless[name] <= 1 for name in sent)
    assert set(sent) <= {intent.client_order_id for intent in placed}


async def check_told(desk: LiveDesk, placed: list[Intent], at_first: Decimal) -> None:
    """The desk knows of every order what it is, and all that it filled; nothing contradicts itself."""
    desk.call.reads.clear()
    blotter = Blotter()
    for intent in placed:
        blotter.add(submitted(intent, 0))
    for event in desk.told:
        if hasattr(event, "client_order_id") and event.client_order_id in blotter:
            assert blotter.apply(event).contradiction == ""
    # Nothing speaks for the user stream here: what rests may have filled since, as a desk hears from its stream.
    fills = await desk.account.fills(desk.key, START)
    for fill in fills:
        is_late = blotter.apply(fill).is_new_fill
        order = blotter.get(fill.client_order_id)
        assert order is not None
        assert not is_late or order.intent.action.type.value in ("limit", "stop")  # type: ignore[union-attr]
    total = sum((order.filled * order.side.sign for order in blotter), Decimal(0))
    fees = sum((fill.fee for fill in fills if fill.fee_asset == "BTC"), Decimal(0))
    assert desk.held() - at_first == total - fees
    for order in blotter:
        stated = await desk.account.order(order.intent)
        assert order.status.value not in ("submitted", "unknown")
        if stated is None:
            assert order.status.value == "rejected"
        else:
            assert order.filled == stated.filled


@settings(max_examples=40, deadline=None)
@given(market=st.sampled_from(["spot", "usdm"]), steps=STEPS, fates=FATES, reads=READS)
def test_any_story_ends_with_the_truth(market: str, steps: list[str], fates: list[Fate], reads: list[Fate]) -> None:
    """In the end the desk's books are the venue's, each order left at most once, and nothing is unknown."""
    asyncio.run(story(market, steps, fates, reads))
