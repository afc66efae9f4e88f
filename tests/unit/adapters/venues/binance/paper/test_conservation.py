"""Whatever is done on the paper exchange: nothing is made out of nothing, and nobody is told what is not so."""

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.model.base import Side
from tests.kit.paper_venue import USDM, PaperBench
from tests.kit.soak import examples

ZERO = Decimal(0)
sides = st.sampled_from(["BUY", "SELL"])
prices = st.integers(min_value=92, max_value=108)
sizes = st.integers(min_value=2, max_value=9)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("limit"), sides, prices, sizes),
        st.tuples(st.just("market"), sides, prices, sizes),
        st.tuples(st.just("stop"), sides, prices, sizes),
        st.tuples(st.just("list"), sides, prices, sizes),
        st.tuples(st.just("cancel"), sides, prices, sizes),
        st.tuples(st.just("print"), sides, prices, sizes),
        st.tuples(st.just("book"), sides, prices, sizes),
    ),
    max_size=25,
)
Step = tuple[str, str, int, int]


def market(bench: PaperBench, step: Step) -> bool:
    """A step that the market takes; whether it was one."""
    kind, side, price, size = step
    if kind == "print":
        bench.trade(f"{price}.00", quantity=str(size), side=Side[side])
    elif kind == "book":
        bench.book(f"{price - 1}.00", f"{price + 1}.00", size=float(size))
    return kind in ("print", "book")


def spot_step(bench: PaperBench, step: Step) -> None:
    kind, side, price, size = step
    quantity = str(Decimal(size) / 10)
    if kind == "limit":
        bench.spot_limit(side, quantity, f"{price}.00")
    elif kind == "market":
        bench.spot(side, "MARKET", quantity=quantity)
    elif kind == "stop":
        bench.spot(side, "STOP_LOSS", quantity=quantity, stopPrice=f"{price}.00")
    elif kind == "list":
        above, below = ("LIMIT_MAKER", "STOP_LOSS") if side == "SELL" else ("STOP_LOSS", "LIMIT_MAKER")
        name = {"LIMIT_MAKER": "Price", "STOP_LOSS": "StopPrice"}
        legs = {f"above{name[above]}": f"{price + 5}.00", f"below{name[below]}": f"{price - 5}.00"}
        bench.call(
            "POST", "/api/v3/orderList/oco", symbol="BTCUSDT", side=side, quantity=quantity, aboveType=above,
            belowType=below, **legs,
        )  # fmt: skip
    elif kind == "cancel":
        bench.call("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")


@examples(25)
@given(taken=steps)
def test_spot_balances_are_the_sum_of_the_fills(taken: list[Step]) -> None:
    """Nothing is owed or held beyond what there is; orders hold something exactly while they are open."""
    bench = PaperBench()
    for step in taken:
        if not market(bench, step):
            spot_step(bench, step)
        rows = {row["asset"]: row for row in bench.call("GET", "/api/v3/account")["balances"]}
        assert all(Decimal(row["free"]) >= 0 and Decimal(row["locked"]) >= 0 for row in rows.values()), rows
    base, quote = Decimal(1), Decimal(100_000)
    for fill in bench.call("GET", "/api/v3/myTrades", symbol="BTCUSDT", limit=1_000):
        sign = 1 if fill["isBuyer"] else -1
        base += sign * Decimal(fill["qty"])
        quote -= sign * Decimal(fill["quoteQty"])
        fee = Decimal(fill["commission"])
        base, quote = (base - fee, quote) if fill["commissionAsset"] == "BTC" else (base, quote - fee)
    ledger = bench.venue.spot["demo"].ledger
    assert (base, quote) == (ledger.balance("BTC"), ledger.balance("USDT"))
    bench.call("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert [] == bench.call("GET", "/api/v3/openOrders")
    assert ZERO == bench.venue.spot["demo"].locked("BTC") == bench.venue.spot["demo"].locked("USDT")
    told = fills_told(bench.ears["spot"].of("executionReport"), lambda event: event)
    assert told == {fill.trade_id for fill in ledger.executions}


def fills_told(events: list[dict[str, Any]], inner: Any) -> set[int]:
    return {inner(event)["t"] for event in events if inner(event)["x"] == "TRADE"}


def usdm_step(bench: PaperBench, step: Step) -> None:
    kind, side, price, size = step
    if kind == "limit":
        bench.usdm_limit(side, str(size), f"{price}.0")
    elif kind == "market":
        bench.usdm(side, "MARKET", quantity=str(size))
    elif kind == "stop":
        bench.algo(side, "STOP_MARKET", quantity=str(size), triggerPrice=f"{price}.0")
    elif kind == "list":
        bench.algo(side, "TAKE_PROFIT_MARKET", closePosition="true", triggerPrice=f"{price}.0")
    elif kind == "cancel":
        bench.call("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
        bench.call("DELETE", "/fapi/v1/algoOpenOrders", symbol="BTCUSDT")


@examples(25)
@given(taken=steps)
def test_a_usdm_wallet_is_the_sum_of_profits_and_fees(taken: list[Step]) -> None:
    """And the position that is told is the one that the engine holds."""
    bench = PaperBench()
    for step in taken:
        if not market(bench, step):
            usdm_step(bench, step)
    ledger = bench.venue.usdm["demo"].ledger
    trades = bench.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", limit=1_000)
    earned = sum((Decimal(row["realizedPnl"]) - Decimal(row["commission"]) for row in trades), ZERO)
    assert abs(100_000 + earned - ledger.balance("USDT")) < Decimal("1e-6")
    held = sum((Decimal(row["qty"]) * (1 if row["buyer"] else -1) for row in trades), ZERO)
    engine = ledger.exchange.account.holdings.get(USDM)
    quantity, entry = ledger.position(USDM)
    assert held == quantity == Decimal(engine.steps if engine else 0) * Decimal("0.001")
    assert engine is None or abs(engine.entry - entry) < Decimal("1e-20")
    told = fills_told(bench.ears["usdm"].of("ORDER_TRADE_UPDATE"), lambda event: event["o"])
    assert told == {fill.trade_id for fill in ledger.executions}


hedges = st.lists(
    st.tuples(st.sampled_from(["limit", "market", "stop", "print", "book", "cancel"]), sides, prices, sizes, sides),
    max_size=25,
)  # fmt: skip


@examples(25)
@given(taken=hedges)
def test_hedged_positions_are_the_sum_of_their_own_fills(taken: list[tuple[str, str, int, int, str]]) -> None:
    """A long is never short and a short never long; the wallet is what was realised less the fees."""
    bench = PaperBench()
    bench.call("POST", "/fapi/v1/positionSide/dual", dualSidePosition="true")
    for kind, side, price, size, at in taken:
        name = {"positionSide": "LONG" if at == "BUY" else "SHORT"}
        if market(bench, (kind, side, price, size)):
            continue
        if kind == "limit":
            bench.usdm_limit(side, str(size), f"{price}.0", **name)
        elif kind == "market":
            bench.usdm(side, "MARKET", quantity=str(size), **name)
        elif kind == "stop":
            bench.algo(side, "STOP_MARKET", quantity=str(size), triggerPrice=f"{price}.0", **name)
        else:
            bench.call("DELETE", "/fapi/v1/allOpenOrders", symbol="BTCUSDT")
    held, wallet = {"LONG": ZERO, "SHORT": ZERO}, Decimal(100_000)
    for fill in bench.call("GET", "/fapi/v1/userTrades", symbol="BTCUSDT", limit=1_000):
        held[fill["positionSide"]] += Decimal(fill["qty"]) * Side[fill["side"]].sign
        wallet += Decimal(fill["realizedPnl"]) - Decimal(fill["commission"])
        assert held["LONG"] >= 0 >= held["SHORT"]
    ledger = bench.venue.usdm["demo"].ledger
    assert held == {side: ledger.position(USDM, side)[0] for side in held}
    assert abs(wallet - ledger.balance("USDT")) < Decimal("1e-6")
