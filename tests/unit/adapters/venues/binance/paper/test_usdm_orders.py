"""USD-M orders and the algo service on the paper exchange."""

import json
from decimal import Decimal
from typing import Any

import pytest

from petrosa.core.model.base import NS_PER_SECOND
from tests.kit.paper_venue import START, PaperBench

ORDER = "/fapi/v1/order"
ALGO = "/fapi/v1/algoOrder"


def algo_status(bench: PaperBench, order: Any) -> str:
    return str(bench.call("GET", ALGO, algoId=order["algoId"])["algoStatus"])


def test_a_market_order_opens_a_position_with_its_margin() -> None:
    """Ten at 101 under leverage 20: entry, notional at the mark, a twentieth of it as initial margin."""
    bench = PaperBench()
    order = bench.usdm("BUY", "MARKET", quantity="10")
    assert ("FILLED", "10.000") == (order["status"], order["executedQty"])
    (risk,) = bench.call("GET", "/fapi/v3/positionRisk")
    assert ("10.000", "101", "1000", "50", "-10.00000000") == (
        risk["positionAmt"], risk["entryPrice"], risk["notional"], risk["initialMargin"], risk["unRealizedProfit"]
    )  # fmt: skip
    account = bench.call("GET", "/fapi/v3/account")
    assert Decimal("100000") - Decimal("0.505") == Decimal(account["totalWalletBalance"])
    assert Decimal(account["totalMarginBalance"]) - 50 == Decimal(account["availableBalance"])


def test_an_ack_is_given_before_the_order_meets_the_market() -> None:
    """The query knows what became of it, and the average price."""
    bench = PaperBench()
    order = bench.usdm("BUY", "MARKET", quantity="60", newOrderRespType="ACK")
    assert ("NEW", "0.000") == (order["status"], order["executedQty"])
    assert "avgPrice" not in order
    found = bench.call("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
    assert ("FILLED", "101.08333") == (found["status"], found["avgPrice"])


def test_a_closing_fill_realises_its_profit() -> None:
    """Bought at 101, sold at 99: two a piece, in the trade, the event and the income."""
    bench = PaperBench()
    bench.usdm("BUY", "MARKET", quantity="2")
    bench.usdm("SELL", "MARKET", quantity="2", reduceOnly="true")
    assert "0.000" == bench.position()
    trades = bench.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert ["0.00000000", "-4.00000000"] == [row["realizedPnl"] for row in trades]
    income = bench.call("GET", "/fapi/v1/income", incomeType="REALIZED_PNL")
    assert ["-4.00000000"] == [row["income"] for row in income]
    assert "-4.00000000" == bench.ears["usdm"].of("ORDER_TRADE_UPDATE")[-1]["o"]["rp"]
    assert "0" == bench.ears["usdm"].of("ACCOUNT_UPDATE")[-1]["a"]["P"][0]["pa"]


REFUSED = [
    ("a conditional type on the old path", {"type": "STOP_MARKET", "stopPrice": "90"}, -4120),
    ("a reduce-only order when flat", {"type": "MARKET", "reduceOnly": "true"}, -2022),
    ("more than the margin carries", {"type": "MARKET", "quantity": "999", "symbol": "BTCUSDT"}, 0),
    ("a post-only order that would take", {"type": "LIMIT", "price": "101.0", "timeInForce": "GTX"}, -5022),
    ("all or nothing where there is too little",
     {"type": "LIMIT", "price": "101.0", "quantity": "51", "timeInForce": "FOK"}, -5021),
    ("a price off the tick", {"type": "LIMIT", "price": "98.05", "timeInForce": "GTC"}, -4014),
    ("a price with too many decimals", {"type": "LIMIT", "price": "98.001", "timeInForce": "GTC"}, -1111),
    ("a quantity off the step", {"type": "MARKET", "quantity": "1.0001"}, -1111),
    ("a quantity of nothing", {"type": "MARKET", "quantity": "0"}, -4003),
    ("a quantity above the most", {"type": "MARKET", "quantity": "1001"}, -4005),
    ("too small a value", {"type": "MARKET", "quantity": "0.5"}, -4164),
    ("a buy far above the mark", {"type": "LIMIT", "price": "106.0", "timeInForce": "GTC"}, -4016),
    ("a sell far below the mark", {"type": "LIMIT", "side": "SELL", "price": "94.0", "timeInForce": "GTC"}, -4024),
    ("a position side that is not this account's", {"type": "MARKET", "positionSide": "LONG"}, -4061),
    ("a good-till date too near", {"type": "LIMIT", "price": "99.0", "timeInForce": "GTD", "goodTillDate": "1"}, -5040),
    ("no quantity", {"type": "MARKET", "quantity": ""}, -1102),
]  # fmt: skip


@pytest.mark.parametrize(("what", "change", "code"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_wrong_is_refused_with_binances_number(what: str, change: dict[str, str], code: int) -> None:
    """And nothing is left of it."""
    bench = PaperBench()
    asked = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "2"} | change
    if code == 0:
        bench.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage="1")
        code, asked = -2019, asked | {"type": "LIMIT", "price": "104.0", "quantity": "1000", "timeInForce": "GTC"}
    assert code == bench.code("POST", ORDER, **asked)
    assert [] == bench.call("GET", "/fapi/v1/openOrders")
    assert "0.000" == bench.position()


def test_an_order_that_rests_can_be_changed_and_cancelled() -> None:
    """It keeps its id; a change to what it is already is refused."""
    bench = PaperBench()
    order = bench.usdm_limit("BUY", "2", "98.0")
    change = {"symbol": "BTCUSDT", "orderId": order["orderId"], "side": "BUY", "quantity": "3"}
    changed = bench.call("PUT", ORDER, price="97.0", **change)
    assert (order["orderId"], "97.00", "3.000", "NEW") == (
        changed["orderId"], changed["price"], changed["origQty"], changed["status"]
    )  # fmt: skip
    assert -5027 == bench.code("PUT", ORDER, price="97.0", **change)
    assert -4014 == bench.code("PUT", ORDER, price="96.05", **change)
    assert "AMENDMENT" in [event["o"]["x"] for event in bench.ears["usdm"].of("ORDER_TRADE_UPDATE")]
    cancelled = bench.call("DELETE", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
    assert "CANCELED" == cancelled["status"]
    assert -2011 == bench.code("DELETE", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
    assert -2013 == bench.code("GET", "/fapi/v1/openOrder", symbol="BTCUSDT", orderId=order["orderId"])


def test_a_change_that_is_refused_leaves_the_order_as_it_was() -> None:
    """One that the margin does not carry: the order is still there, with its old terms."""
    bench = PaperBench()
    bench.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage="1")
    order = bench.usdm_limit("BUY", "2", "98.0")
    change = {"symbol": "BTCUSDT", "orderId": order["orderId"], "side": "BUY", "price": "98.0"}
    assert -2019 == bench.code("PUT", ORDER, quantity="1000", **(change | {"price": "104.0"}))
    (found,) = bench.call("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")
    assert ("98.00", "2.000", "NEW") == (found["price"], found["origQty"], found["status"])


def test_a_change_can_end_an_order() -> None:
    """A post-only price that would take, or no more than what is filled already."""
    bench = PaperBench()
    post_only = bench.usdm_limit("BUY", "2", "98.0", timeInForce="GTX")
    partly = bench.usdm_limit("SELL", "5", "104.0")
    bench.trade("105.00", quantity="3")
    for order, side, quantity, price in ((post_only, "BUY", "2", "102.0"), (partly, "SELL", "3", "104.5")):
        changed = bench.call(
            "PUT", ORDER, symbol="BTCUSDT", orderId=order["orderId"], side=side, quantity=quantity, price=price
        )
        assert "CANCELED" == changed["status"]
    assert [] == bench.call("GET", "/fapi/v1/openOrders")


def test_a_batch_answers_each_order_for_itself() -> None:
    """One is placed, one is refused; both are cancelled by one request, with an error for the second."""
    bench = PaperBench()
    good = {
        "symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "quantity": "2", "price": "98.0", "timeInForce": "GTC",
        "newClientOrderId": "one",
    }  # fmt: skip
    placed = bench.call("POST", "/fapi/v1/batchOrders", batchOrders=json.dumps([good, {**good, "price": "98.05"}]))
    assert ["one", -4014] == [placed[0]["clientOrderId"], placed[1]["code"]]
    answer = bench.call(
        "DELETE", "/fapi/v1/batchOrders", symbol="BTCUSDT", origClientOrderIdList=json.dumps(["one", "two"])
    )
    assert ["CANCELED", -2011] == [answer[0]["status"], answer[1]["code"]]


@pytest.mark.parametrize(
    ("kind", "more", "through"),
    [("STOP_MARKET", {"triggerPrice": "97.0"}, "96.90"), ("TAKE_PROFIT_MARKET", {"triggerPrice": "105.0"}, "106.00"),
     ("STOP", {"triggerPrice": "97.0", "price": "96.0"}, "96.90"),
     ("TRAILING_STOP_MARKET", {"callbackRate": "1"}, "98.90")],
)  # fmt: skip
def test_a_conditional_order_makes_a_real_one_when_it_is_set_off(
    kind: str, more: dict[str, str], through: str
) -> None:  # fmt: skip
    """NEW, TRIGGERING, TRIGGERED with the real order's id, FINISHED; the position is closed."""
    bench = PaperBench()
    bench.usdm("BUY", "MARKET", quantity="2")
    order = bench.algo("SELL", kind, quantity="2", reduceOnly="true", **more)
    assert "NEW" == order["algoStatus"]
    bench.trade("100.00", quantity="0.001")
    bench.trade(through, quantity="0.001")
    assert "0.000" == bench.position()
    found = bench.call("GET", ALGO, algoId=order["algoId"])
    assert "FINISHED" == found["algoStatus"]
    real = bench.call("GET", ORDER, symbol="BTCUSDT", orderId=found["actualOrderId"])
    assert (kind, "FILLED", True) == (real["origType"], real["status"], real["reduceOnly"])
    told = [event["o"]["X"] for event in bench.ears["usdm"].of("ALGO_UPDATE")]
    assert ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"] == told


def test_a_mark_price_order_waits_for_the_mark() -> None:
    """A print below its trigger means nothing to it."""
    bench = PaperBench()
    bench.usdm("BUY", "MARKET", quantity="2")
    order = bench.algo("SELL", "STOP_MARKET", closePosition="true", triggerPrice="97.0", workingType="MARK_PRICE")
    bench.trade("96.00", quantity="0.001")
    assert "NEW" == algo_status(bench, order)
    bench.mark("96.90")
    assert "FINISHED" == algo_status(bench, order)
    assert "0.000" == bench.position()


def test_without_a_mark_the_last_price_is_the_mark() -> None:
    """A recording may hold none; a stop on it still fires."""
    bench = PaperBench(marks=False)
    bench.usdm("BUY", "MARKET", quantity="2")
    order = bench.algo("SELL", "STOP_MARKET", closePosition="true", triggerPrice="97.0", workingType="MARK_PRICE")
    assert "100.00000000" == bench.public("/fapi/v1/premiumIndex", symbol="BTCUSDT")["markPrice"]
    bench.trade("96.00", quantity="0.001")
    assert "FINISHED" == algo_status(bench, order)


def test_an_order_that_closes_a_position_goes_with_it() -> None:
    """When the position is closed by hand nothing is left to fire later."""
    bench = PaperBench()
    bench.usdm("BUY", "MARKET", quantity="2")
    order = bench.algo("SELL", "STOP_MARKET", closePosition="true", triggerPrice="97.0")
    bench.usdm("SELL", "MARKET", quantity="2", reduceOnly="true")
    assert "EXPIRED" == algo_status(bench, order)


def test_margin_is_looked_at_when_the_trigger_fires() -> None:
    """A stop that nothing is left to reduce for is rejected then, with the reason in its event."""
    bench = PaperBench()
    order = bench.algo("SELL", "STOP_MARKET", quantity="2", reduceOnly="true", triggerPrice="97.0")
    bench.trade("96.00", quantity="0.001")
    assert "REJECTED" == algo_status(bench, order)
    assert "ReduceOnly Order is rejected." == bench.ears["usdm"].of("ALGO_UPDATE")[-1]["o"]["rm"]


ALGO_REFUSED = [
    ("a stop that is set off already", {"type": "STOP_MARKET", "triggerPrice": "100.0"}, -2021),
    ("no trigger", {"type": "STOP_MARKET"}, -1102),
    ("another service", {"type": "STOP_MARKET", "triggerPrice": "97.0", "algoType": "VP"}, -1128),
    ("a plain type", {"type": "LIMIT", "price": "97.0"}, -1116),
    ("closing with a quantity", {"type": "STOP_MARKET", "triggerPrice": "97.0", "closePosition": "true"}, -4137),
    ("closing with a limit", {"type": "STOP", "price": "97.0", "triggerPrice": "97.0", "closePosition": "true"}, -4136),
    ("a callback of nothing", {"type": "TRAILING_STOP_MARKET", "callbackRate": "0"}, -2007),
    ("a trigger off the tick", {"type": "STOP_MARKET", "triggerPrice": "97.05"}, -4014),
]


@pytest.mark.parametrize(("what", "change", "code"), ALGO_REFUSED, ids=[case[0] for case in ALGO_REFUSED])
def test_a_wrong_conditional_order_is_refused(what: str, change: dict[str, str], code: int) -> None:
    """Nothing waits afterwards."""
    bench = PaperBench()
    asked = {"symbol": "BTCUSDT", "side": "SELL", "algoType": "CONDITIONAL", "quantity": "2"} | change
    assert code == bench.code("POST", ALGO, **asked)
    assert [] == bench.call("GET", "/fapi/v1/openAlgoOrders")


def test_cancelling_all_plain_orders_leaves_the_algo_orders() -> None:
    """As on Binance: a kill switch has to call both."""
    bench = PaperBench()
    bench.usdm_limit("BUY", "2", "98.0")
    bench.algo("SELL", "STOP_MARKET", quantity="2", triggerPrice="97.0")
    bench.call("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    assert ([], 1) == (bench.call("GET", "/fapi/v1/openOrders"), len(bench.call("GET", "/fapi/v1/openAlgoOrders")))
    bench.call("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")
    assert [] == bench.call("GET", "/fapi/v1/openAlgoOrders")


def test_the_dead_man_switch_cancels_plain_orders_in_time() -> None:
    """Unless it is set again; what protects a position stays."""
    bench = PaperBench()
    bench.usdm_limit("BUY", "2", "98.0")
    bench.algo("SELL", "STOP_MARKET", quantity="2", triggerPrice="97.0")
    bench.call("POST", "/fapi/v1/countdownCancelAll", symbol="BTCUSDT", countdownTime="2000")
    bench.wait(1.5)
    assert 1 == len(bench.call("GET", "/fapi/v1/openOrders"))
    bench.wait(1.0)
    assert [] == bench.call("GET", "/fapi/v1/openOrders")
    assert 1 == len(bench.call("GET", "/fapi/v1/openAlgoOrders"))


def test_a_good_till_order_ends_when_its_time_has_come() -> None:
    """Eleven minutes later it has EXPIRED."""
    bench = PaperBench()
    till = (bench.now + 660 * NS_PER_SECOND) // 1_000_000
    order = bench.usdm_limit("BUY", "2", "98.0", timeInForce="GTD", goodTillDate=till)
    bench.wait(661)
    found = bench.call("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"], recvWindow="5000")
    assert "EXPIRED" == found["status"]


def test_leverage_decides_the_margin() -> None:
    """Ten times less of it takes ten times as much; 126 is none."""
    bench = PaperBench()
    answer = bench.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage="2")
    assert (2, "BTCUSDT") == (answer["leverage"], answer["symbol"])
    bench.usdm("BUY", "MARKET", quantity="10")
    assert "500" == bench.call("GET", "/fapi/v3/positionRisk")[0]["initialMargin"]
    assert -4028 == bench.code("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage="126")
    assert -4046 == bench.code("POST", "/fapi/v1/marginType", symbol="BTCUSDT", marginType="CROSSED")


def test_longs_pay_funding_at_a_positive_rate() -> None:
    """Ten at a mark of 100 and a rate of 0.0001: a tenth, told and booked."""
    bench = PaperBench()
    bench.usdm("BUY", "MARKET", quantity="10")
    bench.mark("100.00", next_funding=START + 60 * NS_PER_SECOND)
    bench.wait(61)
    bench.mark("100.00", next_funding=START + 8 * 3_600 * NS_PER_SECOND)
    (row,) = bench.call("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")
    assert ("-0.10000000", "USDT") == (row["income"], row["asset"])
    assert "FUNDING_FEE" == bench.ears["usdm"].of("ACCOUNT_UPDATE")[-1]["a"]["m"]
    (rate,) = bench.public("/fapi/v1/fundingRate", symbol="BTCUSDT")
    assert "0.00010000" == rate["fundingRate"]
