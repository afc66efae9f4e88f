"""A user stream against a paper exchange in the test's hand, and what the core would make of what it tells."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from petrosa.adapters.net.signing import Signer
from petrosa.adapters.net.websocket import Pace
from petrosa.adapters.venues.binance.live.environments import urls
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.user_stream import Source, SpotSource, UsdmSource, UserStream
from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET
from petrosa.core.model.account import AccountUnclear
from petrosa.core.model.orders import OrderFilled
from tests.kit.live import live_client
from tests.kit.paper_server import Served
from tests.kit.sockets import Noticed, running

QUICK = Pace(open=5.0, ping=1.0, silence=5.0, overlap=0.1, pause_least=0.02, pause_most=0.05)


class Clockwork:
    """A `sleep` that lasts until the test says so."""

    def __init__(self) -> None:
        self.asked = Noticed()
        self._wake = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.asked.add(seconds)
        await self._wake.wait()
        self._wake.clear()

    def wake(self) -> None:
        self._wake.set()


class Listener:
    """A user stream and everything that it told: events, and ("up", is_first)."""

    def __init__(self, exchange: Served, source: Source, pace: Pace = QUICK) -> None:
        self.told = Noticed()
        self.stream = UserStream(
            "demo", source, self.told.add, lambda first: self.told.add("up", first), lambda: exchange.bench.now,
            pace=pace,
        )  # fmt: skip

    @property
    def trades(self) -> list[str]:
        """Trade ids of all fills, as often as they were told."""
        return [one.trade_id for one in self.told.all if isinstance(one, OrderFilled)]

    @property
    def ups(self) -> list[bool]:
        return [one[1] for one in self.told.all if isinstance(one, tuple)]

    @property
    def unclear(self) -> list[str]:
        return [one.reason for one in self.told.all if isinstance(one, AccountUnclear)]

    async def up(self, number: int) -> None:
        """Until it has come up so many times."""
        await self.told.until(lambda _all: len(self.ups) >= number)

    async def filled(self, number: int) -> None:
        """Until so many different trades have been told."""
        await self.told.until(lambda _all: len(set(self.trades)) >= number)


@asynccontextmanager
async def listening(
    exchange: Served, market: str, pace: Pace = QUICK, sent: list[str] | None = None, clockwork: Clockwork | None = None
) -> AsyncIterator[Listener]:
    """A stream that is up. `sent` hears the methods of the requests about a listen key."""
    where = urls("paper", market, exchange.url)
    async with (
        aiohttp.ClientSession() as session,
        live_client(exchange, market, pause=asyncio.sleep, patience_s=0.1) as client,
    ):

        async def call(request: Request) -> bytes:
            if sent is not None:
                sent.append(request.method)
            return await client.rest.call(request)

        source: Source
        if market == "spot":
            signer = Signer(DEMO_SECRET)
            source = SpotSource("demo", session, where.ws_api, DEMO_KEY, signer, client.rest.clock.now_ms)
        else:
            sleep = asyncio.sleep if clockwork is None else clockwork.sleep
            source = UsdmSource("demo", session, where.private, call, sleep=sleep)
        listener = Listener(exchange, source, pace)
        async with running(listener.stream.run()):
            await listener.up(1)
            yield listener
