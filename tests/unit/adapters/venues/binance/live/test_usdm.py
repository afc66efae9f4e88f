"""USD-M without an exchange: what each order is written as, and what each answer may say."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from petrosa.adapters.venues.binance.live import usdm_choices
from petrosa.adapters.venues.binance.live.replies import STATUSES
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.usdm import Usdm
from petrosa.core.model.account import StatedOrder
from petrosa.core.model.base import Side
from petrosa.core.model.market import instrument_id
from petrosa.core.model.orders import (
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderRejected,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from petrosa.core.model.positions import PositionSide
from petrosa.errors import DataError, InvariantError
from tests.kit.live_orders import ACCOUNT, HEARD, USDM_PRODUCT, cancel, order
from tests.kit.paper_venue import USDM, rules

BUY, SELL = Side.BUY, Side.SELL
T = OrderType
HEDGED = Usdm(ACCOUNT, rules()["usdm"], hedged=True, working_type="MARK_PRICE")
PLAIN = [
    (T.MARKET, {}, {"type": "MARKET"}),
    *(
        (T.LIMIT, {"price": "96.10", "tif": tif}, {"type": "LIMIT", "price": "96.1", "timeInForce": tif.value})
        for tif in TimeInForce
    ),
]
ALGO = [
    (T.STOP, {"trigger": "97"}, {"type": "STOP_MARKET", "triggerPrice": "97"}),
    (T.TAKE_PROFIT, {"trigger": "103"}, {"type": "TAKE_PROFIT_MARKET", "triggerPrice": "103"}),
    (T.STOP_LIMIT, {"price": "96", "trigger": "97"},
     {"type": "STOP", "price": "96", "timeInForce": "GTC", "triggerPrice": "97"}),
    (T.TAKE_PROFIT_LIMIT, {"price": "104", "trigger": "103"},
     {"type": "TAKE_PROFIT", "price": "104", "timeInForce": "GTC", "triggerPrice": "103"}),
    (T.TRAILING_STOP, {"callback": "0.005"}, {"type": "TRAILING_STOP_MARKET", "callbackRate": "0.5"}),
    (T.TRAILING_STOP, {"callback": "0.1", "trigger": "103"},
     {"type": "TRAILING_STOP_MARKET", "callbackRate": "10", "activatePrice": "103"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "more", "terms"), PLAIN)
def test_what_a_plain_order_is_written_as(kind: OrderType, more: dict[str, Any], terms: dict[str, str]) -> None:
    request = USDM_PRODUCT.place([order(SELL, kind, "0.010", reduces=True, **more)])
    assert ("POST", "/fapi/v1/order", 1, True, True) == (
        request.method, request.path, request.orders, request.urgent, request.changes
    )  # fmt: skip
    assert request.params == {
        "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", "reduceOnly": "true", "newClientOrderId": "p1",
        "newOrderRespType": "RESULT", **terms,
    }  # fmt: skip


@pytest.mark.parametrize(("kind", "more", "terms"), ALGO)
def test_what_a_conditional_order_is_written_as(kind: OrderType, more: dict[str, Any], terms: dict[str, str]) -> None:
    """To the algo service, whose trigger price is not a stop price and whose callback is in percent."""
    request = USDM_PRODUCT.place([order(SELL, kind, "0.010", **more)])
    assert ("/fapi/v1/algoOrder", False) == (request.path, request.urgent)
    assert request.params == {
        "algoType": "CONDITIONAL", "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", "clientAlgoId": "p1",
        "workingType": "CONTRACT_PRICE", "newOrderRespType": "RESULT", **terms,
    }  # fmt: skip
    assert "MARK_PRICE" == HEDGED.place([order(SELL, kind, "0.010", **more)]).params["workingType"]


@pytest.mark.parametrize(
    ("side", "reduces", "held"),
    [(BUY, False, "LONG"), (SELL, True, "LONG"), (SELL, False, "SHORT"), (BUY, True, "SHORT")],
)
@pytest.mark.parametrize(("kind", "trigger"), [(T.MARKET, None), (T.STOP, "97")])
def test_in_hedge_mode_an_order_is_for_the_side_that_it_opens_or_closes(
    side: Side, reduces: bool, held: str, kind: OrderType, trigger: str | None
) -> None:
    """And never reduce-only, which that mode refuses."""
    params = HEDGED.place([order(side, kind, "1", None, trigger, reduces=reduces)]).params
    assert held == params["positionSide"]
    assert "reduceOnly" not in params


@pytest.mark.parametrize(
    ("impossible", "match"),
    [
        (order(BUY, T.LIMIT, "1"), "needs a price"),
        (order(BUY, T.STOP, "1"), "needs a trigger price"),
        (order(SELL, T.TRAILING_STOP, "1"), "needs a callback"),
        (order(SELL, T.MARKET, "-1"), "above 0"),
        (order(SELL, T.MARKET, "1", name="x" * 37), "1 to 36"),
        (cancel(order(BUY, T.MARKET, "1")), "is not an order"),
    ],
)
def test_what_cannot_be_asked_is_our_own_mistake(impossible: Any, match: str) -> None:
    with pytest.raises(InvariantError, match=match):
        USDM_PRODUCT.place([impossible])


def test_a_cancel_goes_to_where_the_order_is() -> None:
    placed = order(SELL, T.STOP, "1", None, "97", name="stop")
    waiting, made = USDM_PRODUCT.cancel(cancel(placed, conditional=True)), USDM_PRODUCT.cancel(cancel(placed))
    assert ("DELETE", "/fapi/v1/algoOrder", "stop") == (waiting.method, waiting.path, waiting.params["clientAlgoId"])
    assert ("DELETE", "/fapi/v1/order", "stop") == (made.method, made.path, made.params["origClientOrderId"])
    with pytest.raises(InvariantError, match="not a cancel"):
        USDM_PRODUCT.cancel(placed)


def test_a_conditional_order_is_looked_for_in_the_algo_service_and_then_among_the_orders() -> None:
    """The service forgets; the order that its trigger made has the same name."""
    paths = [r.path for r in USDM_PRODUCT.query(order(SELL, T.STOP, "1", None, "97"))]
    assert ["/fapi/v1/algoOrder", "/fapi/v1/order"] == paths
    assert ["/fapi/v1/order"] == [r.path for r in USDM_PRODUCT.query(order(SELL, T.LIMIT, "1", "97"))]


# answers

LIMIT = order(BUY, T.LIMIT, "10", "96")
STOP = order(SELL, T.STOP, "10", None, "97", name="p1")


def row(**changes: Any) -> dict[str, Any]:
    """An answer since July 2026: without average price and value."""
    return {
        "clientOrderId": "p1", "cumQty": "0", "executedQty": "0", "orderId": 22542179, "origQty": "10", "price": "96",
        "reduceOnly": False, "side": "BUY", "positionSide": "BOTH", "status": "NEW", "stopPrice": "0",
        "closePosition": False, "symbol": "BTCUSDT", "timeInForce": "GTC", "type": "LIMIT", "origType": "LIMIT",
        "updateTime": 1566818724722, "workingType": "CONTRACT_PRICE", "priceProtect": False,
    } | changes  # fmt: skip


def algo(**changes: Any) -> dict[str, Any]:
    return {
        "algoId": 2146760, "clientAlgoId": "p1", "algoType": "CONDITIONAL", "orderType": "STOP_MARKET",
        "symbol": "BTCUSDT", "side": "SELL", "positionSide": "BOTH", "timeInForce": "GTC", "quantity": "10",
        "algoStatus": "NEW", "actualOrderId": "", "actualPrice": "0.0", "triggerPrice": "97", "price": "0",
        "closePosition": False, "reduceOnly": True, "createTime": 1750514941540, "updateTime": 1750514941540,
        "triggerTime": 0, "goodTillDate": 0,
    } | changes  # fmt: skip


def told(answer: dict[str, Any], intent: Any = LIMIT) -> list[Any]:
    return list(USDM_PRODUCT.placed([intent], json.dumps(answer).encode(), HEARD))


@pytest.mark.parametrize(
    ("status", "executed", "kinds"),
    [
        ("NEW", "0", [OrderAccepted]), ("PARTIALLY_FILLED", "4", [OrderAccepted]), ("FILLED", "10", [OrderAccepted]),
        ("EXPIRED", "4", [OrderAccepted]), ("EXPIRED", "0", [OrderAccepted, OrderExpired]),
        ("EXPIRED", None, [OrderAccepted]), ("EXPIRED_IN_MATCH", "0", [OrderAccepted, OrderExpired]),
        ("CANCELED", "0", [OrderAccepted, OrderCanceled]), ("CANCELED", "1", [OrderAccepted]),
        ("REJECTED", "0", [OrderRejected]),
    ],
)  # fmt: skip
def test_an_answer_ends_an_order_only_when_nothing_of_it_traded(
    status: str, executed: str | None, kinds: list[type]
) -> None:
    """Answers have no trades: what executed anything is accepted, and ends after its trades."""
    assert kinds == [type(event) for event in told(row(status=status, executedQty=executed))]


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        ("NEW", [OrderAccepted]), ("TRIGGERING", [OrderAccepted]), ("TRIGGERED", [OrderAccepted]),
        ("REJECTED", [OrderRejected]), ("EXPIRED", [OrderAccepted, OrderExpired]),
        ("CANCELED", [OrderAccepted, OrderCanceled]),
    ],
)  # fmt: skip
def test_every_status_of_a_new_conditional_order(status: str, kinds: list[type]) -> None:
    """Its number is none that a trade would name."""
    events = told(algo(algoStatus=status), STOP)
    assert kinds == [type(event) for event in events]
    assert {"algo:2146760"} >= {event.venue_order_id for event in events if isinstance(event, OrderAccepted)}


def test_a_conditional_order_that_has_made_an_order_already_is_only_accepted() -> None:
    for status in ("TRIGGERED", "FINISHED"):
        (accepted,) = told(algo(algoStatus=status, actualOrderId="77"), STOP)
        assert "algo:2146760" == accepted.venue_order_id


@pytest.mark.parametrize(
    ("answer", "intent", "match"),
    [
        (row(status="FROZEN"), LIMIT, "FROZEN"), (row(clientOrderId="x"), LIMIT, "asked for p1"),
        (algo(algoStatus="ASLEEP"), STOP, "ASLEEP"), (algo(clientAlgoId="x"), STOP, "asked for p1"),
        (algo(), LIMIT, "cannot be read"), (row(), STOP, "cannot be read"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_is_not_taken_for_one(answer: dict[str, Any], intent: Any, match: str) -> None:
    with pytest.raises(DataError, match=match):
        told(answer, intent)


def cancelled(answer: dict[str, Any]) -> list[Any]:
    return list(USDM_PRODUCT.cancelled(cancel(LIMIT), json.dumps(answer).encode(), HEARD))


def test_a_cancel_ends_the_order_that_it_was_for() -> None:
    (end,) = cancelled(row(status="CANCELED"))
    assert ("p1", OrderCanceled, 1566818724722_000_000) == (end.client_order_id, type(end), end.ts_event)
    assert [] == cancelled(row(status="CANCELED", executedQty="4"))
    for code in ("200", 200):
        (end,) = cancelled({"algoId": 1, "clientAlgoId": "p1", "code": code, "msg": "success"})
        assert ("p1", OrderCanceled, HEARD) == (end.client_order_id, type(end), end.ts_event)
    with pytest.raises(DataError, match="-2011: no"):
        cancelled({"algoId": 1, "clientAlgoId": "p1", "code": "-2011", "msg": "no"})


def queried(answer: dict[str, Any], name: str = "p1") -> StatedOrder | Request:
    return USDM_PRODUCT.queried(json.dumps(answer).encode(), name)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_of_a_query_is_known(status: str) -> None:
    stated = queried(row(status=status))
    assert isinstance(stated, StatedOrder)
    assert STATUSES[status] is stated.status


@pytest.mark.parametrize(
    ("status", "number"), [("TRIGGERED", "77"), ("FINISHED", "77"), ("FINISHED", 77), ("EXPIRED", "77")]
)
def test_a_conditional_order_is_followed_to_the_order_that_it_made(status: str, number: str | int) -> None:
    """Its status and what it filled come from there, under the conditional order's name."""
    request = queried(algo(algoStatus=status, actualOrderId=number))
    assert isinstance(request, Request)
    assert ("GET", "/fapi/v1/order", "77") == (request.method, request.path, request.params["orderId"])
    made = row(orderId=77, clientOrderId="of the venue", type="MARKET", origType="STOP_MARKET", side="SELL",
               status="FILLED", executedQty="10", price="0")  # fmt: skip
    stated = queried(made)
    assert isinstance(stated, StatedOrder)
    assert ("p1", "77", OrderStatus.FILLED, Decimal(10), T.STOP) == (
        stated.client_order_id, stated.venue_order_id, stated.status, stated.filled, stated.type
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "known"),
    [
        ("NEW", OrderStatus.ACCEPTED), ("TRIGGERING", OrderStatus.TRIGGERED), ("TRIGGERED", OrderStatus.TRIGGERED),
        ("CANCELED", OrderStatus.CANCELED), ("EXPIRED", OrderStatus.EXPIRED), ("REJECTED", OrderStatus.REJECTED),
    ],
)  # fmt: skip
def test_a_conditional_order_that_has_made_none_is_stated_itself(status: str, known: OrderStatus) -> None:
    for nothing in ("", "0", 0, None):
        stated = queried(algo(algoStatus=status, actualOrderId=nothing))
        assert isinstance(stated, StatedOrder)
        assert (known, Decimal(0), Decimal(97), True) == (
            stated.status, stated.filled, stated.trigger_price, stated.reduce_only
        )  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "match"),
    [
        (algo(algoStatus="FINISHED"), "FINISHED"), (algo(algoStatus="ASLEEP"), "ASLEEP"),
        (algo(orderType="VP"), "VP"), (algo(symbol="DOGEUSDT"), "not traded here"),
        (row(symbol="DOGEUSDT"), "not traded here"), (row(executedQty=None), "executed"),
        (row(type="X", origType=""), "X"),
        (row(side="HOLD"), "HOLD"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_is_not_stated(answer: dict[str, Any], match: str) -> None:
    """An end whose fills nobody names is not taken for one without any."""
    with pytest.raises(DataError, match=match):
        queried(answer)


def test_an_algo_order_that_has_made_its_order_is_listed_once() -> None:
    body = json.dumps([algo(actualOrderId="77", algoStatus="TRIGGERED"), algo(), algo(symbol="DOGEUSDT")]).encode()
    (stated,) = USDM_PRODUCT.read_opened(Request("GET", "/fapi/v1/openAlgoOrders"), body)
    assert OrderStatus.ACCEPTED is stated.status


@pytest.mark.parametrize(
    ("side", "held", "reduces"),
    [("SELL", "LONG", True), ("BUY", "LONG", False), ("BUY", "SHORT", True), ("SELL", "SHORT", False)],
)
def test_in_hedge_mode_the_side_says_whether_an_order_reduces(side: str, held: str, reduces: bool) -> None:
    stated = queried(row(side=side, positionSide=held))
    assert isinstance(stated, StatedOrder)
    assert reduces is stated.reduce_only


@pytest.mark.parametrize(
    ("said", "amount", "side", "quantity"),
    [
        ("BOTH", "-2", PositionSide.NET, "-2"), ("LONG", "2", PositionSide.LONG, "2"),
        ("SHORT", "-2", PositionSide.SHORT, "-2"), ("SHORT", "2", PositionSide.SHORT, "-2"),
    ],
)  # fmt: skip
def test_positions_are_signed_whatever_side_they_are_on(
    said: str, amount: str, side: PositionSide, quantity: str
) -> None:
    rows = [
        {"symbol": "BTCUSDT", "positionSide": said, "positionAmt": amount, "entryPrice": "99.5"},
        {"symbol": "BTCUSDT", "positionSide": "LONG", "positionAmt": "0.000", "entryPrice": "0.0"},
        {"symbol": "DOGEUSDT", "positionSide": said, "positionAmt": amount, "entryPrice": "99.5"},
    ]
    _, (position,) = USDM_PRODUCT.read_account(Request("GET", "/fapi/v3/positionRisk"), json.dumps(rows).encode())
    assert (USDM, side, Decimal(quantity), Decimal("99.5")) == (
        position.instrument, position.side, position.quantity, position.entry_price
    )  # fmt: skip
    rows[0]["positionSide"] = "UP"
    with pytest.raises(DataError, match="UP"):
        USDM_PRODUCT.read_account(Request("GET", "/fapi/v3/positionRisk"), json.dumps(rows).encode())


def test_many_symbols_are_asked_for_at_once() -> None:
    (one,) = rules()["usdm"].values()
    many = Usdm(ACCOUNT, {instrument_id("binance", "usdm", f"S{n}"): _named(one, f"S{n}") for n in range(6)})
    assert [({}, 40), ({}, 40)] == [(dict(r.params), r.weight) for r in many.opened()]
    assert 2 == len(USDM_PRODUCT.opened())
    assert {"symbol": "BTCUSDT"} == USDM_PRODUCT.opened()[0].params


def _named(one: Any, symbol: str) -> Any:
    return msgspec.structs.replace(one, symbol=symbol)


def test_what_a_refusal_says() -> None:
    assert USDM_PRODUCT.is_duplicate(-4116, "ClientOrderId is duplicated.")
    assert not USDM_PRODUCT.is_duplicate(-2010, "Duplicate order sent.")
    assert [True, True, False] == [USDM_PRODUCT.is_unknown_order(code) for code in (-2011, -2013, -2019)]


def test_what_an_account_is_set_to_is_read_or_it_is_an_error() -> None:
    with pytest.raises(DataError, match="empty listen key"):
        usdm_choices.read_listen_key(b'{"listenKey":""}')
    with pytest.raises(DataError, match="does not say"):
        usdm_choices.read_margin_choice(USDM, b"[]")
    with pytest.raises(InvariantError, match="1 to 125"):
        usdm_choices.set_leverage(USDM, 126)
    assert "ISOLATED" == usdm_choices.set_margin_mode(USDM, isolated=True).params["marginType"]
    rows = b'[{"symbol":"BTCUSDT","marginType":"ISOLATED","leverage":"5"}]'
    assert (5, True) == usdm_choices.read_margin_choice(USDM, rows)
