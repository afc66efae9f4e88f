"""What the levels of one book say: volumes, imbalance, spread, prices weighted by what rests at them.

Pure functions of a `Depth`. Volumes are in the instrument's quantity unit (base, or contracts), prices in quote
currency. A side without levels is a missing fact, so whatever needs it is None and never zero.
"""

from math import isfinite
from operator import mul
from typing import Final

import msgspec

from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Depth, Level

BASIS_POINTS: Final = 10_000.0
NEAR, FAR = 5, 10
"""Levels a side whose volume is told apart from that of the whole book."""


class BookMetrics(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Everything that one book says by itself; `imbalance` is from -1 (only asks weigh) to 1 (only bids weigh)."""

    bid_volume: float | None
    ask_volume: float | None
    imbalance: float | None
    bid_depth_5: float | None
    ask_depth_5: float | None
    bid_depth_10: float | None
    ask_depth_10: float | None
    notional: float | None
    best_bid: float | None
    best_ask: float | None
    spread: float | None
    spread_bps: float | None
    mid: float | None
    micro_price: float | None
    weighted_bid: float | None
    weighted_ask: float | None
    bid_levels: int
    ask_levels: int
    strongest_bid: Level | None
    strongest_ask: Level | None


def book_metrics(depth: Depth, instrument: Instrument) -> BookMetrics:
    """All figures of a book; `notional` is in quote currency."""
    bids, asks = depth.bid_quantities, depth.ask_quantities
    return BookMetrics(
        bid_volume=volume(bids),
        ask_volume=volume(asks),
        imbalance=imbalance(depth),
        bid_depth_5=volume(bids[:NEAR]),
        ask_depth_5=volume(asks[:NEAR]),
        bid_depth_10=volume(bids[:FAR]),
        ask_depth_10=volume(asks[:FAR]),
        notional=notional(depth, instrument),
        best_bid=depth.bid_prices[0] if depth.bid_prices else None,
        best_ask=depth.ask_prices[0] if depth.ask_prices else None,
        spread=spread(depth),
        spread_bps=spread_bps(depth),
        mid=mid(depth),
        micro_price=micro_price(depth),
        weighted_bid=weighted_price(depth.bid_prices, bids),
        weighted_ask=weighted_price(depth.ask_prices, asks),
        bid_levels=len(bids),
        ask_levels=len(asks),
        strongest_bid=strongest_level(depth.bid_prices, bids),
        strongest_ask=strongest_level(depth.ask_prices, asks),
    )


def volume(quantities: tuple[float, ...]) -> float | None:
    """What rests on a side; None where nothing is known of it."""
    return sum(quantities) if quantities else None


def imbalance(depth: Depth) -> float | None:
    """(bids - asks) / (bids + asks) over all levels, from -1 to 1; None unless both sides are there."""
    bids, asks = depth.bid_quantities, depth.ask_quantities
    if not bids or not asks:
        return None
    bid, ask = sum(bids), sum(asks)
    total = bid + ask
    return (bid - ask) / total if total > 0.0 and isfinite(total) else None


def spread(depth: Depth) -> float | None:
    """Best ask minus best bid; below zero for a crossed book, which is not to be believed."""
    return depth.ask_prices[0] - depth.bid_prices[0] if depth.bid_prices and depth.ask_prices else None


def mid(depth: Depth) -> float | None:
    """Half way between the best prices."""
    return (depth.bid_prices[0] + depth.ask_prices[0]) / 2.0 if depth.bid_prices and depth.ask_prices else None


def spread_bps(depth: Depth) -> float | None:
    """The spread in basis points of the mid."""
    if not depth.bid_prices or not depth.ask_prices:
        return None
    bid, ask = depth.bid_prices[0], depth.ask_prices[0]
    total = bid + ask
    return (ask - bid) / total * (2.0 * BASIS_POINTS) if total > 0.0 else None


def micro_price(depth: Depth) -> float | None:
    """The weighted mid (Pa Qb + Pb Qa) / (Qa + Qb) of the best level: nearer to the side that has less to give.

    This is the simplest form of a micro-price. That of Stoikov (2018) adds to the mid a correction estimated from how
    a market's imbalance and spread went on; this one assumes nothing and is therefore noisier where the tick is coarse.
    """
    if not depth.bid_prices or not depth.ask_prices:
        return None
    bid_quantity, ask_quantity = depth.bid_quantities[0], depth.ask_quantities[0]
    total = bid_quantity + ask_quantity
    if not total > 0.0:
        return None
    return (depth.ask_prices[0] * bid_quantity + depth.bid_prices[0] * ask_quantity) / total


def weighted_price(prices: tuple[float, ...], quantities: tuple[float, ...]) -> float | None:
    """The mean price of a side, weighted by what rests at each level. Nothing was traded at it: it is no VWAP."""
    total = sum(quantities)
    return sum(map(mul, prices, quantities)) / total if total > 0.0 else None


def strongest_level(prices: tuple[float, ...], quantities: tuple[float, ...]) -> Level | None:
    """The level with the most quantity, of equal ones the best; None without levels."""
    if not quantities:
        return None
    most = max(quantities)
    return prices[quantities.index(most)], most


def notional(depth: Depth, instrument: Instrument) -> float | None:
    """The value of everything that rests in the book, in quote currency; None unless both sides are there."""
    if not depth.bid_quantities or not depth.ask_quantities:
        return None
    size = float(instrument.contract_size)
    if instrument.inverse:
        return (sum(depth.bid_quantities) + sum(depth.ask_quantities)) * size
    bids: float = sum(map(mul, depth.bid_prices, depth.bid_quantities))
    asks: float = sum(map(mul, depth.ask_prices, depth.ask_quantities))
    return (bids + asks) * size
