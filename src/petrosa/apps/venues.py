"""The venues whose market data is understood and listened to: one line each in `VENUES`, and what opens its feed."""

import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Final, NamedTuple, Protocol

from petrosa.adapters.feeds.backfill import BACKFILL, Backfill
from petrosa.adapters.feeds.face import MarketFeed
from petrosa.adapters.feeds.outlet import News, Offer
from petrosa.adapters.feeds.parser import Foreign, Kind, Parser
from petrosa.adapters.venues.binance import parse as binance
from petrosa.adapters.venues.bybit import parse as bybit
from petrosa.adapters.venues.bybit.symbols import MARKETS as BYBIT_MARKETS
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId, Liquidation, MarketEvent
from petrosa.errors import ConfigError


class ParserOf(Protocol):
    """What makes the parser of a market; see `Parser`."""

    def __call__(
        self, venue: str, market: str, symbols: Collection[str] | None,
        kinds: Collection[type[MarketEvent]] | None = None, foreign: Mapping[str, Foreign] = ...,
    ) -> Parser: ...  # fmt: skip


class Wish(NamedTuple):
    """What is to be listened to: streams by the venue's own names of kinds (none: what suits the market).

    `address` is another host of the same service, such as `http://127.0.0.1:8091`.
    """

    market: str
    symbols: Sequence[str]
    kinds: Sequence[str] = ()
    address: str = ""
    now: Callable[[], int] = time.time_ns
    backfill: Backfill = BACKFILL


class Heard(NamedTuple):
    """A feed that is ready to run, and the rules of what it is of."""

    feed: MarketFeed
    instruments: Mapping[InstrumentId, Instrument]


Listen = Callable[[Wish, Offer, Callable[[News], None]], AbstractAsyncContextManager[Heard]]
"""Asks for the rules of the symbols and makes their feed. Raises `ConfigError` and what asking raises."""


@asynccontextmanager
async def _bybit(wish: Wish, offer: Offer, tell: Callable[[News], None]) -> AsyncIterator[Heard]:
    from petrosa.adapters.venues.bybit.live.environments import urls
    from petrosa.adapters.venues.bybit.live.live_feed import KINDS, LiveFeed
    from petrosa.adapters.venues.bybit.live.rest import Rest
    from petrosa.adapters.venues.bybit.live.rules import rules_of
    from petrosa.adapters.venues.bybit.live.streams import Streams

    where = urls(wish.market, wish.address)
    rest = Rest(where.rest)
    try:
        rules = await rules_of(rest.get, wish.market, wish.symbols)
        dial, kinds = partial(Streams, where, wish.market, now=wish.now), wish.kinds or KINDS[wish.market]
        feed = LiveFeed(
            wish.market, rules, kinds, dial, rest.get, offer, tell, backfill=wish.backfill, now=wish.now
        )  # fmt: skip
        yield Heard(feed, rules)
    finally:
        await rest.close()


class Venue(NamedTuple):
    """What is known of one. `listen` is None where its feed is opened by whoever trades there.

    `streams` are those of a symbol, by the name under which a feed tells of them.
    """

    markets: tuple[str, ...]
    parser: ParserOf
    streams: Mapping[str, Kind]
    listen: Listen | None = None


BINANCE: Final = "binance"
VENUES: Final[Mapping[str, Venue]] = {
    BINANCE: Venue(("spot", "usdm"), binance.Parser, binance.STREAMS),
    "bybit": Venue(BYBIT_MARKETS, bybit.Parser, bybit.STREAMS, _bybit),
}


def venue_of(name: str) -> Venue:
    """One by name. What is no venue's (a synthetic market, a recording under another name) speaks as Binance does."""
    return VENUES.get(name, VENUES[BINANCE])


def liquidation_streams(name: str) -> frozenset[str]:
    """What a venue calls the streams that tell of liquidations."""
    return frozenset(stream for stream, kind in venue_of(name).streams.items() if kind.event is Liquidation)


def listen(name: str, wish: Wish, offer: Offer, tell: Callable[[News], None]) -> AbstractAsyncContextManager[Heard]:
    """The feed of a venue by name. Raises `ConfigError` for a venue or market that cannot be listened to so."""
    venue = VENUES.get(name)
    if venue is None or venue.listen is None or wish.market not in venue.markets:
        there = ", ".join(f"{key} {market}" for key, one in VENUES.items() if one.listen for market in one.markets)
        raise ConfigError(f"{name} {wish.market} cannot be listened to so; there are {there}")
    return venue.listen(wish, offer, tell)
