"""An unmodified public client trades on the paper exchange: only its addresses are other ones.

`python-binance` as it comes from the registry; what it warns about itself is its own affair.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET
from tests.kit.paper_server import TIMEOUT_S, served
from tests.kit.paper_venue import PaperBench

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@asynccontextmanager
async def client(bench: PaperBench) -> AsyncIterator[tuple[Any, Any]]:
    """(client, socket manager) of python-binance, pointed at loopback."""
    from binance import AsyncClient, BinanceSocketManager
    from binance.ws.reconnecting_websocket import ReconnectingWebsocket

    async with served(bench) as exchange:
        made = AsyncClient(DEMO_KEY, DEMO_SECRET)
        made.API_URL, made.FUTURES_URL = f"{exchange.url}/api", f"{exchange.url}/fapi"
        made.MARGIN_API_URL = f"{exchange.url}/sapi"
        made.ws_api._url, made.ws_future._url = f"{exchange.ws}/ws-api/v3", f"{exchange.ws}/ws-fapi/v1"
        sockets = BinanceSocketManager(made)
        sockets.STREAM_URL = sockets.FSTREAM_URL = f"{exchange.ws}/"
        patience, ReconnectingWebsocket.TIMEOUT = ReconnectingWebsocket.TIMEOUT, 0.5  # a close waits as long as a read
        try:
            yield made, sockets
        finally:
            ReconnectingWebsocket.TIMEOUT = patience
            await made.close_connection()


async def heard(socket: Any) -> Any:
    """The next message; the client says None when nothing came for a while."""
    while (message := await socket.recv()) is None:
        pass
    return message


async def test_it_places_queries_lists_and_cancels_on_spot() -> None:
    """Limit, stop and an OCO; by REST and by the WebSocket API."""
    async with client(PaperBench(live=True)) as (binance, _):
        rules = await binance.get_symbol_info("BTCUSDT")
        assert "LOT_SIZE" in {one["filterType"] for one in rules["filters"]}
        limit = await binance.order_limit_buy(symbol="BTCUSDT", quantity="1", price="90.00")
        found = await binance.get_order(symbol="BTCUSDT", orderId=limit["orderId"])
        assert ("NEW", limit["clientOrderId"]) == (found["status"], found["clientOrderId"])
        stop = await binance.create_order(
            symbol="BTCUSDT", side="SELL", type="STOP_LOSS_LIMIT", timeInForce="GTC", quantity="0.1",
            stopPrice="95.00", price="94.00",
        )  # fmt: skip
        oco = await binance.create_oco_order(
            symbol="BTCUSDT", side="SELL", quantity="0.5", aboveType="LIMIT_MAKER", abovePrice="110.00",
            belowType="STOP_LOSS", belowStopPrice="95.00",
        )  # fmt: skip
        placed = await binance.ws_create_order(
            symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="1", price="91.00"
        )
        legs = [one["orderId"] for one in oco["orders"]]
        listed = [order["orderId"] for order in await binance.get_open_orders(symbol="BTCUSDT")]
        assert [limit["orderId"], stop["orderId"], *legs, placed["orderId"]] == listed
        for order_id in (limit["orderId"], stop["orderId"], legs[0], placed["orderId"]):
            await binance.cancel_order(symbol="BTCUSDT", orderId=order_id)
        assert [] == await binance.get_open_orders(symbol="BTCUSDT")
        assert 5 == len(await binance.get_all_orders(symbol="BTCUSDT"))
        filled = await binance.order_market_buy(symbol="BTCUSDT", quantity="1")
        trades = await binance.get_my_trades(symbol="BTCUSDT")
        assert [filled["fills"][0]["tradeId"]] == [trade["id"] for trade in trades]
        balance = await binance.get_asset_balance(asset="USDT")
        assert 99_899.0 == float(balance["free"])


async def test_it_places_queries_lists_and_cancels_on_futures() -> None:
    """Plain orders, conditional ones (it sends them to the algo service), positions, leverage."""
    async with client(PaperBench(live=True)) as (binance, _):
        await binance.futures_change_leverage(symbol="BTCUSDT", leverage=5)
        limit = await binance.futures_create_order(
            symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="2", price="98.0"
        )
        assert (
            limit["orderId"] == (await binance.futures_get_order(symbol="BTCUSDT", orderId=limit["orderId"]))["orderId"]
        )
        assert [limit["orderId"]] == [one["orderId"] for one in await binance.futures_get_open_orders()]
        assert "CANCELED" == (await binance.futures_cancel_order(symbol="BTCUSDT", orderId=limit["orderId"]))["status"]
        await binance.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="2")
        (position,) = await binance.futures_position_information(symbol="BTCUSDT")
        assert ("2.000", "101") == (position["positionAmt"], position["entryPrice"])
        stop = await binance.futures_create_order(
            symbol="BTCUSDT", side="SELL", type="STOP_MARKET", triggerPrice="97.0", closePosition="true"
        )
        trailing = await binance.futures_create_order(
            symbol="BTCUSDT",
            side="SELL",
            type="TRAILING_STOP_MARKET",
            callbackRate="1",
            quantity="2",
            reduceOnly="true",
        )
        listed = [one["algoId"] for one in await binance.futures_get_open_orders(symbol="BTCUSDT", conditional=True)]
        assert [stop["algoId"], trailing["algoId"]] == listed
        for order in (stop, trailing):
            await binance.futures_cancel_order(symbol="BTCUSDT", algoId=order["algoId"], conditional=True)
        assert [] == await binance.futures_get_open_orders(symbol="BTCUSDT", conditional=True)
        balances = {row["asset"]: row["balance"] for row in await binance.futures_account_balance()}
        assert 99_999.899 == float(balances["USDT"])


async def test_it_hears_user_events_and_market_streams() -> None:
    """Spot user events over the WebSocket API, those of futures by listen key, trades on the routed paths."""
    bench = PaperBench(live=True)
    async with client(bench) as (binance, sockets), asyncio.timeout(4 * TIMEOUT_S):
        async with sockets.user_socket() as user:
            await binance.order_market_buy(symbol="BTCUSDT", quantity="1")
            assert ["NEW", "TRADE"] == [(await heard(user))["x"] for _ in range(2)]
        async with sockets.futures_user_socket() as user:
            await binance.futures_create_order(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="2")
            assert {"ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE"} == {
                (await heard(user))["e"] for _ in range(4)
            }  # fmt: skip
        async with sockets.trade_socket("BTCUSDT") as spot, sockets.aggtrade_futures_socket("BTCUSDT") as usdm:
            bench.trade("100.50", quantity="1")
            assert "100.50000000" == (await heard(spot))["p"]
            assert "100.50" == (await heard(usdm))["data"]["p"]


async def test_it_holds_long_and_short_apart_in_hedge_mode() -> None:
    """The mode is changed, both sides are opened, one is protected and closed; the stream names the side."""
    async with client(PaperBench(live=True)) as (binance, _):
        await binance.futures_change_position_mode(dualSidePosition="true")
        assert {"dualSidePosition": True} == await binance.futures_get_position_mode()
        order = {"symbol": "BTCUSDT", "type": "MARKET"}
        await binance.futures_create_order(**order, side="BUY", positionSide="LONG", quantity="3")
        await binance.futures_create_order(**order, side="SELL", positionSide="SHORT", quantity="2")
        held = {row["positionSide"]: row["positionAmt"] for row in await binance.futures_position_information()}
        assert {"LONG": "3.000", "SHORT": "-2.000"} == held
        await binance.futures_create_order(
            symbol="BTCUSDT", side="SELL", positionSide="LONG", type="STOP_MARKET", closePosition="true",
            triggerPrice="95.0",
        )  # fmt: skip
        await binance.futures_create_order(**order, side="SELL", positionSide="LONG", quantity="3")
        held = {row["positionSide"]: row["positionAmt"] for row in await binance.futures_position_information()}
        assert {"SHORT": "-2.000"} == held
        assert [] == await binance.futures_get_open_orders(symbol="BTCUSDT", conditional=True)
