"""Market streams: what each of them says when something happens, and who listens to it."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Final

import msgspec

from petrosa.adapters.venues.binance.paper.bars import INTERVALS, kline_event
from petrosa.adapters.venues.binance.paper.market import BUY, SELL, PublicMarket
from petrosa.adapters.venues.binance.paper.numbers import ms, text
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.market import BestQuote, BookDiff, MarketEvent, MarkPrice, Ticker, Trade

Event = dict[str, object]
Listener = Callable[[str, bytes], None]
"""Told (stream, event as JSON)."""

PUBLIC: Final = ("depth", "bookTicker", "rpiDepth", "trade")
"""Beginnings of the stream names that USD-M serves on its `/public` path; all others are on `/market`."""

DEPTH_EVERY_NS: Final = 100 * NS_PER_MS
DEPTH_LEVELS: Final = (5, 10, 20)
SPEEDS: Final = ("", "@100ms", "@250ms", "@500ms", "@1000ms", "@0ms")
STREAMS_MAX: Final = 1_024


class Hub:
    """The streams of one market. A stream without a listener costs nothing but a look."""

    def __init__(self, markets: Iterable[PublicMarket]) -> None:
        self._listeners: dict[str, list[Listener]] = {}
        self._depth_at: dict[str, int] = {}
        self._known = {market.symbol.lower() for market in markets}

    def add(self, stream: str, listener: Listener) -> None:
        listeners = self._listeners.setdefault(stream, [])
        if listener not in listeners:
            listeners.append(listener)

    def remove(self, stream: str, listener: Listener) -> None:
        listeners = self._listeners.get(stream, [])
        if listener in listeners:
            listeners.remove(listener)
        if not listeners:
            self._listeners.pop(stream, None)

    def publish(self, market: PublicMarket, event: MarketEvent, now: int) -> None:
        """Tell everybody who listens what follows from a market fact."""
        if not self._listeners or (market.frozen and isinstance(event, BookDiff | BestQuote)):
            return
        name = market.symbol.lower()
        for stream, made in self._made(market, name, event, now):
            listeners = self._listeners.get(stream)
            if listeners:
                encoded = msgspec.json.encode(made())
                for listener in list(listeners):
                    listener(stream, encoded)

    def _made(
        self, market: PublicMarket, name: str, event: MarketEvent, now: int
    ) -> Iterator[tuple[str, Callable[[], object]]]:
        match event:
            case Trade():
                yield f"{name}@trade", lambda: trade(market, event)
                yield f"{name}@aggTrade", lambda: agg_trade(market, event)
                yield from self._klines(market, name, now)
            case BookDiff():
                for speed in SPEEDS:
                    yield f"{name}@depth{speed}", lambda: difference(market, event)
                yield from self._depths(market, name, now)
            case BestQuote():
                yield f"{name}@bookTicker", lambda: quote(market, event)
                yield "!bookTicker", lambda: quote(market, event)
            case Ticker():
                yield f"{name}@ticker", lambda: ticker(market, now)
                yield f"{name}@miniTicker", lambda: mini_ticker(market, now)
                yield "!miniTicker@arr", lambda: [mini_ticker(market, now)]
                yield "!ticker@arr", lambda: [ticker(market, now)]
            case MarkPrice():
                for suffix in ("", "@1s"):
                    yield f"{name}@markPrice{suffix}", lambda: mark_price(market, now)
                    yield f"!markPrice@arr{suffix}", lambda: [mark_price(market, now)]
            case _:
                pass

    def _klines(self, market: PublicMarket, name: str, now: int) -> Iterator[tuple[str, Callable[[], object]]]:
        for interval in INTERVALS:
            stream = f"{name}@kline_{interval}"
            if stream not in self._listeners:
                continue
            made = partial(kline_event, interval=interval, symbol=market.symbol, written=market.written, now=now)
            bars = market.bars.of(interval, limit=2)
            if bars[-1].count == 1 and len(bars) == 2:
                yield stream, partial(made, bars[0], closed=True)
            yield stream, partial(made, bars[-1], closed=False)

    def _depths(self, market: PublicMarket, name: str, now: int) -> Iterator[tuple[str, Callable[[], object]]]:
        if now - self._depth_at.get(name, 0) < DEPTH_EVERY_NS:
            return
        self._depth_at[name] = now
        for levels in DEPTH_LEVELS:
            for speed in SPEEDS:
                yield f"{name}@depth{levels}{speed}", partial(depth, market, levels, now)


def path_of(stream: str) -> str:
    """On which path USD-M serves a stream: `public` or `market`."""
    suffix = stream.partition("@")[2]
    return "public" if suffix.startswith(PUBLIC) or stream == "!bookTicker" else "market"


def trade(market: PublicMarket, event: Trade) -> Event:
    row = market.trade_row(event)
    made: Event = {
        "e": "trade", "E": row["time"], "s": market.symbol, "t": row["id"], "p": row["price"], "q": row["qty"],
        "T": row["time"], "m": row["isBuyerMaker"],
    }  # fmt: skip
    return made | ({"M": True} if market.is_spot else {"X": "MARKET"})


def agg_trade(market: PublicMarket, event: Trade) -> Event:
    row = market.agg_row(event)
    return {"e": "aggTrade", "E": row["T"], "s": market.symbol, **row, **({} if market.is_spot else {"st": 1})}


def difference(market: PublicMarket, event: BookDiff) -> Event:
    """`depthUpdate` of changed levels, chained as the product chains them."""
    shown, written = market.shown, market.written
    sides = {
        name: [[written.price(shown.ticks(p)), written.quantity(shown.steps(q))] for p, q in levels]
        for name, levels in (("b", event.bids), ("a", event.asks))
    }
    head: Event = {"e": "depthUpdate", "E": ms(event.ts_event)}
    if not market.is_spot:
        head["T"] = ms(event.ts_event)
    head |= {"s": market.symbol, "U": event.first_update_id, "u": event.last_update_id}
    if not market.is_spot:
        head["pu"] = event.previous_update_id
    return head | sides


def depth(market: PublicMarket, levels: int, now: int) -> Event:
    bids, asks = market.levels(BUY, levels), market.levels(SELL, levels)
    if market.is_spot:
        return {"lastUpdateId": market.update_id, "bids": bids, "asks": asks}
    last = market.update_id
    return {
        "e": "depthUpdate", "E": ms(now), "T": ms(market.shown.as_of), "s": market.symbol, "U": last, "u": last,
        "pu": last - 1, "b": bids, "a": asks,
    }  # fmt: skip


def quote(market: PublicMarket, event: BestQuote) -> Event:
    shown, written = market.shown, market.written
    made: Event = {
        "u": event.update_id, "s": market.symbol,
        "b": written.price(shown.ticks(event.bid)), "B": written.quantity(shown.steps(event.bid_quantity)),
        "a": written.price(shown.ticks(event.ask)), "A": written.quantity(shown.steps(event.ask_quantity)),
    }  # fmt: skip
    if market.is_spot:
        return made
    return {"e": "bookTicker", **made, "T": ms(event.ts_event), "E": ms(event.ts_event)}


TICKER_FIELDS: Final = {
    "p": "priceChange", "P": "priceChangePercent", "w": "weightedAvgPrice", "c": "lastPrice", "Q": "lastQty",
    "o": "openPrice", "h": "highPrice", "l": "lowPrice", "v": "volume", "q": "quoteVolume", "O": "openTime",
    "C": "closeTime", "F": "firstId", "L": "lastId", "n": "count",
}  # fmt: skip
SPOT_TICKER_FIELDS: Final = {"x": "prevClosePrice", "b": "bidPrice", "B": "bidQty", "a": "askPrice", "A": "askQty"}


def ticker(market: PublicMarket, now: int) -> Event:
    rows = market.ticker_24h()
    fields = TICKER_FIELDS | (SPOT_TICKER_FIELDS if market.is_spot else {})
    return {"e": "24hrTicker", "E": ms(now), "s": market.symbol, **{k: rows[name] for k, name in fields.items()}}


def mini_ticker(market: PublicMarket, now: int) -> Event:
    rows = market.ticker_24h()
    short = {key: rows[TICKER_FIELDS[key]] for key in ("c", "o", "h", "l", "v", "q")}
    return {"e": "24hrMiniTicker", "E": ms(now), "s": market.symbol, **short}


def mark_price(market: PublicMarket, now: int) -> Event:
    return {
        "e": "markPriceUpdate", "E": ms(now), "s": market.symbol, "p": text(market.mark), "ap": text(market.mark),
        "i": text(market.index), "P": text(market.index), "r": text(market.rate), "T": ms(market.ts_funding), "st": 1,
    }  # fmt: skip
