"""Which streams Bybit has for a symbol, and what each of them is."""

from collections.abc import Collection, Mapping
from typing import Final

from petrosa.adapters.feeds import parser
from petrosa.adapters.feeds.parser import NO_FOREIGN, Foreign, Kind, Table
from petrosa.adapters.venues.bybit import routes
from petrosa.adapters.venues.bybit.symbols import INTERVALS, LIQUIDATION, MARK
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    Candle,
    Liquidation,
    MarketEvent,
    MarkPrice,
    Ticker,
    Trade,
)

QUOTE: Final = Kind(BestQuote, routes.quote, routes.quote)
BOOK: Final = Kind(BookDiff, routes.book, routes.book)

STREAMS: Final[Mapping[str, Kind]] = {
    "publicTrade": Kind(Trade, routes.trade, routes.trade),
    "orderbook.1": QUOTE,
    **dict.fromkeys(("orderbook.50", "orderbook.200", "orderbook.1000"), BOOK),
    "tickers": Kind(Ticker, routes.ticker, routes.ticker),
    LIQUIDATION: Kind(Liquidation, routes.liquidation, routes.liquidation),
    MARK: Kind(MarkPrice, routes.mark_price, routes.mark_price),
    **{f"kline.{name}": Kind(Candle, routes.kline(name), routes.kline(name)) for name in INTERVALS},
}
"""Everything after the first `@` of a stream's name, exactly, and what it is."""

SKIPPED: Final = frozenset({"kline.M"})
"""Streams of a symbol that exist and say nothing we use."""

TABLE: Final = Table("Bybit", STREAMS, SKIPPED, (), "-")


class Parser(parser.Parser):
    """Parses the frames of one market of Bybit, as its feed hands them on: one trade, bar or liquidation a frame."""

    def __init__(
        self, venue: str, market: str, symbols: Collection[str] | None,
        kinds: Collection[type[MarketEvent]] | None = None, foreign: Mapping[str, Foreign] = NO_FOREIGN,
    ) -> None:  # fmt: skip
        super().__init__(TABLE, venue, market, symbols, kinds, foreign)
