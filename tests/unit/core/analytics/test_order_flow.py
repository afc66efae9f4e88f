"""Order-flow imbalance of quotes, and trades with their significance."""

from math import erfc, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.core.analytics.order_flow import Quote, quote_flow, trade_flow
from tests.kit.soak import examples

BEFORE = (100.0, 5.0, 101.0, 4.0)


@pytest.mark.parametrize(
    ("after", "flow"),
    [
        ((100.0, 8.0, 101.0, 4.0), 3.0),  # three more are bid for
        ((100.0, 5.0, 101.0, 6.0), -2.0),  # two more are offered
        ((100.5, 2.0, 101.0, 4.0), 2.0),  # a better bid adds all of itself
        ((99.5, 9.0, 101.0, 4.0), -5.0),  # the best bid went
        ((100.0, 5.0, 101.5, 7.0), 4.0),  # the best offer went
        ((100.0, 5.0, 100.5, 1.0), -1.0),  # a better offer
        ((100.5, 2.0, 101.5, 7.0), 6.0),  # both moved up
        (BEFORE, 0.0),
    ],
)
def test_a_change_of_the_best_quotes_counts_by_where_it_happened(after: Quote, flow: float) -> None:
    """The formula of Cont, Kukanov and Stoikov, case by case."""
    assert flow == quote_flow(BEFORE, after)


quotes = st.tuples(st.integers(90, 100), st.floats(0.1, 10), st.integers(101, 110), st.floats(0.1, 10))


@given(quotes, quotes)
@examples(100)
def test_flow_of_the_mirrored_market_has_the_other_sign(before: Quote, after: Quote) -> None:
    """Bids are asks of the mirror, and demand is supply."""
    mirrored = [(200.0 - ask, ask_q, 200.0 - bid, bid_q) for bid, bid_q, ask, ask_q in (before, after)]
    assert pytest.approx(-quote_flow(before, after)) == quote_flow(mirrored[0], mirrored[1])


def test_trades_by_hand() -> None:
    """Bought 3 and 1, sold 2: rho = 2/6, z = 2 / sqrt(14), and its two tails."""
    flow = trade_flow(4.0, 2.0, 9.0 + 1.0 + 4.0, 3)
    z = 2.0 / sqrt(14.0)
    assert (3, pytest.approx(1 / 3), pytest.approx(z)) == (flow.trades, flow.imbalance, flow.z)
    assert pytest.approx(erfc(z / sqrt(2))) == flow.p_value


def test_without_trades_nothing_is_said() -> None:
    """No imbalance is not a balance."""
    flow = trade_flow(0.0, 0.0, 0.0, 0)
    assert (0, None, None, None) == (flow.trades, flow.imbalance, flow.z, flow.p_value)


@given(st.lists(st.tuples(st.floats(1e-6, 1e6), st.booleans()), min_size=1, max_size=50))
@examples(100)
def test_trade_flow_is_bounded_and_symmetric(trades: list[tuple[float, bool]]) -> None:
    """Rho from -1 to 1, p from 0 to 1; who sold as who bought turns the sign and leaves the p-value."""
    bought = sum(q for q, is_buy in trades if is_buy)
    sold = sum(q for q, is_buy in trades if not is_buy)
    squares = sum(q * q for q, _ in trades)
    one, other = trade_flow(bought, sold, squares, len(trades)), trade_flow(sold, bought, squares, len(trades))
    assert one.imbalance is not None
    assert other.imbalance is not None
    assert one.z is not None
    assert -1.0 <= one.imbalance <= 1.0
    assert 0.0 <= (one.p_value or 0.0) <= 1.0
    assert (-one.imbalance, one.p_value) == (other.imbalance, other.p_value)
    assert abs(one.z) <= sqrt(len(trades)) * (1 + 1e-9)
