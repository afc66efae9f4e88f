"""Trailing stops on the simulated exchange: activation, the extreme, the turn, and what a stopped process keeps."""

from decimal import Decimal

import msgspec
import pytest

from petrosa.core.model.base import Side
from petrosa.core.simulation.exchange import SimulatedState
from petrosa.core.simulation.params import SimulationParams, TriggerReference
from tests.kit.paper import BUY, SELL, Paper
from tests.unit.core.simulation.test_conditional import market


def heard_of(paper: Paper, cid: str) -> list[str]:
    """What was said of an order so far, without letting the future happen."""
    return [type(event).__name__.removeprefix("Order").lower() for _, event in paper.heard
            if getattr(event, "client_order_id", None) == cid]  # fmt: skip


@pytest.mark.parametrize(
    ("side", "path", "spared", "turn"),
    [(SELL, [101.0, 103.0, 102.0], 101.98, 101.9), (BUY, [99.0, 97.0, 98.0], 97.9, 98.0)],
)
def test_it_is_set_off_by_a_turn_from_the_extreme(side: Side, path: list[float], spared: float, turn: float) -> None:
    """1 % down from 103 is 101.97, so 102.0 is spared and 101.9 is not; 1 % up from 97 is 97.97."""
    paper = market()
    paper.place("a", side, "1", callback="0.01")
    ts = 1010
    for price in path if side is SELL else path[:2]:
        paper.trade(ts, price, 0.1, BUY)
        ts += 10
    paper.trade(ts, round(spared, 1), 0.1, BUY)
    paper.wait(ts + 50)
    assert ["accepted"] == heard_of(paper, "a")
    paper.trade(ts + 60, turn, 0.1, BUY)
    paper.diff(ts + 70)
    assert ["accepted", "triggered", "filled"] == paper.of("a")


@pytest.mark.parametrize(("side", "away", "active", "turn"), [(SELL, 90.0, 102.0, 100.9), (BUY, 110.0, 98.0, 99.0)])
def test_it_sleeps_until_its_activation_price(side: Side, away: float, active: float, turn: float) -> None:
    """A price far on the other side does nothing; from the activation on the turn counts."""
    paper = market()
    paper.place("a", side, "1", stop=str(active), callback="0.01")
    paper.trade(1010, 100.0, 0.1, BUY)
    paper.trade(1020, away, 0.1, BUY)
    paper.wait(1050)
    assert ["accepted"] == heard_of(paper, "a")
    paper.trade(1060, active, 0.1, BUY)
    paper.trade(1070, turn, 0.1, BUY)
    paper.diff(1080)
    assert ["accepted", "triggered", "filled"] == paper.of("a")


def test_a_gap_from_the_extreme_sets_it_off_at_once() -> None:
    """From 105 to 99.5 in one print, which lies where nothing had concerned it before the extreme moved."""
    paper = market()
    paper.place("a", SELL, "1", callback="0.01")
    paper.trade(1010, 100.0, 0.1, BUY)
    paper.trade(1020, 105.0, 0.1, BUY)
    paper.trade(1030, 99.5, 0.1, SELL)
    paper.diff(1040, bids=[(100.0, 0.0), (99.9, 0.0), (99.8, 0.0), (97.0, 9.0)])
    assert [("1.000", "97.0")] == paper.paid("a")


def test_the_extreme_is_one_of_its_own_time() -> None:
    """A peak from before the order arrived does not make the turn larger."""
    paper = market()
    paper.trade(1002, 110.0, 0.1, BUY)
    paper.trade(1003, 100.0, 0.1, BUY)
    paper.place("a", SELL, "1", callback="0.05")
    paper.diff(1010)
    paper.trade(1009, 120.0, 0.1, BUY, now=1011)  # it arrived at 1008
    paper.trade(1020, 113.9, 0.1, BUY)
    assert ["accepted", "triggered", "filled"] == paper.of("a")
    paper = market()
    paper.place("a", SELL, "1", callback="0.05")
    paper.diff(1010)
    paper.trade(1005, 120.0, 0.1, BUY, now=1011)  # it arrived at 1006
    paper.trade(1020, 113.9, 0.1, BUY)
    paper.wait(1100)
    assert ["accepted"] == heard_of(paper, "a")


def test_the_mark_price_can_be_followed() -> None:
    """With `trigger_reference = mark` prints neither raise the extreme nor set it off."""
    paper = market(SimulationParams(trigger_reference=TriggerReference.MARK))
    paper.mark(1002, 100.0)
    paper.place("a", SELL, "1", callback="0.01")
    paper.trade(1010, 120.0, 0.1, BUY)
    paper.trade(1011, 90.0, 0.1, SELL)
    paper.mark(2000, 101.0)
    paper.mark(2100, 100.0)
    paper.wait(2200)
    assert ["accepted"] == heard_of(paper, "a")
    paper.mark(3000, 99.9)
    assert ["accepted", "triggered", "filled"] == paper.of("a")


def test_the_extreme_survives_a_restart() -> None:
    """Saved after a peak of 105 and restored: 103.9 is a turn of 1 %, and the saved state did not move with it."""
    paper = market()
    paper.place("a", SELL, "1", callback="0.01")
    paper.trade(1010, 105.0, 0.1, BUY)
    paper.wait(1019)
    saved = paper.exchange.snapshot()
    encoded = msgspec.json.encode(saved)
    paper.trade(1020, 110.0, 0.1, BUY)
    assert encoded == msgspec.json.encode(saved)
    paper.exchange.restore(msgspec.json.decode(encoded, type=SimulatedState))
    paper.trade(1030, 104.0, 0.1, BUY)
    paper.wait(1060)
    assert ["accepted"] == heard_of(paper, "a")
    paper.trade(1070, 103.9, 0.1, BUY)
    assert ["accepted", "triggered", "filled"] == paper.of("a")


def test_the_turn_is_exact() -> None:
    """0.7 % of 1000.0 is 7.0, where floats say 993.0000000000001: the print at 993.0 sets it off."""
    paper = Paper()
    paper.quote(1000, (999.9, 5.0), (1000.1, 5.0))
    paper.trade(1001, 1000.0, 0.1, BUY)
    paper.place("a", SELL, "1", callback="0.007", reduce_only=False)
    paper.trade(1010, 1000.0, 0.1, BUY)
    paper.trade(1020, 993.0, 0.1, BUY)
    paper.quote(1030, (992.9, 5.0), (993.1, 5.0))
    assert ["accepted", "triggered", "filled"] == paper.of("a")
    assert Decimal(-1) == paper.position
