"""Who pushes: order-flow imbalance of the best quotes, and the imbalance of trades with its significance."""

from math import erfc, sqrt

import msgspec

Quote = tuple[float, float, float, float]
"""(bid, its quantity, ask, its quantity)."""


def quote_flow(before: Quote, after: Quote) -> float:
    """What one change of the best quotes adds to the order-flow imbalance, in base volume: above zero is demand.

    e = [Pb' >= Pb] Qb' - [Pb' <= Pb] Qb - [Pa' <= Pa] Qa' + [Pa' >= Pa] Qa; Cont, Kukanov and Stoikov (2014),
    "The price impact of order book events". Over a window prices move roughly in proportion to its sum.
    """
    bid, bid_quantity, ask, ask_quantity = after
    old_bid, old_bid_quantity, old_ask, old_ask_quantity = before
    flow = 0.0
    if bid >= old_bid:
        flow += bid_quantity
    if bid <= old_bid:
        flow -= old_bid_quantity
    if ask <= old_ask:
        flow -= ask_quantity
    if ask >= old_ask:
        flow += old_ask_quantity
    return flow


class TradeFlow(msgspec.Struct, frozen=True, gc=False):
    """Trades of a window. `imbalance` is (bought - sold) / (bought + sold), from -1 to 1; None without a trade.

    `z` is (bought - sold) / sqrt(sum of squared volumes), which is near normal with mean 0 and variance 1 when each
    trade's side is a coin toss, however unequal the trades are; `p_value` is two-sided. Sides of trades cluster, so a
    small p-value says less than it would of independent ones.
    """

    trades: int
    bought: float
    sold: float
    imbalance: float | None
    z: float | None
    p_value: float | None


def trade_flow(bought: float, sold: float, squares: float, trades: int) -> TradeFlow:
    """From volumes by the taker's side, the sum of squared volumes, and how many trades there were."""
    total = bought + sold
    if trades == 0 or not total > 0.0 or not squares > 0.0:
        return TradeFlow(trades, bought, sold, None, None, None)
    z = (bought - sold) / sqrt(squares)
    return TradeFlow(trades, bought, sold, (bought - sold) / total, z, erfc(abs(z) / sqrt(2.0)))
