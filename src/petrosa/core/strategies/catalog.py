"""Every strategy there is, by name. A new one is a file and one line here; a test finds a file that has none."""

from collections.abc import Mapping
from typing import Final

from petrosa.core.strategies.base import CatalogEntry
from petrosa.core.strategies.candle import (
    band_fade_reversal,
    divergence_trap,
    golden_trend_sync,
    momentum_pulse,
    range_break_pop,
    volume_surge_breakout,
)
from petrosa.core.strategies.tick import (
    btc_dominance,
    cross_exchange_spread,
    iceberg_detector,
    onchain_metrics,
    orderbook_skew,
    spread_liquidity,
    ticker_velocity,
    trade_momentum,
)

_TICK: Final = (
    orderbook_skew.ENTRY,
    trade_momentum.ENTRY,
    ticker_velocity.ENTRY,
    spread_liquidity.ENTRY,
    iceberg_detector.ENTRY,
    btc_dominance.ENTRY,
    cross_exchange_spread.ENTRY,
    onchain_metrics.ENTRY,
)
_CANDLE: Final = (
    momentum_pulse.ENTRY,
    band_fade_reversal.ENTRY,
    golden_trend_sync.ENTRY,
    range_break_pop.ENTRY,
    divergence_trap.ENTRY,
    volume_surge_breakout.ENTRY,
)

TICK: Final[Mapping[str, CatalogEntry]] = {entry.strategy_id: entry for entry in _TICK}
"""Strategies of a stream: trades, quotes, books, tickers, outside readings."""

CANDLE: Final[Mapping[str, CatalogEntry]] = {entry.strategy_id: entry for entry in _CANDLE}
"""Strategies of closed bars of any length: technical analysis."""

CATALOG: Final[Mapping[str, CatalogEntry]] = {**TICK, **CANDLE}
