"""Bybit's best quotes as readings: topic `quote`, heard over its public stream instead of asked for."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from petrosa.adapters.feeds.outlet import News
from petrosa.adapters.net.websocket import Pace
from petrosa.adapters.venues.bybit.live.environments import urls
from petrosa.adapters.venues.bybit.live.live_feed import LiveFeed
from petrosa.adapters.venues.bybit.live.rest import Rest
from petrosa.adapters.venues.bybit.live.rules import rules_of
from petrosa.adapters.venues.bybit.live.streams import PACE, Streams
from petrosa.adapters.venues.bybit.parse import Parser
from petrosa.core.model.market import BestQuote, FeedState, InstrumentId, Reading
from petrosa.errors import FrameError, TransportError

KIND: Final = "orderbook.1"
FIRST_S: Final = 10.0
"""How long a poll waits for anything to tell."""


class BybitQuotes:
    """Implements `ports.Readings`: a poll tells the quotes that came since the last one, the newest of each subject.

    A poll without any waits for the next. The connection is opened by the first poll and kept. A quote that the feed
    does not vouch for (its stream is not LIVE) is not told.
    """

    def __init__(
        self, subjects: Sequence[str], market: str = "spot", address: str = "", *,
        now: Callable[[], int] = time.time_ns, pace: Pace = PACE, first_s: float = FIRST_S,
    ) -> None:  # fmt: skip
        """`subjects` as `BTC/USDT`. Raises `ConfigError` for a market or address that there is not."""
        self.source = "bybit" if market == "spot" else f"bybit-{market}"
        self._where = urls(market, address)
        self._market = market
        self._subjects = tuple(subjects)
        self._now = now
        self._pace = pace
        self._first_s = first_s
        self._task: asyncio.Task[None] | None = None
        self._news = asyncio.Event()
        self._newest: dict[str, Reading] = {}
        self._names: Mapping[InstrumentId, str] = {}
        self._parser: Parser
        self.feed: LiveFeed
        """There from the first poll on."""
        self.refused = 0
        """Frames that could not be used."""

    async def poll(self) -> Sequence[Reading]:
        """Raises `TransportError` where nothing is told in time, `ConfigError` for a pair that is not traded there."""
        if self._task is None:
            await self._open()
        if not self._newest:
            await self._wait()
        told, self._newest = list(self._newest.values()), {}
        self._news.clear()
        return told

    async def close(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _open(self) -> None:
        """The instruments are asked for, so that a pair that is not traded there is named."""
        rest = Rest(self._where.rest)
        try:
            rules = await rules_of(rest.get, self._market, [subject.replace("/", "") for subject in self._subjects])
        except BaseException:
            await rest.close()
            raise
        self._names = {key: f"{one.base}/{one.quote}" for key, one in rules.items()}
        self._parser = Parser("bybit", self._market, [one.symbol for one in rules.values()])
        self.feed = LiveFeed(
            self._market, rules, (KIND,),
            lambda topics, hear, on_link: Streams(
                self._where, self._market, topics, hear, on_link, now=self._now, pace=self._pace
            ),
            rest.get, self._offer, self._tell, now=self._now,
        )  # fmt: skip
        self._task = asyncio.create_task(self._run(rest))

    async def _run(self, rest: Rest) -> None:
        try:
            await self.feed.run()
        finally:
            await rest.close()

    async def _wait(self) -> None:
        assert self._task is not None
        self._news.clear()
        waiting = asyncio.create_task(self._news.wait())
        try:
            await asyncio.wait({waiting, self._task}, timeout=self._first_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if self._task.done():
            task, self._task = self._task, None
            task.result()
        if not self._newest:
            links = "; ".join(f"{name}: {link.reason}" for name, link in self.feed.links.items() if not link.connected)
            raise TransportError(f"bybit told no quote within {self._first_s:g} s{'; ' if links else ''}{links}")

    def _offer(self, arrival: int, _stream: str, frame: bytes) -> None:
        try:
            quote = self._parser.parse(frame, arrival)
        except FrameError:
            self.refused += 1
            return
        if not isinstance(quote, BestQuote):
            return
        subject, values = self._names[quote.instrument], {"bid": quote.bid, "ask": quote.ask}
        self._newest[subject] = Reading(self.source, "quote", subject, quote.ts_event, arrival, values)
        self._news.set()

    def _tell(self, news: News) -> None:
        """What a stream said before it was lost is not told later."""
        state = getattr(news, "state", FeedState.LIVE)
        if state is not FeedState.LIVE:
            self._newest.pop(self._names[news.instrument], None)
