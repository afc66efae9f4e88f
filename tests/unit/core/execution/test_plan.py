"""At which price an entry leaves."""

from decimal import Decimal

import pytest

from petrosa.core.execution.params import EntryStyle, ExecutionParams
from petrosa.core.execution.plan import entry_prices
from petrosa.core.model.base import Side
from petrosa.core.model.orders import Leg, OrderType, TimeInForce
from petrosa.core.trader import TraderParams
from tests.kit.trading import PERPETUAL, START, Session, market_of, place_of


def prices(side: Side, style: EntryStyle, bid: float = 99.9, ask: float = 100.1, bps: float = 19.0) -> object:
    return entry_prices(side, market_of(PERPETUAL, bid, ask), PERPETUAL, style, bps)


def test_a_marketable_entry_reaches_a_little_beyond_the_best_opposite_price() -> None:
    """The cap is rounded so that it is never farther than max_slippage_bps: 100.1 and 19 bps end at 100.2."""
    assert (Decimal("100.1"), Decimal("100.2")) == prices(Side.BUY, EntryStyle.MARKETABLE)
    assert (Decimal("99.9"), Decimal("99.8")) == prices(Side.SELL, EntryStyle.MARKETABLE)
    assert (Decimal("100.1"), Decimal("100.1")) == prices(Side.BUY, EntryStyle.MARKETABLE, bps=0.0)


def test_a_passive_entry_joins_its_own_side() -> None:
    """A buy at the bid, a sell at the ask."""
    assert (Decimal("99.9"), Decimal("99.9")) == prices(Side.BUY, EntryStyle.PASSIVE)
    assert (Decimal("100.1"), Decimal("100.1")) == prices(Side.SELL, EntryStyle.PASSIVE)


def test_a_market_entry_is_reckoned_with_as_a_marketable_one_and_a_post_only_one_as_a_passive_one() -> None:
    """The gate sizes by the worst price that either may have."""
    for side in Side:
        assert prices(side, EntryStyle.MARKETABLE) == prices(side, EntryStyle.MARKET)
        assert prices(side, EntryStyle.PASSIVE) == prices(side, EntryStyle.POST_ONLY)


def test_a_market_entry_has_no_limit_and_the_size_of_a_marketable_one() -> None:
    """A plain market order; its stop is as far from the worst price as before."""
    market, limit = (
        Session(TraderParams(execution=ExecutionParams(entry=style)))
        for style in (EntryStyle.MARKET, EntryStyle.MARKETABLE)
    )
    for session in (market, limit):
        session.signal()
    (plain,), (capped,) = market.placed(Leg.ENTRY), limit.placed(Leg.ENTRY)
    assert (OrderType.MARKET, None, None) == (
        place_of(plain).type, place_of(plain).price, place_of(plain).ts_expire
    )  # fmt: skip
    assert place_of(capped).quantity == place_of(plain).quantity
    market.fill(plain)
    (stop,) = market.placed(Leg.STOP)
    assert Decimal("98.1") == place_of(stop).trigger_price


def test_a_post_only_entry_rests_for_its_time_or_is_refused_by_the_venue() -> None:
    """GTX at the bid, with a time to live; a venue that says no leaves the desk free for the next signal."""
    session = Session(TraderParams(execution=ExecutionParams(entry=EntryStyle.POST_ONLY, passive_ttl_seconds=30)))
    session.signal()
    (entry,) = session.placed(Leg.ENTRY)
    place = place_of(entry)
    assert (TimeInForce.GTX, Decimal("99.9"), START + 30_000_000_000) == (
        place.time_in_force, place.price, place.ts_expire
    )  # fmt: skip
    session.reject(entry, "post-only would take")
    session.signal(number=2)
    assert 2 == len(session.placed(Leg.ENTRY))


@pytest.mark.parametrize(("bid", "ask"), [(0.0, 100.1), (99.9, 0.0), (100.1, 99.9)])
def test_without_two_sides_there_is_no_price(bid: float, ask: float) -> None:
    """A missing or crossed side is not a price."""
    assert (None, None) == prices(Side.BUY, EntryStyle.MARKETABLE, bid, ask)


def test_a_passive_entry_ends_when_its_time_is_over() -> None:
    """The order carries its time to live, and if the venue does not end it we do."""
    session = Session(TraderParams(execution=ExecutionParams(entry=EntryStyle.PASSIVE, passive_ttl_seconds=30)))
    session.signal()
    (entry,) = session.placed(Leg.ENTRY)
    place = place_of(entry)
    assert (TimeInForce.GTC, START + 30_000_000_000) == (place.time_in_force, place.ts_expire)
    session.accept(entry)
    session.wait(29)
    assert [] == session.cancelled()
    session.wait(1)
    assert [entry.client_order_id] == session.cancelled()
