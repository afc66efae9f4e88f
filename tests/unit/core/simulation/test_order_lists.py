"""Two orders of one list: the one that goes to work ends the other, and whoever cancels one cancels both."""

import pytest

from tests.kit.paper import BUY, SELL, Paper
from tests.unit.core.simulation.test_conditional import market


def protected() -> Paper:
    """Long 1 at about 100.1, with a stop at 99.5 and a target at 100.5 in one list."""
    paper = market()
    paper.place("entry", BUY, "1")
    paper.diff(1010)
    paper.place("stop", SELL, "1", stop="99.5", reduce_only=True, list_id="l")
    paper.place("target", SELL, "1", target="100.5", reduce_only=True, list_id="l")
    paper.trade(1020, 100.0, 0.1, BUY)
    return paper


@pytest.mark.parametrize(
    ("price", "works", "ends"), [(99.5, "stop", "target"), (100.5, "target", "stop"), (95.0, "stop", "target")]
)
def test_the_one_that_is_triggered_ends_the_other(price: float, works: str, ends: str) -> None:
    """In the same moment, with a reason that names it, and before anything fills."""
    paper = protected()
    paper.trade(1030, price, 0.1, BUY)
    paper.diff(1040)
    assert ["accepted", "triggered", "filled"] == paper.of(works)
    assert ["accepted", "expired"] == paper.of(ends)
    assert f"order list: {works} was triggered" == paper.reason(ends)
    assert 0 == paper.position


def test_one_print_sets_off_only_one_of_a_list() -> None:
    """Two stops of one list that the same print touches: the first that was placed works."""
    paper = market()
    for cid, stop in (("a", "99.5"), ("b", "99.6")):
        paper.place(cid, SELL, "1", stop=stop, list_id="l")
    paper.trade(1010, 100.0, 0.1, BUY)
    paper.trade(1020, 99.0, 0.1, SELL)
    paper.diff(1030)
    assert ["accepted", "triggered", "filled"] == paper.of("a")
    assert ["accepted", "expired"] == paper.of("b")


def test_a_limit_of_a_list_that_fills_ends_the_stop() -> None:
    """As the limit-maker leg of an order list does, with its first fill."""
    paper = market()
    paper.place("limit", SELL, "1", limit="100.6", list_id="l")
    paper.place("stop", SELL, "1", stop="99.5", list_id="l")
    paper.diff(1010)
    paper.trade(1020, 100.7, 0.4, BUY)
    assert ["accepted", "filled"] == paper.of("limit")
    assert ["accepted", "expired"] == paper.of("stop")
    assert "order list: limit filled" == paper.reason("stop")


def test_a_cancel_of_one_cancels_both() -> None:
    """And other orders stay."""
    paper = protected()
    paper.place("other", SELL, "1", stop="99.0", reduce_only=True, list_id="m")
    paper.cancel("stop")
    paper.trade(1040, 100.0, 0.1, BUY)
    paper.wait(1100)
    assert ["accepted", "canceled"] == paper.of("stop")
    assert ["accepted", "canceled"] == paper.of("target")
    assert ["accepted"] == paper.of("other")


def test_an_order_that_replaces_one_of_a_list_ends_both_and_is_placed() -> None:
    """In one moment: what the list was to close is closed by the order."""
    paper = protected()
    paper.place("exit", SELL, "1", reduce_only=True, replaces="stop")
    paper.diff(1040)
    assert ["accepted", "canceled"] == paper.of("stop") == paper.of("target")
    assert ("replaced by exit", ["accepted", "filled"], 0) == (paper.reason("stop"), paper.of("exit"), paper.position)


def test_an_order_that_replaces_what_is_over_is_refused() -> None:
    """Nothing is placed, and the other orders stay."""
    paper = protected()
    paper.place("exit", SELL, "1", reduce_only=True, replaces="entry")
    paper.diff(1040)
    assert (["rejected"], ["accepted"], 1) == (paper.of("exit"), paper.of("stop"), paper.position)
    assert "entry, which it was to replace, is over or never was" == paper.reason("exit")
