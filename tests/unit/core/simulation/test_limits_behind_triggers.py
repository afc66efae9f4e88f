"""Stop-limit and take-profit-limit orders: what sets them off, and the limit that they keep after that."""

import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.orders import Liquidity, TimeInForce
from petrosa.core.simulation.params import FillModel, SimulationParams
from tests.kit.paper import BUY, SELL, SPOT, Paper
from tests.unit.core.simulation.test_conditional import market


@pytest.mark.parametrize(
    ("side", "stop", "target", "limit", "touched", "price"),
    [
        (SELL, "99.5", None, "99.4", 99.5, "99.9"),
        (BUY, "100.5", None, "100.6", 100.5, "100.1"),
        (SELL, None, "100.5", "99.9", 100.5, "99.9"),
        (BUY, None, "99.5", "100.1", 99.5, "100.1"),
    ],
)
def test_each_is_set_off_from_its_own_side_and_takes_within_its_limit(
    side: Side, stop: str | None, target: str | None, limit: str, touched: float, price: str
) -> None:
    """What is displayed after the trigger is taken where it is within the limit, as taker."""
    paper = market()
    paper.place("a", side, "0.5", stop=stop, target=target, limit=limit)
    paper.trade(1010, 100.0, 0.1, BUY)
    paper.trade(1020, touched, 0.1, BUY)
    paper.diff(1030, bids=[(100.0, 0.0)])
    assert ["accepted", "triggered", "accepted", "filled"] == paper.of("a")  # the limit order it has become is told
    assert [("0.500", price)] == paper.paid("a")
    assert [Liquidity.TAKER] == [fill.liquidity for fill in paper.fills()]


@pytest.mark.parametrize(("side", "gap", "back"), [(SELL, 98.0, 99.6), (BUY, 102.0, 100.4)])
def test_a_gap_through_the_limit_leaves_it_resting(side: Side, gap: float, back: float) -> None:
    """The market jumps past trigger and limit: nothing fills, until the price comes back through the limit."""
    paper = market()
    sign = side.sign
    paper.place("a", side, "0.5", stop=f"{100 + sign * 0.5:.1f}", limit=f"{100 + sign * 0.5:.1f}")
    paper.trade(1010, 100.0, 0.1, BUY)
    paper.trade(1020, gap, 0.1, side)
    paper.quote(1030, (gap - 0.1, 5.0), (gap + 0.1, 5.0))
    paper.wait(2000)
    assert [] == [event for _, event in paper.heard if type(event).__name__ == "OrderFilled"]
    paper.trade(2010, back, 5.0, side.opposite)
    paper.trade(2011, round(back + sign * -0.3, 1), 5.0, side.opposite)
    assert ["accepted", "triggered", "accepted", "filled"] == paper.of("a")
    assert [Liquidity.MAKER] == [fill.liquidity for fill in paper.fills()]
    assert [f"{100 + sign * 0.5:.1f}"] == [price for _, price in paper.paid()]


def test_prints_from_before_the_trigger_do_not_fill_the_limit_that_it_made() -> None:
    """It is no limit order before it is set off, and stamps that run backwards do not make it one."""
    paper = market()
    paper.place("a", SELL, "0.5", stop="99.5", limit="99.5")
    paper.diff(1010)
    paper.trade(1015, 101.0, 9.0, BUY)
    paper.trade(1020, 99.5, 0.1, SELL)
    paper.diff(1030, bids=[(100.0, 0.0), (99.9, 0.0), (99.8, 0.0), (99.0, 9.0)], asks=[(99.7, 1.0)])
    paper.trade(1018, 101.0, 9.0, BUY, now=1031)
    assert ["accepted", "triggered", "accepted"] == paper.of("a")


@pytest.mark.parametrize(
    ("tif", "end"),
    [
        (TimeInForce.IOC, "IOC: nothing more to take within its limit"),
        (TimeInForce.FOK, "FOK: not all of it could be filled at once"),
        (TimeInForce.GTX, "post-only would take liquidity at 99.9"),
    ],
)
def test_time_in_force_begins_with_the_trigger(tif: TimeInForce, end: str) -> None:
    """3 are shown within the limit of 99.4 and 9 are asked for: of an IOC the rest goes, of the others all."""
    paper = market()
    paper.place("a", SELL, "9", stop="99.5", limit="99.8", tif=tif)
    paper.diff(1010)
    paper.trade(1020, 99.5, 0.1, SELL)
    paper.diff(1030, bids=[(100.0, 0.0)])
    assert "expired" == paper.of("a")[-1]
    assert end == paper.reason("a")
    assert (2 if tif is TimeInForce.IOC else 0) == len(paper.fills())


def test_a_post_only_one_rests_where_it_takes_nothing() -> None:
    """A sell of 100.5 set off at 99.5 waits above the market as maker."""
    paper = market()
    paper.place("a", SELL, "0.5", stop="99.5", limit="100.5", tif=TimeInForce.GTX)
    paper.diff(1010)
    paper.trade(1020, 99.5, 0.1, SELL)
    paper.diff(1030)
    paper.trade(1040, 100.6, 9.0, BUY)
    assert ["accepted", "triggered", "accepted", "filled"] == paper.of("a")
    assert [Liquidity.MAKER] == [fill.liquidity for fill in paper.fills()]


def test_at_once_and_whole_where_the_model_is_instant() -> None:
    """The instant model keeps the limit too."""
    paper = Paper(params=SimulationParams(fill_model=FillModel.INSTANT))
    paper.trade(1000, 100.0, 1.0, BUY)
    paper.place("a", BUY, "1", stop="101", limit="101.5")
    paper.place("b", BUY, "1", stop="101", limit="100.5")
    paper.trade(1010, 101.2, 1.0, BUY)
    assert ["accepted", "triggered", "accepted", "filled"] == paper.of("a")
    assert ["accepted", "triggered", "accepted"] == paper.of("b")


def test_on_spot_it_holds_its_balance_from_the_trigger_on() -> None:
    """Two buys that the balance pays for once: the one set off second finds nothing left."""
    paper = Paper(SPOT, balances={"USDT": SPOT.min_notional * 20})
    paper.snapshot(1000, [(99.9, 1.0)], [(100.1, 1.0)])
    paper.trade(1001, 100.0, 0.1, BUY)
    paper.place("a", BUY, "0.9", stop="100.5", limit="90")
    paper.place("b", BUY, "0.9", stop="100.5", limit="90")
    paper.diff(1010)
    paper.trade(1020, 100.5, 0.1, BUY)
    paper.diff(1030)
    assert ["accepted", "triggered", "accepted"] == paper.of("a")
    assert ["accepted", "triggered", "expired"] == paper.of("b")
    assert paper.reason("b").startswith("balance is insufficient: needs 81")
