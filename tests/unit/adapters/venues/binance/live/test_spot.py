"""Spot without an exchange: what each order is written as, and what each answer may say."""

import json
from decimal import Decimal
from typing import Any

import pytest

from petrosa.adapters.venues.binance.live.replies import STATUSES, list_client_id
from petrosa.core.model.account import StatedOrder
from petrosa.core.model.base import Side
from petrosa.core.model.orders import (
    Liquidity,
    OrderAccepted,
    OrderCanceled,
    OrderExpired,
    OrderFilled,
    OrderRejected,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from petrosa.errors import DataError, InvariantError
from tests.kit.live_orders import HEARD, SPOT_PRODUCT, cancel, order
from tests.kit.paper_venue import SPOT

BUY, SELL = Side.BUY, Side.SELL
T = OrderType
TERMS: list[tuple[OrderType, Side, dict[str, Any], dict[str, str]]] = [
    (T.MARKET, BUY, {}, {"type": "MARKET"}),
    (T.LIMIT, BUY, {"price": "96.50"}, {"type": "LIMIT", "price": "96.5", "timeInForce": "GTC"}),
    (T.LIMIT, BUY, {"price": "96", "tif": TimeInForce.IOC}, {"type": "LIMIT", "price": "96", "timeInForce": "IOC"}),
    (T.LIMIT, BUY, {"price": "96", "tif": TimeInForce.FOK}, {"type": "LIMIT", "price": "96", "timeInForce": "FOK"}),
    (T.LIMIT, BUY, {"price": "96", "tif": TimeInForce.GTX}, {"type": "LIMIT_MAKER", "price": "96"}),
    (T.STOP, SELL, {"trigger": "97"}, {"type": "STOP_LOSS", "stopPrice": "97"}),
    (T.TAKE_PROFIT, SELL, {"trigger": "103"}, {"type": "TAKE_PROFIT", "stopPrice": "103"}),
    (T.STOP_LIMIT, SELL, {"price": "96", "trigger": "97"},
     {"type": "STOP_LOSS_LIMIT", "price": "96", "timeInForce": "GTC", "stopPrice": "97"}),
    (T.TAKE_PROFIT_LIMIT, SELL, {"price": "104", "trigger": "103"},
     {"type": "TAKE_PROFIT_LIMIT", "price": "104", "timeInForce": "GTC", "stopPrice": "103"}),
    (T.TRAILING_STOP, SELL, {"callback": "0.0125"}, {"type": "STOP_LOSS", "trailingDelta": "125"}),
    (T.TRAILING_STOP, SELL, {"callback": "0.01", "trigger": "103"},
     {"type": "TAKE_PROFIT", "trailingDelta": "100", "stopPrice": "103"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "side", "more", "terms"), TERMS)
def test_what_an_order_is_written_as(kind: OrderType, side: Side, more: dict[str, Any], terms: dict[str, str]) -> None:
    """Those terms and no other; reduce-only does not exist on spot and only makes the request urgent."""
    request = SPOT_PRODUCT.place([order(side, kind, "0.00050", on=SPOT, reduces=True, **more)])
    assert ("POST", "/api/v3/order", 1, True, True) == (
        request.method, request.path, request.orders, request.urgent, request.changes
    )  # fmt: skip
    assert request.params == {
        "symbol": "BTCUSDT", "side": side.name, "quantity": "0.0005", "newClientOrderId": "p1",
        "newOrderRespType": "FULL", **terms,
    }  # fmt: skip


@pytest.mark.parametrize("side", [BUY, SELL])
def test_the_legs_of_a_pair_stand_above_and_below_by_side(side: Side) -> None:
    """A sell stops below and takes its profit above; a buy the other way round."""
    low, high = (T.STOP, T.TAKE_PROFIT) if side is SELL else (T.TAKE_PROFIT, T.STOP)
    legs = [
        order(side, high, "1", None, "103", on=SPOT, name="high", list_id="s1"),
        order(side, low, "1", None, "97", on=SPOT, name="low", list_id="s1"),
    ]
    names = {T.STOP: "STOP_LOSS", T.TAKE_PROFIT: "TAKE_PROFIT"}
    for pair in (legs, legs[::-1]):
        request = SPOT_PRODUCT.place(pair)
        assert ("/api/v3/orderList/oco", 2) == (request.path, request.orders)
        assert request.params == {
            "symbol": "BTCUSDT", "listClientOrderId": list_client_id("main", "s1"), "side": side.name, "quantity": "1",
            "aboveType": names[high], "aboveStopPrice": "103", "aboveClientOrderId": "high",
            "belowType": names[low], "belowStopPrice": "97", "belowClientOrderId": "low", "newOrderRespType": "FULL",
        }  # fmt: skip


def test_the_name_of_a_list_is_a_function_of_account_and_list() -> None:
    """32 characters; another account, or another list, has another."""
    name = list_client_id("main", "s1")
    assert name == list_client_id("main", "s1")
    assert 3 == len({name, list_client_id("main", "s2"), list_client_id("other", "s1")})
    assert 32 == len(name)
    assert name.isalnum()


STOP = order(SELL, T.STOP, "1", None, "97", on=SPOT, name="stop", list_id="s1")


@pytest.mark.parametrize(
    "other",
    [
        order(SELL, T.TAKE_PROFIT, "2", None, "103", on=SPOT, name="t", list_id="s1"),
        order(SELL, T.TAKE_PROFIT, "1", None, "103", on=SPOT, name="t", list_id="s2"),
        order(BUY, T.TAKE_PROFIT, "1", None, "103", on=SPOT, name="t", list_id="s1"),
        order(SELL, T.STOP, "1", None, "96", on=SPOT, name="t", list_id="s1"),
    ],
)
def test_two_orders_that_cannot_be_one_list_are_not_asked_for(other: Any) -> None:
    with pytest.raises(InvariantError, match="stop and t"):
        SPOT_PRODUCT.place([STOP, other])


@pytest.mark.parametrize(
    ("impossible", "match"),
    [
        (order(BUY, T.LIMIT, "1", on=SPOT), "needs a price"),
        (order(BUY, T.STOP, "1", on=SPOT), "needs a trigger price"),
        (order(SELL, T.STOP_LIMIT, "1", "96", "97", on=SPOT, tif=TimeInForce.GTX), "cannot be GTX"),
        (order(SELL, T.TRAILING_STOP, "1", on=SPOT), "needs a callback"),
        (order(SELL, T.TRAILING_STOP, "1", on=SPOT, callback="0.00015"), "whole ones"),
        (order(SELL, T.MARKET, "0", on=SPOT), "above 0"),
        (order(SELL, T.MARKET, "NaN", on=SPOT), "above 0"),
        (order(SELL, T.MARKET, "1", on=SPOT, name="x" * 37), "1 to 36"),
        (order(SELL, T.MARKET, "1", on=SPOT, name=""), "1 to 36"),
        (cancel(STOP), "is not an order"),
    ],
)
def test_what_cannot_be_asked_is_our_own_mistake(impossible: Any, match: str) -> None:
    with pytest.raises(InvariantError, match=match):
        SPOT_PRODUCT.place([impossible])
    with pytest.raises(InvariantError, match="not a cancel"):
        SPOT_PRODUCT.cancel(STOP)


@pytest.mark.parametrize(("quantity", "written"), [("1E+3", "1000"), ("0.00001000", "0.00001"), ("1E-8", "0.00000001")])
def test_numbers_are_written_without_an_exponent(quantity: str, written: str) -> None:
    assert written == SPOT_PRODUCT.place([order(BUY, T.MARKET, quantity, on=SPOT)]).params["quantity"]


# answers

MARKET = order(BUY, T.MARKET, "1", on=SPOT)
FILLS = [
    {"price": "101.0", "qty": "0.7", "commission": "0.0007", "commissionAsset": "BTC", "tradeId": 7},
    {"price": "101.5", "qty": "0.3", "commission": "0.001", "commissionAsset": "BNB", "tradeId": 8},
]


def report(**changes: Any) -> dict[str, Any]:
    """The answer to `MARKET`, as documented: its price is 0 and says nothing."""
    return {
        "symbol": "BTCUSDT", "orderId": 28, "orderListId": -1, "clientOrderId": "p1", "transactTime": 1507725176595,
        "price": "0.00000000", "origQty": "1.00000000", "executedQty": "0.00000000", "cummulativeQuoteQty": "0",
        "status": "NEW", "timeInForce": "GTC", "type": "MARKET", "side": "BUY", "fills": [],
    } | changes  # fmt: skip


def told(**changes: Any) -> list[Any]:
    return list(SPOT_PRODUCT.placed([MARKET], json.dumps(report(**changes)).encode(), HEARD))


def test_fills_come_with_their_trades_fees_and_the_venues_time() -> None:
    accepted, first, second = told(status="FILLED", executedQty="1.00000000", fills=FILLS)
    assert ("28", 1507725176595_000_000, HEARD) == (accepted.venue_order_id, accepted.ts_event, accepted.ts_seen)
    assert ("7", Decimal("101.0"), Decimal("0.7"), Decimal("0.0007"), "BTC") == (
        first.trade_id, first.price, first.quantity, first.fee, first.fee_asset
    )  # fmt: skip
    assert ("8", "BNB", BUY, Liquidity.TAKER) == (second.trade_id, second.fee_asset, second.side, second.liquidity)


ENDS = [
    ("NEW", [], [OrderAccepted]),
    ("PENDING_NEW", [], [OrderAccepted]),
    ("PARTIALLY_FILLED", FILLS[:1], [OrderAccepted, OrderFilled]),
    ("FILLED", FILLS, [OrderAccepted, OrderFilled, OrderFilled]),
    ("EXPIRED", [], [OrderAccepted, OrderExpired]),
    ("EXPIRED", FILLS[:1], [OrderAccepted, OrderFilled, OrderExpired]),
    ("EXPIRED_IN_MATCH", FILLS[:1], [OrderAccepted, OrderFilled, OrderExpired]),
    ("CANCELED", [], [OrderAccepted, OrderCanceled]),
    ("REJECTED", [], [OrderRejected]),
]


@pytest.mark.parametrize(("status", "fills", "kinds"), ENDS)
def test_every_status_of_an_answer_is_told_as_what_it_is(status: str, fills: list[Any], kinds: list[type]) -> None:
    executed = sum((Decimal(fill["qty"]) for fill in fills), Decimal(0))
    events = told(status=status, executedQty=str(executed), fills=fills)
    assert kinds == [type(event) for event in events]
    assert {"p1"} == {event.client_order_id for event in events}


@pytest.mark.parametrize("status", ["EXPIRED", "EXPIRED_IN_MATCH", "CANCELED", "FILLED", "REJECTED"])
def test_an_order_is_not_ended_before_all_that_it_executed_is_told(status: str) -> None:
    """More was executed than the answer has trades for, or it does not say: the end comes with the rest."""
    for changes in ({"executedQty": "0.9", "fills": FILLS[:1]}, {"executedQty": "0.7"}, {"executedQty": None}):
        kinds = {type(event) for event in told(status=status, **changes)}
        if status == "REJECTED" and changes["executedQty"] is None:
            assert {OrderRejected} == kinds
        else:
            assert kinds <= {OrderAccepted, OrderFilled}
            assert OrderAccepted in kinds


def test_a_bare_acknowledgement_accepts() -> None:
    body = {k: report()[k] for k in ("symbol", "orderId", "orderListId", "clientOrderId", "transactTime")}
    (accepted,) = SPOT_PRODUCT.placed([MARKET], json.dumps(body).encode(), HEARD)
    assert isinstance(accepted, OrderAccepted)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"status": "FROZEN"}, "'FROZEN' is not known"),
        ({"clientOrderId": "another"}, "asked for p1"),
        ({"orderId": None}, "cannot be read"),
        ({"fills": [FILLS[0] | {"qty": "NaN"}]}, "finite"),
        ({"fills": [FILLS[0] | {"qty": "-1"}]}, "below 0"),
    ],
)
def test_an_answer_that_cannot_be_is_not_taken_for_one(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(DataError, match=match):
        told(**changes)
    for body in (b"", b"[]", b"<html>", b"\xff"):
        with pytest.raises(DataError):
            SPOT_PRODUCT.placed([MARKET], body, HEARD)


def cancelled(**changes: Any) -> list[Any]:
    body = report(clientOrderId="c1", origClientOrderId="p1", status="CANCELED") | changes
    return list(SPOT_PRODUCT.cancelled(cancel(MARKET), json.dumps(body).encode(), HEARD))


def test_a_cancel_ends_the_order_that_it_was_for() -> None:
    """Under the order's own name; one that has executed something ends after its trades, which tell of themselves."""
    (end,) = cancelled()
    assert ("p1", OrderCanceled) == (end.client_order_id, type(end))
    assert [] == cancelled(executedQty="0.4")
    assert [] == cancelled(executedQty=None)
    (expired,) = cancelled(status="EXPIRED")
    assert isinstance(expired, OrderExpired)


def row(**changes: Any) -> bytes:
    made = {
        "symbol": "BTCUSDT", "orderId": 1, "orderListId": -1, "clientOrderId": "p1", "price": "0.1", "origQty": "1.0",
        "executedQty": "0.0", "cummulativeQuoteQty": "0.0", "status": "NEW", "timeInForce": "GTC", "type": "LIMIT",
        "side": "BUY", "stopPrice": "0.0", "icebergQty": "0.0", "time": 1499827319559, "updateTime": 1499827319559,
        "isWorking": True, "origQuoteOrderQty": "0.000000",
    } | changes  # fmt: skip
    return json.dumps(made).encode()


def stated(**changes: Any) -> StatedOrder:
    answer = SPOT_PRODUCT.queried(row(**changes), "p1")
    assert isinstance(answer, StatedOrder)
    return answer


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_of_a_query_is_known(status: str) -> None:
    assert STATUSES[status] is stated(status=status).status


def test_a_conditional_order_that_works_has_been_triggered() -> None:
    waiting = stated(type="STOP_LOSS_LIMIT", stopPrice="0.2", isWorking=False, orderListId=5)
    assert (OrderStatus.ACCEPTED, T.STOP_LIMIT, Decimal("0.2"), "5") == (
        waiting.status, waiting.type, waiting.trigger_price, waiting.list_id
    )  # fmt: skip
    assert OrderStatus.TRIGGERED is stated(type="STOP_LOSS_LIMIT", stopPrice="0.2", isWorking=True).status
    assert T.TRAILING_STOP is stated(type="STOP_LOSS", trailingDelta=100, isWorking=False).type


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"status": "FROZEN"}, "FROZEN"), ({"type": "PEGGED"}, "PEGGED"), ({"side": "HOLD"}, "HOLD"),
        ({"symbol": "DOGEUSDT"}, "not traded here"), ({"clientOrderId": "x"}, "asked about p1"),
        ({"executedQty": "NaN"}, "finite"), ({"price": "-1"}, "below 0"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_is_not_stated(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(DataError, match=match):
        stated(**changes)


def test_open_orders_on_other_symbols_are_not_ours() -> None:
    body = b"[" + row() + b"," + row(symbol="DOGEUSDT") + b"]"
    (request,) = SPOT_PRODUCT.opened()
    assert 1 == len(SPOT_PRODUCT.read_opened(request, body))


@pytest.mark.parametrize(
    ("code", "said", "unknown", "duplicate"),
    [
        (-2011, "Unknown order sent.", True, False), (-2013, "Order does not exist.", True, False),
        (-2010, "Duplicate order sent.", False, True), (-2010, "Account has insufficient balance.", False, False),
        (-4116, "ClientOrderId is duplicated.", False, False),
    ],
)  # fmt: skip
def test_what_a_refusal_says(code: int, said: str, unknown: bool, duplicate: bool) -> None:
    assert (unknown, duplicate) == (SPOT_PRODUCT.is_unknown_order(code), SPOT_PRODUCT.is_duplicate(code, said))
