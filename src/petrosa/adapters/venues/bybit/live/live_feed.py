"""Bybit's public market data, made trustworthy: every trade once, books that are whole or say so."""

import asyncio
import time
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final, Protocol

import msgspec

from petrosa.adapters.feeds import live_feed
from petrosa.adapters.feeds.backfill import BACKFILL, Backfill
from petrosa.adapters.feeds.face import BookHealth, Hear, OnLink, Sockets
from petrosa.adapters.feeds.live_feed import known, outlet
from petrosa.adapters.feeds.outlet import News, Offer, Outlet
from petrosa.adapters.venues.bybit.live.books import Book, Step
from petrosa.adapters.venues.bybit.live.expected import expected
from petrosa.adapters.venues.bybit.live.rules import Ask
from petrosa.adapters.venues.bybit.live.splitting import framed, single
from petrosa.adapters.venues.bybit.live.trades import Trades
from petrosa.adapters.venues.bybit.parse import BOOK, QUOTE, SKIPPED, STREAMS
from petrosa.adapters.venues.bybit.symbols import LIQUIDATION, MARK, stream_of, topic_of
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BookGap, InstrumentId, symbol_of

KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "spot": ("publicTrade", "orderbook.1", "orderbook.50"),
    "linear": ("publicTrade", "orderbook.1", "orderbook.50", MARK),
}
"""What is listened to where nothing else is said, by market."""

TRADES: Final = "@publicTrade"
Take = Callable[[str, bytes, int], None]


class Topics(Sockets, Protocol):
    """Connections that can subscribe once more."""

    def renew(self, streams: Iterable[str]) -> None: ...


class Dial(Protocol):
    """Makes the connections for some topics (`publicTrade.BTCUSDT`), and tells what they hear."""

    def __call__(self, topics: Sequence[str], hear: Hear, on_link: OnLink) -> Topics: ...


class LiveFeed(live_feed.LiveFeed):
    """A `MarketFeed`: one market's streams of some symbols, from the sockets to whoever reads.

    `kinds` are Bybit's topics without their symbol: `publicTrade`, `orderbook.1`, `orderbook.50`, `tickers`, `kline.1`,
    …, `allLiquidation`, and `tickers.mark` for mark and funding. `offer` is given every frame in order under its
    stream's name: a trade, bar or liquidation a frame, everything else as it came. `tell` is given what is said beside
    the frames.

    A book with a gap is subscribed to once more, which brings a snapshot. Trades that were missed while a connection
    was away are asked for with `ask`, which is `Rest.get`, or said to be unknown.
    """

    def __init__(
        self, market: str, instruments: Mapping[InstrumentId, Instrument], kinds: Collection[str], dial: Dial,
        ask: Ask, offer: Offer, tell: Callable[[News], None], *, backfill: Backfill = BACKFILL,
        now: Callable[[], int] = time.time_ns,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        """Raises `ConfigError` for a kind of stream that there is not."""
        wanted = _wanted(market, kinds)
        streams = {stream_of(symbol_of(key), kind): key for key in instruments for kind in wanted}
        out = outlet(streams, expected, offer, tell, now)
        trading = {stream: key for stream, key in streams.items() if stream.endswith(TRADES)}
        making = _Making(market, streams, Trades(market, trading, ask, out, backfill, sleep), out, dial)
        super().__init__(making.out, making.sockets, making, now, sleep)


class _Making:
    """See `live_feed.Making`."""

    def __init__(
        self, market: str, streams: Mapping[str, InstrumentId], trades: Trades, out: Outlet, dial: Dial
    ) -> None:
        self.out = out
        self._market = market
        self._trades = trades
        self._books: dict[str, Book] = {}
        self._takers: dict[str, list[tuple[str, Take]]] = {}
        for stream, key in streams.items():
            kind = stream.partition("@")[2]
            topic = topic_of(symbol_of(key), kind)
            self._takers.setdefault(topic, []).append((stream, self._taker(stream, kind, key)))
        self.sockets = dial(tuple(self._takers), self._hear, self._link)

    @property
    def books(self) -> Mapping[str, BookHealth]:
        deep = [one for one in self._books.values() if STREAMS[one.stream.partition("@")[2]] is BOOK]
        return {symbol_of(one.instrument): one.health for one in deep}

    def ask_books(self, symbols: Iterable[str], why: str) -> None:
        wanted = frozenset(symbols)
        merged = [*self._books, *(one for one in self._takers if self._market != "spot" and one.startswith("tickers."))]
        found = [topic for topic in merged if topic.rpartition(".")[2] in wanted]
        self.out.counts[f"book asked for anew: {why}"] += len(found)
        self.sockets.renew(found)

    def look(self, now: int) -> None:
        self._trades.look(now)

    def tasks(self) -> Sequence[Coroutine[Any, Any, None]]:
        return (self._trades.run(),)

    # what is heard

    def _taker(self, stream: str, kind: str, key: InstrumentId) -> Take:
        if STREAMS.get(kind) in (BOOK, QUOTE):
            self._books[topic_of(symbol_of(key), kind)] = Book(stream, key)
            return self._take_book
        if kind == "publicTrade":
            return self._trades.hear
        return self._take_each if kind.startswith("kline.") or kind == LIQUIDATION else self._take

    def _hear(self, topic: str, message: bytes, arrival: int) -> None:
        arrival = self.out.arrived(arrival)
        for stream, take in self._takers[topic]:
            self.out.heard(stream, arrival)
            try:
                take(stream, message, arrival)
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                self.out.counts["message that cannot be read"] += 1
                self._take(stream, message, arrival)  # whoever parses it will say what is wrong

    def _take(self, stream: str, message: bytes, arrival: int) -> None:
        self.out.hand_on(stream, framed(stream, message), arrival)

    def _take_each(self, stream: str, message: bytes, arrival: int) -> None:
        for _, alone in single(message):
            self._take(stream, alone, arrival)

    def _take_book(self, stream: str, message: bytes, arrival: int) -> None:
        symbol, _, kind = stream.partition("@")
        topic = topic_of(symbol.upper(), kind)
        book = self._books[topic]
        was_whole = book.whole
        step = book.hear(message, arrival)
        if step is Step.OLD:
            self.out.counts["book heard twice"] += 1
            return
        if step is Step.GAP:
            self._broken(topic, book, arrival)
        self._take(stream, message, arrival)
        if step is Step.WAITS:
            self.out.impaired(stream, "there is no snapshot yet")
        elif step is Step.BEGINS and not was_whole:
            self.out.mended(stream, "a snapshot came")

    def _broken(self, topic: str, book: Book, arrival: int) -> None:
        self.out.counts["book gap"] += 1
        self.out.said(BookGap(book.instrument, book.ts_ms * NS_PER_MS, arrival, book.expected, book.got))
        self.out.impaired(book.stream, f"the book is out of sync: {book.expected} was expected, {book.got} came")
        self.sockets.renew([topic])

    def _link(self, topic: str, is_up: bool, why: str) -> None:
        """A book is not known while nothing is heard of it."""
        book = self._books.get(topic)
        if book is not None and book.whole and not is_up:
            book.lose(self.out.now())
            self.out.impaired(book.stream, "there is no snapshot yet")
        for stream, _ in self._takers[topic]:
            if not is_up:
                self._trades.away(stream)
            self.out.changed(self.out.health.link(stream, is_up, why, self.out.now()))


def _wanted(market: str, kinds: Collection[str]) -> list[str]:
    """Raises `ConfigError` for a kind that the market does not have."""
    there = {kind for kind in (*STREAMS, *SKIPPED) if market != "spot" or kind not in (MARK, LIQUIDATION)}
    return known(kinds, there, f"Bybit has for a symbol of {market}")
