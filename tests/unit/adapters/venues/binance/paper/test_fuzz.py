"""Nothing that a client sends breaks the exchange: every request has an answer in Binance's form."""

from typing import Any
from urllib.parse import urlencode

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.venues.binance.paper.ws_api import METHODS, WsSession
from tests.kit.paper_venue import PaperBench
from tests.kit.soak import examples

NAMES = (
    "symbol", "symbols", "side", "type", "timeInForce", "quantity", "quoteOrderQty", "price", "stopPrice", "limit",
    "trailingDelta", "icebergQty", "positionSide", "dualSidePosition",
    "newClientOrderId", "orderId", "origClientOrderId", "orderListId", "startTime",
    "endTime", "fromId", "interval", "recvWindow", "cancelReplaceMode", "cancelOrderId", "aboveType", "abovePrice",
    "belowType", "belowStopPrice", "workingType", "workingSide", "workingPrice", "workingQuantity", "pendingType",
    "pendingSide", "pendingQuantity", "pendingPrice", "algoType", "triggerPrice", "callbackRate", "activatePrice",
    "closePosition", "reduceOnly", "positionSide", "priceMatch", "goodTillDate", "batchOrders", "orderIdList",
    "leverage", "marginType", "dualSidePosition", "countdownTime", "newOrderRespType", "listenKey", "algoId",
)  # fmt: skip
VALUES = (
    "BTCUSDT", "BUY", "SELL", "LIMIT", "MARKET", "STOP_LOSS", "STOP_MARKET", "TRAILING_STOP_MARKET", "CONDITIONAL",
    "GTC", "GTX", "GTD", "FOK", "1", "0", "2.5", "98.0", "101.00", "-1", "1e9", "NaN", "Infinity", "0.000000001", ".",
    "99999999999999999999", "true", "false", "1m", "[]", "[{}]", '["1"]', '["BTCUSDT"]', "[1,2,3,4,5,6]", "{", "\x00",
    "é", "STOP_ON_FAILURE", "ALLOW_FAILURE", "LIMIT_MAKER", "OPPONENT_20", "QUEUE", "MARK_PRICE", "RESULT",
)  # fmt: skip
parameters = st.dictionaries(
    st.sampled_from(NAMES), st.one_of(st.sampled_from(VALUES), st.text(max_size=8)), max_size=9
)
likely = st.fixed_dictionaries(
    {
        "symbol": st.just("BTCUSDT"), "side": st.sampled_from(["BUY", "SELL"]),
        "type": st.sampled_from(["LIMIT", "MARKET", "STOP_LOSS", "STOP_MARKET", "TRAILING_STOP_MARKET"]),
        "quantity": st.sampled_from(["1", "2.5", "60"]), "price": st.sampled_from(["98.0", "101.0", ""]),
        "timeInForce": st.sampled_from(["GTC", "IOC", "FOK", ""]),
    }
)  # fmt: skip


@examples(150)
@given(asked=st.lists(st.tuples(st.integers(0, 200), parameters, st.none() | likely), min_size=1, max_size=6))
def test_every_request_has_an_answer(asked: list[tuple[int, dict[str, str], dict[str, str] | None]]) -> None:
    """Signed requests to any endpoint with any parameters: JSON, 200 or a refusal with a number."""
    bench = PaperBench()
    routes = sorted(bench.venue.gate._routes)
    for number, odd, good in asked:
        method, path = routes[number % len(routes)]
        bench.wait()
        answer = bench.raw(method, path, bench.signed(**{**(good or {}), **odd}))
        body = msgspec.json.decode(answer.body)
        assert answer.status in (200, 400, 401, 409, 429)
        assert answer.status == 200 or isinstance(body["code"], int)
    bench.trade("97.00", quantity="5")
    bench.book("97.00", "98.00")


@examples(150)
@given(query=st.text(max_size=60), body=st.text(max_size=60))
def test_text_that_is_no_query_is_refused(query: str, body: str) -> None:
    """Unsigned, unparsable, or both."""
    answer = PaperBench().raw("POST", "/api/v3/order", urlencode({"symbol": query}) + query, body)
    assert answer.status in (400, 401)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)
OWN = ("session.logon", "session.status", "userDataStream.subscribe", "userDataStream.unsubscribe", "x")
SIGNED = ("apiKey", "timestamp", "signature", "subscriptionId")
messages = st.one_of(
    st.text(max_size=30),
    st.fixed_dictionaries(
        {
            "id": json_values,
            "method": st.sampled_from([*METHODS["spot"], *OWN]) | json_values,
            "params": st.dictionaries(st.sampled_from([*NAMES, *SIGNED]), json_values) | json_values,
        }
    ).map(lambda message: msgspec.json.encode(message).decode()),
)  # fmt: skip


@examples(150)
@given(message=messages)
def test_every_message_has_a_reply(message: str) -> None:
    """Over the WebSocket API: a status, and an error with a number where it is not 200."""
    bench = PaperBench()
    sent: list[Any] = []
    session = WsSession("spot", bench.venue.gate, bench.venue.users["spot"], "::1", sent.append, lambda: None)
    assert session.method_path(message)
    reply = session.receive(message, bench.now)
    assert reply["status"] == 200 or isinstance(reply["error"]["code"], int)
