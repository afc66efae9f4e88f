"""What an account holds, asked for page by page until nothing is left out."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from petrosa.adapters.venues.binance.live.account import PAGE_LEAST, SPAN_MS, BinanceAccount
from petrosa.adapters.venues.binance.live.names import KnownNames
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.usdm import Usdm
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.orders import Leg, OrderStatus
from petrosa.errors import DataError, RateLimited, TransportError
from petrosa.ports import VenueAccount
from tests.kit.live_venue import LiveDesk, on, refused
from tests.kit.paper_venue import START, USDM, rules

MARKETS = pytest.mark.parametrize("market", ["spot", "usdm"])
NOW_MS = START // NS_PER_MS


@MARKETS
async def test_open_orders_are_plain_and_conditional_and_listed(market: str) -> None:
    """Whatever is open, whoever placed it, under the client id that it has."""
    async with on(market) as desk:
        desk.enter()
        entry = desk.rest()
        await desk.clock.settle()
        legs = [desk.stop("1", list_id="pair"), desk.target("1", list_id="pair")]
        await desk.clock.settle()
        foreign = (desk.bench.spot_limit if market == "spot" else desk.bench.usdm_limit)("BUY", "2", "97")
        account: VenueAccount = desk.account
        stated = await account.orders()
    ours = {intent.client_order_id for intent in (entry, *legs)}
    assert {order.client_order_id for order in stated} == ours | {foreign["clientOrderId"]}
    assert {order.status for order in stated} == {OrderStatus.ACCEPTED}


@MARKETS
async def test_fills_have_the_names_of_their_orders(market: str) -> None:
    """Ours by our ids, and somebody else's by theirs."""
    async with on(market) as desk:
        entry = desk.enter()
        await desk.clock.settle()
        foreign = (desk.bench.spot if market == "spot" else desk.bench.usdm)("BUY", "MARKET", quantity="1")
        desk.account.names._names.clear()
        fills = await desk.account.fills(desk.key, START)
    assert [(fill.client_order_id, fill.quantity) for fill in fills] == [
        (entry.client_order_id, Decimal("1.5")),
        (foreign["clientOrderId"], Decimal(1)),
    ]


async def test_the_names_of_many_orders_are_asked_for_at_once() -> None:
    """One question to the history of the instrument instead of one for each order."""
    async with on("usdm") as desk:
        for _ in range(8):
            desk.bench.usdm("BUY", "MARKET", quantity="1")
        fills = await desk.account.fills(desk.key, START)
    assert len({fill.client_order_id for fill in fills}) == 8
    assert len(desk.call.questions) < 6


async def test_a_stop_that_fired_fills_under_its_own_name() -> None:
    """The order that the trigger made has another number; its trades are the stop's."""
    async with on("usdm") as desk:
        desk.enter()
        await desk.clock.settle()
        stop = desk.stop()
        await desk.clock.settle()
        desk.bench.book("93.00", "94.00")
        desk.bench.trade("94.00")
        fills = await desk.account.fills(desk.key, START)
        stated = await desk.account.order(stop)
    assert [fill.side for fill in fills if fill.client_order_id == stop.client_order_id] == [Side.SELL]
    assert stated is not None
    assert (stated.status, stated.filled) == (OrderStatus.FILLED, Decimal("1.5"))


async def test_positions_and_balances() -> None:
    """A derivative position is signed, spot has none; wallets hold what is locked."""
    async with on("usdm") as futures, on("spot") as spot:
        for desk in (futures, spot):
            desk.enter()
            desk.rest()
            await desk.clock.settle()
        (position,) = await futures.account.positions()
        assert (position.quantity, position.entry_price) == (Decimal("1.5"), Decimal(101))
        assert await spot.account.positions() == []
        assert "USDT" in await futures.account.balances()
        assert (await spot.account.balances())["BTC"] == spot.held()


@MARKETS
async def test_an_order_that_is_not_there_is_none_and_a_silent_venue_is_not(market: str) -> None:
    """Not knowing is never answered with nothing."""
    async with on(market) as desk:
        never = desk.intent(Leg.ENTRY, desk.rest().action)
        assert await desk.account.order(never) is None
        for problem in (TransportError("away"), RateLimited("wait", 1.0)):
            desk.call.reads.append(refused(problem))
            with pytest.raises(type(problem)):
                await desk.account.order(never)
            desk.call.reads.append(refused(problem))
            with pytest.raises(type(problem)):
                await desk.account.fills(desk.key, START)


class Archive:
    """A venue with many trades: pages by time cover a week, pages by id have a size. Every order is `order-N`."""

    def __init__(self, times_ms: Sequence[int], page: int = 1_000) -> None:
        self.times = times_ms
        self.page = page
        self.asked: list[Request] = []

    async def __call__(self, request: Request) -> bytes:
        self.asked.append(request)
        params = request.params
        numbers = range(1, len(self.times) + 1)
        if "fromId" in params:
            chosen = [number for number in numbers if number >= int(params["fromId"])]
        else:
            begin = int(params["startTime"])
            chosen = [number for number in numbers if begin <= self.times[number - 1] < begin + SPAN_MS["usdm"]]
        rows = [
            f'{{"symbol":"BTCUSDT","id":{number},"orderId":7,"side":"BUY","price":"100","qty":"1","commission":"0",'
            f'"commissionAsset":"USDT","time":{self.times[number - 1]},"maker":false}}'
            for number in chosen[: self.page]
        ]
        return f"[{','.join(rows)}]".encode()


def reader(archive: Archive) -> BinanceAccount:
    names = KnownNames()
    names.learn("BTCUSDT:7", "order-7")
    return BinanceAccount(Usdm("demo", rules()["usdm"]), archive, lambda: NOW_MS * NS_PER_MS, names)


@pytest.mark.parametrize("count", [0, 1, PAGE_LEAST - 1, PAGE_LEAST, 999, 1_000, 1_001, 3_500])
@pytest.mark.parametrize("weeks", [0, 5])
async def test_every_page_is_read(count: int, weeks: int) -> None:
    """However many trades, and however long ago: each once, oldest first."""
    begin = NOW_MS - 3_600_000 - weeks * SPAN_MS["usdm"]
    archive = Archive([begin + number for number in range(count)])
    fills = await reader(archive).fills(USDM, begin * NS_PER_MS)
    assert [int(fill.trade_id) for fill in fills] == list(range(1, count + 1))
    assert len(archive.asked) <= 2 + weeks + count // 900


async def test_a_trade_after_weeks_of_none_is_found() -> None:
    """A page by time that is empty says nothing about what came after its week."""
    archive = Archive([NOW_MS - 1_000])
    fills = await reader(archive).fills(USDM, (NOW_MS - 10 * SPAN_MS["usdm"]) * NS_PER_MS)
    assert len(fills) == 1


async def test_a_venue_that_repeats_a_full_page_is_not_believed() -> None:
    """Trades without an end are an answer that cannot be read."""
    archive = Archive([NOW_MS - 1_000] * PAGE_LEAST, page=PAGE_LEAST)
    numbers = archive.times

    async def stuck(request: Request) -> bytes:
        return await archive(request._replace(params={"startTime": str(numbers[0])}))

    account = BinanceAccount(Usdm("demo", rules()["usdm"]), stuck, lambda: NOW_MS * NS_PER_MS, reader(archive).names)
    with pytest.raises(DataError, match="a full page with nothing new"):
        await account.fills(USDM, (NOW_MS - 2_000) * NS_PER_MS)


async def test_a_trade_whose_order_is_forgotten_keeps_the_number() -> None:
    """The venue tells of no such order any more: the fill is told under the venue's name of it."""
    desk = LiveDesk("usdm")
    desk.bench.usdm("BUY", "MARKET", quantity="1")
    real = desk.call

    async def forgetful(request: Request) -> bytes:
        if request.path.endswith("/order"):
            request = request._replace(params={**request.params, "orderId": "999"})
        return await real(request)

    account = BinanceAccount(desk.product, forgetful, desk.clock.now)
    (fill,) = await account.fills(USDM, START)
    assert fill.client_order_id.startswith("BTCUSDT:")


def test_names_are_bounded() -> None:
    """The oldest go first; what is learned again is new."""
    names = KnownNames(kept=2)
    for order in ("A:1", "A:2", "A:1", "A:3"):
        names.learn(order, f"name of {order}")
    assert dict(names) == {"A:1": "name of A:1", "A:3": "name of A:3"}
