"""Every strategy there is, by name. A new one is a file and one line here; a test finds a file that has none."""

from collections.abc import Mapping
from typing import Final

from petrosa.core.strategies.base import CatalogEntry
from petrosa.core.strategies.candle import (
    band_fade_reversal,
    bear_trap_buy,
    bear_trap_sell,
    bollinger_breakout_signals,
    bollinger_squeeze_alert,
    divergence_trap,
    doji_reversal,
    ema_alignment_bearish,
    ema_alignment_bullish,
    ema_momentum_reversal,
    ema_pullback_continuation,
    ema_slope_reversal_sell,
    fox_trap_reversal,
    golden_trend_sync,
    hammer_reversal_pattern,
    ichimoku_cloud_momentum,
    inside_bar_breakout,
    inside_bar_sell,
    liquidity_grab_reversal,
    mean_reversion_scalper,
    minervini_trend_template,
    momentum_pulse,
    multi_timeframe_trend_continuation,
    order_flow_imbalance,
    range_break_pop,
    rsi_extreme_reversal,
    shooting_star_reversal,
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
_CANDLE: Final[tuple[CatalogEntry, ...]] = (
    momentum_pulse.ENTRY,
    band_fade_reversal.ENTRY,
    golden_trend_sync.ENTRY,
    range_break_pop.ENTRY,
    divergence_trap.ENTRY,
    volume_surge_breakout.ENTRY,
    mean_reversion_scalper.ENTRY,
    ichimoku_cloud_momentum.ENTRY,
    liquidity_grab_reversal.ENTRY,
    multi_timeframe_trend_continuation.ENTRY,
    order_flow_imbalance.ENTRY,
    ema_alignment_bullish.ENTRY,
    bollinger_squeeze_alert.ENTRY,
    bollinger_breakout_signals.ENTRY,
    rsi_extreme_reversal.ENTRY,
    inside_bar_breakout.ENTRY,
    ema_pullback_continuation.ENTRY,
    ema_momentum_reversal.ENTRY,
    fox_trap_reversal.ENTRY,
    hammer_reversal_pattern.ENTRY,
    bear_trap_buy.ENTRY,
    inside_bar_sell.ENTRY,
    shooting_star_reversal.ENTRY,
    doji_reversal.ENTRY,
    ema_alignment_bearish.ENTRY,
    ema_slope_reversal_sell.ENTRY,
    minervini_trend_template.ENTRY,
    bear_trap_sell.ENTRY,
)

TICK: Final[Mapping[str, CatalogEntry]] = {entry.strategy_id: entry for entry in _TICK}
"""Strategies of a stream: trades, quotes, books, tickers, outside readings."""

CANDLE: Final[Mapping[str, CatalogEntry]] = {entry.strategy_id: entry for entry in _CANDLE}
"""Strategies of closed bars of any length: technical analysis."""

CATALOG: Final[Mapping[str, CatalogEntry]] = {**TICK, **CANDLE}
