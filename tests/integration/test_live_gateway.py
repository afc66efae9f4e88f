"""Orders over real sockets to the paper exchange, while it drops, limits, delays and keeps silent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from petrosa.adapters.venues.binance.live.account import Call
from petrosa.adapters.venues.binance.live.gateway_params import GatewayParams
from petrosa.adapters.venues.binance.live.refusals import NEVER_REACHED, NEVER_SENT
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.core.execution.lifecycle import WOULD_TRIGGER
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.orders import OrderStatus
from petrosa.runtime.clocks import WallClock
from tests.kit.live import live_client
from tests.kit.live_venue import LiveDesk
from tests.kit.paper_server import Served, served
from tests.kit.paper_venue import PaperBench

MARKETS = pytest.mark.parametrize("market", ["spot", "usdm"])
ORDER = {"spot": "/api/v3/order", "usdm": "/fapi/v1/order"}
ALGO = "/fapi/v1/algoOrder"
QUICK = GatewayParams(lookup_seconds=0.5, recv_window_seconds=0.5, silence_seconds=0.05)
"""Times of which a test can wait for the end; the venue is on this machine."""

NOWHERE = "http://127.0.0.1:9"
UNHEARD: dict[str, dict[str, Any]] = {"error_after_accept": {}, "silence_after_accept": {"delay_ms": 50}}
FAULTS = pytest.mark.parametrize("fault", list(UNHEARD))


class Switch:
    """A way to the venue that can be another one in between."""

    def __init__(self, call: Call) -> None:
        self.first = self.call = call

    async def __call__(self, request: Request) -> bytes:
        return await self.call(request)


class Desk(LiveDesk):
    exchange: Served
    switch: Switch

    async def fault(self, kind: str, method: str, path: str, **more: Any) -> None:
        await self.exchange.fault(kind, method=method, path=path, **{"count": 1, **more})

    async def until_heard(self, intent: Any, kind: str) -> None:
        await self.told.until(lambda: kind in self.heard(intent))

    async def until_filled(self, intent: Any, quantity: str = "1.5") -> None:
        await self.told.until(lambda: self.filled(intent) == Decimal(quantity))


@asynccontextmanager
async def trading(market: str, **more: Any) -> AsyncIterator[Desk]:
    """A desk that trades on a served exchange."""
    bench = PaperBench(live=True)
    written = more.pop("on_written", None)
    async with served(bench) as exchange, live_client(exchange, market, on_written=written) as client:
        switch = Switch(client.rest.call)
        desk = Desk(market, QUICK, bench=bench, clock=WallClock(), call=switch, **more)
        desk.exchange, desk.switch = exchange, switch
        async with desk.running():
            yield desk


def orders_at(desk: Desk) -> int:
    """How many orders of ours the venue knows on the instrument, open or not."""
    path = "/api/v3/allOrders" if desk.market == "spot" else "/fapi/v1/allOrders"
    return len(desk.bench.call("GET", path, symbol="BTCUSDT"))


@MARKETS
async def test_in_and_out(market: str) -> None:
    """An entry fills, an exit fills, and the desk has heard of every trade once."""
    async with trading(market) as desk:
        at_first = desk.held()
        entry = desk.enter()
        await desk.until_filled(entry)
        leaving = desk.leave("1.0")
        await desk.until_filled(leaving, "1.0")
        fees = sum(event.fee for event in desk.told if getattr(event, "fee_asset", "") == "BTC")
        assert desk.held() - at_first == Decimal("0.5") - fees
        assert await desk.gateway.drain(5.0) == 0


@MARKETS
@FAULTS
async def test_an_entry_that_nobody_answered_is_found_and_not_repeated(market: str, fault: str) -> None:
    """The order was taken; it is asked for by its name."""
    async with trading(market) as desk:
        await desk.fault(fault, "POST", ORDER[market], **UNHEARD[fault])
        entry = desk.enter()
        await desk.until_filled(entry)
        assert orders_at(desk) == 1


@MARKETS
async def test_an_entry_that_never_arrived_is_proved_absent(market: str) -> None:
    """The connection broke before the venue looked: nothing is sent again, and in the end the desk is told."""
    async with trading(market) as desk:
        await desk.fault("drop", "POST", ORDER[market])
        entry = desk.enter()
        await desk.until_heard(entry, "OrderRejected")
        assert desk.reason(entry).startswith(NEVER_REACHED)
        assert orders_at(desk) == 0


@FAULTS
async def test_a_stop_that_nobody_answered_is_found_in_the_algo_service(fault: str) -> None:
    """It rests once."""
    async with trading("usdm") as desk:
        await desk.until_filled(desk.enter())
        await desk.fault(fault, "POST", ALGO, **UNHEARD[fault])
        stop = desk.stop()
        await desk.until_heard(stop, "OrderAccepted")
        assert len(desk.bench.call("GET", "/fapi/v1/openAlgoOrders")) == 1


async def test_a_stop_fires_and_is_told_under_its_own_name() -> None:
    """Its trades are those of the order that the trigger made."""
    async with trading("usdm") as desk:
        await desk.until_filled(desk.enter())
        await desk.fault("error_after_accept", "POST", ALGO)
        stop = desk.stop()
        desk.bench.book("93.00", "94.00")
        await desk.until_heard(stop, "OrderAccepted")
        desk.bench.trade("94.00")
        stated = await desk.account.order(stop)
        assert stated is not None
        assert (stated.status, stated.filled) == (OrderStatus.FILLED, Decimal("1.5"))
        fills = await desk.account.fills(desk.key, desk.clock.now() - 60 * NS_PER_SECOND)
        assert [fill.client_order_id for fill in fills][-1] == stop.client_order_id


async def test_a_stop_that_the_market_has_passed_says_so() -> None:
    """The reason is the one by which the core leaves at market."""
    async with trading("usdm") as desk:
        await desk.until_filled(desk.enter())
        stop = desk.stop(trigger="105")
        await desk.until_heard(stop, "OrderRejected")
        assert desk.reason(stop).startswith(WOULD_TRIGGER)


@FAULTS
async def test_a_pair_that_nobody_answered_is_found_leg_by_leg(fault: str) -> None:
    """Both legs of a spot list rest once."""
    async with trading("spot") as desk:
        await desk.until_filled(desk.enter())
        await desk.fault(fault, "POST", "/api/v3/orderList/oco", **UNHEARD[fault])
        stop, target = desk.stop("1", list_id="pair"), desk.target("1", list_id="pair")
        await desk.until_heard(stop, "OrderAccepted")
        await desk.until_heard(target, "OrderAccepted")
        assert len(desk.bench.call("GET", "/api/v3/openOrders")) == 2
        desk.cancel(stop)
        await desk.until_heard(target, "OrderCanceled")


@MARKETS
@pytest.mark.parametrize("kind", ["rate_limited", "banned"])
async def test_a_limit_ends_an_entry_and_a_stop_leaves_after_it(market: str, kind: str) -> None:
    """The entry is not wanted any more by then; the stop is, and nothing is sent in between."""
    async with trading(market) as desk:
        await desk.until_filled(desk.enter())
        await desk.fault(kind, "POST", ORDER[market], retry_after_s=2)
        entry = desk.enter()
        await desk.until_heard(entry, "OrderRejected")
        assert desk.reason(entry).startswith(NEVER_SENT)
        stop = desk.stop("1")
        await desk.until_heard(stop, "OrderAccepted")
        faults = (await desk.exchange.http.get("/petrosa/faults")).json()
        assert [one["fired"] for one in faults] == [1]


async def test_a_slow_stop_does_not_hold_an_exit_back() -> None:
    """The exit overtakes on another connection."""
    async with trading("usdm") as desk:
        await desk.until_filled(desk.enter())
        await desk.fault("latency", "POST", ALGO, delay_ms=2_000)
        stop, leaving = desk.stop(), desk.leave()
        await desk.until_filled(leaving)
        assert desk.heard(stop) == []
        await desk.until_heard(stop, "OrderAccepted")


@MARKETS
@pytest.mark.parametrize("fault", ["drop", *UNHEARD])
async def test_a_cancel_without_an_answer_ends_with_the_end_of_the_order(market: str, fault: str) -> None:
    """Where the order is still open the cancel is sent again."""
    async with trading(market) as desk:
        entry = desk.rest()
        await desk.until_heard(entry, "OrderAccepted")
        await desk.fault(fault, "DELETE", ORDER[market], **UNHEARD.get(fault, {}))
        desk.cancel(entry)
        await desk.until_heard(entry, "OrderCanceled")


async def test_a_venue_that_is_away_is_waited_for() -> None:
    """Nothing leaves while nobody listens: an exit leaves when the venue is there again, an entry does not."""
    async with trading("usdm") as desk, live_client(desk.exchange, "usdm", base_url=NOWHERE) as nowhere:
        await desk.until_filled(desk.enter())
        desk.switch.call = nowhere.rest.call
        leaving, entry = desk.leave(), desk.enter()
        await desk.until_heard(entry, "OrderRejected")
        assert desk.reason(entry).startswith(NEVER_SENT)
        desk.switch.call = desk.switch.first
        await desk.until_filled(leaving)
        assert desk.held() == 0


async def test_named_points_are_passed_in_their_order() -> None:
    """Before the bytes, after them, and after the answer: what a crash matrix kills at."""
    passed: list[str] = []

    def written() -> None:
        passed.append("gateway.after_write")

    async with trading("usdm", on_written=written, crash_point=passed.append) as desk:
        await desk.call(desk.product.opened()[0])
        passed.clear()
        entry = desk.rest()
        await desk.until_heard(entry, "OrderAccepted")
    assert passed[:3] == ["gateway.before_write", "gateway.after_write", "gateway.after_answer"]
