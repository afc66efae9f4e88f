"""A gateway over the paper exchange without a socket: the test says what becomes of requests, and moves the clock."""

import asyncio
import heapq
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any, NamedTuple

from petrosa.adapters.net.http import Answer
from petrosa.adapters.venues.binance.live.account import BinanceAccount
from petrosa.adapters.venues.binance.live.gateway import BinanceGateway
from petrosa.adapters.venues.binance.live.gateway_params import GatewayParams
from petrosa.adapters.venues.binance.live.product import Product
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.spot import Spot
from petrosa.adapters.venues.binance.live.usdm import Usdm
from petrosa.adapters.venues.binance.live.verdict import judge
from petrosa.core.model.account import AccountUnclear
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND, Side
from petrosa.core.model.market import InstrumentId
from petrosa.core.model.orders import (
    Approved,
    Cancel,
    Intent,
    Leg,
    OrderFilled,
    OrderRejected,
    OrderType,
    Place,
    Reducing,
    TimeInForce,
    client_order_id_of,
)
from petrosa.errors import NotSent, OutcomeUnknown, PetrosaError
from tests.kit.paper_venue import SPOT, USDM, PaperBench, rules

TURNS = 40
TIMEOUT_S = 15.0


class BenchClock:
    """The bench's time as `ports.Clock`: sleepers wake when the test lets time pass."""

    def __init__(self, bench: PaperBench) -> None:
        self._bench = bench
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    def now(self) -> int:
        return self._bench.now

    async def sleep_until(self, at: int) -> None:
        if at <= self.now():
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (at, next(self._count), woken))
        await woken

    async def settle(self) -> None:
        """Let everything happen that needs no time."""
        for _ in range(TURNS):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: float) -> None:
        until = self.now() + round(seconds * NS_PER_SECOND)
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            at, _, woken = heapq.heappop(self._sleepers)
            self._bench.wait(max(0, at - self.now()) / NS_PER_SECOND)
            if not woken.done():
                woken.set_result(None)
            await self.settle()
        self._bench.wait(max(0, until - self.now()) / NS_PER_SECOND)
        await self.settle()


class Fate(NamedTuple):
    """What becomes of one request: `raises` instead of the answer; whether it `is_done`, after which `delay` (s)."""

    raises: PetrosaError | None = None
    is_done: bool = True
    delay: float = 0.0
    answer_delay: float = 0.0


DONE = Fate()
NOT_SENT = Fate(NotSent("no connection"), is_done=False)
LOST = Fate(OutcomeUnknown("no answer"), is_done=False)
"""It never arrived, and nobody knows."""
UNANSWERED = Fate(OutcomeUnknown("no answer"))
"""It was done, and nobody knows."""
LATE = Fate(OutcomeUnknown("no answer"), delay=3.0)
"""It is done after we gave up waiting."""
SLOW = Fate(answer_delay=2.0)
"""Done at once, answered late."""


def refused(error: PetrosaError) -> Fate:
    return Fate(error, is_done=False)


class ScriptedCall:
    """Sends to the bench. `plan` holds the fates of the next requests that change something, `reads` of the others."""

    def __init__(self, bench: PaperBench, clock: BenchClock, market: str) -> None:
        self.sent: list[Request] = []
        self.plan: deque[Fate] = deque()
        self.reads: deque[Fate] = deque()
        self._bench = bench
        self._clock = clock
        self._market = market

    @property
    def changes(self) -> list[Request]:
        return [request for request in self.sent if request.changes]

    @property
    def questions(self) -> list[Request]:
        return [request for request in self.sent if not request.changes]

    async def __call__(self, request: Request) -> bytes:
        self.sent.append(request)
        plan = self.plan if request.changes else self.reads
        fate = plan.popleft() if plan else DONE
        if fate.is_done and fate.delay:
            asyncio.get_running_loop().create_task(self._later(request, fate.delay))
        elif fate.is_done:
            answer = self.do(request)
            await self._clock.sleep_until(self._clock.now() + round(fate.answer_delay * NS_PER_SECOND))
        if fate.raises is not None:
            raise fate.raises
        problem = judge(self._market, answer, self._bench.now // NS_PER_MS)
        if problem is not None:
            raise problem.error
        return answer.body

    def do(self, request: Request) -> Answer:
        """The venue acts on it and answers."""
        self._bench.wait()
        query = self._bench.signed(**request.params)
        in_body = request.method == "POST"
        said = self._bench.raw(request.method, request.path, "" if in_body else query, query if in_body else "")
        return Answer(said.status, dict(said.headers), said.body)

    async def _later(self, request: Request, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.now() + round(seconds * NS_PER_SECOND))
        self.do(request)


class Inbox(list[Any]):
    """What was told, and a way to wait for more of it."""

    def __init__(self) -> None:
        self._more = asyncio.Event()

    def tell(self, event: Any) -> None:
        self.append(event)
        self._more.set()

    async def until(self, is_told: Callable[[], bool]) -> None:
        """Return when something is true that only what is told can make true."""
        async with asyncio.timeout(TIMEOUT_S):
            while not is_told():
                self._more.clear()
                await self._more.wait()


class LiveDesk:
    """What a desk and a test can do with one gateway. `told` is its inbox."""

    def __init__(
        self, market: str, params: GatewayParams | None = None, *, bench: PaperBench | None = None,
        clock: Any = None, call: Any = None, **more: Any,
    ) -> None:  # fmt: skip
        self.market = market
        self.bench = bench if bench is not None else PaperBench()
        self.clock = clock if clock is not None else BenchClock(self.bench)
        self.call = call if call is not None else ScriptedCall(self.bench, self.clock, market)
        instruments = rules()[market]
        self.key = SPOT if market == "spot" else USDM
        self.product: Product = Spot("demo", instruments) if market == "spot" else Usdm("demo", instruments)
        self.account = BinanceAccount(self.product, self.call, self.clock.now)
        self.told = Inbox()
        self.gateway = BinanceGateway(
            self.product, self.call, self.account, self.clock, self.told.tell, self._doubt, params=params, **more
        )
        self._names = itertools.count(1)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["LiveDesk"]:
        task = asyncio.create_task(self.gateway.run())
        try:
            yield self
            await asyncio.sleep(0)
            if task.done():
                task.result()
        finally:
            task.cancel()
            await asyncio.wait([task])

    def _doubt(self, reason: str) -> None:
        self.told.tell(AccountUnclear("demo", reason))

    # what a desk sends

    def intent(self, leg: Leg, action: Place | Cancel, name: str = "") -> Intent:
        key: InstrumentId = self.key
        return Intent(name or self.name(), "demo", key, leg, action, "signal", "strategy")

    def name(self) -> str:
        return client_order_id_of("demo", f"order-{next(self._names)}", Leg.ENTRY)

    def enter(self, quantity: str = "1.5", price: str = "105", tif: TimeInForce = TimeInForce.IOC) -> Intent:
        """Buy at a limit: at 105 all of it fills at 101, at 98 it rests."""
        place = Place(Side.BUY, OrderType.LIMIT, Decimal(quantity), Decimal(price), time_in_force=tif)
        intent = self.intent(Leg.ENTRY, place)
        self.gateway.submit(Approved(intent), self.clock.now())
        return intent

    def rest(self, quantity: str = "1.5", price: str = "98") -> Intent:
        return self.enter(quantity, price, TimeInForce.GTC)

    def reduce(self, leg: Leg, place: Place) -> Intent:
        intent = self.intent(leg, place)
        self.gateway.submit(Reducing(intent), self.clock.now())
        return intent

    def leave(self, quantity: str = "1.5") -> Intent:
        return self.reduce(Leg.EXIT, Place(Side.SELL, OrderType.MARKET, Decimal(quantity), reduce_only=True))

    def stop(self, quantity: str = "1.5", trigger: str = "95", list_id: str = "") -> Intent:
        place = Place(
            Side.SELL, OrderType.STOP, Decimal(quantity), trigger_price=Decimal(trigger), reduce_only=True,
            list_id=list_id,
        )  # fmt: skip
        return self.reduce(Leg.STOP, place)

    def target(self, quantity: str = "1.5", trigger: str = "110", list_id: str = "") -> Intent:
        place = Place(
            Side.SELL, OrderType.TAKE_PROFIT, Decimal(quantity), trigger_price=Decimal(trigger), reduce_only=True,
            list_id=list_id,
        )  # fmt: skip
        return self.reduce(Leg.TARGET, place)

    def cancel(self, placed: Intent) -> Intent:
        assert isinstance(placed.action, Place)
        action = Cancel(placed.client_order_id, "not wanted", conditional=placed.action.type.is_conditional)
        intent = self.intent(placed.leg, action)
        self.gateway.submit(Reducing(intent), self.clock.now())
        return intent

    # what the desk hears

    def heard(self, intent: Intent) -> list[str]:
        """Kinds of what was told about an order, in order."""
        return [type(event).__name__ for event in self.told if self._is_about(event, intent)]

    def reason(self, intent: Intent) -> str:
        reasons = [event.reason for event in self.told if self._is_about(event, intent) and hasattr(event, "reason")]
        return str(reasons[-1])

    def filled(self, intent: Intent | None = None) -> Decimal:
        """What was told of fills, each once; a sell counts negative when no order is named."""
        fills = {
            (event.trade_id, event.side): event
            for event in self.told
            if isinstance(event, OrderFilled) and (intent is None or self._is_about(event, intent))
        }
        signed = [one.quantity if intent is not None else one.quantity * one.side.sign for one in fills.values()]
        return sum(signed, Decimal(0))

    def rejections(self) -> list[str]:
        return [event.reason for event in self.told if isinstance(event, OrderRejected)]

    def held(self) -> Decimal:
        """What the venue has, more than at the beginning."""
        if self.market == "usdm":
            return Decimal(self.bench.position())
        wallets = self.bench.call("GET", "/api/v3/account")["balances"]
        held = next(row for row in wallets if row["asset"] == "BTC")
        return Decimal(held["free"]) + Decimal(held["locked"])

    def _is_about(self, event: Any, intent: Intent) -> bool:
        return getattr(event, "client_order_id", "") == intent.client_order_id


def on(market: str, params: GatewayParams | None = None, **more: Any) -> Any:
    """A running desk: `async with on("usdm") as desk`."""
    return LiveDesk(market, params, **more).running()


def client_ids(requests: list[Request]) -> list[str]:
    """The client order ids of placed orders, as they were sent."""
    fields = ("newClientOrderId", "clientAlgoId", "aboveClientOrderId", "belowClientOrderId")
    return [
        request.params[field]
        for request in requests
        if request.method == "POST"
        for field in fields
        if field in request.params
    ]
