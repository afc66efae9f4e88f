"""The paper exchange over real sockets: REST, streams, the WebSocket API, faults."""

import asyncio
import base64
import hashlib
import hmac
import itertools
import json
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from websockets.exceptions import ConnectionClosed

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET, AccountEntry, KeyEntry, demo_account
from petrosa.adapters.venues.binance.paper.endpoint import Security
from petrosa.adapters.venues.binance.paper.gate import signed_text
from petrosa.core.model.base import NS_PER_MS
from tests.kit.hand_market import HandMarket
from tests.kit.paper_server import Served, served
from tests.kit.paper_venue import PaperBench, rules

LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "2", "price": "98.0", "timeInForce": "GTC"}
MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "2"}


def ws_params(bench: PaperBench, **params: Any) -> dict[str, Any]:
    """Parameters of a WebSocket API request, signed."""
    params |= {"apiKey": DEMO_KEY, "timestamp": bench.now // NS_PER_MS}
    digest = hmac.new(DEMO_SECRET.encode(), signed_text(params).encode(), hashlib.sha256)
    return params | {"signature": digest.hexdigest()}


async def test_every_endpoint_answers_over_http() -> None:
    """Whoever may call it gets an answer or a refusal in Binance's form, and never a server error."""
    async with served(PaperBench()) as exchange:
        routes = exchange.bench.venue.gate._routes
        assert len(routes) > 80
        for (method, path), (_, endpoint) in routes.items():
            if endpoint.security is Security.NONE:
                answer = await exchange.http.request(method, path, params={"symbol": "BTCUSDT", "interval": "1m"})
                assert answer.status_code == 200, (path, answer.text)
            else:
                answer = await exchange.signed(method, path, symbol="BTCUSDT")
                assert answer.status_code in (200, 400), (path, answer.text)
                assert answer.status_code == 200 or answer.json()["code"] < -1000, (path, answer.text)
            assert "x-mbx-used-weight-1m" in answer.headers


async def test_an_order_in_the_body_is_placed_and_counted() -> None:
    """As most clients send it; the headers say how many orders and how much weight."""
    async with served(PaperBench()) as exchange:
        bench = exchange.bench
        headers = {"content-type": "application/x-www-form-urlencoded"}
        body = bench.signed(**LIMIT)
        answer = await exchange.http.post("/fapi/v1/order", content=body, headers=headers)
        assert "NEW" == answer.json()["status"]
        assert "1" == answer.headers["x-mbx-order-count-10s"]
        found = await exchange.signed("GET", "/fapi/v1/openOrders")
        assert [answer.json()["orderId"]] == [order["orderId"] for order in found.json()]


async def test_spot_market_streams() -> None:
    """Raw in the path, combined in the query, and by control message."""
    async with served(PaperBench()) as exchange:
        bench = exchange.bench
        async with exchange.socket("/ws/btcusdt@trade") as raw, exchange.socket("/stream") as combined:
            names = ["btcusdt@aggTrade", "btcusdt@kline_1m"]
            assert {"result": None, "id": 1} == await combined.ask(method="SUBSCRIBE", params=names, id=1)
            assert names == (await combined.ask(method="LIST_SUBSCRIPTIONS", id=2))["result"]
            bench.trade("100.50", quantity="1")
            event = await raw.hear()
            assert ("trade", "BTCUSDT", "100.50000000") == (event["e"], event["s"], event["p"])
            heard = [await combined.hear() for _ in range(2)]
            assert names == [one["stream"] for one in heard]
            assert "100.50000000" == heard[1]["data"]["k"]["c"]
            assert "error" in await combined.ask(method="DANCE", id=3)


async def test_usdm_streams_are_told_apart_by_path() -> None:
    """A trade stream on `/public` stays silent, as at the venue; on `/market` it speaks."""
    async with served(PaperBench()) as exchange:
        bench = exchange.bench
        async with (
            exchange.socket("/public/stream?streams=btcusdt@aggTrade") as wrong,
            exchange.socket("/market/stream?streams=btcusdt@aggTrade/btcusdt@markPrice@1s") as right,
        ):
            bench.trade("100.50", quantity="1")
            bench.mark("100.40")
            first, second = await right.hear(), await right.hear()
            assert ("aggTrade", "100.50") == (first["data"]["e"], first["data"]["p"])
            assert ("markPriceUpdate", "100.40000000") == (second["data"]["e"], second["data"]["p"])
            reply = await wrong.ask(method="LIST_SUBSCRIPTIONS", id=1)
            assert ["btcusdt@aggTrade"] == reply["result"]


async def test_a_client_that_talks_too_much_is_cut_off() -> None:
    """The sixth control message within a second."""
    async with served(PaperBench()) as exchange, exchange.socket("/ws") as socket:
        for number in range(5):
            assert number == (await socket.ask(method="LIST_SUBSCRIPTIONS", id=number))["id"]
        with pytest.raises(ConnectionClosed):
            await socket.ask(method="LIST_SUBSCRIPTIONS", id=6)


async def test_the_usdm_user_stream_by_listen_key() -> None:
    """In the query and in the path; a key that is none is shown the door."""
    async with served(PaperBench()) as exchange:
        key = (await exchange.http.post("/fapi/v1/listenKey")).json()["listenKey"]
        assert key == (await exchange.http.put("/fapi/v1/listenKey")).json()["listenKey"]
        async with (
            exchange.socket(f"/private/ws?listenKey={key}") as one,
            exchange.socket(f"/private/ws/{key}") as two,
        ):
            await exchange.signed("POST", "/fapi/v1/order", **MARKET)
            for socket in (one, two):
                kinds = [(await socket.hear())["e"] for _ in range(4)]
                assert ["ORDER_TRADE_UPDATE", "TRADE_LITE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"] == kinds
        async with exchange.socket("/private/ws/nobody") as socket:
            with pytest.raises(ConnectionClosed):
                await socket.hear()
        await exchange.http.delete("/fapi/v1/listenKey")
        assert -1125 == (await exchange.http.put("/fapi/v1/listenKey")).json()["code"]


async def test_a_listen_key_ends_after_an_hour() -> None:
    """The stream is told so."""
    async with served(PaperBench()) as exchange:
        key = (await exchange.http.post("/fapi/v1/listenKey")).json()["listenKey"]
        async with exchange.socket(f"/private/ws/{key}") as socket:
            await exchange.http.get("/fapi/v1/ping")
            exchange.bench.wait(3_601)
            assert "listenKeyExpired" == (await socket.hear())["e"]


async def test_the_websocket_api_places_and_tells() -> None:
    """A signed subscription, an order, its events under the subscription's number, a query, a refusal."""
    async with served(PaperBench()) as exchange, exchange.socket("/ws-api/v3") as socket:
        bench = exchange.bench
        opened = await socket.ask(id="s", method="userDataStream.subscribe.signature", params=ws_params(bench))
        assert (200, {"subscriptionId": 0}) == (opened["status"], opened["result"])
        first = await socket.ask(id="o", method="order.place", params=ws_params(bench, **MARKET))
        assert ["executionReport", "executionReport", "outboundAccountPosition"] == [
            first["event"]["e"], *[(await socket.hear())["event"]["e"] for _ in range(2)]
        ]  # fmt: skip
        reply = await socket.hear()
        assert ("o", 200, "FILLED") == (reply["id"], reply["status"], reply["result"]["status"])
        assert "REQUEST_WEIGHT" == reply["rateLimits"][0]["rateLimitType"]
        params = ws_params(bench, symbol="BTCUSDT", orderId=reply["result"]["orderId"])
        found = await socket.ask(id="q", method="order.status", params=params)
        assert "FILLED" == found["result"]["status"]
        params["orderId"] = 1
        refused = await socket.ask(id="r", method="order.status", params=params)
        assert (400, -1022) == (refused["status"], refused["error"]["code"])
        assert -1020 == (await socket.ask(id="u", method="order.dance"))["error"]["code"]
        gone = await socket.ask(id="d", method="userDataStream.unsubscribe", params={"subscriptionId": 0})
        assert 200 == gone["status"]


async def test_a_session_is_logged_on_with_ed25519_only() -> None:
    """Then requests need no key and no signature; HMAC keys are refused."""
    private = ed25519.Ed25519PrivateKey.generate()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = private.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    demo = demo_account()
    entry = AccountEntry(
        name="demo", key=(*demo.key, KeyEntry(key="CurveKey1", public_key=public)), spot=demo.spot, usdm=demo.usdm
    )
    async with served(PaperBench([entry])) as exchange, exchange.socket("/ws-api/v3") as socket:
        bench = exchange.bench
        refused = await socket.ask(id=1, method="session.logon", params=ws_params(bench))
        assert -4056 == refused["error"]["code"]
        params: dict[str, Any] = {"apiKey": "CurveKey1", "timestamp": bench.now // NS_PER_MS}
        signature = base64.b64encode(private.sign(signed_text(params).encode())).decode()
        logged = await socket.ask(id=2, method="session.logon", params=params | {"signature": signature})
        assert "CurveKey1" == logged["result"]["apiKey"]
        order = {**LIMIT, "timestamp": bench.now // NS_PER_MS}
        placed = await socket.ask(id=3, method="order.place", params=order)
        assert "NEW" == placed["result"]["status"]
        assert 0 == (await socket.ask(id=4, method="userDataStream.subscribe"))["result"]["subscriptionId"]
        await socket.ask(id=5, method="session.logout")
        assert 401 == (await socket.ask(id=6, method="order.place", params=order))["status"]


async def test_the_usdm_websocket_api_places_conditional_orders() -> None:
    """`algoOrder.place` and `algoOrder.cancel`."""
    async with served(PaperBench()) as exchange, exchange.socket("/ws-fapi/v1") as socket:
        bench = exchange.bench
        params = ws_params(
            bench, symbol="BTCUSDT", side="SELL", type="STOP_MARKET", algoType="CONDITIONAL", quantity="2",
            triggerPrice="97.0",
        )  # fmt: skip
        placed = await socket.ask(id=1, method="algoOrder.place", params=params)
        algo_id = placed["result"]["algoId"]
        cancelled = await socket.ask(id=2, method="algoOrder.cancel", params=ws_params(bench, algoId=algo_id))
        assert "success" == cancelled["result"]["msg"]


# faults


async def open_orders(exchange: Served) -> int:
    return len((await exchange.signed("GET", "/api/v3/openOrders")).json())


async def test_a_dropped_request_has_not_happened() -> None:
    """The connection breaks, and there is no order."""
    async with served(PaperBench()) as exchange:
        await exchange.fault("drop", method="POST", count=1)
        with pytest.raises(httpx.TransportError):
            await exchange.signed("POST", "/api/v3/order", **LIMIT)
        assert 0 == await open_orders(exchange)
        assert 200 == (await exchange.signed("POST", "/api/v3/order", **LIMIT)).status_code


async def test_a_server_error_may_hide_an_order() -> None:
    """503 as if nobody knew, and the order is there under its client id."""
    async with served(PaperBench()) as exchange:
        await exchange.fault("error_after_accept", path="/api/v3/order", method="POST", count=1)
        answer = await exchange.signed("POST", "/api/v3/order", **LIMIT, newClientOrderId="mine")
        assert (503, -1000) == (answer.status_code, answer.json()["code"])
        found = await exchange.signed("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")
        assert "NEW" == found.json()["status"]


async def test_silence_may_hide_an_order() -> None:
    """The client gives up waiting, and the order is there."""
    async with served(PaperBench()) as exchange:
        await exchange.fault("silence_after_accept", method="POST", count=1, delay_ms=50)
        with pytest.raises(httpx.TransportError):
            await exchange.signed("POST", "/api/v3/order", **LIMIT)
        assert 1 == await open_orders(exchange)


@pytest.mark.parametrize(("kind", "status"), [("rate_limited", 429), ("banned", 418)])
async def test_limits_on_request(kind: str, status: int) -> None:
    """With Retry-After, and nothing has happened."""
    async with served(PaperBench()) as exchange:
        fault = await exchange.fault(kind, retry_after_s=7, method="POST")
        answer = await exchange.signed("POST", "/api/v3/order", **LIMIT)
        assert (status, "7", -1003) == (answer.status_code, answer.headers["retry-after"], answer.json()["code"])
        await exchange.http.delete(f"/petrosa/faults/{fault['id']}")
        assert 200 == (await exchange.signed("POST", "/api/v3/order", **LIMIT)).status_code
        assert 1 == await open_orders(exchange)


async def test_latency_on_request() -> None:
    """A request that takes longer than its client has patience takes effect all the same, or before it at most."""
    async with served(PaperBench()) as exchange:
        loop = asyncio.get_running_loop()
        await exchange.fault("latency", path="/api/v3/time", delay_ms=40)
        began = loop.time()
        await exchange.http.get("/api/v3/time")
        assert loop.time() - began >= 0.04


async def test_user_events_can_come_twice_out_of_order_or_not_at_all() -> None:
    """Doubled; swapped; and a stream that ends instead."""
    async with served(PaperBench()) as exchange:
        key = (await exchange.http.post("/fapi/v1/listenKey")).json()["listenKey"]
        async with exchange.socket(f"/private/ws/{key}") as socket:
            await exchange.http.get("/fapi/v1/ping")
            await exchange.fault("duplicate_event", event="TRADE_LITE")
            await exchange.fault("reorder_events", event="ACCOUNT_UPDATE")
            await exchange.signed("POST", "/fapi/v1/order", **MARKET)
            kinds = [(await socket.hear())["e"] for _ in range(5)]
            assert [
                "ORDER_TRADE_UPDATE", "TRADE_LITE", "TRADE_LITE", "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE",
            ] == kinds  # fmt: skip
            await exchange.fault("disconnect_stream", count=1)
            await exchange.signed("POST", "/fapi/v1/order", **MARKET)
            with pytest.raises(ConnectionClosed):
                await socket.hear()
        assert "4.000" == exchange.bench.position()


async def test_a_stale_book_stands_still_while_orders_do_not() -> None:
    """The public book keeps its prices; an order meets the real ones; without the fault the real book is shown."""
    async with served(PaperBench()) as exchange:
        bench = exchange.bench
        await exchange.fault("stale_book")
        bench.trade("100.00", quantity="1")
        bench.book("89.00", "91.00")
        shown = (await exchange.http.get("/api/v3/depth", params={"symbol": "BTCUSDT"})).json()
        assert "101.00000000" == shown["asks"][0][0]
        order = (await exchange.signed("POST", "/api/v3/order", **MARKET)).json()
        assert "91.00000000" == order["fills"][0]["price"]
        await exchange.http.delete("/petrosa/faults")
        bench.trade("90.00", quantity="1")
        shown = (await exchange.http.get("/api/v3/depth", params={"symbol": "BTCUSDT"})).json()
        assert "91.00000000" == shown["asks"][0][0]


async def test_what_is_no_fault_is_refused() -> None:
    """With the reason; and a number that is not there."""
    async with served(PaperBench()) as exchange:
        for body in ({"kind": "gremlins"}, {"kind": "drop", "rate": 2}, {"kind": "drop", "rat": 1}):
            assert 400 == (await exchange.http.post("/petrosa/faults", content=json.dumps(body))).status_code
        assert 404 == (await exchange.http.delete("/petrosa/faults/9")).status_code
        assert [] == (await exchange.http.get("/petrosa/faults")).json()


async def test_a_rejection_on_request_strikes_both_apis() -> None:
    """With the code that was asked for, and nothing has happened."""
    async with served(PaperBench()) as exchange, exchange.socket("/ws-api/v3") as socket:
        await exchange.fault("reject", code=-1013, method="POST", path="/api/v3/order", count=2)
        answer = await exchange.signed("POST", "/api/v3/order", **MARKET)
        assert (400, -1013) == (answer.status_code, answer.json()["code"])
        reply = await socket.ask(id="o", method="order.place", params=ws_params(exchange.bench, **MARKET))
        assert ("o", 400, -1013) == (reply["id"], reply["status"], reply["error"]["code"])
        assert [] == (await exchange.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT")).json()
        assert 200 == (await exchange.signed("POST", "/api/v3/order", **MARKET)).status_code


async def test_a_hand_moved_market_is_streamed_without_a_gap() -> None:
    """Differences in a chain, quotes and prints; said again when nothing moves."""
    bench = PaperBench(live=True)
    market = HandMarket(bench.venue, list(rules()["usdm"].values()), lambda: bench.now)
    async with served(bench) as exchange:
        market.move("50000")
        streams = "btcusdt@depth@100ms/btcusdt@bookTicker"
        async with exchange.socket(f"/public/stream?streams={streams}") as socket:
            await socket.ask(method="LIST_SUBSCRIPTIONS", id=1)
            for step in (lambda: market.move("50100"), market.beat, lambda: market.move("49900")):
                step()
            heard = [(await socket.hear())["data"] for _ in range(6)]
        chain = [one for one in heard if one["e"] == "depthUpdate"]
        assert [True, True] == [later["pu"] == one["u"] for one, later in itertools.pairwise(chain)]
        assert ["50097.50", "50097.50", "49897.50"] == [one["b"] for one in heard if one["e"] == "bookTicker"]
