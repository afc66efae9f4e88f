"""Market streams: which of them speak when something happens or time passes, and who listens to them."""

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

import msgspec

from petrosa.adapters.venues.binance.paper import payloads
from petrosa.adapters.venues.binance.paper.bars import INTERVALS, Bar, kline_event
from petrosa.adapters.venues.binance.paper.cadence import EXACT, SPEEDS_NS, Cadence, Made, Merged
from petrosa.adapters.venues.binance.paper.market import PublicMarket
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.market import BestQuote, BookDiff, MarketEvent, MarkPrice, Ticker, Trade

Listener = Callable[[str, bytes], None]
"""Told (stream, event as JSON)."""

PUBLIC: Final = ("depth", "bookTicker", "rpiDepth", "trade")
"""Beginnings of the stream names that USD-M serves on its `/public` path; all others are on `/market`."""

DEPTH_LEVELS: Final = (5, 10, 20)
STREAMS_MAX: Final = 1_024

MARK_NS: Final = 950 * NS_PER_MS
"""A mark price that comes every second is told every second, whatever the clock does in between."""

SPOT_NS: Final = {"kline_1s": NS_PER_SECOND, "kline": 2 * NS_PER_SECOND, "depth": NS_PER_SECOND}
USDM_NS: Final = {
    "kline": 250 * NS_PER_MS, "depth": 250 * NS_PER_MS, "ticker": 2 * NS_PER_SECOND, "miniTicker": 2 * NS_PER_SECOND,
    "markPrice@1s": MARK_NS, "markPrice": 3 * NS_PER_SECOND, "arr@1s": MARK_NS,
}  # fmt: skip
"""How often streams speak at most, by what their names begin with behind the `@`; those not named once a second."""

UNPACED: Final = re.compile(r"kline_|markPrice|depth(@|$)")
"""What is told at once where streams have no pace of their own, so that a test hears what it did."""

ARRAYS: Final = {"spot": ("!miniTicker@arr",), "usdm": ("!miniTicker@arr", "!ticker@arr")}
"""What tells of all symbols at once. Spot's `!ticker@arr` was retired in March 2026."""


class Hub:
    """The streams of one market. A stream without a listener costs nothing but a look.

    Streams that somebody else speaks for (`relay`) are left to him.
    """

    def __init__(self, markets: Iterable[PublicMarket], *, paced: bool = False) -> None:
        """Without `paced`, differences, klines and mark prices are told each by itself, at once."""
        self._is_paced = paced
        self._markets = {market.symbol.lower(): market for market in markets}
        self._spot = all(market.is_spot for market in self._markets.values())
        self._listeners: dict[str, list[Listener]] = {}
        self._relayed: set[str] = set()
        self._cadence = Cadence()
        self._merged: dict[str, Merged] = {}
        self._changed: dict[str, dict[str, PublicMarket]] = {}

    def listeners(self) -> list[Listener]:
        """Everybody who listens to something, once for each stream."""
        return [one for listeners in list(self._listeners.values()) for one in list(listeners)]

    def add(self, stream: str, listener: Listener) -> None:
        listeners = self._listeners.setdefault(stream, [])
        if listener not in listeners:
            listeners.append(listener)
        self._watch(stream)

    def remove(self, stream: str, listener: Listener) -> None:
        listeners = self._listeners.get(stream, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._forget(stream)

    def relay(self, stream: str, event: bytes) -> None:
        """Tell what somebody else made, as it is; from now on this stream tells nothing else."""
        self._relayed.add(stream)
        for listener in list(self._listeners.get(stream, ())):
            listener(stream, event)

    def publish(self, market: PublicMarket, event: MarketEvent, now: int) -> None:
        """Tell everybody who listens what follows from a market fact."""
        aggregates = market.aggregates.take()
        if not self._listeners or (market.frozen and isinstance(event, BookDiff | BestQuote)):
            return
        name = market.symbol.lower()
        match event:
            case Trade():
                self._say(f"{name}@trade", partial(payloads.trade, market, event))
                for one in aggregates:
                    self._say(f"{name}@aggTrade", partial(payloads.agg_trade, market, one))
                self._klines(market, name, now)
                self._tickers(market, name, now)
            case BookDiff():
                self._differences(market, name, event, now)
                self._depths(market, name, now)
            case BestQuote():
                self._say(f"{name}@bookTicker", partial(payloads.quote, market, event))
                self._say("!bookTicker", partial(payloads.quote, market, event))
            case Ticker():
                self._tickers(market, name, now)
            case MarkPrice():
                self._marks(market, name, now)
            case _:
                pass

    def advance(self, now: int) -> None:
        """Let time pass: what waited for its time is told, and what is over."""
        for name, market in self._markets.items():
            for one in market.aggregates.take():
                self._say(f"{name}@aggTrade", partial(payloads.agg_trade, market, one))
            self._closed(market, name, now)
        for stream, made in self._cadence.ripe(now, self._every):
            self._say(stream, made)

    def force_order(self, update: dict[str, Any], now: int) -> None:
        """A position was closed by the venue: of each symbol the last one in a second is told."""
        made = partial(payloads.force_order, update)
        for stream in (f"{update['o']['s'].lower()}@forceOrder", "!forceOrder@arr"):
            self._paced(stream, now, made)

    # who hears

    def _hears(self, stream: str) -> bool:
        return stream in self._listeners and stream not in self._relayed

    def _watch(self, stream: str) -> None:
        name, _, suffix = stream.partition("@")
        market = self._markets.get(name)
        if market is not None and suffix.startswith("kline_") and suffix[6:] in INTERVALS:
            market.bars.watch(suffix[6:])

    def _forget(self, stream: str) -> None:
        self._listeners.pop(stream, None)
        self._cadence.forget(stream)
        self._merged.pop(stream, None)
        self._changed.pop(stream, None)
        name, _, suffix = stream.partition("@")
        if name in self._markets and suffix.startswith("kline_"):
            self._markets[name].bars.forget(suffix[6:])

    # how it is said

    def _say(self, stream: str, made: Made) -> None:
        if self._hears(stream):
            encoded = msgspec.json.encode(made())
            for listener in list(self._listeners[stream]):
                listener(stream, encoded)

    def _paced(self, stream: str, now: int, made: Made) -> None:
        """Now, or when the stream's time has come."""
        if self._hears(stream) and self._cadence.offer(stream, self._every(stream), now, made):
            self._say(stream, made)

    def _every(self, stream: str) -> int:
        suffix = stream.partition("@")[2]
        if not self._is_paced and (UNPACED.match(suffix) or stream.startswith("!markPrice")):
            return 0
        if stream == "!markPrice@arr":
            return USDM_NS["markPrice"]
        for speed, length in SPEEDS_NS.items():
            if suffix.endswith(speed):
                return length
        table = SPOT_NS if self._spot else USDM_NS
        return next((length for begin, length in table.items() if suffix.startswith(begin)), NS_PER_SECOND)

    # what is said

    def _klines(self, market: PublicMarket, name: str, now: int) -> None:
        self._closed(market, name, now)
        for interval in list(market.bars.watched()) or self._begun(market, name):
            self._paced(f"{name}@kline_{interval}", now, partial(self._grown, market, interval))

    def _closed(self, market: PublicMarket, name: str, now: int) -> None:
        for one in market.bars.take_closed():
            self._say(f"{name}@kline_{one.interval}", self._kline(market, one.interval, one.bar, now, closed=True))

    def _begun(self, market: PublicMarket, name: str) -> list[str]:
        """Intervals that were asked for before there was a trade."""
        for interval in INTERVALS:
            if f"{name}@kline_{interval}" in self._listeners:
                market.bars.watch(interval)
        return list(market.bars.watched())

    def _grown(self, market: PublicMarket, interval: str) -> object:
        bar = market.bars.watched()[interval]
        return self._kline(market, interval, bar, market.now, closed=False)()

    def _kline(self, market: PublicMarket, interval: str, bar: Bar, now: int, *, closed: bool) -> Made:
        return partial(kline_event, bar, interval, market.symbol, market.written, now, closed=closed)

    def _tickers(self, market: PublicMarket, name: str, now: int) -> None:
        self._paced(f"{name}@ticker", now, lambda: payloads.ticker(market, market.now))
        self._paced(f"{name}@miniTicker", now, lambda: payloads.mini_ticker(market, market.now))
        for stream in ARRAYS["spot" if self._spot else "usdm"]:
            row = payloads.mini_ticker if "mini" in stream else payloads.ticker
            self._array(stream, market, now, row)

    def _marks(self, market: PublicMarket, name: str, now: int) -> None:
        for suffix in ("", "@1s"):
            self._paced(f"{name}@markPrice{suffix}", now, lambda: payloads.mark_price(market, market.now))
            self._array(f"!markPrice@arr{suffix}", market, now, payloads.mark_price)

    def _array(self, stream: str, market: PublicMarket, now: int, row: Callable[[PublicMarket, int], object]) -> None:
        """One message of every symbol that changed since the last one."""
        if not self._hears(stream):
            return
        self._changed.setdefault(stream, {})[market.symbol] = market

        def made() -> object:
            return [row(one, one.now) for one in self._changed.pop(stream, {}).values()]

        self._paced(stream, now, made)

    def _differences(self, market: PublicMarket, name: str, event: BookDiff, now: int) -> None:
        as_it_comes = (EXACT, "@100ms") if market.is_spot else (EXACT,)
        for speed in ("", *SPEEDS_NS, EXACT):
            stream = f"{name}@depth{speed}"
            if not self._hears(stream):
                continue
            if speed in as_it_comes:
                self._say(stream, partial(payloads.difference, event, market))
                continue
            merged = self._merged.setdefault(stream, Merged())
            merged.add(event)
            self._paced(stream, now, partial(_merged, merged, market))

    def _depths(self, market: PublicMarket, name: str, now: int) -> None:
        for levels in DEPTH_LEVELS:
            for speed in ("", *SPEEDS_NS):
                stream = f"{name}@depth{levels}{speed}"
                if stream in self._listeners:
                    self._paced(stream, now, partial(_depth, market, levels))


def _merged(merged: Merged, market: PublicMarket) -> object:
    return payloads.difference(merged.take(), market)


def _depth(market: PublicMarket, levels: int) -> object:
    return payloads.depth(market, levels, market.now)


def path_of(stream: str) -> str:
    """On which path USD-M serves a stream: `public` or `market`."""
    suffix = stream.partition("@")[2]
    return "public" if suffix.startswith(PUBLIC) or stream == "!bookTicker" else "market"
