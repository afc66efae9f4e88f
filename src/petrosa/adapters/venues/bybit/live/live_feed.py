"""Bybit's public market data, made trustworthy: every trade once, books that are whole or say so."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from petrosa.adapters.feeds.face import BookHealth, Hear, OnLink, Sockets, StreamHealth
from petrosa.adapters.feeds.health import Health
from petrosa.adapters.feeds.outlet import News, Offer, Outlet
from petrosa.adapters.net.websocket import LinkState, together
from petrosa.adapters.venues.bybit.live.books import Book, Step
from petrosa.adapters.venues.bybit.live.expected import expected
from petrosa.adapters.venues.bybit.live.splitting import Once, framed, single
from petrosa.adapters.venues.bybit.parse import BOOK, QUOTE, SKIPPED, STREAMS
from petrosa.adapters.venues.bybit.symbols import LIQUIDATION, MARK, stream_of, topic_of
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BookGap, InstrumentId, symbol_of
from petrosa.errors import ConfigError

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "spot": ("publicTrade", "orderbook.1", "orderbook.50"),
    "linear": ("publicTrade", "orderbook.1", "orderbook.50", MARK),
}
"""What is listened to where nothing else is said, by market."""

LOOK_S: Final = 0.5
Take = Callable[[str, bytes, int], None]


class Topics(Sockets, Protocol):
    """Connections that can subscribe once more."""

    def renew(self, streams: Iterable[str]) -> None: ...


class Dial(Protocol):
    """Makes the connections for some topics (`publicTrade.BTCUSDT`), and tells what they hear."""

    def __call__(self, topics: Sequence[str], hear: Hear, on_link: OnLink) -> Topics: ...


class LiveFeed:
    """A `MarketFeed`: one market's streams of some symbols, from the sockets to whoever reads.

    `kinds` are Bybit's topics without their symbol: `publicTrade`, `orderbook.1`, `orderbook.50`, `tickers`, `kline.1`,
    …, `allLiquidation`, and `tickers.mark` for mark and funding. `offer` is given every frame in order under its
    stream's name: a trade, bar or liquidation a frame, everything else as it came. `tell` is given what is said beside
    the frames.

    A book with a gap is subscribed to once more, which brings a snapshot. Trades that were missed while a connection
    was away have no numbers by which they could be known: that one was away is all that is said of them.
    """

    def __init__(
        self, market: str, instruments: Mapping[InstrumentId, Instrument], kinds: Collection[str], dial: Dial,
        offer: Offer, tell: Callable[[News], None], *, now: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        """Raises `ConfigError` for a kind of stream that there is not."""
        wanted = _wanted(market, kinds)
        self._now = now
        self._sleep = sleep
        streams = {stream_of(symbol_of(key), kind): key for key in instruments for kind in wanted}
        watched = {name: (symbol_of(key), expected(name.partition("@")[2])) for name, key in streams.items()}
        self._out = Outlet(streams, Health(watched, now()), offer, tell, now)
        self._books: dict[str, Book] = {}
        self._once: dict[str, Once] = {}
        self._takers: dict[str, list[tuple[str, Take]]] = {}
        for stream, key in streams.items():
            kind = stream.partition("@")[2]
            topic = topic_of(symbol_of(key), kind)
            self._takers.setdefault(topic, []).append((stream, self._taker(stream, kind, key)))
        self._sockets = dial(tuple(self._takers), self._hear, self._link)

    @property
    def counts(self) -> Counter[str]:
        """What was left out, lost or not understood, by name."""
        return self._out.counts + self._sockets.counts

    @property
    def links(self) -> Mapping[str, LinkState]:
        return self._sockets.links

    @property
    def states(self) -> Mapping[str, StreamHealth]:
        """Every stream's health by its name, `btcusdt@publicTrade`."""
        return {
            name: StreamHealth(one.state, one.since, one.reason, one.heard)
            for name, one in self._out.health.pulses.items()
        }

    @property
    def books(self) -> Mapping[str, BookHealth]:
        """Every book's state by symbol; empty when no books are heard."""
        deep = [one for one in self._books.values() if STREAMS[one.stream.partition("@")[2]] is BOOK]
        return {symbol_of(one.instrument): one.health for one in deep}

    def ask_books(self, symbols: Iterable[str], why: str) -> None:
        """Have snapshots handed on anew: for who begins a file, or has left a difference out."""
        wanted = frozenset(symbols)
        found = [topic for topic, one in self._books.items() if symbol_of(one.instrument) in wanted]
        self._out.counts[f"book asked for anew: {why}"] += len(found)
        self._sockets.renew(found)

    async def run(self) -> None:
        """Go on for ever. Raises what the connections raise."""
        self._out.health.expect(self._now())
        await together([self._sockets.run(), self._look()])

    # what is heard

    def _taker(self, stream: str, kind: str, key: InstrumentId) -> Take:
        if STREAMS.get(kind) in (BOOK, QUOTE):
            self._books[topic_of(symbol_of(key), kind)] = Book(stream, key)
            return self._take_book
        if kind == "publicTrade":
            self._once[stream] = Once()
            return self._take_trades
        return self._take_each if kind.startswith("kline.") or kind == LIQUIDATION else self._take

    def _hear(self, topic: str, message: bytes, arrival: int) -> None:
        arrival = self._out.arrived(arrival)
        for stream, take in self._takers[topic]:
            self._out.heard(stream, arrival)
            try:
                take(stream, message, arrival)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                self._out.counts["message that cannot be read"] += 1
                self._take(stream, message, arrival)  # whoever parses it will say what is wrong

    def _take(self, stream: str, message: bytes, arrival: int) -> None:
        self._out.hand_on(stream, framed(stream, message), arrival)

    def _take_each(self, stream: str, message: bytes, arrival: int) -> None:
        for _, alone in single(message):
            self._take(stream, alone, arrival)

    def _take_trades(self, stream: str, message: bytes, arrival: int) -> None:
        once = self._once[stream]
        for trade, alone in single(message):
            if once.is_new(trade):
                self._take(stream, alone, arrival)
            else:
                self._out.counts["trade heard twice"] += 1

    def _take_book(self, stream: str, message: bytes, arrival: int) -> None:
        symbol, _, kind = stream.partition("@")
        topic = topic_of(symbol.upper(), kind)
        book = self._books[topic]
        was_whole = book.whole
        step = book.hear(message, arrival)
        if step is Step.OLD:
            self._out.counts["book heard twice"] += 1
            return
        if step is Step.GAP:
            self._broken(topic, book, arrival)
        self._take(stream, message, arrival)
        if step is Step.WAITS:
            self._out.impaired(stream, "there is no snapshot yet")
        elif step is Step.BEGINS and not was_whole:
            self._out.mended(stream, "a snapshot came")

    def _broken(self, topic: str, book: Book, arrival: int) -> None:
        self._out.counts["book gap"] += 1
        self._out.said(BookGap(book.instrument, book.ts_ms * NS_PER_MS, arrival, book.expected, book.got))
        self._out.impaired(book.stream, f"the book is out of sync: {book.expected} was expected, {book.got} came")
        self._sockets.renew([topic])

    def _link(self, topic: str, is_up: bool, why: str) -> None:
        """A book is not known while nothing is heard of it."""
        book = self._books.get(topic)
        if book is not None and book.whole and not is_up:
            book.lose(self._now())
            self._out.impaired(book.stream, "there is no snapshot yet")
        for stream, _ in self._takers[topic]:
            self._out.changed(self._out.health.link(stream, is_up, why, self._now()))

    async def _look(self) -> None:
        while True:
            await self._sleep(LOOK_S)
            self._out.changed(self._out.health.look(self._now()))


def _wanted(market: str, kinds: Collection[str]) -> list[str]:
    """Raises `ConfigError` for a kind that the market does not have."""
    unknown = sorted(kind for kind in kinds if kind not in STREAMS and kind not in SKIPPED)
    unknown += [kind for kind in (MARK, LIQUIDATION) if market == "spot" and kind in kinds]
    if unknown:
        names = ", ".join(unknown)
        raise ConfigError(f"feed.streams: {names} is not a stream that Bybit has for a symbol of {market}")
    return list(dict.fromkeys(kinds))
