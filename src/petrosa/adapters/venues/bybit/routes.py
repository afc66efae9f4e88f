"""One function per kind of stream that turns its frames into facts, made once for each stream that is heard.

A frame is a message of Bybit under the name of its stream, `{"stream":"btcusdt@tickers","data":{"topic":…,"type":…}}`.
Differences are told from the last snapshot on, so that books, quotes and tickers remember what came before.
"""

from typing import Final

import msgspec

from petrosa.adapters.feeds.parser import Maker, Route, Stream
from petrosa.adapters.venues.bybit import wire
from petrosa.adapters.venues.bybit.symbols import INTERVALS
from petrosa.adapters.wire.bounds import Levels
from petrosa.adapters.wire.refusals import absurd, crossed, mismatch
from petrosa.core.market.candles import interval_ns
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.market import BestQuote, BookDiff, BookSnapshot, Candle, Liquidation, MarkPrice, Ticker, Trade
from petrosa.errors import FrameError

SIDES: Final = {"Buy": Side.BUY, "Sell": Side.SELL}
SNAPSHOT: Final = "snapshot"
ID_BITS: Final = 63
LEVELS_MAX: Final = 64
"""Levels that a side of the best quote may have while it changes; one, when all is well."""
MILLIS_END: Final = 10**13


def trade(stream: Stream) -> Route:
    """`{"T":1672304486865,"s":"BTCUSDT","S":"Buy","v":"0.001","p":"16578.50","L":"PlusTick","i":"20f43950-…","BT":false}`.

    `S` is the taker's side. A block trade (`BT`) is agreed beside the book: it is counted and is no fact.
    """
    instrument, symbol, skipped = stream
    decode = msgspec.json.Decoder(wire.Frame[tuple[wire.TradeData]], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> Trade | None:
        (data,) = decode(payload).data.data
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        if data.BT:
            skipped["trade_block"] += 1
            return None
        if not data.v:
            raise absurd(symbol, "a trade", f"price {data.p}, quantity {data.v}")
        return Trade(instrument, data.T * NS_PER_MS, ts_seen, data.p, data.v, SIDES[data.S], trade_id(data.i))

    return route


def liquidation(stream: Stream) -> Route:
    """`{"T":1739502302929,"s":"ROSEUSDT","S":"Sell","v":"20000","p":"0.04499"}`, one a frame.

    `S` is the side of the position: the order that closes it goes the other way.
    """
    instrument, symbol = stream.instrument, stream.symbol
    decode = msgspec.json.Decoder(wire.Frame[tuple[wire.LiquidationData]], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> Liquidation:
        (data,) = decode(payload).data.data
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        if not data.v:
            raise absurd(symbol, "a liquidation", f"price {data.p}, quantity {data.v}")
        return Liquidation(instrument, data.T * NS_PER_MS, ts_seen, SIDES[data.S].opposite, data.v, data.p)

    return route


def trade_id(text: str) -> int:
    """Numbers as they are; of an id in words (a UUID on linear) the first 63 bits. Raises `FrameError` for others."""
    try:
        number = int(text) if text.isdecimal() else int(text.replace("-", "")[:16], 16) >> 1
    except ValueError:
        raise FrameError("malformed", f"trade id {text[:40]!r} is neither a number nor a UUID") from None
    if not 0 <= number < 1 << ID_BITS:
        raise FrameError("absurd_value", f"trade id {text[:40]!r} has more than {ID_BITS} bits")
    return number


class _Ids:
    """Update ids that grow. Bybit begins anew at 1 when its service restarts; readers of a book take that for old."""

    __slots__ = ("_last", "_offset")

    def __init__(self) -> None:
        self._last = self._offset = 0

    def of(self, update_id: int, *, begins: bool) -> int:
        if begins and update_id + self._offset < self._last:
            self._offset = self._last + 1 - update_id
        number = update_id + self._offset
        self._last = max(self._last, number)
        return number


def book(stream: Stream) -> Route:
    """`{"type":"delta","ts":…,"data":{"s":"BTCUSDT","b":[["30247.20","30.028"]],"a":[],"u":177400507,"seq":…},"cts":…}`.

    A snapshot, or `u` of 1, replaces the book; a delta goes on where `u` is one more than before. The time is the
    matching engine's (`cts`), where it is told.
    """
    instrument, symbol = stream.instrument, stream.symbol
    decode = msgspec.json.Decoder(wire.Frame[wire.BookData], strict=False).decode
    ids = _Ids()

    def route(payload: bytes, ts_seen: int) -> BookSnapshot | BookDiff:
        message = decode(payload).data
        data, ts_event = message.data, (message.cts or message.ts) * NS_PER_MS
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        begins = message.type == SNAPSHOT or data.u == 1
        if begins:
            _sound(symbol, data.b, data.a)
        number = ids.of(data.u, begins=begins)
        if begins:
            return BookSnapshot(instrument, ts_event, ts_seen, number, data.b, data.a)
        return BookDiff(instrument, ts_event, ts_seen, number, number, None, data.b, data.a)

    return route


def quote(stream: Stream) -> Route:
    """`orderbook.1`, as `book`: the best level of each side, by snapshot and differences.

    The time is that of sending (`ts`): what stands unchanged is said again every 3 s, and is then so at that time.
    """
    instrument, symbol, skipped = stream
    decode = msgspec.json.Decoder(wire.Frame[wire.BookData], strict=False).decode
    bids: dict[float, float] = {}
    asks: dict[float, float] = {}
    last = 0

    def route(payload: bytes, ts_seen: int) -> BestQuote | None:
        nonlocal last
        message = decode(payload).data
        data = message.data
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        if message.type == SNAPSHOT or data.u == 1:
            bids.clear()
            asks.clear()
        elif last == 0 or data.u != last + 1:
            if data.u > last:
                last = 0
            skipped["quote_out_of_sync" if last == 0 else "quote_old"] += 1
            return None
        last = data.u
        _change(bids, data.b)
        _change(asks, data.a)
        if max(len(bids), len(asks)) > LEVELS_MAX:
            last = 0
            raise absurd(symbol, "a best quote", f"{len(bids)} bids and {len(asks)} offers")
        if not (bids and asks):
            skipped["quote_one_sided"] += 1
            return None
        bid, ask = max(bids), min(asks)
        if bid >= ask:
            raise crossed(symbol, bid, ask)
        return BestQuote(instrument, message.ts * NS_PER_MS, ts_seen, data.u, bid, bids[bid], ask, asks[ask])

    return route


def ticker(stream: Stream) -> Route:
    """`{"type":"delta","data":{"symbol":"BTCUSDT","lastPrice":"17216.00","price24hPcnt":"0.017103","volume24h":…},"ts":…}`.

    A fraction of the price becomes a change in %. A delta that says nothing of what we read is counted.
    """
    instrument, symbol, skipped = stream
    decode = msgspec.json.Decoder(wire.Frame[wire.TickerData], strict=False).decode
    known: dict[str, float] = {}

    def route(payload: bytes, ts_seen: int) -> Ticker | None:
        message = decode(payload).data
        data = message.data
        if data.symbol != symbol:
            raise mismatch(symbol, data.symbol)
        said = {
            "last": data.last_price, "volume": data.volume_24h, "turnover": data.turnover_24h,
            "change": data.price_24h_pcnt,
        }  # fmt: skip
        if not _merged(known, said, is_snapshot=message.type == SNAPSHOT):
            skipped["ticker_without_news"] += 1
            return None
        if len(known) < len(said):
            skipped["ticker_incomplete"] += 1
            return None
        return Ticker(
            instrument, message.ts * NS_PER_MS, ts_seen, known["last"], known["volume"], known["turnover"],
            known["change"] * 100.0,
        )  # fmt: skip

    return route


def mark_price(stream: Stream) -> Route:
    """Of the same message `markPrice`, `indexPrice`, `fundingRate` and `nextFundingTime` (ms); none of it on spot."""
    instrument, symbol, skipped = stream
    decode = msgspec.json.Decoder(wire.Frame[wire.TickerData], strict=False).decode
    known: dict[str, float] = {}

    def route(payload: bytes, ts_seen: int) -> MarkPrice | None:
        message = decode(payload).data
        data = message.data
        if data.symbol != symbol:
            raise mismatch(symbol, data.symbol)
        said = {
            "mark": data.mark_price, "index": data.index_price, "rate": _rate(symbol, data.funding_rate),
            "next": _millis(symbol, data.next_funding_time),
        }  # fmt: skip
        if not _merged(known, said, is_snapshot=message.type == SNAPSHOT):
            skipped["mark_without_news"] += 1
            return None
        if len(known) < len(said):
            skipped["mark_incomplete"] += 1
            return None
        ts_next = int(known["next"]) * NS_PER_MS
        return MarkPrice(
            instrument, message.ts * NS_PER_MS, ts_seen, known["mark"], known["index"], known["rate"], ts_next
        )

    return route


def kline(name: str) -> Maker:
    """`{"start":1672324800000,"interval":"5","open":"16649.5","close":"16677","high":…,"confirm":false,"timestamp":…}`.

    Only a closed bar (`confirm`) is a fact; the others are counted. Bybit tells neither how many trades are in a bar
    nor what takers bought of it: both are 0.
    """
    length = interval_ns(INTERVALS[name])

    def make(stream: Stream) -> Route:
        instrument, symbol, skipped = stream
        decode = msgspec.json.Decoder(wire.Frame[tuple[wire.KlineData]], strict=False).decode

        def route(payload: bytes, ts_seen: int) -> Candle | None:
            (bar,) = decode(payload).data.data
            if bar.interval != name:
                raise mismatch(f"{symbol} {name}", bar.interval)
            if not (bar.low <= min(bar.open, bar.close) and max(bar.open, bar.close) <= bar.high):
                raise absurd(symbol, "a candle", f"open {bar.open}, high {bar.high}, low {bar.low}, close {bar.close}")
            if not bar.confirm:
                skipped["kline_open"] += 1
                return None
            return Candle(
                instrument, bar.timestamp * NS_PER_MS, ts_seen, length, bar.start * NS_PER_MS,
                bar.open, bar.high, bar.low, bar.close, bar.volume, bar.turnover, 0, 0.0,
            )  # fmt: skip

        return route

    return make


def _sound(symbol: str, bids: Levels, asks: Levels) -> None:
    """Levels of a snapshot are in order and not crossed."""
    bid_prices, ask_prices = [price for price, _ in bids], [price for price, _ in asks]
    if bids and asks and bid_prices[0] >= ask_prices[0]:
        raise crossed(symbol, bid_prices[0], ask_prices[0])
    if ask_prices != sorted(ask_prices) or bid_prices != sorted(bid_prices, reverse=True):
        raise FrameError("unsorted_book", f"{symbol}: levels are not in order of price")


def _change(side: dict[float, float], levels: Levels) -> None:
    for price, quantity in levels:
        if quantity > 0.0:
            side[price] = quantity
        else:
            side.pop(price, None)


def _merged(known: dict[str, float], said: dict[str, float | None], *, is_snapshot: bool) -> bool:
    """Take in what a message says; whether that was anything. A delta says nothing before there is a snapshot."""
    if is_snapshot:
        known.clear()
    elif not known:
        return False
    news = {name: value for name, value in said.items() if value is not None}
    known.update(news)
    return bool(news)


def _rate(symbol: str, text: str | None) -> float | None:
    """A funding rate as a fraction per interval; a contract without funding sends nothing, which is 0."""
    if text is None:
        return None
    try:
        rate = float(text or "0")
    except ValueError:
        raise FrameError("malformed", f"{symbol}: funding rate {text[:20]!r} is not a number") from None
    if not -1.0 < rate < 1.0:
        raise absurd(symbol, "a funding rate", f"{rate} per interval")
    return rate


def _millis(symbol: str, text: str | None) -> float | None:
    if text is None:
        return None
    if not (text == "" or (text.isascii() and text.isdecimal() and len(text) <= len(str(MILLIS_END)))):
        raise FrameError("malformed", f"{symbol}: time {text[:20]!r} is not one in milliseconds")
    number = int(text or "0")
    if number >= MILLIS_END:
        raise absurd(symbol, "the next funding", f"time {number} ms")
    return float(number)
