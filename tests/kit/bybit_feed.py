"""Bybit's live feed on a server on loopback, with what it offered and what it said."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from petrosa.adapters.feeds.backfill import BACKFILL, Backfill
from petrosa.adapters.feeds.outlet import News
from petrosa.adapters.feeds.subscriptions import Control
from petrosa.adapters.net.websocket import Pace
from petrosa.adapters.venues.bybit.live.environments import urls
from petrosa.adapters.venues.bybit.live.live_feed import KINDS, LiveFeed
from petrosa.adapters.venues.bybit.live.rest import Rest
from petrosa.adapters.venues.bybit.live.rules import rules_of
from petrosa.adapters.venues.bybit.live.streams import Streams
from petrosa.adapters.venues.bybit.parse import Parser
from petrosa.core.market.book import OrderBook
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.market import BookDiff, BookSnapshot, FeedState, FeedStateChanged, MarketEvent
from petrosa.errors import FrameError
from tests.kit.bybit_server import MS, Bybit, bybit
from tests.kit.sockets import TIMEOUT_S, Noticed, running

QUICK = Pace(open=5.0, ping=1.0, silence=5.0, pause_least=0.02, pause_most=0.05, life=86_400.0)
CONTROL = Control(batch=10, spacing_s=0.005, ack_s=0.2, again_s=60.0)


class Listener:
    """A feed with what it offered and what it said; its clock is moved by hand."""

    def __init__(self, server: Bybit, kinds: Sequence[str], pace: Pace = QUICK, backfill: Backfill = BACKFILL) -> None:
        self.now = MS * NS_PER_MS
        self.server = server
        self.frames = Noticed()
        self.news = Noticed()
        self.kinds = kinds
        self.pace = pace
        self.backfill = backfill
        self.feed: LiveFeed

    async def open(self) -> None:
        server = self.server
        where = urls(server.market, server.url)
        self.rest = Rest(where.rest)
        self.rules = await rules_of(self.rest.get, server.market, [server.symbol])
        self.feed = LiveFeed(
            server.market, self.rules, self.kinds,
            lambda topics, hear, on_link: Streams(
                where, server.market, topics, hear, on_link, now=lambda: self.now, pace=self.pace, control=CONTROL
            ),
            self.rest.get, self.frames.add, self.tell, backfill=self.backfill, now=lambda: self.now,
            sleep=lambda seconds: asyncio.sleep(min(seconds, 0.01)),
        )  # fmt: skip

    def tell(self, news: News) -> None:
        self.news.add([news])

    @property
    def said(self) -> list[News]:
        return [one for (one,) in self.news.all]

    def facts(self) -> list[MarketEvent]:
        """What somebody reads who has nothing but the frames."""
        parser, found = Parser("bybit", self.server.market, [self.server.symbol]), []
        for arrival, _, frame in self.frames.all:
            try:
                fact = parser.parse(frame, arrival)
            except FrameError:
                continue
            if fact is not None:
                found.append(fact)
        return found

    def of(self, kind: type[MarketEvent]) -> list[MarketEvent]:
        return [fact for fact in self.facts() if isinstance(fact, kind)]

    async def says(self, state: FeedState, kind: str) -> None:
        def last() -> FeedState | None:
            told = [one for one in self.said if isinstance(one, FeedStateChanged) and one.stream == kind]
            return told[-1].state if told else None

        await self.news.until(lambda _all: last() is state)

    async def feed_asked(self, path: str) -> None:
        """Until the venue has been asked that once more."""
        before = self.server.questions.count(path)
        async with asyncio.timeout(TIMEOUT_S):
            while self.server.questions.count(path) == before:
                await asyncio.sleep(0.002)

    def book(self) -> OrderBook:
        """The book that a reader of the frames has."""
        (rules,) = self.rules.values()
        made = OrderBook(rules)
        for fact in self.facts():
            if isinstance(fact, BookSnapshot | BookDiff):
                made.apply(fact)
        return made

    async def shows_the_book(self) -> None:
        """Until a reader's book is the venue's."""
        (health,) = self.feed.books.values()
        async with asyncio.timeout(10.0):
            while (self._top(), health.is_synchronised) != (self.server.top(50), True):
                await asyncio.sleep(0.005)
                (health,) = self.feed.books.values()

    def _top(self) -> tuple[object, object]:
        book = self.book()
        return book.top(Side.BUY, 50), book.top(Side.SELL, 50)


@asynccontextmanager
async def opened(listener: Listener) -> AsyncIterator[Listener]:
    """On its server, and not running yet."""
    async with bybit(listener.server):
        try:
            await listener.open()
            yield listener
        finally:
            await listener.rest.close()


@asynccontextmanager
async def listening(
    server: Bybit, kinds: Sequence[str] = (), pace: Pace = QUICK, backfill: Backfill = BACKFILL
) -> AsyncIterator[Listener]:
    """A feed that runs, and has what it wants."""
    async with (
        opened(Listener(server, kinds or KINDS[server.market], pace, backfill)) as listener,
        running(listener.feed.run()),
    ):
        for kind in listener.kinds:
            if kind not in server.refused:
                await server.subscribed(f"{kind.removesuffix('.mark')}.{server.symbol}")
        yield listener
