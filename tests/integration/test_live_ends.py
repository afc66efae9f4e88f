"""How a desk on a venue ends, waits for a venue that is away, and lets go of an account that it lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET
from petrosa.apps.leasing import lease_file
from petrosa.apps.live.run import run_live
from petrosa.apps.settings import load
from petrosa.core.model.base import Side
from petrosa.core.model.commands import PlaceOrder
from petrosa.core.model.orders import OrderType
from petrosa.surfaces.api.serve import bind
from tests.kit.campaign_desk import SETS, CampaignDesk
from tests.kit.campaign_exchange import CampaignExchange
from tests.kit.soak import sample

LOOK_S = 0.02
PATIENCE_S = 20.0
MARKETS = pytest.mark.parametrize("market", ["usdm", "spot"])
SILENT = sample(
    [("usdm", "latency"), ("spot", "silence_after_accept")],
    [(market, kind) for market in ("usdm", "spot") for kind in ("latency", "silence_after_accept")],
)
"""Each takes the ten seconds of an end."""


async def until(is_so: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def desk_on(market: str, home: Path) -> AsyncIterator[tuple[CampaignDesk, CampaignExchange]]:
    """A desk that turns and knows a price."""
    async with CampaignExchange(market).served() as exchange:
        desk = CampaignDesk(home, exchange.url, market, lambda _event, _decisions: None)
        desk.begin()
        try:
            await until(lambda: desk.is_alive and desk.trader.unrealized is not None and knows_a_price(desk, exchange))
            yield desk, exchange
        finally:
            exchange.clear_faults()
            await desk.crash()


def knows_a_price(desk: CampaignDesk, exchange: CampaignExchange) -> bool:
    markets = desk.process.parts.markets if desk.process is not None else {}
    quoted = all(markets[rules.id].bid > 0 for rules in exchange.rules.values())
    return quoted and not desk.trader.closed


def order(exchange: CampaignExchange, name: str, kind: OrderType, price: str | None = None) -> PlaceOrder:
    rules, limit = exchange.rules["BTCUSDT"], Decimal(price) if price is not None else None
    return PlaceOrder(name, "test", "test", rules.id, Side.BUY, kind, Decimal("0.1"), price=limit)


async def holding(desk: CampaignDesk, exchange: CampaignExchange) -> None:
    """A position with its stop at the exchange, and an entry that rests there in another symbol."""
    desk.tell(order(exchange, "held", OrderType.MARKET))
    await until(lambda: exchange.stopped("BTCUSDT", "sell") >= exchange.position("BTCUSDT") - Decimal("0.001") > 0)
    other = exchange.rules["ETHUSDT"]
    desk.tell(PlaceOrder("rests", "test", "test", other.id, Side.BUY, OrderType.LIMIT, Decimal(2), price=Decimal(2900)))
    await until(lambda: any(desk.trader.live_orders(other.id)) and entries(exchange))


def entries(exchange: CampaignExchange) -> list[Any]:
    return [one for one in exchange.open_orders() if one.symbol == "ETHUSDT"]


@MARKETS
async def test_an_orderly_end_takes_entries_off_and_leaves_protection(market: str, tmp_path: Path) -> None:
    """What rests behind a position is the last thing to go, and nobody has asked for it to go."""
    async with desk_on(market, tmp_path) as (desk, exchange):
        await holding(desk, exchange)
        protected = exchange.stopped("BTCUSDT", "sell")
        began = time.monotonic()
        await desk.stop()
        assert time.monotonic() - began < 10
        assert not entries(exchange)
        assert exchange.stopped("BTCUSDT", "sell") == protected > 0


@pytest.mark.parametrize(("market", "kind"), SILENT)
async def test_a_silent_venue_does_not_keep_a_desk_from_ending(market: str, kind: str, tmp_path: Path) -> None:
    """Within ten seconds, and the next start goes on from what it left behind."""
    async with desk_on(market, tmp_path) as (desk, exchange):
        await holding(desk, exchange)
        exchange.fault(kind=kind, delay_ms=60_000)
        began = time.monotonic()
        await desk.stop()
        assert time.monotonic() - began < 10
        assert exchange.stopped("BTCUSDT", "sell") > 0
        exchange.clear_faults()
        desk.begin()
        await until(lambda: desk.is_alive and not desk.trader.closed)
        assert desk.trader.held(exchange.rules["BTCUSDT"].id) > 0


async def test_a_venue_that_is_away_at_the_start_is_waited_for(tmp_path: Path) -> None:
    """The process is alive and says what it waits for; when the venue comes, so does the desk."""
    taken = bind("127.0.0.1", 0)
    port = taken.getsockname()[1]
    taken.close()
    sets = [one for one in SETS if not one.startswith("http.")]
    settings = load(
        sets=[*sets, "feed.market=usdm", f"venue.url=http://127.0.0.1:{port}", "http.port=0"], environ={},
        home=str(tmp_path),
    )  # fmt: skip
    said: list[str] = []
    environ = {"BINANCE_API_KEY": DEMO_KEY, "BINANCE_API_SECRET": DEMO_SECRET}
    running = asyncio.create_task(run_live(settings, environ, report=said.append))
    try:
        await until(lambda: running.done() or any("HTTP on" in one for one in said))
        url = next(one for one in said if "HTTP on" in one).removeprefix("HTTP on ")
        await until(lambda: running.done() or any("away" in one for one in said))
        async with httpx.AsyncClient(base_url=url) as http:
            assert not running.done(), running.exception()
            assert (await http.get("/healthz")).status_code == 200
            answer = await http.get("/ready")
            assert answer.status_code == 503
            assert "the venue is away" in answer.text
            async with CampaignExchange("usdm").served(port):
                async with asyncio.timeout(PATIENCE_S):
                    while (await http.get("/ready")).status_code != 200:
                        assert not running.done(), running.exception()
                        await asyncio.sleep(LOOK_S)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_who_loses_the_account_sends_nothing_more_and_ends(tmp_path: Path) -> None:
    """Somebody took the lease away: another process may send now."""
    async with desk_on("usdm", tmp_path) as (desk, exchange):
        await holding(desk, exchange)
        lease_file(desk.settings).unlink()
        asked = len(exchange.posts.answers)
        desk.tell(order(exchange, "late", OrderType.LIMIT, "49000"))
        await until(lambda: desk._life is not None and desk._life.done())
        assert len(exchange.posts.answers) == asked
        assert entries(exchange), "a cancel left without the lease"
        assert any("removed or replaced" in one for one in desk.said)
