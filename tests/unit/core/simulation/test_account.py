"""The venue's books: positions, balances, fees, funding, margin, reduce-only; and which way their signs go."""

from decimal import Decimal

import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.orders import BalanceChanged, FundingPaid, OrderFilled
from petrosa.core.simulation.params import SimulationParams
from tests.kit.paper import BUY, PERPETUAL, SELL, SPOT, Paper

BOOK = ([(100.0, 5.0), (99.9, 5.0)], [(100.1, 5.0), (100.2, 5.0)])


def perpetual(balance: str = "1000000", params: SimulationParams | None = None) -> Paper:
    paper = Paper(params=params, balances={"USDT": Decimal(balance)})
    paper.snapshot(1000, *BOOK)
    return paper


def spot(btc: str = "0", usdt: str = "100000") -> Paper:
    paper = Paper(SPOT, balances={"BTC": Decimal(btc), "USDT": Decimal(usdt)})
    paper.snapshot(1000, *BOOK)
    return paper


def trade(paper: Paper, ts: int, cid: str, side: Side, quantity: str, *, reduce_only: bool = False) -> None:
    paper.place(cid, side, quantity, reduce_only=reduce_only)
    paper.diff(ts)
    paper.finish()


def total(paper: Paper, asset: str) -> Decimal:
    return paper.exchange.account.total(asset)


@pytest.mark.parametrize(("side", "sign"), [(BUY, 1), (SELL, -1)])
def test_buying_raises_the_position_and_selling_lowers_it(side: Side, sign: int) -> None:
    """The sign of a position is the sign of its side."""
    paper = perpetual()
    trade(paper, 1010, "a", side, "2")
    assert Decimal(2 * sign) == paper.position


def test_a_fee_is_paid_whatever_the_side() -> None:
    """Buying and selling both cost notional × taker rate, in the settle currency."""
    for side, price in ((BUY, "100.1"), (SELL, "100.0")):
        paper = perpetual()
        trade(paper, 1010, "a", side, "2")
        fee = Decimal(2) * Decimal(price) * Decimal("0.0005")
        assert [(fee, "USDT")] == [(fill.fee, fill.fee_asset) for fill in paper.fills()]
        assert Decimal(1_000_000) - fee == total(paper, "USDT")


def test_a_maker_pays_the_makers_rate_and_a_rebate_is_received() -> None:
    """Rates in the parameters go before the instrument's own."""
    paper = perpetual(params=SimulationParams(maker_fee_rate=Decimal("-0.0001")))
    paper.place("a", BUY, "1", limit="99.9")
    paper.diff(1010)
    paper.trade(1020, 99.8, 9.0, SELL)
    paper.finish()
    assert Decimal(1_000_000) + Decimal("0.00999") == total(paper, "USDT")


def test_balances_add_up_over_enlarging_reducing_and_turning() -> None:
    """Balance = start + realised profit − fees, with the entry price at the mean of what was bought."""
    paper = perpetual()
    trade(paper, 1010, "a", BUY, "2")  # at 100.1
    paper.diff(1020, asks=[(100.1, 0.0)])
    trade(paper, 1030, "b", BUY, "2")  # at 100.2
    trade(paper, 1040, "c", SELL, "5")  # 4 closed at 100.0, 1 short
    fees = sum((fill.fee for fill in paper.fills()), Decimal(0))
    realized = Decimal(4) * (Decimal("100.0") - Decimal("100.15"))
    assert Decimal(1_000_000) + realized - fees == total(paper, "USDT")
    assert Decimal(-1) == paper.position


def test_a_turned_position_is_entered_at_the_turning_price() -> None:
    """The new side starts where the old one ended."""
    paper = perpetual()
    trade(paper, 1010, "a", BUY, "1")
    trade(paper, 1020, "b", SELL, "3")
    assert Decimal("100.0") == paper.exchange.account.holdings[PERPETUAL.id].entry


def test_a_spot_buy_pays_its_fee_in_base_which_reduces_what_can_be_sold() -> None:
    """1 bought leaves 0.999; selling 1 is refused, selling 0.999 pays its fee in quote."""
    paper = spot()
    trade(paper, 1010, "a", BUY, "1")
    assert Decimal("0.999") == total(paper, "BTC")
    assert Decimal(100_000) - Decimal("100.1") == total(paper, "USDT")
    trade(paper, 1020, "b", SELL, "1")
    assert "balance is insufficient: needs 1.000 BTC, 0.999000 is free; lower the quantity" == paper.reason("b")
    trade(paper, 1030, "c", SELL, "0.999")
    assert Decimal(100_000) - Decimal("100.1") + Decimal("99.9") * Decimal("0.999") == total(paper, "USDT")
    assert ["BTC", "USDT"] == [fill.fee_asset for fill in paper.fills()]


def test_spot_states_both_balances_after_a_fill() -> None:
    """Base and quote changed, so both are said."""
    paper = spot()
    trade(paper, 1010, "a", BUY, "1")
    stated = [(e.asset, e.total) for e in paper.finish() if isinstance(e, BalanceChanged)]
    assert [("BTC", Decimal("0.999")), ("USDT", Decimal("99899.9"))] == stated


def test_on_spot_nobody_sells_what_he_does_not_have_or_buys_beyond_his_balance() -> None:
    """Resting orders hold what they may need."""
    paper = spot(btc="1", usdt="150")
    trade(paper, 1010, "short", SELL, "1.5")
    assert "balance is insufficient" in paper.reason("short")
    paper.place("hold", BUY, "1", limit="99.0")
    paper.diff(1020)
    trade(paper, 1030, "too much", BUY, "1")
    assert "balance is insufficient: needs 100.1000 USDT, 51.0000 is free" in paper.reason("too much")


def test_margin_limits_the_position_by_the_leverage_and_not_its_reduction() -> None:
    """100 USDT at 10x carry about 9.9 lots of 100 USDT; closing is always possible."""
    paper = perpetual("100", SimulationParams(initial_leverage=10))
    paper.trade(1001, 100.0, 0.1, BUY)
    trade(paper, 1010, "a", BUY, "10.5")
    assert "margin is insufficient: needs 105.00000000 USDT at 10x, equity is 100.0" in paper.reason("a")
    trade(paper, 1020, "b", BUY, "9")
    trade(paper, 1030, "c", BUY, "2")
    assert "margin is insufficient" in paper.reason("c")
    trade(paper, 1040, "d", SELL, "9")
    assert Decimal(0) == paper.position


@pytest.mark.parametrize(
    ("side", "rate", "expected"), [(BUY, 0.0001, -1), (SELL, 0.0001, 1), (BUY, -0.0001, 1), (SELL, -0.0001, -1)]
)
def test_at_a_positive_rate_longs_pay_funding_and_shorts_receive_it(side: Side, rate: float, expected: int) -> None:
    """Once, when the mark price passes the announced time: position × mark × rate."""
    paper = perpetual()
    trade(paper, 1010, "a", side, "2")
    before = total(paper, "USDT")
    paper.mark(2000, 100.0, rate, 5000)
    paper.mark(4999, 100.0, rate, 5000)
    paper.mark(5000, 110.0, rate, 9000)
    paper.mark(6000, 110.0, rate, 9000)
    paid = [event for event in paper.finish() if isinstance(event, FundingPaid)]
    assert [Decimal("0.022") * expected] == [event.amount for event in paid]
    assert before + Decimal("0.022") * expected == total(paper, "USDT")


def test_who_holds_nothing_pays_no_funding() -> None:
    """Flat at the time: nothing is settled."""
    paper = perpetual()
    paper.mark(2000, 100.0, 0.0001, 5000)
    paper.mark(5000, 100.0, 0.0001, 9000)
    assert [] == paper.finish()


def test_reduce_only_is_refused_where_it_would_enlarge() -> None:
    """Flat, or on the position's own side."""
    paper = perpetual()
    trade(paper, 1010, "flat", SELL, "1", reduce_only=True)
    assert ["rejected"] == paper.of("flat")
    assert "reduce-only sell of 1 makes nothing smaller: position is 0.000" == paper.reason("flat")
    trade(paper, 1020, "a", BUY, "1")
    trade(paper, 1030, "same", BUY, "1", reduce_only=True)
    assert ["rejected"] == paper.of("same")


def test_reduce_only_never_turns_a_position() -> None:
    """Sell 3 reduce-only against 1 long: 1 is sold, the rest ends."""
    paper = perpetual()
    trade(paper, 1010, "a", BUY, "1")
    trade(paper, 1020, "b", SELL, "3", reduce_only=True)
    assert ["accepted", "filled", "expired"] == paper.of("b")
    assert Decimal(0) == paper.position


def test_resting_reduce_only_orders_shrink_with_the_position_and_end_with_it() -> None:
    """A target for 2 sells 1 when only 1 is left, and the stop beside it ends."""
    paper = perpetual()
    trade(paper, 1010, "a", BUY, "2")
    paper.place("target", SELL, "2", limit="101.0", reduce_only=True)
    paper.place("stop", SELL, "2", stop="90.0", reduce_only=True)
    paper.diff(1020)
    trade(paper, 1030, "b", SELL, "1")
    paper.trade(1040, 101.5, 9.0, BUY)
    assert ["accepted", "filled", "expired"] == paper.of("target")
    assert ["accepted", "expired"] == paper.of("stop")
    assert Decimal(0) == paper.position


def test_reduce_only_needs_no_minimum_notional() -> None:
    """What is left of a position can always be closed."""
    paper = perpetual()
    trade(paper, 1010, "a", BUY, "1")
    trade(paper, 1020, "b", SELL, "0.98")
    trade(paper, 1030, "dust", SELL, "0.02")
    assert "notional 2.000 < minimum 5 (BTCUSDT MIN_NOTIONAL)" == paper.reason("dust")
    trade(paper, 1040, "close", SELL, "0.02", reduce_only=True)
    assert Decimal(0) == paper.position


@pytest.mark.parametrize(
    ("quantity", "limit", "stop", "reason"),
    [
        ("1", "99.95", None, "price 99.95 is not a multiple of the tick 0.1 (BTCUSDT PRICE_FILTER)"),
        ("1", "-1", None, "price -1 must be above 0"),
        ("1", None, "99.95", "trigger price 99.95 is not a multiple of the tick 0.1 (BTCUSDT PRICE_FILTER)"),
        ("0.0005", "99.9", None, "quantity 0.0005 is not a multiple of the step 0.001 (BTCUSDT LOT_SIZE)"),
        ("0", "99.9", None, "quantity 0 must be above 0"),
        ("NaN", "99.9", None, "quantity NaN must be above 0"),
        ("1001", "99.9", None, "quantity 1001 > maximum 1000 (BTCUSDT LOT_SIZE)"),
        ("0.049", "100.0", None, "notional 4.9000 < minimum 5 (BTCUSDT MIN_NOTIONAL)"),
    ],
)
def test_an_order_that_breaks_a_filter_is_rejected_by_its_name(
    quantity: str, limit: str | None, stop: str | None, reason: str
) -> None:
    """The sentence has the value, the limit and the rule."""
    paper = perpetual()
    paper.place("a", BUY, quantity, limit=limit, stop=stop)
    paper.diff(1010)
    assert ["rejected"] == paper.of("a")
    assert reason == paper.reason("a")


def test_every_fill_has_a_trade_id_of_its_own() -> None:
    """(instrument, trade id) is what duplicates are known by."""
    paper = perpetual()
    for number in range(3):
        trade(paper, 1010 + number * 10, f"o{number}", BUY, "3")
    ids = [event.trade_id for event in paper.finish() if isinstance(event, OrderFilled)]
    assert len(ids) == len(set(ids)) > 3
