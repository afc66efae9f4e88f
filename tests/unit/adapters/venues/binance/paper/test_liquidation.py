"""Liquidation on the paper exchange: at the mark price, by an order of the venue's own, and told as such."""

from decimal import Decimal
from typing import Any

import msgspec

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET, AccountEntry, KeyEntry
from tests.kit.paper_venue import PaperBench


def poor(usdt: str = "30") -> PaperBench:
    """An account that carries ten at leverage 125 with little to spare."""
    entry = AccountEntry(
        name="demo", key=(KeyEntry(key=DEMO_KEY, secret=DEMO_SECRET),), usdm={"USDT": Decimal(usdt)}
    )  # fmt: skip
    bench = PaperBench(accounts=[entry])
    bench.call("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage="125")
    return bench


def income(bench: PaperBench) -> dict[str, Decimal]:
    total: dict[str, Decimal] = {}
    for row in bench.call("GET", "/fapi/v1/income"):
        total[row["incomeType"]] = total.get(row["incomeType"], Decimal(0)) + Decimal(row["income"])
    return total


def wallet(bench: PaperBench) -> Decimal:
    return Decimal(bench.call("GET", "/fapi/v3/account")["totalWalletBalance"])


def venue_orders(bench: PaperBench) -> list[dict[str, Any]]:
    """User events of the orders by which the venue closed something."""
    told = [event["o"] for event in bench.ears["usdm"].of("ORDER_TRADE_UPDATE")]
    return [order for order in told if order["c"].startswith("autoclose-")]


def test_a_position_whose_margin_is_gone_is_closed_by_the_venue() -> None:
    """Not a tick before its liquidation price, and at it: CALCULATED fills, orders ended, the position gone."""
    bench = poor()
    bench.usdm("BUY", "MARKET", quantity="10")
    resting = bench.usdm_limit("BUY", "2", "96.0")
    stop = bench.algo("SELL", "STOP_MARKET", quantity="10", triggerPrice="50.0", reduceOnly="true")
    (risk,) = bench.call("GET", "/fapi/v3/positionRisk")
    ends = Decimal(risk["liquidationPrice"])
    assert Decimal("98") < ends < Decimal("99")
    bench.mark(f"{ends + Decimal('0.1'):.1f}")
    assert "10.000" == bench.position()
    bench.book("98.50", "98.70")
    bench.mark(f"{ends - Decimal('0.1'):.1f}")
    assert "0.000" == bench.position()
    assert [("NEW", "NEW"), ("CALCULATED", "FILLED")] == [(one["x"], one["X"]) for one in venue_orders(bench)]
    assert {("LIQUIDATION", "SELL", "10.000")} == {(one["o"], one["S"], one["q"]) for one in venue_orders(bench)}
    order = bench.call("GET", "/fapi/v1/order", symbol="BTCUSDT", orderId=resting["orderId"])
    assert "EXPIRED" == order["status"]
    assert "EXPIRED" == bench.call("GET", "/fapi/v1/algoOrder", algoId=stop["algoId"])["algoStatus"]
    assert Decimal("-25") == income(bench)["REALIZED_PNL"]
    assert wallet(bench) == 30 + sum(income(bench).values())
    (trade,) = bench.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", limit=1)
    assert ("98.50", "-25.00000000") == (trade["price"], trade["realizedPnl"])


def test_the_insurance_fund_pays_what_the_account_could_not() -> None:
    bench = poor()
    bench.usdm("BUY", "MARKET", quantity="10")
    bench.book("90.00", "90.20")
    bench.mark("90.0")
    assert "0.000" == bench.position()
    assert 0 == wallet(bench)
    assert income(bench)["INSURANCE_CLEAR"] > Decimal(80)
    assert "INSURANCE_CLEAR" == bench.ears["usdm"].of("ACCOUNT_UPDATE")[-1]["a"]["m"]


def test_what_finds_nobody_is_tried_again_at_the_next_mark() -> None:
    """Three levels of one each: three now, the others when the book is shown anew."""
    bench = poor()
    bench.usdm("BUY", "MARKET", quantity="10")
    bench.book("98.50", "98.70", size=1.0)
    bench.mark("98.0")
    assert "7.000" == bench.position()
    bench.book("98.40", "98.60")
    bench.mark("98.0")
    assert "0.000" == bench.position()


def test_a_hedged_pair_is_liquidated_on_both_sides() -> None:
    """Cross margin is one: when it is gone, the long and the short go."""
    bench = poor("60")
    bench.call("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    bench.usdm("BUY", "MARKET", quantity="20", positionSide="LONG")
    bench.usdm("SELL", "MARKET", quantity="5", positionSide="SHORT")
    bench.book("97.50", "97.70")
    bench.mark("97.0")
    assert [] == bench.call("GET", "/fapi/v3/positionRisk")
    filled = {one["ps"]: one["S"] for one in venue_orders(bench) if one["x"] == "CALCULATED"}
    assert {"LONG": "SELL", "SHORT": "BUY"} == filled


def test_an_account_with_margin_is_left_alone() -> None:
    bench = PaperBench()
    bench.usdm("SELL", "MARKET", quantity="10")
    bench.mark("150.0")
    assert "-10.000" == bench.position()


def test_everybody_hears_of_a_liquidation() -> None:
    """By symbol and among all of them; the account is not named."""
    bench = poor()
    told: list[tuple[str, Any]] = []
    for stream in ("btcusdt@forceOrder", "!forceOrder@arr"):
        bench.venue.hubs["usdm"].add(stream, lambda name, event: told.append((name, msgspec.json.decode(event))))
    bench.usdm("BUY", "MARKET", quantity="10")
    bench.book("98.50", "98.70")
    bench.mark("90.0")
    assert ["btcusdt@forceOrder", "!forceOrder@arr"] == [stream for stream, _ in told]
    for _, event in told:
        order = event["o"]
        assert ("forceOrder", "SELL", "10.000") == (event["e"], order["S"], order["l"])
        assert ["98.5"] * 2 == [order["p"], order["ap"]]
        assert {"s", "S", "o", "f", "q", "p", "ap", "X", "l", "z", "T"} == set(order)
