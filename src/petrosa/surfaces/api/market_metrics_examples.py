"""Real answers of the market-metrics routes, made from twelve seconds of two symbols; a test makes them again."""

from typing import Final

import msgspec

from petrosa.surfaces.api.market_table import MetricsPage
from petrosa.surfaces.market_metrics import DepthReport, MarketSummary, PressureReport

DEPTH: Final = msgspec.json.decode(
    b"""
{"symbol": "BTCUSDT", "timestamp": "2023-11-14T22:13:32Z", "imbalance": {"ratio": 0.3906, "percent": 39.06,
"bid_volume": 16.557, "ask_volume": 7.256}, "pressure": {"buy_pressure": 63.69, "sell_pressure": 36.31, "net_pressure":
27.38, "interpretation": "bullish"}, "liquidity": {"total": 23.813, "bid_depth_5": 6.299, "ask_depth_5": 3.17,
"bid_depth_10": 12.821, "ask_depth_10": 6.364, "total_notional": 1607376.83}, "spread": {"best_bid": 67499.99,
"best_ask": 67500.01, "spread_abs": 0.02, "spread_bps": 0.002963, "mid_price": 67500.0}, "vwap": {"bid": 67499.9326,
"ask": 67500.061, "spread": 0.1284}, "order_book_quality": {"bid_levels": 12, "ask_levels": 12, "total_levels": 24},
"strongest_levels": {"bid": {"price": 67499.93, "volume": 1.987}, "ask": {"price": 67500.06, "volume": 0.787}},
"micro_price": {"price": 67500.00417, "from_mid_bps": 0.000618}, "order_flow": {"ofi": {"1m": -1.13, "5m": -1.13, "15m":
-1.13}, "source": "best_quote"}, "trade_flow": {"imbalance": {"1m": 0.3414, "5m": 0.3414, "15m": 0.3414}, "z": {"1m":
2.28, "5m": 2.28, "15m": 2.28}, "p_value": {"1m": 0.02242, "5m": 0.02242, "15m": 0.02242}, "trades": {"1m": 60, "5m":
60, "15m": 60}}, "liquidations": {"long_notional": {"1m": 67400.0, "5m": 67400.0, "15m": 67400.0}, "short_notional":
{"1m": 33700.0, "5m": 33700.0, "15m": 33700.0}, "longs": {"1m": 2, "5m": 2, "15m": 2}, "shorts": {"1m": 1, "5m": 1,
"15m": 1}, "heard_seconds": 10.0, "reason": null}}
""",
    type=DepthReport,
)

PRESSURE: Final = msgspec.json.decode(
    b"""
{"symbol": "BTCUSDT", "timeframe": "5m", "summary": {"avg_pressure": 18.58, "max_pressure": 27.38, "min_pressure":
11.99, "level": "neutral", "trend": "bullish", "trend_strength": 0.6747, "slope_per_minute": 213.47, "t_score":
2.07}, "pressure_history": [{"timestamp": "2023-11-14T22:13:21Z", "pressure": 11.99}, {"timestamp":
"2023-11-14T22:13:22Z", "pressure": 12.2}, {"timestamp": "2023-11-14T22:13:23Z", "pressure": 12.94}, {"timestamp":
"2023-11-14T22:13:24Z", "pressure": 13.93}, {"timestamp": "2023-11-14T22:13:25Z", "pressure": 14.75}, {"timestamp":
"2023-11-14T22:13:26Z", "pressure": 16.63}, {"timestamp": "2023-11-14T22:13:27Z", "pressure": 18.87}, {"timestamp":
"2023-11-14T22:13:28Z", "pressure": 21.02}, {"timestamp": "2023-11-14T22:13:29Z", "pressure": 22.86}, {"timestamp":
"2023-11-14T22:13:30Z", "pressure": 24.48}, {"timestamp": "2023-11-14T22:13:31Z", "pressure": 25.87}, {"timestamp":
"2023-11-14T22:13:32Z", "pressure": 27.38}], "imbalance_history": [{"timestamp": "2023-11-14T22:13:21Z",
"imbalance": 0.1199}, {"timestamp": "2023-11-14T22:13:22Z", "imbalance": 0.1524}, {"timestamp":
"2023-11-14T22:13:23Z", "imbalance": 0.2323}, {"timestamp": "2023-11-14T22:13:24Z", "imbalance": 0.2769},
{"timestamp": "2023-11-14T22:13:25Z", "imbalance": 0.2611}, {"timestamp": "2023-11-14T22:13:26Z", "imbalance":
0.429}, {"timestamp": "2023-11-14T22:13:27Z", "imbalance": 0.501}, {"timestamp": "2023-11-14T22:13:28Z",
"imbalance": 0.5097}, {"timestamp": "2023-11-14T22:13:29Z", "imbalance": 0.4845}, {"timestamp":
"2023-11-14T22:13:30Z", "imbalance": 0.4706}, {"timestamp": "2023-11-14T22:13:31Z", "imbalance": 0.4522},
{"timestamp": "2023-11-14T22:13:32Z", "imbalance": 0.4845}], "total_data_points": 12, "returned_data_points": 12}
""",
    type=PressureReport,
)

SUMMARY: Final = msgspec.json.decode(
    b"""
{"timestamp": "2023-11-14T22:13:32Z", "symbols_tracked": 2, "market_sentiment": {"bullish_symbols": 1,
"bearish_symbols": 0, "neutral_symbols": 1, "avg_net_pressure": 9.05, "avg_imbalance_ratio": 0.1423}, "liquidity":
{"avg_spread_bps": 0.03089, "total_liquidity": 1688195.0, "total_liquidity_by_quote": {"USDT": 1688195.0}},
"top_pressure_symbols": {"highest_buy_pressure": ["BTCUSDT", "ETHUSDT"], "highest_sell_pressure": ["ETHUSDT",
"BTCUSDT"]}, "symbols_evicted": 0}
""",
    type=MarketSummary,
)

PAGE: Final = msgspec.json.decode(
    b"""
{"data": [{"symbol": "BTCUSDT", "timestamp": "2023-11-14T22:13:32Z", "net_pressure": 27.38, "interpretation":
"bullish", "imbalance_percent": 39.06, "spread_bps": 0.002963, "mid_price": 67500.0, "total_liquidity": 1607376.83},
{"symbol": "ETHUSDT", "timestamp": "2023-11-14T22:13:32Z", "net_pressure": -9.28, "interpretation": "neutral",
"imbalance_percent": -10.59, "spread_bps": 0.05882, "mid_price": 3400.0, "total_liquidity": 80818.17}],
"pagination": {"total": 2, "limit": 50, "offset": 0, "page": 1, "pages": 1, "has_next": false, "has_previous":
false}, "filters_applied": {"symbols": null, "min_pressure": -50.0, "max_pressure": null, "trend": null}, "sort":
{"by": "pressure", "order": "desc"}, "symbols_count": 2}
""",
    type=MetricsPage,
)
