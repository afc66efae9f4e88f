"""Hedge mode on USD-M: a long and a short position of a symbol beside each other."""

from decimal import Decimal

import pytest

from petrosa.core.model.base import NS_PER_SECOND
from tests.kit.paper_venue import START, USDM, PaperBench

ALGO = "/fapi/v1/algoOrder"
DUAL = "/fapi/v1/positionSide/dual"
ORDER = "/fapi/v1/order"


def hedged() -> PaperBench:
    bench = PaperBench()
    assert {"code": 200, "msg": "success"} == bench.call("POST", DUAL, dualSidePosition="true")
    return bench


def both(bench: PaperBench) -> None:
    """Ten long at 101 and four short at 99."""
    bench.usdm("BUY", "MARKET", quantity="10", positionSide="LONG")
    bench.usdm("SELL", "MARKET", quantity="4", positionSide="SHORT")


def positions(bench: PaperBench) -> dict[str, str]:
    """Quantity by position side, of those that are not flat."""
    rows = bench.call("GET", "/fapi/v3/positionRisk")
    return {row["positionSide"]: row["positionAmt"] for row in rows if Decimal(row["positionAmt"])}


def test_the_mode_is_said_and_changed() -> None:
    bench = PaperBench()
    assert {"dualSidePosition": False} == bench.call("GET", DUAL)
    assert -4059 == bench.code("POST", DUAL, dualSidePosition="false")
    assert -1102 == bench.code("POST", DUAL)
    bench.call("POST", DUAL, dualSidePosition="true")
    assert {"dualSidePosition": True} == bench.call("GET", DUAL)
    assert bench.call("GET", "/fapi/v1/accountConfig")["dualSidePosition"] is True
    assert -4059 == bench.code("POST", DUAL, dualSidePosition="true")


def test_the_mode_stands_while_anything_is_open() -> None:
    """An order, a conditional order, a position; each alone."""
    bench = PaperBench()
    bench.usdm_limit("BUY", "2", "98.0")
    assert -4067 == bench.code("POST", DUAL, dualSidePosition="true")
    bench.call("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    bench.algo("BUY", "STOP_MARKET", quantity="2", triggerPrice="105.0")
    assert -4067 == bench.code("POST", DUAL, dualSidePosition="true")
    bench.call("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")
    bench.usdm("BUY", "MARKET", quantity="2")
    assert -4068 == bench.code("POST", DUAL, dualSidePosition="true")
    bench.usdm("SELL", "MARKET", quantity="2")
    assert 200 == bench.call("POST", DUAL, dualSidePosition="true")["code"]


def test_two_positions_stand_beside_each_other() -> None:
    """Each with its entry, profit and margin; neither makes the other smaller."""
    bench = hedged()
    both(bench)
    for path in ("/fapi/v2/positionRisk", "/fapi/v3/positionRisk"):
        rows = {row["positionSide"]: row for row in bench.call("GET", path)}
        assert {"LONG": ("10.000", "101", "-10.00000000"), "SHORT": ("-4.000", "99", "-4.00000000")} == {
            side: (row["positionAmt"], row["entryPrice"], row["unRealizedProfit"]) for side, row in rows.items()
        }
    for path in ("/fapi/v2/account", "/fapi/v3/account"):
        account = bench.call("GET", path)
        assert {"LONG": "10.000", "SHORT": "-4.000"} == {
            row["positionSide"]: row["positionAmt"] for row in account["positions"]
        }
        assert Decimal("70") == Decimal(account["totalPositionInitialMargin"])
        assert Decimal("-14") == Decimal(account["totalUnrealizedProfit"])


def test_each_side_is_closed_by_itself_and_realises_its_own() -> None:
    bench = hedged()
    both(bench)
    bench.usdm("SELL", "MARKET", quantity="10", positionSide="LONG")
    assert {"SHORT": "-4.000"} == positions(bench)
    bench.usdm("BUY", "MARKET", quantity="4", positionSide="SHORT")
    assert {} == positions(bench)
    trades = bench.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT")
    assert [("LONG", "0"), ("SHORT", "0"), ("LONG", "-20"), ("SHORT", "-8")] == [
        (row["positionSide"], f"{Decimal(row['realizedPnl']).normalize():f}") for row in trades
    ]
    fees = sum(Decimal(row["commission"]) for row in trades)
    account = bench.call("GET", "/fapi/v3/account")
    assert Decimal(100_000) - 28 - fees == Decimal(account["totalWalletBalance"])
    assert Decimal(account["totalWalletBalance"]) == Decimal(account["availableBalance"])


@pytest.mark.parametrize(
    ("asked", "code"),
    [({}, -4061), ({"positionSide": "BOTH"}, -4061), ({"positionSide": "UP"}, -4060),
     ({"positionSide": "LONG", "reduceOnly": "true"}, -1106),
     ({"positionSide": "LONG", "reduceOnly": "false"}, -1106)],
)  # fmt: skip
def test_what_an_order_must_say(asked: dict[str, str], code: int) -> None:
    """Its position, and nothing about reducing; plain and conditional."""
    bench = hedged()
    order = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "2", **asked}
    assert code == bench.code("POST", ORDER, type="MARKET", **order)
    more = {"type": "STOP_MARKET", "triggerPrice": "105.0", "algoType": "CONDITIONAL"}
    assert code == bench.code("POST", ALGO, **more, **order)


def test_one_way_takes_no_position_side_but_both() -> None:
    bench = PaperBench()
    order = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "2", "type": "MARKET"}
    assert -4061 == bench.code("POST", ORDER, **order, positionSide="LONG")
    assert "symbol" in bench.call("POST", ORDER, **order, positionSide="BOTH")


def test_a_closing_order_is_never_larger_than_its_position() -> None:
    """Nor does it close the other side."""
    bench = hedged()
    both(bench)
    order = {"symbol": "BTCUSDT", "type": "MARKET"}
    assert -2022 == bench.code("POST", ORDER, side="SELL", positionSide="LONG", quantity="11", **order)
    assert -2022 == bench.code("POST", ORDER, side="BUY", positionSide="SHORT", quantity="10", **order)
    assert {"LONG": "10.000", "SHORT": "-4.000"} == positions(bench)


def test_resting_closing_orders_end_with_their_position() -> None:
    """Of two that together are larger than the position, the rest ends when the position is gone."""
    bench = hedged()
    both(bench)
    first = bench.usdm_limit("SELL", "6", "103.0", positionSide="LONG")
    second = bench.usdm_limit("SELL", "10", "103.5", positionSide="LONG")
    bench.trade("104.00", quantity="1000")
    found = [
        bench.call("GET", ORDER, symbol="BTCUSDT", orderId=one["orderId"]) for one in (first, second)
    ]  # fmt: skip
    assert [("FILLED", "6.000"), ("EXPIRED", "4.000")] == [(one["status"], one["executedQty"]) for one in found]
    assert {"SHORT": "-4.000"} == positions(bench)


def test_user_events_name_the_side() -> None:
    bench = hedged()
    both(bench)
    ears = bench.ears["usdm"]
    assert ["LONG", "LONG", "SHORT", "SHORT"] == [event["o"]["ps"] for event in ears.of("ORDER_TRADE_UPDATE")]
    rows = [event["a"]["P"][0] for event in ears.of("ACCOUNT_UPDATE")]
    assert [("LONG", "10"), ("SHORT", "-4")] == [(row["ps"], row["pa"]) for row in rows]


def test_conditional_orders_close_their_side_and_go_with_it() -> None:
    """A stop of the whole long position leaves the short one's alone."""
    bench = hedged()
    both(bench)
    long = bench.algo("SELL", "STOP_MARKET", positionSide="LONG", closePosition="true", triggerPrice="97.0")
    target = bench.algo("SELL", "TAKE_PROFIT_MARKET", positionSide="LONG", closePosition="true", triggerPrice="110.0")
    short = bench.algo("BUY", "STOP_MARKET", positionSide="SHORT", closePosition="true", triggerPrice="106.0")
    assert ("LONG", "SHORT") == (long["positionSide"], short["positionSide"])
    bench.trade("97.00", quantity="0.001")
    assert {"SHORT": "-4.000"} == positions(bench)
    states = [bench.call("GET", ALGO, algoId=one["algoId"])["algoStatus"] for one in (long, target, short)]
    assert ["FINISHED", "EXPIRED", "NEW"] == states
    made = bench.ears["usdm"].of("ORDER_TRADE_UPDATE")[-1]["o"]
    assert ("LONG", "SELL", "FILLED") == (made["ps"], made["S"], made["X"])
    assert {"LONG", "SHORT"} == {event["o"]["ps"] for event in bench.ears["usdm"].of("ALGO_UPDATE")}


@pytest.mark.parametrize(("side", "position_side"), [("BUY", "LONG"), ("SELL", "SHORT")])
def test_a_conditional_order_cannot_close_what_it_would_enlarge(side: str, position_side: str) -> None:
    bench = hedged()
    both(bench)
    trigger = "105.0" if side == "BUY" else "95.0"
    asked = {"symbol": "BTCUSDT", "algoType": "CONDITIONAL", "closePosition": "true", "triggerPrice": trigger}
    assert -1128 == bench.code("POST", ALGO, type="STOP_MARKET", side=side, positionSide=position_side, **asked)


def test_one_stop_of_the_whole_position_a_side() -> None:
    """A second one of the same side is refused, one of the other side is not."""
    bench = hedged()
    both(bench)
    asked = {"closePosition": "true", "symbol": "BTCUSDT", "algoType": "CONDITIONAL", "type": "STOP_MARKET"}
    bench.call("POST", ALGO, side="SELL", positionSide="LONG", triggerPrice="97.0", **asked)
    assert -4130 == bench.code("POST", ALGO, side="SELL", positionSide="LONG", triggerPrice="96.0", **asked)
    assert "algoId" in bench.call("POST", ALGO, side="BUY", positionSide="SHORT", triggerPrice="106.0", **asked)


def test_a_stop_without_a_position_is_rejected_when_it_fires() -> None:
    bench = hedged()
    stop = bench.algo("SELL", "STOP_MARKET", positionSide="LONG", quantity="2", triggerPrice="97.0")
    bench.trade("97.00", quantity="0.001")
    assert "REJECTED" == bench.call("GET", ALGO, algoId=stop["algoId"])["algoStatus"]
    assert {} == positions(bench)


def test_funding_is_settled_for_each_side() -> None:
    """At a positive rate the long pays and the short receives."""
    bench = hedged()
    both(bench)
    due = START + 60 * NS_PER_SECOND
    bench.mark("100.00", rate=0.001, next_funding=due)
    bench.wait(61)
    bench.mark("100.00", rate=0.001, next_funding=due + 8 * 3_600 * NS_PER_SECOND)
    income = bench.call("GET", "/fapi/v1/income", incomeType="FUNDING_FEE")
    assert ["-1.00000000", "0.40000000"] == [row["income"] for row in income]


def test_what_one_side_took_of_the_book_is_gone_for_the_other() -> None:
    bench = hedged()
    bench.usdm("SELL", "MARKET", quantity="30", positionSide="SHORT")
    bench.usdm("BUY", "MARKET", quantity="40", positionSide="LONG")
    order = bench.usdm("BUY", "MARKET", quantity="20", positionSide="SHORT")
    found = bench.call("GET", ORDER, symbol="BTCUSDT", orderId=order["orderId"])
    assert Decimal("101.25") == Decimal(found["avgPrice"])
    engines = bench.venue.usdm["demo"].ledger.exchange
    assert engines.account.total("USDT") == bench.venue.usdm["demo"].ledger.balance("USDT")
    assert Decimal(40) == bench.venue.usdm["demo"].ledger.position(USDM, "LONG")[0]


def test_the_liquidation_price_counts_both_sides() -> None:
    """A position that is hedged in full is never liquidated; one that is not has its price."""
    bench = hedged()
    both(bench)
    assert {"LONG", "SHORT"} == set(positions(bench))
    assert all(Decimal(row["liquidationPrice"]) == 0 for row in bench.call("GET", "/fapi/v3/positionRisk"))
    bench.usdm("SELL", "MARKET", quantity="6", positionSide="SHORT")
    assert {"LONG": "10.000", "SHORT": "-10.000"} == positions(bench)
    assert all(Decimal(row["liquidationPrice"]) == 0 for row in bench.call("GET", "/fapi/v3/positionRisk"))
