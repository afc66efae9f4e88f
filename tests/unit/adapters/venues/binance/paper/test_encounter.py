"""What an order meets on the paper exchange: thin books on request, never an order of its own account."""

from decimal import Decimal
from typing import Any

import pytest

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET, AccountEntry, KeyEntry
from petrosa.adapters.venues.binance.paper.faults import Fault, FaultKind
from tests.kit.paper_venue import PaperBench

SPOT = "/api/v3/order"
USDM = "/fapi/v1/order"
PATHS = {"spot": SPOT, "usdm": USDM}
BOTH = pytest.mark.parametrize("market", ["spot", "usdm"])


def thin(share: float, path: str = "") -> PaperBench:
    """An exchange on which the next order finds so much of what it wants."""
    return PaperBench(faults=[Fault(kind=FaultKind.THIN_BOOK, share=share, count=1, path=path)])


def rich() -> PaperBench:
    """One with something to sell on spot."""
    key = KeyEntry(key=DEMO_KEY, secret=DEMO_SECRET)
    funds = {"USDT": Decimal(100_000), "BTC": Decimal(10)}
    return PaperBench(accounts=[AccountEntry(name="demo", key=(key,), spot=funds, usdm={"USDT": Decimal(100_000)})])


def limit(bench: PaperBench, market: str, side: str, quantity: str, price: str, **more: Any) -> Any:
    return (bench.spot_limit if market == "spot" else bench.usdm_limit)(side, quantity, price, **more)


def found(bench: PaperBench, market: str, order: Any) -> tuple[str, Decimal]:
    """(status, executed quantity)."""
    row = bench.call("GET", PATHS[market], symbol="BTCUSDT", orderId=order["orderId"])
    return row["status"], Decimal(row["executedQty"])


@BOTH
def test_a_thin_book_fills_a_part_and_the_rest_rests(market: str) -> None:
    """Half of it at once; what is left is filled when the book is shown anew."""
    bench = thin(0.5)
    order = limit(bench, market, "BUY", "4", "101.0")
    assert ("PARTIALLY_FILLED", Decimal(2)) == found(bench, market, order)
    again = limit(bench, market, "BUY", "4", "101.0")
    assert ("FILLED", Decimal(4)) == found(bench, market, again)
    bench.book("99.00", "101.00", size=40.0)
    assert ("FILLED", Decimal(4)) == found(bench, market, order)


@BOTH
@pytest.mark.parametrize(("kind", "more"), [("MARKET", {}), ("LIMIT", {"price": "101.0", "timeInForce": "IOC"})])
def test_a_thin_book_ends_what_does_not_rest(market: str, kind: str, more: dict[str, str]) -> None:
    bench = thin(0.25)
    send = bench.spot if market == "spot" else bench.usdm
    order = send("BUY", kind, quantity="4", **more)
    assert ("EXPIRED", Decimal(1)) == found(bench, market, order)


def test_a_thin_book_leaves_nothing_of_all_or_nothing() -> None:
    bench = thin(0.5)
    more = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "price": "101.0", "timeInForce": "FOK"}
    assert -5021 == bench.code("POST", USDM, quantity="4", **more)


def test_a_thin_book_meets_an_order_that_a_trigger_made() -> None:
    """A stop of ten closes five; the other five are held without it."""
    bench = PaperBench()
    bench.usdm("BUY", "MARKET", quantity="10")
    bench.venue.faults.add(Fault(kind=FaultKind.THIN_BOOK, share=0.5, count=1, path=USDM))
    stop = bench.algo("SELL", "STOP_MARKET", quantity="10", triggerPrice="97.0", reduceOnly="true")
    bench.trade("97.00", quantity="0.001")
    assert "FINISHED" == bench.call("GET", "/fapi/v1/algoOrder", algoId=stop["algoId"])["algoStatus"]
    assert "5.000" == bench.position()


@BOTH
def test_an_order_ends_own_ones_that_it_would_meet(market: str) -> None:
    """EXPIRE_MAKER, which is also what holds when nothing is said; those beyond its reach stay."""
    bench = rich()
    near, far = limit(bench, market, "SELL", "1", "100.5"), limit(bench, market, "SELL", "1", "103.0")
    taker = limit(bench, market, "BUY", "3", "101.0")
    assert ("EXPIRED_IN_MATCH", Decimal(0)) == found(bench, market, near)
    assert ("NEW", Decimal(0)) == found(bench, market, far)
    assert ("FILLED", Decimal(3)) == found(bench, market, taker)
    ears = bench.ears[market]
    if market == "spot":
        told = [(one["x"], one["X"]) for one in ears.of("executionReport") if one["i"] == near["orderId"]]
        assert [("NEW", "NEW"), ("TRADE_PREVENTION", "EXPIRED_IN_MATCH")] == told
    else:
        told = [(one["o"]["x"], one["o"]["X"]) for one in ears.of("ORDER_TRADE_UPDATE")]
        assert ("EXPIRED", "EXPIRED_IN_MATCH") in told


@BOTH
@pytest.mark.parametrize(
    ("mode", "maker", "taken"), [("EXPIRE_TAKER", "NEW", "2"), ("EXPIRE_BOTH", "EXPIRED_IN_MATCH", "2")]
)
def test_an_order_ends_where_it_would_meet_an_own_one(market: str, mode: str, maker: str, taken: str) -> None:
    """It takes what is better than that, two of the shown ones, and its rest ends."""
    bench = PaperBench()
    bench.book("99.00", "101.00", size=2.0)
    own = limit(bench, market, "SELL", "1", "101.2")
    taker = limit(bench, market, "BUY", "4", "101.5", selfTradePreventionMode=mode)
    assert ("EXPIRED_IN_MATCH", Decimal(taken)) == found(bench, market, taker)
    assert (maker, Decimal(0)) == found(bench, market, own)


@BOTH
def test_a_post_only_order_does_not_cross_an_own_one(market: str) -> None:
    bench = rich()
    limit(bench, market, "SELL", "2", "100.0")
    more = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "2", "price": "100.0"}
    if market == "spot":
        assert -2010 == bench.code("POST", SPOT, type="LIMIT_MAKER", **more)
    else:
        assert -5022 == bench.code("POST", USDM, type="LIMIT", timeInForce="GTX", **more)


@pytest.mark.parametrize("mode", ["NONE", "DECREMENT", "TRANSFER", "MAYBE"])
def test_modes_of_self_trade_prevention_without_an_effect_are_refused(mode: str) -> None:
    bench = PaperBench()
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "2", "selfTradePreventionMode": mode}
    assert (-1013, -5039) == (bench.code("POST", SPOT, **order), bench.code("POST", USDM, **order))


def test_icebergs_are_refused() -> None:
    """As on a symbol that does not take them, which `exchangeInfo` says of every one here."""
    bench = PaperBench()
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "price": "90.00", "timeInForce": "GTC"}
    assert -2010 == bench.code("POST", SPOT, quantity="2", icebergQty="1", **order)
    assert bench.public("/api/v3/exchangeInfo")["symbols"][0]["icebergAllowed"] is False


def test_price_protection_makes_no_order_while_last_and_mark_are_apart() -> None:
    """More than 5 %: the stop is rejected; without protection it closes the position."""
    for protected, status, left in (("true", "REJECTED", "10.000"), ("false", "FINISHED", "0.000")):
        bench = PaperBench()
        bench.usdm("BUY", "MARKET", quantity="10")
        more = {"triggerPrice": "95.0", "closePosition": "true", "priceProtect": protected}
        stop = bench.algo("SELL", "STOP_MARKET", **more)
        bench.trade("94.00", quantity="0.001")
        assert status == bench.call("GET", "/fapi/v1/algoOrder", algoId=stop["algoId"])["algoStatus"]
        assert left == bench.position()


TRAILING = [
    ("SELL", "STOP_LOSS", "95.00", ["100.00", "95.00", "97.00", "96.10", "96.03"]),
    ("BUY", "STOP_LOSS", "105.00", ["100.00", "105.00", "103.00", "103.90", "104.03"]),
    ("SELL", "TAKE_PROFIT", "105.00", ["100.00", "98.00", "105.00", "107.00", "105.93"]),
    ("BUY", "TAKE_PROFIT", "95.00", ["100.00", "103.00", "95.00", "93.00", "93.93"]),
]


@pytest.mark.parametrize(("side", "kind", "stop", "path"), TRAILING, ids=[f"{row[1]} {row[0]}" for row in TRAILING])
def test_a_trailing_order_of_spot_begins_where_its_type_is_met(
    side: str, kind: str, stop: str, path: list[str]
) -> None:  # fmt: skip
    """A stop-loss where a plain one would have fired, a take-profit too; then 1 % from the extreme sets it off."""
    bench = PaperBench()
    order = bench.spot(side, kind, quantity="0.5", stopPrice=stop, trailingDelta="100")
    for price in path:
        assert ("NEW", Decimal(0)) == found(bench, "spot", order)
        bench.trade(price, quantity="0.001")
    assert ("FILLED", Decimal("0.5")) == found(bench, "spot", order)
