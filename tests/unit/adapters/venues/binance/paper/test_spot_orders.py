"""Spot orders on the paper exchange: what is answered, what is refused, what becomes of balances."""

from decimal import Decimal

import pytest

from tests.kit.paper_venue import PaperBench

ORDER = "/api/v3/order"


def balances(bench: PaperBench) -> dict[str, tuple[str, str]]:
    rows = bench.call("GET", "/api/v3/account")["balances"]
    return {row["asset"]: (row["free"], row["locked"]) for row in rows}


def test_a_market_order_walks_the_book_and_is_answered_with_its_fills() -> None:
    """60 at 101 and 101.5: fifty of the first level, ten of the next; the fee of a buy is in what was bought."""
    bench = PaperBench()
    order = bench.spot("BUY", "MARKET", quantity="60")
    assert ("FILLED", "60.00000000", "6065.00000000") == (
        order["status"], order["executedQty"], order["cummulativeQuoteQty"]
    )  # fmt: skip
    assert [("101.00000000", "50.00000000"), ("101.50000000", "10.00000000")] == [
        (fill["price"], fill["qty"]) for fill in order["fills"]
    ]
    assert {"BTC"} == {fill["commissionAsset"] for fill in order["fills"]}
    assert "0.00000000" == order["price"]
    assert {"BTC": ("60.97000000", "0.00000000"), "USDT": ("93935.00000000", "0.00000000")} == balances(bench)


def test_an_order_by_value_takes_what_the_value_buys() -> None:
    """1000 USDT at 101 is 9.90099, not a step more."""
    order = PaperBench().spot("BUY", "MARKET", quoteOrderQty="1000")
    assert "9.90099000" == order["executedQty"]
    assert "1000.00000000" == order["origQuoteOrderQty"]
    assert Decimal(order["cummulativeQuoteQty"]) <= 1000


def test_a_resting_order_locks_its_value_until_it_is_cancelled() -> None:
    """Two at 90 hold 180 USDT; the cancel gives them back, and names itself as the client id."""
    bench = PaperBench()
    order = bench.spot_limit("BUY", "2", "90.00")
    assert ("99820.00000000", "180.00000000") == balances(bench)["USDT"]
    cancelled = bench.call("DELETE", ORDER, symbol="BTCUSDT", orderId=order["orderId"], newClientOrderId="mine")
    assert ("CANCELED", "mine", order["clientOrderId"]) == (
        cancelled["status"], cancelled["clientOrderId"], cancelled["origClientOrderId"]
    )  # fmt: skip
    assert ("100000.00000000", "0.00000000") == balances(bench)["USDT"]
    assert bench.code("DELETE", ORDER, symbol="BTCUSDT", orderId=order["orderId"]) == -2011


def test_a_print_through_the_price_fills_a_resting_order() -> None:
    """Its maker fill is seen in the query, the trades, and the user events in order."""
    bench = PaperBench()
    order = bench.spot_limit("SELL", "0.5", "105.00")
    bench.trade("106.00")
    found = bench.call("GET", ORDER, symbol="BTCUSDT", origClientOrderId=order["clientOrderId"])
    assert ("FILLED", "0.50000000") == (found["status"], found["executedQty"])
    trades = bench.call("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert [("105.00000000", True, False)] == [(row["price"], row["isMaker"], row["isBuyer"]) for row in trades]
    kinds = [(event["x"], event["X"]) for event in bench.ears["spot"].of("executionReport")]
    assert [("NEW", "NEW"), ("TRADE", "FILLED")] == kinds
    assert "outboundAccountPosition" == bench.ears["spot"].kinds()[-1]


def test_the_last_balance_event_is_the_balance() -> None:
    """After a market order and one that rests."""
    bench = PaperBench()
    bench.spot_limit("BUY", "1", "90.00")
    bench.spot("BUY", "MARKET", quantity="1")
    told = bench.ears["spot"].of("outboundAccountPosition")[-1]["B"]
    assert balances(bench) == {row["a"]: (row["f"], row["l"]) for row in told}


def test_a_client_id_is_unique_among_open_orders_only() -> None:
    """Binance takes it again once the order is gone: it is no idempotency key by itself."""
    bench = PaperBench()
    bench.spot_limit("BUY", "1", "90.00", newClientOrderId="same")
    again = bench.spot_limit("BUY", "1", "90.00", newClientOrderId="same")
    assert (-2010, "Duplicate order sent.") == (again["code"], again["msg"])
    bench.call("DELETE", ORDER, symbol="BTCUSDT", origClientOrderId="same")
    assert "NEW" == bench.spot_limit("BUY", "1", "90.00", newClientOrderId="same")["status"]


REFUSED = [
    ("a price off the tick", {"type": "LIMIT", "price": "90.001", "timeInForce": "GTC"}, -1013),
    ("a quantity off the step", {"type": "MARKET", "quantity": "0.000001"}, -1013),
    ("a value below the minimum", {"type": "LIMIT", "quantity": "0.01", "price": "90.00", "timeInForce": "GTC"}, -1013),
    ("a price far from the market", {"type": "LIMIT", "price": "10.00", "timeInForce": "GTC"}, -1013),
    ("nine decimals", {"type": "MARKET", "quantity": "1.000000001"}, -1111),
    ("letters for a number", {"type": "MARKET", "quantity": "one"}, -1100),
    ("a type that is none", {"type": "LIMITED"}, -1116),
    ("a side that is none", {"type": "MARKET", "side": "UP"}, -1117),
    ("a time in force that is none", {"type": "LIMIT", "price": "90.00", "timeInForce": "FOREVER"}, -1115),
    ("no time in force", {"type": "LIMIT", "price": "90.00"}, -1102),
    ("no price", {"type": "LIMIT", "timeInForce": "GTC"}, -1102),
    ("a price that is not wanted", {"type": "MARKET", "price": "90.00"}, -1106),
    ("a stop price that is not wanted", {"type": "MARKET", "stopPrice": "90.00"}, -1106),
    ("a stop without a price", {"type": "STOP_LOSS"}, -1102),
    ("a symbol that is none", {"type": "MARKET", "symbol": "NOPE"}, -1121),
    ("more than the account has", {"type": "LIMIT", "quantity": "2000", "price": "90.00", "timeInForce": "GTC"}, -2010),
    ("more coins than the account has", {"type": "MARKET", "side": "SELL", "quantity": "30"}, -2010),
    ("a maker that would take", {"type": "LIMIT_MAKER", "price": "101.00"}, -2010),
    ("a stop that is set off already", {"type": "STOP_LOSS", "side": "SELL", "stopPrice": "100.00"}, -2010),
    ("a client id with a space", {"type": "MARKET", "newClientOrderId": "a b"}, -1100),
]


@pytest.mark.parametrize(("what", "change", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_wrong_is_refused_with_binances_number(what: str, change: dict[str, str], code: int) -> None:
    """And nothing is left of it: no order, no hold on a balance."""
    bench = PaperBench()
    asked = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "1"} | change
    assert code == bench.code("POST", ORDER, **asked)
    assert [] == bench.call("GET", "/api/v3/openOrders")
    assert ("100000.00000000", "0.00000000") == balances(bench)["USDT"]


@pytest.mark.parametrize(
    ("kind", "stop", "price", "through"),
    [("STOP_LOSS", "95.00", None, "94.00"), ("TAKE_PROFIT", "105.00", None, "106.00"),
     ("STOP_LOSS_LIMIT", "95.00", "94.00", "94.90"), ("TAKE_PROFIT_LIMIT", "105.00", "98.00", "106.00")],
)  # fmt: skip
def test_a_conditional_order_waits_and_is_set_off(kind: str, stop: str, price: str | None, through: str) -> None:
    """Until its price is touched it is NEW and not working; then it meets the market."""
    bench = PaperBench()
    more = {} if price is None else {"price": price, "timeInForce": "GTC"}
    order = bench.spot("SELL", kind, quantity="0.5", stopPrice=stop, newOrderRespType="RESULT", **more)
    waiting = bench.call("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
    assert ("NEW", False) == (waiting["status"], waiting["isWorking"])
    bench.trade(through, quantity="0.001")
    found = bench.call("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
    assert ("FILLED", True) == (found["status"], found["isWorking"])


def test_a_trailing_stop_follows_the_price_up_and_fires_on_the_way_down() -> None:
    """5 % below the highest print since it was placed, not below the price then."""
    bench = PaperBench()
    order = bench.spot("SELL", "STOP_LOSS", quantity="0.5", trailingDelta="500", newOrderRespType="RESULT")
    for price, status in (("110.00", "NEW"), ("105.00", "NEW"), ("104.50", "FILLED")):
        bench.trade(price, quantity="0.001")
        assert status == bench.call("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])["status"]


def test_cancel_and_replace_says_what_of_it_was_done() -> None:
    """Both: 200. Neither: -2022. The cancel alone: -2021 with the status 409."""
    bench = PaperBench()
    order = bench.spot_limit("BUY", "1", "90.00")
    change = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1"}
    path = "/api/v3/order/cancelReplace"
    done = bench.call(
        "POST", path, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=order["orderId"], price="91.00", **change
    )
    assert ("SUCCESS", "SUCCESS") == (done["cancelResult"], done["newOrderResult"])
    gone = bench.call(
        "POST", path, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=order["orderId"], price="91.00", **change
    )
    assert (-2022, "NOT_ATTEMPTED") == (gone["code"], gone["data"]["newOrderResult"])
    replacement = done["newOrderResponse"]["orderId"]
    query = bench.signed(
        cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=replacement, price="91.001", **change
    )  # fmt: skip
    answer = bench.raw("POST", path, query)
    assert 409 == answer.status
    assert b'"code":-2021' in answer.body
    assert [] == bench.call("GET", "/api/v3/openOrders")
