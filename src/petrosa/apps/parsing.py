"""The parser of a market stream: the venue's frames, and those of sources outside it that travel among them."""

from collections.abc import Collection

from petrosa.adapters.venues.binance.parse import Foreign, Parser
from petrosa.adapters.wire.readings import SUFFIX, reading_route
from petrosa.core.model.market import MarketEvent, Reading


def market_parser(
    venue: str, market: str, symbols: Collection[str] | None, kinds: Collection[type[MarketEvent]] | None = None
) -> Parser:
    """`symbols` and `kinds` limit what is parsed; None takes everything. Readings have no symbol."""
    return Parser(venue, market, symbols, kinds, {SUFFIX: Foreign(Reading, reading_route)})
