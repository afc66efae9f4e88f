"""Recorded calls of real private endpoints: the paper exchange takes the requests and answers in the same shape.

Out of scope, because the paper exchange does not serve them: COIN-M (`dapi`), options (`eapi`), portfolio margin
(`papi`), margin and savings (`sapi`), and hedge mode.
"""

import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.kit.paper_venue import PaperBench
from tests.kit.recordings import recordings_dir

pytestmark = pytest.mark.recordings

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
OUT_OF_SCOPE = ("/dapi/", "/eapi/", "/papi/", "/sapi/")
NOT_OURS = {"timestamp", "recvWindow", "signature", "newClientOrderId", "clientAlgoId", "batchOrders"}


def recorded(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads((recordings_dir() / "exchange-exam" / name).read_text())
    return rows


def replies(method: str, description: str) -> Any:
    return next(
        row["http_response"]
        for row in recorded("binance_responses.json")
        if row["method"] == method and row["description"] == description
    )


def kind(value: Any) -> str:
    """The type of a JSON value. The recordings hold whole numbers as text too, so a number in a text is a number."""
    if value is None or isinstance(value, bool):
        return str(type(value).__name__)
    if isinstance(value, int | float) or (isinstance(value, str) and NUMBER.fullmatch(value)):
        return "number"
    return type(value).__name__


def shape(value: Any) -> Any:
    """Keys and types, of arrays that of the first entry."""
    if isinstance(value, dict):
        return {name: shape(one) for name, one in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return kind(value)


def decimals(value: Any) -> Any:
    """How many decimals each number in a text has, where it stands."""
    if isinstance(value, dict):
        return {name: decimals(one) for name, one in value.items()}
    return len(value.partition(".")[2]) if isinstance(value, str) and NUMBER.fullmatch(value) else None


def test_a_spot_order_is_answered_in_the_recorded_shape() -> None:
    """Self-trade prevention included; prices with eight decimals. No symbol of ours takes icebergs."""
    theirs = replies("createOrder", "spot +selfTradePrevention +iceberg")
    ours = PaperBench().spot_limit("BUY", "2", "90.00", newOrderRespType="FULL")
    assert shape(theirs) == shape(ours) | {"icebergQty": "number"}
    assert decimals(theirs)["price"] == decimals(ours)["price"]


def test_spot_queries_are_answered_in_the_recorded_shape() -> None:
    """A filled market order, an open limit-maker order, a fill, the account."""
    bench = PaperBench()
    filled = bench.spot("BUY", "MARKET", quantity="1")
    found = bench.call("GET", "/api/v3/order", symbol="BTCUSDT", orderId=filled["orderId"])
    assert shape(replies("fetchOrder", "Fetch spot closed order")) == shape(found)
    bench.spot("BUY", "LIMIT_MAKER", quantity="1", price="90.00")
    listed = bench.call("GET", "/api/v3/openOrders")
    assert shape(replies("fetchOpenOrders", "Fetch spot open orders")) == shape(listed)
    trades = bench.call("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert shape(replies("fetchMyTrades", "Spot private trade")) == shape(trades)
    account = bench.call("GET", "/api/v3/account")
    assert shape(replies("fetchBalance", "Spot balance")) == shape(account)


def test_usdm_answers_have_the_recorded_shape() -> None:
    """A conditional order, the list of them, its cancel; positions; the account."""
    bench = PaperBench()
    stop = bench.algo("BUY", "STOP", quantity="2", triggerPrice="103.0", price="104.0")
    assert shape(replies("createOrder", "createOrder conditional linear swap")) == shape(stop)
    listed = bench.call("GET", "/fapi/v1/openAlgoOrders", symbol="BTCUSDT")
    assert shape(replies("fetchOpenOrders", "fetchOpenOrders linear swap conditional")) == shape(listed)
    cancelled = bench.call("DELETE", "/fapi/v1/algoOrder", algoId=stop["algoId"])
    assert shape(replies("cancelOrder", "cancelOrder linear swap conditional")) == shape(cancelled)
    bench.usdm("BUY", "MARKET", quantity="2")
    risk = bench.call("GET", "/fapi/v3/positionRisk")
    assert shape(replies("fetchPositions", "Fetch linear positions without symbols")) == shape(risk)
    account = bench.call("GET", "/fapi/v3/account")
    assert shape(replies("fetchPositions", "Fetch linear positions using account endnpoint")) == shape(account)


def test_public_answers_have_the_recorded_shape() -> None:
    """Klines, books and tickers of both."""
    bench = PaperBench()
    for described, path in (("Spot OHLCV with since and limit", "/api/v3"), ("swap ohlcv", "/fapi/v1")):
        rows = bench.public(f"{path}/klines", symbol="BTCUSDT", interval="1m")
        theirs = replies("fetchOHLCV", described)[0]
        assert [kind(one) for one in theirs] == [kind(one) for one in rows[0]]
    book = bench.public("/api/v3/depth", symbol="BTCUSDT")
    assert shape(replies("fetchOrderBook", "spot orderbook")) == shape(book)
    ticker = bench.public("/api/v3/ticker/24hr", symbol="BTCUSDT")
    assert shape(replies("fetchTicker", "public spot ticker")) == shape(ticker)


@pytest.mark.parametrize("symbol", ["BTC/USDT", "BTC/USDT:USDT"])
def test_exchange_information_holds_what_the_recorded_one_does(symbol: str) -> None:
    """Every filter that is there has the recorded one's keys; nothing that a client reads is missing."""
    theirs = json.loads((recordings_dir() / "exchange-exam" / "binance_exchange_info.json").read_text())[symbol]
    path = "/fapi/v1" if ":" in symbol else "/api/v3"
    (ours,) = PaperBench().public(f"{path}/exchangeInfo")["symbols"]
    known = {one["filterType"]: set(one) for one in theirs["filters"]}
    for one in ours["filters"]:
        if one["filterType"] in known:
            assert known[one["filterType"]] == set(one)
    assert {"symbol", "status", "baseAsset", "quoteAsset", "orderTypes", "filters"} <= set(ours) & set(theirs)


def in_scope() -> list[dict[str, Any]]:
    return [
        row for row in recorded("binance_requests.json")
        if not any(part in row["url"] for part in OUT_OF_SCOPE) and "hedged" not in row["description"]
        and "dualSidePosition" not in row["url"] + (row["body"] or "")
    ]  # fmt: skip


METHODS = {
    "createOrder": "POST", "createOrders": "POST", "setLeverage": "POST", "cancelOrder": "DELETE",
    "cancelOrders": "DELETE", "cancelAllOrders": "DELETE", "cancelOrderWithClientOrderId": "DELETE",
}  # fmt: skip


def test_every_recorded_request_in_scope_is_understood() -> None:
    """On the path where it was sent, with the parameters that were sent: taken, or refused for its values alone."""
    understood = (200, -1013, -2010, -2011, -2013, -2019, -2021, -2022, -4014, -4016, -4024, -4164, -1111, -4003)
    rows = in_scope()
    assert len(rows) > 40
    for row in rows:
        bench = PaperBench()
        url = urlsplit(row["url"])
        params = dict(parse_qsl(url.query)) | dict(parse_qsl(row["body"] or ""))
        sent = {name: value for name, value in params.items() if name not in NOT_OURS}
        if "symbol" in sent:
            sent["symbol"] = "BTCUSDT"
        if "batchOrders" in params:
            orders = [{**one, "symbol": "BTCUSDT"} for one in json.loads(params["batchOrders"])]
            sent["batchOrders"] = json.dumps(orders)
        answer = bench.call(METHODS.get(row["method"], "GET"), url.path, **sent)
        code = answer.get("code", 200) if isinstance(answer, dict) else 200
        assert int(code) in understood, (row["description"], url.path, sent, answer)
