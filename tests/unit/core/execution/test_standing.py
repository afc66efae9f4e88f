"""How the account stands: what the book shows, what margin can be taken from."""

from decimal import Decimal

import pytest

from petrosa.core.execution.blotter import Blotter
from petrosa.core.execution.ledger import Ledger
from petrosa.core.execution.params import AccountParams
from petrosa.core.execution.standing import Standing, liquidity_of
from petrosa.core.model.base import Side
from petrosa.core.model.market import Depth
from petrosa.core.model.orders import Intent, Leg, OrderType, Place
from petrosa.core.model.refusals import Verdict
from petrosa.core.model.signals import Action
from petrosa.core.risk.facts import Entry, Today
from petrosa.core.risk.params import RiskParams
from petrosa.core.trader import TraderParams
from tests.kit.trading import PERPETUAL, START, Session, fill_of, instrument, market_of, place_of, signal

DEPTH = Depth(
    PERPETUAL.id, START, START, 1, (99.9, 99.8, 99.0), (1.0, 2.0, 50.0), (100.1, 100.2, 101.0), (0.5, 0.25, 50.0)
)


def entry(side: Side, worst: str) -> Entry:
    action = Action.BUY if side is Side.BUY else Action.SELL
    return Entry(signal(action), side, PERPETUAL, Decimal(worst), Decimal(worst))


@pytest.mark.parametrize(
    ("side", "worst", "shown"),
    [
        (Side.BUY, "100.2", "0.75"),
        (Side.BUY, "100.1", "0.5"),
        (Side.BUY, "100.0", "0"),
        (Side.SELL, "99.8", "3"),
        (Side.SELL, "99.0", "53"),
    ],
)
def test_the_book_shows_what_an_entry_can_take_up_to_its_worst_price(side: Side, worst: str, shown: str) -> None:
    """The opposite side's levels, and those at the worst price too."""
    market = market_of(PERPETUAL)
    market.apply(DEPTH, START)
    assert Decimal(shown) == liquidity_of(market, entry(side, worst))


def test_without_depth_the_best_quote_is_what_is_shown() -> None:
    """And without either nothing is known."""
    assert Decimal(1) == liquidity_of(market_of(PERPETUAL, 99.9, 100.1), entry(Side.BUY, "100.2"))
    assert liquidity_of(market_of(PERPETUAL), entry(Side.BUY, "100.2")) is None


def test_an_entry_takes_no_more_than_its_share_of_the_book() -> None:
    """Half of 0.75 within 15 bps, whatever risk and caps would allow, on the step."""
    session = Session(TraderParams(risk=RiskParams(max_liquidity_fraction=0.5, max_slippage_bps=15)))
    session.tell(DEPTH)
    session.signal()
    assert Decimal("0.375") == place_of(session.placed(Leg.ENTRY)[0]).quantity


def test_open_profit_is_collateral_and_positions_take_margin() -> None:
    """What is held has its notional in margin; wallet and open loss are what margin is taken from."""
    ledger = Ledger(AccountParams(), {PERPETUAL.id: PERPETUAL})
    place = Place(Side.BUY, OrderType.LIMIT, Decimal(10), Decimal(101))
    intent = Intent("p1", "paper", PERPETUAL.id, Leg.ENTRY, place, "s", "skew")
    ledger.fill(fill_of(intent, "10", "101", "t1"), "skew", "s")
    markets = {PERPETUAL.id: market_of(PERPETUAL, 99.5, 100.5)}
    standing = Standing(ledger, Blotter(), markets, {PERPETUAL.id: PERPETUAL})
    facts = standing.facts(entry(Side.BUY, "100.5"), START, closed="", closing="", today=Today(None, None, 0))
    assert (Decimal(1_000), Decimal(9_990)) == (facts.margined, facts.collateral)


def test_orders_that_rest_are_counted_and_conditional_ones_apart() -> None:
    """A stop and a target rest behind a position: with another pair and an entry that makes five."""
    session = Session(instruments=(instrument(max_conditional_orders=3),))
    session.entered()
    session.signal(number=2)
    counted = next(outcome for outcome in session.last_refusal().outcomes if outcome.check == "order_count")
    assert (Verdict.FAILED, "5 orders, 4 of them conditional, with this entry") == (counted.verdict, counted.saw)
