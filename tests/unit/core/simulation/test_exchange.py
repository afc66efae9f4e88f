"""What the simulated exchange does with an order: when it arrives, what it meets, when the answer is heard."""

from decimal import Decimal

import pytest

from petrosa.core.model.base import NEVER
from petrosa.core.model.orders import BalanceChanged, Liquidity, OrderAccepted, OrderFilled, TimeInForce
from petrosa.core.simulation.params import FillModel, SimulationParams
from tests.kit.paper import BUY, MS, SELL, SPOT, Paper

BOOK = ([(100.0, 1.0), (99.9, 2.0), (99.8, 3.0)], [(100.1, 1.0), (100.2, 2.0), (100.3, 3.0)])


def opened(feed: int = 0, params: SimulationParams | None = None) -> Paper:
    """A market with a whole book since 1000 ms, heard `feed` ms later."""
    paper = Paper(feed=feed, params=params)
    paper.snapshot(1000, *BOOK)
    return paper


def test_a_market_order_walks_the_levels() -> None:
    """2 lots take the 1 at 100.1 and 1 of the 2 at 100.2, as taker."""
    paper = opened()
    paper.place("a", BUY, "2")
    paper.diff(1010)
    assert [("1.000", "100.1"), ("1.000", "100.2")] == paper.paid("a")
    assert {Liquidity.TAKER} == {fill.liquidity for fill in paper.fills()}
    assert not any(fill.modelled for fill in paper.fills())
    assert Decimal(2) == paper.position


def test_what_was_taken_is_gone_until_the_displayed_size_changes() -> None:
    """A second order finds the first level empty while it still displays 1, and full again after it displays 3."""
    paper = opened()
    paper.place("a", BUY, "1")
    paper.diff(1010)
    paper.place("b", BUY, "1")
    paper.diff(1020)
    paper.diff(1030, asks=[(100.1, 3.0)])
    paper.place("c", BUY, "1")
    paper.diff(1040)
    assert ["100.1", "100.2", "100.1"] == [price for _, price in paper.paid()]


def test_a_size_that_changed_and_came_back_is_there_again() -> None:
    """1, then 2, then 1 displayed: somebody came, so what we took is no longer missing."""
    paper = opened()
    paper.place("a", BUY, "1")
    paper.diff(1010)
    paper.diff(1020, asks=[(100.1, 2.0)])
    paper.diff(1030, asks=[(100.1, 1.0)])
    paper.place("b", BUY, "1")
    paper.diff(1040)
    assert [("1.000", "100.1")] == paper.paid("b")


def test_the_rest_of_a_market_order_expires_where_a_whole_book_ends() -> None:
    """7 asked, 6 shown: 6 fill and 1 expires, as on the venue."""
    paper = opened()
    paper.place("a", BUY, "7")
    paper.diff(1010)
    assert ["accepted", "filled", "filled", "filled", "expired"] == paper.of("a")
    assert Decimal(6) == paper.position


def test_a_marketable_limit_takes_within_its_limit_and_rests_for_the_remainder() -> None:
    """Buy 4 at 100.2 takes 1 and 2, then rests with 1, which a sell print at its price fills as maker."""
    paper = opened()
    paper.place("a", BUY, "4", limit="100.2")
    paper.diff(1010)
    paper.trade(1020, 100.2, 5.0, SELL)
    assert [("1.000", "100.1"), ("2.000", "100.2"), ("1.000", "100.2")] == paper.paid("a")
    assert [Liquidity.TAKER, Liquidity.TAKER, Liquidity.MAKER] == [fill.liquidity for fill in paper.fills()]


def test_an_order_cannot_meet_a_fact_from_before_its_arrival() -> None:
    """Sent at 1000, it arrives at 1005: the cheap offer of 1004, heard at 1014, is not for it."""
    paper = opened(feed=10)
    paper.place("a", BUY, "1")  # sent at 1010, arrives at 1015
    paper.diff(1014, asks=[(100.0, 9.0)])
    paper.diff(1016, asks=[(100.0, 0.0), (100.1, 1.0)])
    assert [("1.000", "100.1")] == paper.paid("a")


def test_stamps_that_run_backwards_do_not_let_an_order_meet_an_older_fact() -> None:
    """The offer of 1004 is heard after the venue has said 1006: the order of 1005 waits for a newer one."""
    paper = Paper()
    paper.quote(1000, (100.0, 1.0), (100.1, 1.0))
    paper.place("a", BUY, "1")
    paper.trade(1006, 100.1, 0.5, BUY)
    paper.quote(1004, (99.7, 1.0), (99.8, 1.0))
    paper.quote(1007, (100.1, 1.0), (100.2, 1.0))
    assert [("1.000", "100.2")] == paper.paid("a")


def test_an_answer_is_heard_after_the_response_latency_and_never_before_it_could_be_known() -> None:
    """Arrival 1005 and the fact of 1006: with a feed of 0 heard at 1010 and 1011; with one of 20 at the fact's 1026."""
    quick = opened()
    quick.place("a", BUY, "1")
    quick.diff(1006)
    quick.finish()
    assert [1010, 1011] == [at for at, event in quick.heard if isinstance(event, OrderAccepted | OrderFilled)]
    slow = opened(feed=20)
    slow.place("a", BUY, "1")  # sent at 1020, arrives at 1025
    slow.diff(1030)
    slow.finish()
    assert [1050, 1050] == [at for at, event in slow.heard if isinstance(event, OrderAccepted | OrderFilled)]


def test_a_quiet_market_does_not_hold_an_order_for_ever() -> None:
    """With no news for 2 s after its arrival at 1005 the order meets the book last shown; heard at 3010."""
    paper = opened()
    paper.place("a", BUY, "1")
    assert 3010 * MS == paper.exchange.next_due()
    assert [("1.000", "100.1")] == paper.paid("a")
    assert 3010 == paper.heard[0][0]
    assert 1005 * MS == paper.fills()[0].ts_event
    assert NEVER == paper.exchange.next_due()


def test_without_any_price_a_market_order_is_rejected() -> None:
    """Nothing was ever seen of the market: there is nothing to fill against."""
    paper = Paper()
    paper.place("a", BUY, "1")
    assert ["rejected"] == paper.of("a")
    assert "no price of BTCUSDT has been seen yet" == paper.reason("a")


def test_a_cancel_that_arrives_before_the_print_wins_and_one_that_arrives_after_it_loses() -> None:
    """Cancel sent at 1020 arrives at 1025: a print of 1024 fills, one of 1025 does not."""
    for print_at, expected in ((1024, ["accepted", "filled", "refused"]), (1025, ["accepted", "canceled"])):
        paper = opened()
        paper.place("a", BUY, "1", limit="99.9")
        paper.diff(1010)
        paper.wait(1020)
        paper.cancel("a")
        paper.trade(print_at, 99.8, 5.0, SELL)
        paper.diff(1030)
        assert expected == paper.of("a")


def test_a_cancel_does_not_overtake_its_order() -> None:
    """Sent right after it, the cancel waits until the order has arrived, and then takes it off."""
    paper = opened()
    paper.place("a", BUY, "1", limit="99.9")
    paper.cancel("a")
    paper.trade(1006, 100.1, 0.1, BUY)
    paper.diff(1010)
    assert ["accepted", "canceled"] == paper.of("a")


def test_a_cancel_of_an_unknown_order_is_refused_by_name() -> None:
    """The refusal names the order that was to be cancelled."""
    paper = opened()
    paper.cancel("ghost")
    paper.diff(1010)
    assert ["refused"] == paper.of("ghost")
    assert "unknown order" in paper.reason("ghost")


@pytest.mark.parametrize("ended", [False, True])
def test_a_repeated_client_order_id_is_rejected_and_the_first_order_lives_on(ended: bool) -> None:
    """Whether the first still rests or has ended, the same id twice is one order."""
    paper = opened()
    paper.place("a", BUY, "1", limit="100.1" if ended else "99.9")
    paper.diff(1010)
    paper.place("a", BUY, "1", limit="99.9")
    paper.diff(1020)
    expected = ["accepted", "filled", "rejected"] if ended else ["accepted", "rejected"]
    assert expected == paper.of("a")
    assert "duplicate client order id" == paper.reason("a")


def test_an_immediate_or_cancel_order_takes_what_there_is_and_expires() -> None:
    """IOC for 4 at 100.2 takes 3 and the last one expires."""
    paper = opened()
    paper.place("a", BUY, "4", limit="100.2", tif=TimeInForce.IOC)
    paper.diff(1010)
    assert ["accepted", "filled", "filled", "expired"] == paper.of("a")
    assert Decimal(3) == paper.position


@pytest.mark.parametrize(
    ("quantity", "kinds"), [("3", ["accepted", "filled", "filled"]), ("4", ["accepted", "expired"])]
)
def test_a_fill_or_kill_order_fills_whole_or_not_at_all(quantity: str, kinds: list[str]) -> None:
    """3 are there within 100.2; of 4 not one is taken."""
    paper = opened()
    paper.place("a", BUY, quantity, limit="100.2", tif=TimeInForce.FOK)
    paper.diff(1010)
    assert kinds == paper.of("a")


def test_a_post_only_order_is_rejected_instead_of_taking() -> None:
    """At 100.1 it would take; at 100.0 it rests."""
    paper = opened()
    paper.place("a", BUY, "1", limit="100.1", tif=TimeInForce.GTX)
    paper.place("b", BUY, "1", limit="100.0", tif=TimeInForce.GTX)
    paper.diff(1010)
    assert ["rejected"] == paper.of("a")
    assert "post-only at 100.1 would take liquidity at 100.1" == paper.reason("a")
    assert ["accepted"] == paper.of("b")


def test_an_order_with_an_expiry_ends_then_and_meets_nothing_later() -> None:
    """Good till 1100: the print of 1100 comes too late."""
    paper = opened()
    paper.place("a", BUY, "1", limit="99.9", expire=1100)
    paper.diff(1010)
    paper.trade(1100, 99.0, 9.0, SELL)
    assert ["accepted", "expired"] == paper.of("a")
    alone = opened()
    alone.place("a", BUY, "1", limit="99.9", expire=1100)
    alone.diff(1010)
    assert ["accepted", "expired"] == alone.of("a")
    assert 1105 == alone.heard[-1][0]


def test_instant_fills_come_at_once_whole_at_the_best_price_and_are_marked() -> None:
    """The specification's simulation: no delay, no depth, modelled."""
    paper = opened(params=SimulationParams(fill_model=FillModel.INSTANT))
    paper.place("a", BUY, "50")
    assert 1000 * MS == paper.exchange.next_due()
    assert [("50.000", "100.1")] == paper.paid("a")
    assert all(fill.modelled for fill in paper.fills())


def test_instant_fills_use_the_last_trade_where_no_quote_is_known_and_rest_where_a_limit_says_so() -> None:
    """A limit below the last trade waits for a trade at it."""
    paper = Paper(params=SimulationParams(fill_model=FillModel.INSTANT))
    paper.trade(1000, 100.0, 1.0, BUY)
    paper.place("a", BUY, "5")
    paper.place("b", BUY, "5", limit="99.0")
    paper.trade(1010, 99.5, 1.0, SELL)
    paper.trade(1020, 99.0, 1.0, SELL)
    assert [("5.000", "100.0"), ("5.000", "99.0")] == paper.paid()


def test_an_unknown_instrument_is_refused() -> None:
    """An exchange without rules for an instrument takes no order for it."""
    paper = opened()
    paper.instrument = SPOT
    paper.place("a", BUY, "1")
    assert ["rejected"] == paper.of("a")
    assert "unknown instrument binance:spot:BTCUSDT" in paper.reason("a")


def test_balances_follow_each_batch_of_fills_once() -> None:
    """Two fills of one order lead to one statement of the balance, after them."""
    paper = opened()
    paper.place("a", BUY, "2")
    paper.diff(1010)
    events = paper.finish()
    assert ["OrderAccepted", "OrderFilled", "OrderFilled", "BalanceChanged"] == [type(e).__name__ for e in events]
    fees = (Decimal("100.1") + Decimal("100.2")) * Decimal("0.0005")
    assert isinstance(events[-1], BalanceChanged)
    assert Decimal(1_000_000) - fees == events[-1].total


def test_chance_in_latency_depends_on_the_seed_alone() -> None:
    """The same seed gives the same delays, another one others, all within the bound."""

    def heard(seed: int) -> list[int]:
        paper = opened(params=SimulationParams(latency_jitter_ms=20, seed=seed))
        for number in range(5):
            paper.place(f"o{number}", BUY, "0.1")
            paper.diff(1100 * (number + 1))
        paper.finish()
        return [at for at, _ in paper.heard]

    assert heard(1) == heard(1)
    assert heard(1) != heard(2)
