"""The user stream of a live account against the paper exchange: what breaks, and that no fill is lost by it."""

import asyncio
import random
from decimal import Decimal
from typing import Any

import aiohttp
import pytest

from petrosa.adapters.net.signing import Signer
from petrosa.adapters.venues.binance.live.user_stream import SpotSource, UserStream
from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET
from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.lifecycle import submitted
from petrosa.core.model.account import AccountUnclear
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.orders import (
    BalanceChanged,
    FundingPaid,
    Intent,
    Leg,
    OrderFilled,
    OrderStatus,
    OrderType,
    Place,
)
from petrosa.errors import VenueClosed
from tests.kit.paper_server import served
from tests.kit.paper_venue import SPOT, USDM, PaperBench
from tests.kit.soak import sample
from tests.kit.user_stream import QUICK, Clockwork, Listener, listening

MARKETS = ("spot", "usdm")
EVENT = {"spot": "executionReport", "usdm": "ORDER_TRADE_UPDATE"}
TRADES = {"spot": "/api/v3/myTrades", "usdm": "/fapi/v1/userTrades"}
INSTRUMENT = {"spot": SPOT, "usdm": USDM}


def buy(bench: PaperBench, market: str, name: str, quantity: str = "2") -> None:
    """A market order that fills at once. The book is new each time, so that there is always something to meet."""
    bench.wait(0.2)  # within the limit of orders
    bench.book("99.00", "101.00", size=50.0 + int(name[1:]) % 3)
    side = "BUY" if int(name[1:]) % 2 else "SELL"
    answer = (bench.spot if market == "spot" else bench.usdm)(side, "MARKET", quantity=quantity, newClientOrderId=name)
    assert "FILLED" == answer.get("status"), answer


def trades(bench: PaperBench, market: str) -> list[str]:
    """What a comparison with the venue would find."""
    return [str(row["id"]) for row in bench.call("GET", TRADES[market], symbol="BTCUSDT", limit=1_000)]


def order_after(listener: Listener, market: str, name: str, quantity: str) -> Any:
    """The order as the core knows it after everything that was told."""
    place = Place(Side.BUY, OrderType.MARKET, Decimal(quantity))
    blotter = Blotter()
    blotter.add(submitted(Intent(name, "demo", INSTRUMENT[market], Leg.ENTRY, place, "s", "t"), 1))
    for news in listener.told.all:
        if not isinstance(news, tuple | AccountUnclear | BalanceChanged | FundingPaid):
            blotter.apply(news)
    return blotter.get(name)


@pytest.mark.parametrize("market", MARKETS)
async def test_what_happens_to_an_account_is_told_as_it_happens(market: str) -> None:
    async with served(PaperBench()) as exchange, listening(exchange, market) as listener:
        buy(exchange.bench, market, "p1", "2")
        await listener.filled(1)
        assert trades(exchange.bench, market) == listener.trades
        assert OrderStatus.FILLED is order_after(listener, market, "p1", "2").status
        assert any(isinstance(one, BalanceChanged) for one in listener.told.all)
        assert ([True], []) == (listener.ups, listener.unclear)


@pytest.mark.parametrize("market", MARKETS)
async def test_a_lost_stream_is_told_at_once_and_asked_about_when_there_is_another(market: str) -> None:
    """The event that broke it is never told: the venue's trades have it."""
    async with served(PaperBench()) as exchange, listening(exchange, market) as listener:
        buy(exchange.bench, market, "p1")
        await listener.filled(1)
        await exchange.fault("disconnect_stream", count=1, event=EVENT[market])
        buy(exchange.bench, market, "p3")
        await listener.up(2)
        found = trades(exchange.bench, market)
        buy(exchange.bench, market, "p5")
        await listener.filled(2)
        unclear = next(place for place, one in enumerate(listener.told.all) if isinstance(one, AccountUnclear))
        up_again = listener.told.all.index(("up", False))
        assert unclear < up_again
        assert [True, False] == listener.ups
        assert 1 == len(listener.unclear)
        assert set(trades(exchange.bench, market)) == {*listener.trades, *found}
        assert 3 == len(trades(exchange.bench, market))


@pytest.mark.parametrize("kind", ["duplicate_event", "reorder_events"])
@pytest.mark.parametrize("market", MARKETS)
async def test_events_that_come_twice_or_late_change_nothing(market: str, kind: str) -> None:
    async with served(PaperBench()) as exchange, listening(exchange, market) as listener:
        await exchange.fault(kind)
        buy(exchange.bench, market, "p1", "120")
        await listener.filled(3)
        exchange.bench.venue.advance(exchange.bench.now + 10**9)
        await listener.told.until(lambda _all: order_after(listener, market, "p1", "120").status.is_terminal)
        order = order_after(listener, market, "p1", "120")
        assert (Decimal(120), OrderStatus.FILLED) == (order.filled, order.status)
        assert [] == listener.unclear


@pytest.mark.parametrize("market", MARKETS)
async def test_an_exchange_that_goes_and_comes_back(market: str) -> None:
    """The account has changed meanwhile; what the venue says then and what was told make up all of it."""
    bench = PaperBench()
    async with served(bench) as exchange:
        port = int(exchange.url.rpartition(":")[2])
        listening_at = listening(exchange, market)
        listener = await listening_at.__aenter__()
        buy(bench, market, "p1")
        await listener.filled(1)
    await listener.told.until(lambda _all: bool(listener.unclear))
    assert not listener.stream.state.connected
    buy(bench, market, "p3")
    async with served(bench, port):
        await listener.up(2)
        found = trades(bench, market)
        buy(bench, market, "p5")
        await listener.filled(2)
        assert set(trades(bench, market)) == {*listener.trades, *found}
        assert listener.stream.state.reconnects == 1
        await listening_at.__aexit__(None, None, None)


async def test_a_listen_key_that_expires_is_replaced() -> None:
    """The venue says so, an hour after the last time that it was prolonged."""
    sent: list[str] = []
    async with served(PaperBench()) as exchange, listening(exchange, "usdm", sent=sent) as listener:
        exchange.bench.wait(3_601)
        await listener.up(2)
        buy(exchange.bench, "usdm", "p1")
        await listener.filled(1)
        assert ["POST", "POST"] == sent
        assert any("listen key expired" in reason for reason in listener.unclear)


async def test_a_listen_key_is_prolonged_and_replaced_when_the_venue_has_forgotten_it() -> None:
    """-1125 to the PUT, every 25 minutes."""
    sent: list[str] = []
    clockwork = Clockwork()
    async with served(PaperBench()) as exchange, listening(exchange, "usdm", QUICK, sent, clockwork) as listener:
        await clockwork.asked.until(lambda all_: all_ == [25 * 60.0])
        clockwork.wake()
        await clockwork.asked.until(lambda all_: len(all_) == 2)
        assert (["POST", "PUT"], []) == (sent, listener.unclear)
        exchange.bench.venue.listen_keys.close("demo")
        clockwork.wake()
        await listener.up(2)
        assert ["POST", "PUT", "PUT", "POST"] == sent
        assert any("-1125" in reason for reason in listener.unclear)


async def test_a_listen_key_that_cannot_be_prolonged_now_is_tried_again_soon() -> None:
    """It is good for an hour, so there is time; the stream goes on."""
    clockwork = Clockwork()
    async with served(PaperBench()) as exchange, listening(exchange, "usdm", clockwork=clockwork) as listener:
        await clockwork.asked.until(lambda all_: len(all_) == 1)
        await exchange.fault("error_after_accept", method="PUT", path="/fapi/v1/listenKey")
        clockwork.wake()
        await clockwork.asked.until(lambda all_: len(all_) == 2)
        assert [25 * 60.0, 60.0] == clockwork.asked.all
        assert [] == listener.unclear


@pytest.mark.parametrize("market", MARKETS)
async def test_a_stream_that_is_replaced_in_time_loses_nothing(market: str) -> None:
    """Both are heard for a while: fills come twice, the account is never unclear."""
    pace = QUICK._replace(life=0.3, overlap=0.15)
    async with served(PaperBench()) as exchange, listening(exchange, market, pace) as listener:
        number = 1
        while listener.stream.state.replaced < 3 or len(listener.trades) == len(set(listener.trades)):
            buy(exchange.bench, market, f"p{number}")
            await listener.filled(number)
            number += 1
        assert set(trades(exchange.bench, market)) <= set(listener.trades)
        assert ([True], []) == (listener.ups, listener.unclear)


async def test_a_message_that_cannot_be_read_lets_the_account_be_asked() -> None:
    """Once for all that come close together; the stream goes on."""
    async with served(PaperBench()) as exchange, listening(exchange, "usdm") as listener:
        for number in range(3):
            exchange.bench.venue.users["usdm"]["demo"].tell({"e": "ORDER_TRADE_UPDATE", "o": {"s": number}})
        await listener.up(2)
        assert [True, False] == listener.ups
        assert (3, 3) == (len(listener.unclear), listener.stream.unreadable)
        buy(exchange.bench, "usdm", "p1")
        await listener.filled(1)
        assert 0 == listener.stream.state.reconnects


@pytest.mark.parametrize(("key", "secret"), [(DEMO_KEY[:-1] + "X", DEMO_SECRET), (DEMO_KEY, "another")])
async def test_a_key_that_the_venue_does_not_take_needs_a_person(key: str, secret: str) -> None:
    async with served(PaperBench()) as exchange, aiohttp.ClientSession() as session:
        now_ms = exchange.bench.now // NS_PER_MS
        source = SpotSource("demo", session, f"{exchange.ws}/ws-api/v3", key, Signer(secret), lambda: now_ms)
        told: list[Any] = []
        with pytest.raises(VenueClosed, match="Check that the key"):
            await UserStream("demo", source, told.append, told.append, lambda: 1, pace=QUICK).run()
        assert [] == told


@pytest.mark.parametrize("market", MARKETS)
async def test_no_fill_is_lost_in_a_campaign_of_faults(market: str) -> None:
    """Lost, doubled and overtaken events: after the last comparison every trade has been told or found."""
    orders, chance = sample(120, 700), random.Random(5)
    async with served(PaperBench()) as exchange, listening(exchange, market) as listener:
        for kind, rate in (("disconnect_stream", 0.03), ("duplicate_event", 0.2), ("reorder_events", 0.2)):
            await exchange.fault(kind, rate=rate, seed=7)
        found: set[str] = set()
        compared = len(listener.ups)
        tasks = len(asyncio.all_tasks())
        for number in range(1, orders + 1):
            buy(exchange.bench, market, f"p{number}")
            if chance.random() < 0.3:
                await asyncio.sleep(0)
            if len(listener.ups) > compared:
                compared = len(listener.ups)
                found |= set(trades(exchange.bench, market))
        await exchange.http.delete("/petrosa/faults")
        name = ""
        while name not in listener.trades:  # until one is told without a loss
            orders, ups = orders + 1, len(listener.ups)
            buy(exchange.bench, market, f"p{orders}")
            name = trades(exchange.bench, market)[-1]
            await listener.told.until(
                lambda _all, name=name, ups=ups: name in listener.trades or len(listener.ups) > ups
            )
            if len(listener.ups) > compared:
                compared = len(listener.ups)
                found |= set(trades(exchange.bench, market))
        assert set(trades(exchange.bench, market)) <= {*listener.trades, *found}
        assert len(listener.unclear) >= len(listener.ups) - 1 >= 1
        assert all(isinstance(one.fee, Decimal) for one in listener.told.all if isinstance(one, OrderFilled))
        assert len(asyncio.all_tasks()) <= tasks + 10
