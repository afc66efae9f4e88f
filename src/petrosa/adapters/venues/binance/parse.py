"""Which streams Binance has for a symbol, and what each of them is.

The stream's exact name decides: `@miniTicker` is not `@ticker`, and differences (`@depth@100ms`) are not depth
(`@depth20@100ms`).
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

from petrosa.adapters.feeds import parser
from petrosa.adapters.feeds.parser import NO_FOREIGN, Foreign, Kind, Shared, Table
from petrosa.adapters.venues.binance import routes
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    Candle,
    Depth,
    Liquidation,
    MarketEvent,
    MarkPrice,
    Ticker,
    Trade,
)
from petrosa.errors import FrameError

INTERVALS: Final = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")
SKIPPED: Final = frozenset(
    {
        "miniTicker", "avgPrice", "kline_1M", "referencePrice", "blockTrade", "rpiDepth@500ms",
        *(f"depth{levels}{speed}" for levels in (5, 10) for speed in ("", "@100ms", "@250ms", "@500ms", "@1000ms")),
        *(f"ticker_{window}" for window in ("1h", "4h", "1d")),
    }
)  # fmt: skip
"""Streams of a symbol that exist and say nothing we use."""

ALL_MARKET: Final = frozenset(
    {
        "!ticker@arr", "!miniTicker@arr", "!markPrice@arr", "!markPrice@arr@1s", "!contractInfo", "!assetIndex@arr",
    }
)  # fmt: skip
"""Streams that say something of many symbols in a frame: subscribe per symbol instead, a frame is one fact here."""

COIN_MARGINED: Final = re.compile(r"[A-Z0-9]+USD_(PERP|[0-9]{6})")
"""Symbols of COIN-M: quantities are contracts of so many dollars, which no field of a frame says."""

OPTION: Final = re.compile(r"[A-Z0-9]+-[0-9]{6}-[0-9.]+-[CP]|[A-Z0-9]+_[CP]")
OPTION_STREAMS: Final = frozenset({"TRADE_ALL", "TICKER_ALL"})

TRADE: Final = Kind(Trade, routes.trade, routes.trade)
AGG_TRADE: Final = Kind(Trade, routes.agg_trade, routes.agg_trade)
QUOTE: Final = Kind(BestQuote, routes.spot_quote, routes.futures_quote)
DIFF: Final = Kind(BookDiff, routes.spot_diff, routes.futures_diff)
DEPTH: Final = Kind(Depth, routes.spot_depth, routes.futures_depth)
SNAPSHOT: Final = Kind(BookSnapshot, routes.snapshot, routes.snapshot)
TICKER: Final = Kind(Ticker, routes.ticker, routes.ticker)
MARK: Final = Kind(MarkPrice, routes.mark_price, routes.mark_price)
FORCED: Final = Kind(Liquidation, routes.force_order, routes.force_order)

STREAMS: Final[Mapping[str, Kind]] = {
    "trade": TRADE,
    "aggTrade": AGG_TRADE,
    "bookTicker": QUOTE,
    "ticker": TICKER,
    "snapshot": SNAPSHOT,
    "forceOrder": FORCED,
    **dict.fromkeys(("markPrice", "markPrice@1s"), MARK),
    **dict.fromkeys(("depth", "depth@0ms", "depth@100ms", "depth@250ms", "depth@500ms", "depth@1000ms"), DIFF),
    **dict.fromkeys(("depth20", "depth20@100ms", "depth20@250ms", "depth20@500ms", "depth20@1000ms"), DEPTH),
    **{f"kline_{text}": Kind(Candle, routes.kline(text), routes.kline(text)) for text in INTERVALS},
}
"""Everything after the first `@` of a stream's name, exactly, and what it is."""


def not_traded(symbol: str, suffix: str) -> FrameError | None:
    """Streams of markets that Binance has and that are not read here."""
    stream = f"stream {f'{symbol.lower()}@{suffix}'[:60]!r}"
    if COIN_MARGINED.fullmatch(symbol):
        return FrameError("coin_margined", f"{stream} is of COIN-M, which is not traded here")
    if OPTION.fullmatch(symbol) or suffix in OPTION_STREAMS:
        return FrameError("option", f"{stream} is of options, which are not traded here")
    return None


SHARED: Final[Mapping[str, Shared]] = {
    "!bookTicker": Shared("bookTicker", routes.quoted_symbol),
    "!forceOrder@arr": Shared("forceOrder", routes.forced_symbol),
}
"""Streams of a whole market that say something of one symbol in a frame; the second is an array by its name only."""

TABLE: Final = Table("Binance", STREAMS, SKIPPED, ALL_MARKET, "_", not_traded, SHARED)


class Parser(parser.Parser):
    """Parses the frames of one market of Binance."""

    def __init__(
        self, venue: str, market: str, symbols: Collection[str] | None,
        kinds: Collection[type[MarketEvent]] | None = None, foreign: Mapping[str, Foreign] = NO_FOREIGN,
    ) -> None:  # fmt: skip
        super().__init__(TABLE, venue, market, symbols, kinds, foreign)
