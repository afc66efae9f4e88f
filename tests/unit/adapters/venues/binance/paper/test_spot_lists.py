"""Order lists of spot: two legs and one holding, and what one leg's fate means for the others."""

from typing import Any

import pytest

from petrosa.core.model.base import Side
from tests.kit.paper_venue import PaperBench

OCO = {
    "symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "LIMIT_MAKER", "abovePrice": "110.00",
    "belowType": "STOP_LOSS", "belowStopPrice": "95.00",
}  # fmt: skip
OTOCO = {
    "symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "98.00",
    "workingQuantity": "1", "workingTimeInForce": "GTC", "pendingSide": "SELL", "pendingQuantity": "0.9",
    "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "110.00", "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "95.00",
}  # fmt: skip


def statuses(bench: PaperBench) -> list[str]:
    return [order["status"] for order in bench.call("GET", "/api/v3/allOrders", symbol="BTCUSDT")]


def locked(bench: PaperBench, asset: str) -> str:
    rows: list[dict[str, Any]] = bench.call("GET", "/api/v3/account")["balances"]
    return next(str(row["locked"]) for row in rows if row["asset"] == asset)


def test_both_legs_share_one_holding() -> None:
    """The account has one coin, and that is enough for two legs of one."""
    bench = PaperBench()
    made = bench.call("POST", "/api/v3/orderList/oco", **OCO)
    assert ("OCO", "EXECUTING", 2) == (made["contingencyType"], made["listOrderStatus"], len(made["orderReports"]))
    assert "1.00000000" == locked(bench, "BTC")
    assert [made["orderListId"]] == [one["orderListId"] for one in bench.call("GET", "/api/v3/openOrderList")]


@pytest.mark.parametrize(
    ("price", "expected"), [("111.00", ["FILLED", "EXPIRED"]), ("94.00", ["EXPIRED", "FILLED"])]
)  # fmt: skip
def test_one_leg_ends_the_other(price: str, expected: list[str]) -> None:
    """Whichever way the price goes, one coin is sold once."""
    bench = PaperBench()
    made = bench.call("POST", "/api/v3/orderList/oco", **OCO)
    bench.trade(price)
    assert expected == statuses(bench)
    found = bench.call("GET", "/api/v3/orderList", orderListId=made["orderListId"])
    assert "ALL_DONE" == found["listOrderStatus"]
    assert "0.00000000" == locked(bench, "BTC")
    assert ["EXEC_STARTED", "ALL_DONE"] == [event["l"] for event in bench.ears["spot"].of("listStatus")]


def test_cancelling_a_leg_cancels_the_list() -> None:
    """The answer is about the whole list."""
    bench = PaperBench()
    made = bench.call("POST", "/api/v3/orderList/oco", **OCO)
    answer = bench.call("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=made["orders"][0]["orderId"])
    assert "ALL_DONE" == answer["listOrderStatus"]
    assert ["CANCELED", "CANCELED"] == statuses(bench)


def test_the_old_request_makes_the_same_list() -> None:
    """`order/oco` with price and stopPrice."""
    bench = PaperBench()
    made = bench.call(
        "POST", "/api/v3/order/oco", symbol="BTCUSDT", side="SELL", quantity="1", price="110.00", stopPrice="95.00",
        stopLimitPrice="94.00", stopLimitTimeInForce="GTC",
    )  # fmt: skip
    assert ["LIMIT_MAKER", "STOP_LOSS_LIMIT"] == [report["type"] for report in made["orderReports"]]


@pytest.mark.parametrize("change", [{"abovePrice": "94.00"}, {"belowStopPrice": "120.00"}, {"side": "BUY"}])
def test_legs_on_the_wrong_side_are_refused(change: dict[str, str]) -> None:
    """Above is above the market and below is below it."""
    bench = PaperBench()
    assert -2010 == bench.code("POST", "/api/v3/orderList/oco", **(OCO | change))
    assert [] == statuses(bench)


def test_pending_legs_come_with_the_whole_fill_of_the_working_order() -> None:
    """A part of it brings nothing: that is Binance's rule, and a trap."""
    bench = PaperBench()
    bench.call("POST", "/api/v3/orderList/otoco", **OTOCO)
    assert ["NEW", "PENDING_NEW", "PENDING_NEW"] == statuses(bench)
    bench.trade("97.00", quantity="0.4", side=Side.SELL)
    assert ["PARTIALLY_FILLED", "PENDING_NEW", "PENDING_NEW"] == statuses(bench)
    bench.trade("97.00", quantity="5", side=Side.SELL)
    assert ["FILLED", "NEW", "NEW"] == statuses(bench)
    bench.trade("94.00", quantity="0.001")
    assert ["FILLED", "EXPIRED", "FILLED"] == statuses(bench)


def test_cancelling_the_working_order_ends_what_waits_for_it() -> None:
    """Nothing stays behind."""
    bench = PaperBench()
    made = bench.call("POST", "/api/v3/orderList/otoco", **OTOCO)
    bench.call("DELETE", "/api/v3/orderList", symbol="BTCUSDT", orderListId=made["orderListId"])
    assert ["CANCELED"] * 3 == statuses(bench)
    assert -2011 == bench.code("DELETE", "/api/v3/orderList", symbol="BTCUSDT", orderListId=made["orderListId"])
