"""News of an order that comes twice and in any order ends in the same filled quantity."""

import json
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.venues.binance.live.spot_events import SpotEvents
from petrosa.adapters.venues.binance.live.usdm_events import UsdmEvents
from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.lifecycle import Order, submitted
from petrosa.core.model.base import Side
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import BalanceChanged, FundingPaid, Intent, Leg, OrderStatus, OrderType, Place
from tests.kit.paper_venue import SPOT, USDM, PaperBench
from tests.kit.soak import examples

SEEN = 1_900_000_000_000_000_000


def spot_story() -> list[dict[str, Any]]:
    """Sixty wanted, fifty met at once, two later, the rest taken back."""
    bench = PaperBench()
    bench.spot_limit("BUY", "60", "101.0", newClientOrderId="p1")
    bench.trade("100.90", quantity="2", side=Side.SELL)
    bench.call("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="p1")
    return bench.ears["spot"].events


def stop_story() -> list[dict[str, Any]]:
    """A stop of sixty that fires into a book of three levels of fifty; its order is called something else."""
    bench = PaperBench()
    bench.usdm("BUY", "MARKET", quantity="100")
    bench.algo("SELL", "STOP_MARKET", quantity="60", triggerPrice="95", reduceOnly="true", clientAlgoId="p1")
    bench.book("94.00", "95.00")
    bench.trade("94.50")
    events = bench.ears["usdm"].events
    for event in events:
        if event["e"] == "ORDER_TRADE_UPDATE" and event["o"]["c"] == "p1":
            event["o"]["c"] = "made-by-the-venue"
    return events


def wanted(instrument: InstrumentId, side: Side) -> Order:
    place = Place(side, OrderType.MARKET, Decimal(60))
    return submitted(Intent("p1", "main", instrument, Leg.ENTRY, place, "signal-1", "skew"), SEEN)


def after(order: Order, reader: SpotEvents | UsdmEvents, events: list[dict[str, Any]]) -> Order:
    """What the core makes of the events, in the order in which they are given."""
    blotter = Blotter()
    blotter.add(order)
    reads = [reader.read(json.dumps(event).encode(), SEEN) for event in events]
    for read in (*reads, reader.release()):
        for news in read.events:
            if not isinstance(news, BalanceChanged | FundingPaid):
                blotter.apply(news)
    found = blotter.get("p1")
    assert found is not None
    return found


SPOT_STORY, STOP_STORY = spot_story(), stop_story()


@examples(200)
@given(st.lists(st.sampled_from(SPOT_STORY)), st.permutations(SPOT_STORY))
def test_a_spot_order_fills_the_same_in_any_order(twice: list[dict[str, Any]], shuffled: list[dict[str, Any]]) -> None:
    order = after(wanted(SPOT, Side.BUY), SpotEvents("main"), [*twice, *shuffled])
    straight = after(wanted(SPOT, Side.BUY), SpotEvents("main"), SPOT_STORY)
    assert straight.filled == order.filled > 0
    assert OrderStatus.CANCELED is order.status is straight.status


@examples(200)
@given(st.lists(st.sampled_from(STOP_STORY)), st.permutations(STOP_STORY))
def test_a_triggered_stop_fills_the_same_when_its_news_comes_twice(
    twice: list[dict[str, Any]], shuffled: list[dict[str, Any]]
) -> None:
    """Once the venue has said what the trigger made, whatever came of the order counts for the stop."""
    named = [event for event in STOP_STORY if event["e"] == "ALGO_UPDATE" and event["o"]["ai"]]
    order = after(wanted(USDM, Side.SELL), UsdmEvents("main"), [*named, *twice, *shuffled])
    assert Decimal(60) == order.filled
    assert OrderStatus.FILLED is order.status


def test_a_triggered_stop_fills_as_the_venue_tells_it() -> None:
    """Fills first, then the news that names them."""
    order = after(wanted(USDM, Side.SELL), UsdmEvents("main"), STOP_STORY)
    assert (Decimal(60), OrderStatus.FILLED) == (order.filled, order.status)
