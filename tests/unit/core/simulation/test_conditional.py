"""Stops and take-profits: what sets them off, and what they then take."""

import random
from math import inf

import pytest

from petrosa.core.model.base import Side
from petrosa.core.model.market import MarketEvent
from petrosa.core.model.orders import Liquidity, OrderTriggered
from petrosa.core.simulation.params import SimulationParams, TriggerReference
from tests.kit.paper import BUY, SELL, Paper
from tests.kit.soak import sample

BOOK = ([(100.0, 1.0), (99.9, 2.0), (99.8, 3.0)], [(100.1, 1.0), (100.2, 2.0), (100.3, 3.0)])


def market(params: SimulationParams | None = None) -> Paper:
    paper = Paper(params=params)
    paper.snapshot(1000, *BOOK)
    paper.trade(1001, 100.0, 0.1, BUY)
    return paper


@pytest.mark.parametrize(
    ("side", "stop", "target", "spared", "touched"),
    [
        (SELL, "99.5", None, 99.6, 99.5),
        (BUY, "100.5", None, 100.4, 100.5),
        (SELL, None, "100.5", 100.4, 100.5),
        (BUY, None, "99.5", 99.6, 99.5),
    ],
)
def test_a_conditional_order_is_set_off_from_its_own_side(
    side: Side, stop: str | None, target: str | None, spared: float, touched: float
) -> None:
    """A sell stop and a buy target wait for a fall, a buy stop and a sell target for a rise; touching is enough."""
    paper = market()
    paper.place("a", side, "1", stop=stop, target=target)
    paper.trade(1010, spared, 0.1, BUY)
    assert ["accepted"] == [type(e).__name__.removeprefix("Order").lower() for e in paper.about("a")]
    paper = market()
    paper.place("a", side, "1", stop=stop, target=target)
    paper.trade(1010, 100.0, 0.1, BUY)
    paper.trade(1020, touched, 0.1, BUY)
    paper.diff(1030)
    assert ["accepted", "triggered", "filled"] == paper.of("a")


def test_a_triggered_stop_takes_what_is_displayed_after_the_trigger_not_before() -> None:
    """The print at 99.4 sets it off; the bids of before are gone by the time the book is shown again."""
    paper = market()
    paper.place("a", SELL, "1", stop="99.5")
    paper.diff(1010)
    paper.trade(1020, 99.4, 6.0, SELL)
    paper.diff(1030, bids=[(100.0, 0.0), (99.9, 0.0), (99.8, 0.0), (99.3, 0.4), (99.2, 5.0)])
    assert [("0.400", "99.3"), ("0.600", "99.2")] == paper.paid()
    assert {Liquidity.TAKER} == {fill.liquidity for fill in paper.fills()}


def test_a_triggered_stop_in_a_quiet_market_takes_what_was_shown_last() -> None:
    """No book after the trigger for 2 s: it goes ahead."""
    paper = market()
    paper.place("a", SELL, "1", stop="99.5")
    paper.diff(1010)
    paper.trade(1020, 99.4, 6.0, SELL)
    assert ["accepted", "triggered", "filled"] == paper.of("a")
    assert 3025 == paper.heard[-1][0]


def test_an_order_that_would_trigger_at_once_is_rejected() -> None:
    """A sell stop above the market is a mistake that the venue refuses."""
    paper = market()
    paper.place("a", SELL, "1", stop="100.5")
    paper.diff(1010)
    assert ["rejected"] == paper.of("a")
    assert "would trigger immediately: last price is 100.0, trigger 100.5" == paper.reason("a")


def test_the_mark_price_can_be_the_reference() -> None:
    """With `trigger_reference = mark` a print does not set off a stop, and the mark does."""
    paper = market(SimulationParams(trigger_reference=TriggerReference.MARK))
    paper.mark(1002, 100.0)
    paper.place("a", SELL, "1", stop="99.5")
    paper.trade(1010, 99.0, 1.0, SELL)
    paper.diff(1020)
    assert ["accepted"] == [type(e).__name__.removeprefix("Order").lower() for e in paper.about("a")]
    paper.mark(2000, 99.5)
    assert ["accepted", "triggered", "filled"] == paper.of("a")


def test_on_trades_alone_the_next_print_fills_a_triggered_stop_one_tick_worse() -> None:
    """The print that set it off is not there any more; the next one at 99.2 gives 99.1, modelled."""
    paper = Paper()
    paper.trade(1000, 100.0, 1.0, SELL)
    paper.place("a", SELL, "1", stop="99.5")
    paper.trade(1010, 99.4, 2.0, SELL)
    assert 2 == len(paper.exchange.snapshot().answers)  # accepted and triggered, nothing more yet
    paper.trade(1030, 99.2, 2.0, SELL)
    assert [("1.000", "99.1")] == paper.paid()
    assert [True] == [fill.modelled for fill in paper.fills()]


def test_a_cancel_between_trigger_and_fill_still_works() -> None:
    """A triggered order that has met nothing yet can be taken off."""
    paper = market()
    paper.place("a", SELL, "1", stop="99.5")
    paper.diff(1010)
    paper.trade(1020, 99.4, 6.0, SELL)
    paper.cancel("a")
    paper.trade(1026, 99.4, 6.0, SELL)
    assert ["accepted", "triggered", "canceled"] == paper.of("a")


class Anxious(Paper):
    """Looks at every print, also at those that can concern nothing that is open."""

    def tell(self, event: MarketEvent, now: int | None = None) -> None:
        for listing in self.exchange._listings.values():
            listing.calm_above, listing.calm_below = inf, -inf
        super().tell(event, now)


@pytest.mark.parametrize("seed", range(sample(20, 400)))
def test_prints_that_concern_nothing_open_are_passed_over_without_a_difference(seed: int) -> None:
    """Stops and targets answer the same, and as often, as when every single print is held against them."""
    answers = []
    for kind in (Paper, Anxious):
        chance, paper, price = random.Random(seed), kind(), 100.0
        paper.snapshot(1000, *BOOK)
        for number in range(300):
            ts = 1001 + 10 * number
            if number % 25 == 0:
                side = chance.choice((BUY, SELL))
                away = round(chance.uniform(0.1, 1.5), 1) * side.sign
                paper.place(f"stop{number}", side, "0.1", stop=f"{price + away:.1f}")
                paper.place(f"target{number}", side, "0.1", target=f"{price - away:.1f}")
                paper.place(f"trail{number}", side, "0.1", callback=f"{chance.choice((0.002, 0.005, 0.01))}")
                paper.place(f"late{number}", side, "0.1", stop=f"{price - away:.1f}", callback="0.003")
                limit = f"{price + chance.choice((-1, 1)) * away:.1f}"
                paper.place(f"limit{number}", side, "0.1", stop=f"{price + away:.1f}", limit=limit)
            price = round(price + chance.choice((-0.1, -0.1, 0.0, 0.0, 0.1, 0.1)), 1)
            paper.trade(ts, price, 0.1, chance.choice((BUY, SELL)))
            if number % 7 == 0:
                paper.diff(ts + 1, bids=[(round(price - 0.1, 1), 5.0)], asks=[(round(price + 0.1, 1), 5.0)])
        answers.append(paper.finish())
    assert answers[0] == answers[1]
    assert any(isinstance(answer, OrderTriggered) for answer in answers[0])
