"""A venue whose truth is known: frames that a test plays as sockets would, and REST answers from the same truth."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from petrosa.adapters.feeds.face import Hear, OnLink
from petrosa.adapters.feeds.outlet import News, TradesLost
from petrosa.adapters.net.rate_limit import Ledger
from petrosa.adapters.net.websocket import LinkState
from petrosa.adapters.venues.binance.live.environments import urls
from petrosa.adapters.venues.binance.live.feed_params import FeedParams
from petrosa.adapters.venues.binance.live.limits import DEFAULTS
from petrosa.adapters.venues.binance.live.live_feed import LiveFeed
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.core.market.book import OrderBook
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import (
    BookDiff,
    BookGap,
    BookSnapshot,
    FeedState,
    FeedStateChanged,
    MarketEvent,
    Trade,
)
from petrosa.errors import FrameError
from tests.kit.sockets import running

TIMEOUT_S = 20.0
DEEP = 100_000
PATIENT = FeedParams(
    hold_seconds=86_400, backfill_max_seconds=3_600, grace_seconds=0.0, books_per_second=100, books_at_once=100,
)  # fmt: skip
"""For markets that are played far faster than they were: what is bounded by time is not meant to be."""

Answer = tuple[int, Any]
"""(status, body): bytes as they are, anything else as JSON."""


class TrueMarket:
    """What a venue knows of some instruments: every trade, and the book as it is now."""

    def __init__(self, market: str, instruments: Sequence[Instrument]) -> None:
        self.market = market
        self.instruments = {one.id: one for one in instruments}
        self.books = {one.symbol: OrderBook(one) for one in instruments}
        self.trades: dict[str, list[dict[str, Any]]] = {one.symbol: [] for one in instruments}
        self.asked: Counter[str] = Counter()
        self.fail: Callable[[str, Mapping[str, str]], Answer | None] = lambda _path, _params: None
        self._parser = Parser("binance", market, [one.symbol for one in instruments])

    def happen(self, frame: bytes, arrival: int) -> MarketEvent | None:
        """Take in what a frame says, whether or not anybody will hear it."""
        event = self._parser.parse(frame, arrival)
        if isinstance(event, BookDiff | BookSnapshot):
            self.books[event.instrument.rpartition(":")[2]].apply(event)
        elif isinstance(event, Trade):
            data = json.loads(frame)["data"]
            self.trades[data["s"]].append(data)
        return event

    def answer(self, path: str, params: Mapping[str, str]) -> Answer:
        """What the venue says over REST."""
        self.asked[path.rpartition("/")[2]] += 1
        failure = self.fail(path, params)
        if failure is not None:
            return failure
        if path.endswith("/depth"):
            return self._depth(params["symbol"])
        first, most = int(params["fromId"]), int(params["limit"])
        key = "a" if path.endswith("aggTrades") else "t"
        rows = [row for row in self.trades[params["symbol"]] if row[key] >= first][:most]
        return 200, rows if key == "a" else [_row(one) for one in rows]

    def _depth(self, symbol: str) -> Answer:
        book = self.books[symbol]
        if not book.whole:
            return 503, {"code": -1008, "msg": "overloaded"}
        bids, asks = (
            [[repr(price), repr(size)] for price, size in book.top(side, DEEP)] for side in (Side.BUY, Side.SELL)
        )
        stamp = {} if self.market == "spot" else {"E": book.ts_event // NS_PER_MS, "T": book.ts_event // NS_PER_MS}
        return 200, {"lastUpdateId": book.last_update_id, **stamp, "bids": bids, "asks": asks}


def _row(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": data["t"], "price": data["p"], "qty": data["q"], "quoteQty": "0", "time": data["T"],
        "isBuyerMaker": data["m"], "isBestMatch": data.get("M", True),
    }  # fmt: skip


class Reader:
    """Somebody who has nothing but the frames: books rebuilt, trades in their order."""

    def __init__(self, market: TrueMarket) -> None:
        self.frames: list[tuple[int, str, bytes]] = []
        self.gaps = 0
        self.trades: dict[str, list[Trade]] = {symbol: [] for symbol in market.books}
        self.books = {one.symbol: OrderBook(one) for one in market.instruments.values()}
        self._parser = Parser("binance", market.market, list(market.books))

    def offer(self, arrival: int, stream: str, frame: bytes) -> None:
        self.frames.append((arrival, stream, frame))
        try:
            event = self._parser.parse(frame, arrival)
        except FrameError:
            return
        if isinstance(event, Trade):
            self.trades[event.instrument.rpartition(":")[2]].append(event)
        elif isinstance(event, BookDiff | BookSnapshot):
            self.gaps += isinstance(self.books[event.instrument.rpartition(":")[2]].apply(event), BookGap)

    def ids(self, symbol: str) -> list[int]:
        return [one.trade_id for one in self.trades[symbol]]


class Line:
    """Sockets that a test is: `hear` and `on_link` are the feed's."""

    def __init__(self) -> None:
        self.streams: Sequence[str] = ()
        self.began = asyncio.Event()
        self.hear: Hear
        self.on_link: OnLink

    def __call__(self, streams: Sequence[str], hear: Hear, on_link: OnLink) -> "Line":
        self.streams, self.hear, self.on_link = streams, hear, on_link
        return self

    @property
    def links(self) -> Mapping[str, LinkState]:
        return {}

    @property
    def counts(self) -> Counter[str]:
        return Counter()

    async def run(self) -> None:
        for stream in self.streams:
            self.on_link(stream, True, "acknowledged")
        self.began.set()
        await asyncio.Event().wait()


class Fed:
    """A feed on such a market, and what it hands on and says. Its clock is the arrival of what was played last."""

    def __init__(self, market: TrueMarket, kinds: Sequence[str], rest: Rest, params: FeedParams) -> None:
        self.market = market
        self.line = Line()
        self.reader = Reader(market)
        self.news: list[News] = []
        self.now = 1_700_000_000 * NS_PER_SECOND
        self.feed = LiveFeed(
            market.market, market.instruments, kinds, self.line, rest.call, self.reader.offer, self.news.append,
            params=params, now=lambda: self.now, sleep=self._sleep,
        )  # fmt: skip

    def play(self, frame: bytes, arrival: int | None = None, *, heard: bool = True) -> None:
        """It happens at the venue, and is heard unless it is not."""
        self.now = max(self.now + NS_PER_MS, arrival or 0)
        self.market.happen(frame, self.now)
        if heard:
            self.repeat(frame)

    def repeat(self, frame: bytes) -> None:
        """It is heard, again or late."""
        self.line.hear(frame[11 : frame.index(b'"', 11)].decode(), frame, self.now)

    def lose(self, why: str = "reset by peer") -> None:
        """Every connection is away."""
        for stream in self.line.streams:
            self.line.on_link(stream, False, why)

    def regain(self) -> None:
        for stream in self.line.streams:
            self.line.on_link(stream, True, "acknowledged")

    def said(self, kind: str) -> list[FeedState]:
        return [one.state for one in self.news if isinstance(one, FeedStateChanged) and one.stream == kind]

    @property
    def lost(self) -> list[tuple[int, int]]:
        return [(one.first, one.last) for one in self.news if isinstance(one, TradesLost)]

    @property
    def gaps(self) -> list[BookGap]:
        return [one for one in self.news if isinstance(one, BookGap)]

    async def until(self, there: Callable[[], bool]) -> None:
        """Let the feed do what it does meanwhile."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                while not there():
                    await asyncio.sleep(0.001)
        except TimeoutError:
            states = {name: (one.state, one.reason) for name, one in self.feed.states.items()}
            raise AssertionError(f"{self.feed.counts}, {self.feed.books}, {states}, {self.news[-5:]}") from None

    @property
    def is_settled(self) -> bool:
        """Every book whole, and no stream with anything missing in it."""
        return all(one.is_synchronised for one in self.feed.books.values()) and not any(
            one.state is FeedState.STALE for one in self.feed.states.values()
        )

    async def _sleep(self, seconds: float) -> None:
        await asyncio.sleep(min(seconds, 0.001))


@asynccontextmanager
async def fed(
    market: TrueMarket, kinds: Sequence[str], params: FeedParams = PATIENT, ledger: Ledger | None = None
) -> AsyncIterator[Fed]:
    async with rest_of(market.answer) as url:
        clock = ServerClock()
        allowance = ledger or Ledger(DEFAULTS[market.market], clock.now)
        where = urls("paper", market.market, url)
        key = "whoever-asks-for-single-trades-has-one"
        async with Rest(market.market, where, key, None, clock, allowance, pause=lambda _: asyncio.sleep(0)) as rest:
            made = Fed(market, kinds, rest, params)
            async with running(made.feed.run()):
                await made.line.began.wait()
                yield made


@asynccontextmanager
async def rest_of(answer: Callable[[str, Mapping[str, str]], Answer]) -> AsyncIterator[str]:
    """The address of a server that answers GET requests."""
    open_: set[asyncio.StreamWriter] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.add(writer)
        try:
            while head := await _head(reader):
                target = urlsplit(head.split(" ")[1])
                status, body = answer(target.path, dict(parse_qsl(target.query)))
                body = body if isinstance(body, bytes) else json.dumps(body).encode()
                writer.write(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            open_.discard(writer)
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in list(open_):
            writer.close()
        await server.wait_closed()


async def _head(reader: asyncio.StreamReader) -> str:
    try:
        return (await reader.readuntil(b"\r\n\r\n")).decode()
    except asyncio.IncompleteReadError:
        return ""
