"""At which price an entry leaves."""

from decimal import Decimal

import pytest

from petrosa.core.execution.params import EntryStyle, ExecutionParams
from petrosa.core.execution.plan import entry_prices
from petrosa.core.model.base import Side
from petrosa.core.model.orders import Leg, TimeInForce
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
