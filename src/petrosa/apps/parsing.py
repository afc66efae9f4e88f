"""The parser of a market stream: the venue's frames, and those of sources outside it that travel among them."""

from collections.abc import Collection

from petrosa.adapters.feeds.parser import Foreign, Parser, Route
from petrosa.adapters.wire import feed_states, readings
from petrosa.apps.venues import venue_of
from petrosa.core.model.market import FeedStateChanged, MarketEvent, Reading


def market_parser(
    venue: str, market: str, symbols: Collection[str] | None, kinds: Collection[type[MarketEvent]] | None = None
) -> Parser:
    """`symbols` and `kinds` limit what is parsed; None takes everything. Readings have no symbol."""

    def state(lower: str) -> Route:
        symbol = lower.upper()
        if symbols is not None and symbol not in symbols:
            return _nothing
        return feed_states.feed_state_route(venue, market, symbol)

    foreign = {
        readings.SUFFIX: Foreign(Reading, readings.reading_route),
        feed_states.SUFFIX: Foreign(FeedStateChanged, state),
    }
    return venue_of(venue).parser(venue, market, symbols, kinds, foreign)


def _nothing(_payload: bytes, _ts_seen: int) -> None:
    """What a feed says of a symbol that nobody here trades."""
