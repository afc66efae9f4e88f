"""The public side of a venue as it is listened to: no key, symbols that exist, and frames that wait for a taker."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial

from petrosa.adapters.feeds.backfill import Backfill
from petrosa.adapters.feeds.face import MarketFeed
from petrosa.adapters.feeds.outlet import News, TradesLost, TradesUnknown
from petrosa.adapters.net.rate_limit import Ledger
from petrosa.adapters.venues.binance.live.environments import urls
from petrosa.adapters.venues.binance.live.feed_params import FeedParams
from petrosa.adapters.venues.binance.live.limits import DEFAULTS
from petrosa.adapters.venues.binance.live.live_feed import LiveFeed
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.adapters.venues.binance.live.streams import Streams
from petrosa.adapters.wire.feed_states import encode_feed_state, is_feed_state, stream_told
from petrosa.adapters.wire.readings import SUFFIX
from petrosa.adapters.wire.times import iso_z
from petrosa.apps.joined import Report
from petrosa.apps.listening.kinds import streams_of
from petrosa.apps.live.preparing import first_answer, listed_rules
from petrosa.apps.live.venue import topic
from petrosa.apps.settings import Settings
from petrosa.apps.venues import BINANCE, VENUES, Heard, Wish, listen
from petrosa.apps.wiring import Instruments
from petrosa.core.model.market import FeedState, FeedStateChanged, instrument_id, symbol_of
from petrosa.errors import ConfigError, RateLimited, TransportError
from petrosa.runtime.clocks import WallClock
from petrosa.runtime.conflating import Frame, Topic
from petrosa.runtime.outgoing import Outgoing
from petrosa.runtime.supervise import BACKOFF_S


class Listening:
    """What is heard of one market, in the order in which it is to be told on, the feed's own words among it.

    `outgoing` is where it waits, `on_gap` is told what is missing for good, `place` says which service of the venue it
    is. `listening` gives it its `feed` and the rules of what that is of.
    """

    feed: MarketFeed
    instruments: Instruments

    def __init__(self, settings: Settings, report: Report) -> None:
        feed, market = settings.feed, settings.feed.market
        self.place = settings.venue.environment.value if feed.venue == BINANCE else feed.venue
        self.market = market
        self.venue = feed.venue
        self.clock = WallClock()
        self.heard: Counter[str] = Counter()
        """Frames by stream, the feed's own words not among them; readings are one stream."""
        self.on_gap: Callable[[News], None] = _nobody
        self.capacity = feed.buffer_messages
        self._report = report
        self._last = 0
        self.outgoing = Outgoing(
            f"{feed.venue}:{market}", _topic, self.clock.now, self.hear, self._left_out, capacity=self.capacity
        )

    @property
    def symbols(self) -> list[str]:
        return [symbol_of(key) for key in self.instruments]

    def restate(self) -> None:
        """Say the state of every stream again, for those who came late or missed it."""
        for stream, health in self.feed.states.items():
            if health.state is not None:
                self._say(self._change(stream, health.state, health.reason))

    def doubt(self, reason: str) -> None:
        """Every stream is stale for who has heard of it before, until it is heard now."""
        for stream in self.feed.states:
            self._say(self._change(stream, FeedState.STALE, reason))

    def end(self, reason: str) -> None:
        """Nothing more is heard, and what waits is the last."""
        self.doubt(reason)
        self.outgoing.close()

    def _change(self, stream: str, state: FeedState, reason: str) -> FeedStateChanged:
        symbol, _, kind = stream.partition("@")
        return FeedStateChanged(instrument_id(self.venue, self.market, symbol.upper()), 0, 0, kind, state, reason)

    def offer(self, arrival: int, stream: str, payload: bytes) -> None:
        """A frame of the feed. Hot."""
        if arrival > self._last:
            self._last = arrival
        self.heard[stream] += 1
        self.outgoing.offer(self._last, stream, payload)

    def offer_reading(self, frame: bytes) -> None:
        """What a source outside the venue said, in its place among the venue's frames."""
        self.offer(self.clock.now(), SUFFIX, frame)

    def hear(self, news: News) -> None:
        """What the feed says beside its frames."""
        self.on_gap(news)
        if isinstance(news, FeedStateChanged):
            self._say(news)
            if news.state is not FeedState.LIVE:
                self._report(f"{news.instrument} {news.stream} is {news.state.value}: {news.reason}")
        elif isinstance(news, TradesLost):
            ids = f"{news.first} to {news.last}"
            self._report(f"{news.instrument} {news.stream} {ids} are lost: {news.why}")
        elif isinstance(news, TradesUnknown):
            between = f"{iso_z(news.after)} and {iso_z(news.before)}"
            self._report(f"{news.instrument} {news.stream}: trades between {between} may be lost: {news.why}")

    def _say(self, change: FeedStateChanged) -> None:
        self._last = max(self._last, self.clock.now())
        self.outgoing.offer(self._last, change.stream, encode_feed_state(change))

    def _left_out(self, left: Topic) -> None:
        """A book that lost a difference here is not whole for whoever reads on; its next snapshot mends it."""
        self.feed.ask_books([symbol_of(left.instrument)], "a difference was left out")


@asynccontextmanager
async def listening(settings: Settings, report: Report, waits: Report, *, key: str = "") -> AsyncIterator[Listening]:
    """Ask a venue which symbols it has, however long it is away; `waits` is told what is waited for.

    `key` is in whose name is asked for what the venue tells to nobody else; all the rest is asked without it.

    Raises `ConfigError` for a symbol, stream or venue that there is not, `VenueClosed` for a market.
    """
    _known(settings)
    one = Listening(settings, report)
    pauses = itertools.chain(BACKOFF_S, itertools.repeat(BACKOFF_S[-1]))
    async with AsyncExitStack() as stack:
        while True:
            try:
                one.feed, one.instruments = await stack.enter_async_context(_opened(settings, one, key))
                break
            except (TransportError, RateLimited) as problem:
                wait = max(next(pauses), problem.retry_after_s if isinstance(problem, RateLimited) else 0.0)
                waits(f"the venue is away: {problem}; asking again in {wait:g} s")
                await asyncio.sleep(wait)
        yield one


def _opened(settings: Settings, one: Listening, key: str) -> AbstractAsyncContextManager[Heard]:
    """The feed of the configured venue; Raises `ConfigError` for a stream that it has not."""
    feed = settings.feed
    if feed.venue == BINANCE:
        return _binance(settings, one, streams_of(settings), key)
    backfill = Backfill(feed.backfill_max_trades, feed.backfill_max_seconds)
    wish = Wish(feed.market, feed.symbols, feed.streams, address_of(settings), one.clock.now, backfill)
    return listen(feed.venue, wish, one.offer, one.hear)


def address_of(settings: Settings) -> str:
    """Another host of the configured venue's service; empty for its own."""
    return dict(text.split("=", 1) for text in settings.outside.addresses).get(settings.feed.venue, "")


@asynccontextmanager
async def _binance(settings: Settings, one: Listening, streams: Sequence[str], key: str) -> AsyncIterator[Heard]:
    venue, feed = settings.venue, settings.feed
    where, clock = urls(venue.environment.value, feed.market, venue.url), ServerClock()
    ledger = Ledger(DEFAULTS[feed.market], clock.now)
    async with (
        Rest(feed.market, where, "", None, clock, ledger) as rest,
        Rest(feed.market, where, key, None, clock, ledger) as named,
    ):
        await first_answer(settings, rest, where)
        rules = await listed_rules(settings, rest)
        params = FeedParams(
            backfill_max_trades=feed.backfill_max_trades, backfill_max_seconds=feed.backfill_max_seconds
        )
        dial, now = partial(Streams, where, feed.market, now=one.clock.now), one.clock.now

        async def ask(request: Request) -> bytes:
            return await (named if request.keyed else rest).call(request)

        yield Heard(
            LiveFeed(feed.market, rules, streams, dial, ask, one.offer, one.hear, params=params, now=now), rules
        )


def _known(settings: Settings) -> None:
    feed = settings.feed
    if feed.venue not in VENUES or feed.market not in VENUES[feed.venue].markets:
        there = "; ".join(f"{name}, {' or '.join(one.markets)}" for name, one in VENUES.items())
        raise ConfigError(
            f"feed.venue = {feed.venue}, feed.market = {feed.market}: what can be listened to is {there}; correct them"
        )


def _topic(frame: Frame) -> Topic:
    """Of what a feed says of a stream only the newest matters, and that is never left out."""
    if not is_feed_state(frame.payload):
        return topic(frame)
    told = topic(frame)
    return Topic(told.instrument, f"feedState {stream_told(frame.payload)}", True)


def _nobody(_news: News) -> None:
    """Gaps are in the frames; nobody here keeps a list."""
