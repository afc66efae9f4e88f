"""A campaign on live feeds: a played exchange does to them what venues do, and what comes out is compared with it."""

import asyncio
import itertools
import random
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from petrosa.adapters.feeds.outlet import TradesLost
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.wire.envelope import unwrap
from petrosa.core.market.book import OrderBook
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
from tests.kit.feed_process import KINDS, Hears, Is, Rules, Says, Seen, Size, packed, unpacked
from tests.kit.played_exchange import TOP, PlayedExchange, top
from tests.kit.recordings import ROOT
from tests.kit.soak import sample
from tests.kit.sockets import running

LOST_S: Final = sample(0.7, 2.5)
"""A short storm may be dense; what a long one has to be asked for must stay within what an address may ask."""
LIVE, STALE = FeedState.LIVE, FeedState.STALE
SAMPLE_S: Final = 0.02
START_S: Final = 60.0
END_S: Final = 10.0
DEEP: Final = 100
MB: Final = 1 << 20
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
    {"kind": "old_snapshot", "every_s": 1.5, "for_s": 8.0}, {"kind": "drop", "every_s": 3.0},
    {"kind": "rate_limited", "every_s": 1.5, "retry_after_s": 1}, {"kind": "overloaded", "every_s": 3.0},
)  # fmt: skip
"""Everything at once: by seed, as often as said."""


class Follower:
    """One market, as somebody knows it who has nothing but the envelopes of its feed; `seen` is how the feed is."""

    def __init__(self, market: str, rules: Rules) -> None:
        self.seen = Seen({}, {}, {}, 0, 0)
        self.books = {key: OrderBook(one) for key, one in rules.items()}
        self.prints: dict[InstrumentId, list[tuple[int, float, float]]] = {key: [] for key in rules}
        self.states: list[tuple[float, FeedStateChanged]] = []
        self.lost: list[TradesLost] = []
        self.gaps = 0
        self.arrival = self.number = 0
        self._parser = Parser("binance", market, [symbol_of(key) for key in rules])

    @property
    def is_whole(self) -> bool:
        """Every stream LIVE, and every book synchronised."""
        states, books = self.seen.states.values(), self.seen.books.values()
        return all(one.state is LIVE for one in states) and all(one.is_synchronised for one in books)

    def hear(self, envelope: bytes) -> None:
        (arrival, frame), _, _, number = unwrap(envelope)
        assert arrival >= self.arrival
        assert number == self.number + 1
        self.arrival, self.number = arrival, number
        event = self._parser.parse(frame, arrival)
        assert event is not None, frame
        if isinstance(event, Trade):
            self.prints[event.instrument].append((event.trade_id, event.price, event.quantity))
        elif isinstance(event, BookDiff | BookSnapshot):
            self.gaps += isinstance(self.books[event.instrument].apply(event), BookGap)

    def told(self, said: Says) -> None:
        if isinstance(said.news, FeedStateChanged):
            self.states.append((said.at, said.news))
        elif isinstance(said.news, TradesLost):
            self.lost.append(said.news)


class Campaign:
    """Two markets before one exchange, their feeds in a process of their own.

    `figures` count what happened, `most` is how much has piled up at most.
    """

    def __init__(self, exchange: PlayedExchange, seed: int, to: asyncio.StreamWriter) -> None:
        self.exchange = exchange
        self.followers = {market: Follower(market, rules) for market, rules in rules_of(exchange).items()}
        self.figures: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.silent: list[str] = []
        """What was said in the last silence."""
        self.warm = 0
        """How many sizes are of a process that had not been through everything yet."""
        self.sizes: list[Size] = []
        """Of the feeds' process, twice a second."""
        self._chance = random.Random(seed)
        self._to = to
        self._is = Is(0.0, {}, Size(0, 0))

    async def hear(self, reader: asyncio.StreamReader) -> None:
        """What the feeds' process says, until it ends."""
        with suppress(asyncio.IncompleteReadError):
            while True:
                match await unpacked(reader):
                    case Hears(market, envelope):
                        self.followers[market].hear(envelope)
                    case Says() as said:
                        self.followers[said.market].told(said)
                    case Is() as now:
                        self._is = now
                        for market, seen in now.seen.items():
                            self.followers[market].seen = seen

    async def watch(self) -> None:
        """Compare the books again and again, for ever, wherever both know the same update id; and see what piles up."""
        for number in itertools.count():
            await asyncio.sleep(SAMPLE_S)
            for follower in self.followers.values():
                self._compare(follower)
                self._most("trades held back", follower.seen.held)
                self._most("frames to publish", follower.seen.waiting)
            if number % 25 == 0:
                self._most("frames waiting", self.exchange.backlog())
                self.sizes.append(self._is.size)

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
            self._to.write(packed(self._chance.choice((0.05, 0.3, 0.8))))
        self._mend()

    async def until(self, there: Callable[[Follower], bool], seconds: float, what: str) -> float:
        """Until it is so of both markets from now on; how long that took. A failure says how they are."""
        began = time.monotonic()
        while self._is.at < began or not all(there(one) for one in self.followers.values()):
            if time.monotonic() - began > seconds:
                shown = {name: (one.seen.states, one.seen.books) for name, one in self.followers.items()}
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
        told = [(at - began, one) for name, this in self.followers.items() for at, one in this.states[marks[name] :]]
        self.silent = [f"{at:.1f} s {one.instrument}@{one.stream} {one.state.value}: {one.reason}" for at, one in told]
        return {
            f"{news.instrument}@{news.stream}": at
            for at, news in told
            if news.state is STALE and at < seconds and "nothing for" in news.reason
        }

    async def breaks(self) -> None:
        """Every connection breaks."""
        self.exchange.fault(kind="break_socket", for_s=0.5)
        await self.until(lambda one: any(s.state is STALE for s in one.seen.states.values()), 3.0, "STALE")
        await asyncio.sleep(0.6)
        self._mend()

    async def standstill(self, seconds: float) -> None:
        """Nothing happens any more; until everything that did has been told."""
        self.exchange.pause()
        await asyncio.sleep(TOGETHER_S)
        await self.until(self._knows_all, seconds, "all told")

    def grown(self) -> Size:
        """By how much the feeds' process was larger at most than when it was warm."""
        first, sizes = self.sizes[self.warm], self.sizes[self.warm :]
        return Size(
            max(one.resident for one in sizes) - first.resident, max(one.blocks for one in sizes) - first.blocks
        )

    def report(self) -> list[object]:
        """What happened, what piled up, what the feeds counted; and now and then, how large their process was."""
        counts = [dict(one.seen.counts) for one in self.followers.values()]
        sizes = [(f"{size.resident / MB:.1f} MB", size.blocks) for size in self.sizes[::20]]
        return [dict(self.figures), dict(self.most), *counts, sizes, self.grown()]

    def _most(self, name: str, count: int) -> None:
        self.most[name] = max(self.most[name], count)

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


def rules_of(exchange: PlayedExchange) -> dict[str, Rules]:
    """What is traded there, by market."""
    markets = exchange.venue.markets
    return {market: {one.instrument.id: one.instrument for one in markets[market].values()} for market in KINDS}


@asynccontextmanager
async def campaign(exchange: PlayedExchange, seed: int) -> AsyncIterator[Campaign]:
    """Feeds of both markets, until the block ends."""
    ours, theirs = socket.socketpair()
    with theirs:
        words = (sys.executable, "-m", "tests.kit.feed_process", exchange.url, str(theirs.fileno()))
        process = await asyncio.create_subprocess_exec(*words, pass_fds=(theirs.fileno(),), cwd=ROOT)
    reader, writer = await asyncio.open_connection(sock=ours)
    try:
        writer.write(packed(rules_of(exchange)))
        made = Campaign(exchange, seed, writer)
        async with running(made.hear(reader)), running(made.watch()):
            await made.until(lambda one: bool(one.seen.states), START_S, "started")
            yield made
        assert process.returncode is None
    finally:
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(END_S):
            await process.wait()
    assert process.returncode == 0
