"""A campaign on live feeds: a played exchange does to them what venues do, and what comes out is compared with it."""

import asyncio
import itertools
import random
import resource
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from petrosa.adapters.feeds.outlet import News, TradesLost
from petrosa.adapters.feeds.subscriptions import Control
from petrosa.adapters.net.rate_limit import Ledger
from petrosa.adapters.net.websocket import Pace
from petrosa.adapters.venues.binance.live.environments import urls
from petrosa.adapters.venues.binance.live.feed_params import FeedParams
from petrosa.adapters.venues.binance.live.limits import DEFAULTS
from petrosa.adapters.venues.binance.live.live_feed import LiveFeed
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.adapters.venues.binance.live.streams import Streams
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.core.market.book import OrderBook
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import (
    BookDiff,
    BookGap,
    BookSnapshot,
    FeedState,
    FeedStateChanged,
    InstrumentId,
    Trade,
    symbol_of,
)
from tests.kit.played_exchange import TOP, PlayedExchange, top
from tests.kit.soak import sample
from tests.kit.sockets import running

KINDS: Final = {"spot": ("trade", "bookTicker", "depth@100ms"), "usdm": ("aggTrade", "bookTicker", "depth@100ms")}
PACE: Final = Pace(open=2.0, ping=1.0, silence=4.0, overlap=0.3, pause_least=0.05, pause_most=0.5, steady=5.0)
CONTROL: Final = Control(ack_s=1.0, list_every_s=5.0, again_s=0.5, again_most_s=2.0)
PARAMS: Final = FeedParams(hold_seconds=60.0, grace_seconds=0.1, books_per_second=sample(10, 1))
LOST_S: Final = sample(0.7, 2.5)
"""A short storm may be dense; what a long one has to be asked for must stay within what an address may ask."""
LIVE, STALE = FeedState.LIVE, FeedState.STALE
SAMPLE_S: Final = 0.02
STATM: Final = Path("/proc/self/statm")
DEEP: Final = 100
TOGETHER_S: Final = 0.5
"""By then everything has been told that is told together: aggregates and differences."""

STORM: Final[tuple[dict[str, object], ...]] = (
    {"kind": "break_socket", "every_s": 2.5}, {"kind": "close_socket", "every_s": 4.0},
    {"kind": "server_shutdown", "every_s": 5.0, "delay_ms": 600},
    {"kind": "silent_socket", "every_s": 4.0, "delay_ms": 1_200},
    {"kind": "lost_frame", "every_s": LOST_S, "stream": "depth"},
    {"kind": "lost_frame", "every_s": LOST_S, "stream": "trade"},
    {"kind": "lost_frame", "every_s": LOST_S, "stream": "agg"},
    {"kind": "half_frame", "rate": 0.02, "delay_ms": 3}, {"kind": "fragmented_frame", "rate": 0.02},
    {"kind": "duplicate_frame", "rate": 0.01}, {"kind": "overtaken_frame", "rate": 0.01},
    {"kind": "refused_subscription", "rate": 0.1}, {"kind": "lost_acknowledgement", "rate": 0.1},
    {"kind": "latency", "every_s": 2.0, "delay_ms": 300}, {"kind": "late_answer", "every_s": 2.0, "delay_ms": 400},
    {"kind": "old_snapshot", "every_s": 1.5, "for_s": 4.0}, {"kind": "drop", "every_s": 3.0},
    {"kind": "rate_limited", "every_s": 1.5, "retry_after_s": 1}, {"kind": "overloaded", "every_s": 3.0},
)  # fmt: skip
"""Everything at once: by seed, as often as said."""


class Follower:
    """One market's feed, and what somebody makes of it who has nothing but its frames."""

    def __init__(self, market: str, exchange: PlayedExchange, rest: Rest) -> None:
        known = exchange.venue.markets[market]
        rules: dict[InstrumentId, Instrument] = {one.instrument.id: one.instrument for one in known.values()}
        self.books = {key: OrderBook(one) for key, one in rules.items()}
        self.prints: dict[InstrumentId, list[tuple[int, float, float]]] = {key: [] for key in rules}
        self.states: list[tuple[float, FeedStateChanged]] = []
        self.lost: list[TradesLost] = []
        self.gaps = 0
        self.heard_at: dict[tuple[InstrumentId, str], float] = {}
        self.arrival = 0
        self._parser = Parser("binance", market, [symbol_of(key) for key in rules])
        dial = partial(Streams, urls("paper", market, exchange.url), market, pace=PACE, control=CONTROL)
        self.feed = LiveFeed(market, rules, KINDS[market], dial, rest.call, self._offer, self._tell, params=PARAMS)

    @property
    def is_whole(self) -> bool:
        """Every stream LIVE, and every book synchronised."""
        states = self.feed.states.values()
        return all(one.state is LIVE for one in states) and all(one.is_synchronised for one in self.feed.books.values())

    def _offer(self, arrival: int, stream: str, frame: bytes) -> None:
        assert arrival >= self.arrival
        self.arrival = arrival
        event = self._parser.parse(frame, arrival)
        assert event is not None, frame
        self.heard_at[event.instrument, stream.partition("@")[2]] = time.monotonic()
        if isinstance(event, Trade):
            self.prints[event.instrument].append((event.trade_id, event.price, event.quantity))
        elif isinstance(event, BookDiff | BookSnapshot):
            self.gaps += isinstance(self.books[event.instrument].apply(event), BookGap)

    def _tell(self, news: News) -> None:
        if isinstance(news, FeedStateChanged):
            self.states.append((time.monotonic(), news))
        elif isinstance(news, TradesLost):
            self.lost.append(news)


class Campaign:
    """Two markets before one exchange. `figures` count what happened, `most` is how much has piled up at most."""

    def __init__(self, exchange: PlayedExchange, followers: dict[str, Follower], seed: int) -> None:
        self.exchange = exchange
        self.followers = followers
        self.figures: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.memory: list[int] = []
        """Resident bytes of the process, twice a second."""
        self._chance = random.Random(seed)

    async def watch(self) -> None:
        """Compare the books again and again, for ever, wherever both know the same update id; and see what piles up."""
        for number in itertools.count():
            await asyncio.sleep(SAMPLE_S)
            for follower in self.followers.values():
                self._compare(follower)
                held = sum(line.chain.held for line in follower.feed._trades._lines.values())
                self.most["trades held back"] = max(self.most["trades held back"], held)
            if number % 25 == 0:
                self.most["frames waiting"] = max(self.most["frames waiting"], self.exchange.backlog())
                self.memory.append(int(STATM.read_text().split()[1]) * resource.getpagesize())

    def _compare(self, follower: Follower) -> None:
        for key, book in follower.books.items():
            expected = self.exchange.truth.tops[key].get(book.last_update_id) if book.whole else None
            if expected is None:
                continue
            self.figures["books compared"] += 1
            if expected != top(book, TOP):
                self.wrong.append(f"{key} at {book.last_update_id}: {top(book, 3)} is not {expected}")

    async def storm(self, seconds: float) -> None:
        """All faults by seed, and a reader that is slow now and then."""
        for fault in STORM:
            self.exchange.fault(**fault, seed=self._chance.randrange(1_000_000))
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            await asyncio.sleep(self._chance.uniform(0.5, 2.0))
            self.figures["slow reader"] += 1
            time.sleep(self._chance.choice((0.05, 0.3, 0.8)))
        self._mend()

    async def until(self, there: Callable[[Follower], bool], seconds: float, what: str) -> float:
        """Until it is so of both markets; how long that took. A failure says how they are."""
        began = time.monotonic()
        while not all(there(one) for one in self.followers.values()):
            if time.monotonic() - began > seconds:
                shown = {name: (one.feed.states, one.feed.books) for name, one in self.followers.items()}
                raise AssertionError(f"not {what} within {seconds:g} s: {shown}")
            await asyncio.sleep(0.005)
        return time.monotonic() - began

    async def silence(self, seconds: float) -> dict[str, float]:
        """Every connection is silent and answers pings; after how long each stream was said to be STALE because of
        that, and not because of something in it that was missing before."""
        marks = {name: len(one.states) for name, one in self.followers.items()}
        self.exchange.fault(kind="silent_socket", delay_ms=seconds * 1_000, for_s=2.0)
        began = time.monotonic()
        await asyncio.sleep(seconds + 0.5)
        self._mend()
        return {
            f"{news.instrument}@{news.stream}": at - began
            for name, follower in self.followers.items()
            for at, news in follower.states[marks[name] :]
            if news.state is STALE and at - began < seconds and "nothing for" in news.reason
        }

    async def breaks(self) -> None:
        """Every connection breaks."""
        self.exchange.fault(kind="break_socket", for_s=0.5)
        await self.until(lambda one: any(s.state is STALE for s in one.feed.states.values()), 3.0, "STALE")
        await asyncio.sleep(0.6)
        self._mend()

    async def standstill(self, seconds: float) -> None:
        """Nothing happens any more; until everything that did has been told."""
        self.exchange.pause()
        await asyncio.sleep(TOGETHER_S)
        await self.until(self._knows_all, seconds, "all told")

    def report(self) -> list[object]:
        """What happened, what piled up, what the feeds counted, and how large the process was."""
        counts = [dict(one.feed.counts) for one in self.followers.values()]
        return [dict(self.figures), dict(self.most), *counts, [size >> 20 for size in self.memory[::20]]]

    def _mend(self) -> None:
        self.figures.update(self.exchange.mend())

    def _knows_all(self, follower: Follower) -> bool:
        for key, book in follower.books.items():
            prints = follower.prints[key]
            if not book.whole or book.last_update_id != self.exchange.truth.books[key].last_update_id:
                return False
            if not prints or prints[-1][0] != self.truth(key)[-1][0]:
                return False
        return True

    def truth(self, key: InstrumentId) -> list[tuple[int, float, float]]:
        """What a market's stream of trades should have told."""
        prints = self.exchange.prints(key)
        return prints.trades if ":spot:" in key else prints.aggregates


@asynccontextmanager
async def campaign(exchange: PlayedExchange, seed: int) -> AsyncIterator[Campaign]:
    """Feeds of both markets, until the block ends."""
    async with AsyncExitStack() as stack:
        followers: dict[str, Follower] = {}
        for market in KINDS:
            clock = ServerClock()
            ledger = Ledger(DEFAULTS[market], clock.now)
            where = urls("paper", market, exchange.url)
            rest = await stack.enter_async_context(Rest(market, where, "", None, clock, ledger))
            followers[market] = Follower(market, exchange, rest)
        made = Campaign(exchange, followers, seed)
        for follower in followers.values():
            await stack.enter_async_context(running(follower.feed.run()))
        await stack.enter_async_context(running(made.watch()))
        yield made
