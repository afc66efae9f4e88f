"""Bybit's names for streams and bars."""

from collections.abc import Mapping
from typing import Final

MARKETS: Final = ("spot", "linear")
INTERVALS: Final[Mapping[str, str]] = {
    "1": "1m", "3": "3m", "5": "5m", "15": "15m", "30": "30m", "60": "1h", "120": "2h", "240": "4h", "360": "6h",
    "720": "12h", "D": "1d", "W": "1w",
}  # fmt: skip
"""Bybit's names of intervals, and ours."""

MARK: Final = "tickers.mark"
"""Mark and funding are told by `tickers`, beside what else they tell: one topic, and two streams of ours."""

LIQUIDATION: Final = "allLiquidation"


def stream_of(symbol: str, kind: str) -> str:
    """`btcusdt@orderbook.50`: how streams of every venue are named here."""
    return f"{symbol.lower()}@{kind}"


def topic_of(symbol: str, kind: str) -> str:
    """`orderbook.50.BTCUSDT`: how Bybit calls it."""
    return f"{'tickers' if kind == MARK else kind}.{symbol}"
