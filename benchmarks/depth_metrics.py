"""The same figures of a depth event as the reference computes, from parallel arrays."""

from collections import deque
from operator import mul
from typing import NamedTuple

from petrosa.core.model.market import Depth


class DepthMetrics(NamedTuple):
    """Volumes in base, prices in quote currency, spread in basis points."""

    bid_volume: float
    ask_volume: float
    imbalance: float
    bid_vwap: float
    ask_vwap: float
    mid: float
    spread_bps: float
    micro: float
    skew: float


def depth_metrics(depth: Depth, history: deque[DepthMetrics]) -> DepthMetrics:
    """Every figure of `benchmarks.reference.depth_metrics`; the history forgets what is older than its length."""
    bid_prices, bid_quantities = depth.bid_prices, depth.bid_quantities
    ask_prices, ask_quantities = depth.ask_prices, depth.ask_quantities
    bid_volume, ask_volume = sum(bid_quantities), sum(ask_quantities)
    bid, ask, bid_quantity, ask_quantity = bid_prices[0], ask_prices[0], bid_quantities[0], ask_quantities[0]
    mid = (bid + ask) / 2.0
    metrics = DepthMetrics(
        bid_volume,
        ask_volume,
        (bid_volume - ask_volume) / (bid_volume + ask_volume),
        sum(map(mul, bid_prices, bid_quantities)) / bid_volume,
        sum(map(mul, ask_prices, ask_quantities)) / ask_volume,
        mid,
        (ask - bid) / mid * 10_000.0,
        (bid * ask_quantity + ask * bid_quantity) / (bid_quantity + ask_quantity),
        sum(bid_quantities[:5]) / sum(ask_quantities[:5]),
    )
    history.append(metrics)
    return metrics
