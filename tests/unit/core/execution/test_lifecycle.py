"""What becomes of an order, whatever order the news comes in."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.execution.blotter import ORDERS_KEPT, TRADES_KEPT, Blotter
from petrosa.core.execution.lifecycle import Order, advance, contradiction, lost, submitted
from petrosa.core.model.base import Side
from petrosa.core.model.orders import (
    CancelRejected,
    Intent,
    Leg,
    OrderAccepted,
    OrderCanceled,
    OrderEvent,
    OrderExpired,
    OrderRejected,
    OrderStatus,
    OrderTriggered,
    OrderType,
    Place,
)
from petrosa.errors import InvariantError
from tests.kit.soak import examples
from tests.kit.trading import PERPETUAL, START, fill_of

WHERE = ("paper", PERPETUAL.id, "p1")
LIVE = (OrderStatus.SUBMITTED, OrderStatus.ACCEPTED, OrderStatus.TRIGGERED, OrderStatus.PARTIALLY_FILLED)


def intent(name: str = "p1", quantity: str = "3") -> Intent:
    place = Place(Side.BUY, OrderType.LIMIT, Decimal(quantity), Decimal(100))
    return Intent(name, "paper", PERPETUAL.id, Leg.ENTRY, place, "signal-1", "skew")


ACCEPTED = OrderAccepted(*WHERE, "v1", START, START)
REJECTED = OrderRejected(*WHERE, "no money", START, START)
TRIGGERED = OrderTriggered(*WHERE, START, START)
CANCELED = OrderCanceled(*WHERE, "asked", START, START)
EXPIRED = OrderExpired(*WHERE, "rest of an IOC", START, START)
CANCEL_REJECTED = CancelRejected(*WHERE, "filled", START, START)


def fill(number: int, quantity: str = "1", price: str = "100") -> OrderEvent:
    return fill_of(intent(), quantity, price, f"t{number}")


def told(*news: OrderEvent) -> Order:
    order = submitted(intent(), START)
    for event in news:
        order = advance(order, event)
    return order


def test_the_usual_way() -> None:
    """Submitted, accepted, filled in parts at their mean price, filled."""
    assert OrderStatus.ACCEPTED is told(ACCEPTED).status
    part = told(ACCEPTED, fill(1, "1", "100"), fill(2, "1", "101"))
    assert (OrderStatus.PARTIALLY_FILLED, Decimal(2), Decimal("100.5"), Decimal(1)) == (
        part.status, part.filled, part.average_price, part.leaves,
    )  # fmt: skip
    whole = told(ACCEPTED, fill(1, "3"))
    assert (OrderStatus.FILLED, False, Decimal(0)) == (whole.status, whole.is_live, whole.leaves)


def test_late_news_does_not_take_a_status_back() -> None:
    """Accepted after a fill, triggered after a part, are late and change nothing but what was not known yet."""
    late = told(fill(1), TRIGGERED, ACCEPTED)
    assert (OrderStatus.PARTIALLY_FILLED, "v1") == (late.status, late.venue_order_id)


def test_a_fill_after_a_cancel_is_a_fill() -> None:
    """The position is what was filled: a late fill counts, completes the order if it does, and revives nothing."""
    part = told(ACCEPTED, CANCELED, fill(1))
    assert (OrderStatus.CANCELED, Decimal(1), Decimal(0)) == (part.status, part.filled, part.leaves)
    assert OrderStatus.FILLED is told(ACCEPTED, CANCELED, fill(1, "3")).status


def test_a_rejection_of_what_exists_is_a_repetition() -> None:
    """An order that the venue has accepted or filled is not gone because a copy of it was rejected."""
    assert OrderStatus.ACCEPTED is told(ACCEPTED, REJECTED).status
    assert OrderStatus.PARTIALLY_FILLED is told(fill(1), REJECTED).status
    assert OrderStatus.REJECTED is told(REJECTED).status


def test_silence_makes_an_order_unknown_and_news_makes_it_known_again() -> None:
    """Unknown is alive with all that it leaves, until the venue says something."""
    unknown = lost(submitted(intent(), START))
    assert (OrderStatus.UNKNOWN, True, Decimal(3)) == (unknown.status, unknown.is_live, unknown.leaves)
    assert OrderStatus.ACCEPTED is advance(unknown, ACCEPTED).status
    assert OrderStatus.REJECTED is advance(unknown, REJECTED).status
    assert OrderStatus.ACCEPTED is lost(told(ACCEPTED)).status


def test_what_cannot_both_be_true_is_said() -> None:
    """Accepted or filled after a rejection, more than was ordered, the wrong side: a person must look."""
    rejected, whole = told(REJECTED), told(ACCEPTED, fill(1, "3"))
    assert "p1 was rejected (no money) and is accepted now" == contradiction(rejected, ACCEPTED)
    assert "p1 was rejected (no money) and filled 1 now" == contradiction(rejected, fill(1))
    assert "p1 is of 3 and filled 4" == contradiction(whole, fill(2))
    other = fill_of(intent(), "1", "100", "t9", side=Side.SELL)
    assert "p1 is a buy and filled as a sell" == contradiction(told(ACCEPTED), other)
    assert "" == contradiction(told(ACCEPTED), fill(1))


EVENTS = st.lists(
    st.sampled_from(
        [ACCEPTED, REJECTED, TRIGGERED, CANCELED, EXPIRED, CANCEL_REJECTED, fill(1), fill(2), fill(3, "0.5")]
    ),
    max_size=14,
)


@examples(300)
@given(events=EVENTS)
def test_no_order_of_events_lowers_what_is_filled_or_revives_what_is_over(events: list[OrderEvent]) -> None:
    """Permuted, repeated, delayed: filled never falls, each trade counts once, terminal stays terminal."""
    blotter = Blotter()
    blotter.add(submitted(intent(), START))
    before, seen = blotter.get("p1"), {}
    assert before is not None
    for event in events:
        applied = blotter.apply(event)
        after = applied.order
        assert after is not None
        if applied.is_new_fill:
            seen[event.trade_id] = event.quantity  # type: ignore[union-attr]
        assert after.filled >= before.filled
        assert sum(seen.values(), Decimal(0)) == after.filled
        assert before.is_live or not after.is_live
        assert after.is_live == (after in blotter.live())
        before = after


def test_a_fill_told_twice_counts_once_even_by_another_orders_name() -> None:
    """A trade id is unique on an instrument, whoever repeats it."""
    blotter = Blotter()
    blotter.add(submitted(intent(), START))
    assert [True, False] == [blotter.apply(fill(1)).is_new_fill, blotter.apply(fill(1)).is_new_fill]
    assert not blotter.apply(fill_of(intent("p2"), "1", "100", "t1")).is_new_fill


def test_a_client_order_id_is_used_once() -> None:
    """The venue would refuse a second one, and we would lose the first."""
    blotter = Blotter()
    blotter.add(submitted(intent(), START))
    with pytest.raises(InvariantError, match="used twice"):
        blotter.add(submitted(intent(), START))


def test_memory_is_bounded_and_never_forgets_what_is_alive() -> None:
    """Old terminal orders and trade ids go; a live order stays however old it is."""
    blotter = Blotter()
    blotter.add(submitted(intent("old"), START))
    for number in range(ORDERS_KEPT + 10):
        name = f"p{number}"
        blotter.add(submitted(intent(name), START))
        blotter.apply(OrderRejected("paper", PERPETUAL.id, name, "no", START, START))
    for number in range(TRADES_KEPT + 10):
        blotter.apply(fill_of(intent("elsewhere"), "1", "100", f"t{number}"))
    state = blotter.snapshot()
    assert (ORDERS_KEPT, TRADES_KEPT) == (len(state.orders), len(state.trades))
    assert "old" in blotter
    assert "p0" not in blotter
