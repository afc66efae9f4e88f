"""One function per kind of stream that turns its frames into facts, made once for each stream that is heard.

Each maker takes the stream and returns the function that every frame of it goes through. Those raise `FrameError`, or
msgspec's errors, which `parse` translates. `ts_event` is the matching engine's time where the venue sends it (`T`),
else the time of sending (`E`), else `ts_seen`.
"""

from typing import Final

import msgspec

from petrosa.adapters.feeds.parser import Maker, Route, Stream
from petrosa.adapters.venues.binance import wire
from petrosa.adapters.wire.bounds import PRICE_MAX, PRICE_MIN, QUANTITY_MAX, Levels
from petrosa.adapters.wire.refusals import absurd, crossed, mismatch
from petrosa.core.market.candles import interval_ns
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    Candle,
    Depth,
    InstrumentId,
    Liquidation,
    MarkPrice,
    Ticker,
    Trade,
)
from petrosa.errors import FrameError

BUY: Final = Side.BUY
SELL: Final = Side.SELL
SIDES: Final = {"BUY": BUY, "SELL": SELL}

_named: Final = msgspec.json.Decoder(wire.Frame[wire.NamedData], strict=False).decode
_forced: Final = msgspec.json.Decoder(wire.Frame[wire.NamedOrder], strict=False).decode


def quoted_symbol(payload: bytes) -> str:
    """Whose best quote a frame of `!bookTicker` has."""
    return _named(payload).data.s


def forced_symbol(payload: bytes) -> str:
    """Whose liquidation a frame of `!forceOrder@arr` has."""
    return _forced(payload).data.o.s


def trade(stream: Stream) -> Route:
    """`{"e":"trade","s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true}`."""
    instrument, symbol, skipped = stream
    decode = msgspec.json.Decoder(wire.Frame[wire.TradeData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> Trade | None:
        data = decode(payload).data
        if data.X != "MARKET":
            skipped["trade_not_market"] += 1
            return None
        price, quantity = data.p, data.q
        if not (PRICE_MIN <= price <= PRICE_MAX and 0.0 < quantity <= QUANTITY_MAX):
            raise absurd(symbol, "a trade", f"price {price}, quantity {quantity}")
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        return Trade(instrument, data.T * NS_PER_MS, ts_seen, price, quantity, SELL if data.m else BUY, data.t)

    return route


def agg_trade(stream: Stream) -> Route:
    """`{"e":"aggTrade","s":"BTCUSDT","a":640283266,"p":"58942.01","q":"0.000356","f":7168,"l":7170,"T":…,"m":false}`."""
    instrument, symbol = stream.instrument, stream.symbol
    decode = msgspec.json.Decoder(wire.Frame[wire.AggTradeData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> Trade:
        data = decode(payload).data
        price, quantity, count = data.p, data.q, data.l - data.f + 1
        if not (PRICE_MIN <= price <= PRICE_MAX and 0.0 < quantity <= QUANTITY_MAX and count > 0):
            raise absurd(symbol, "an aggregate trade", f"price {price}, quantity {quantity}, ids {data.f} to {data.l}")
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        return Trade(instrument, data.T * NS_PER_MS, ts_seen, price, quantity, SELL if data.m else BUY, data.a, count)

    return route


def spot_quote(stream: Stream) -> Route:
    """`{"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000","a":"61837.64000000","A":"1.54698000"}`."""
    instrument, symbol = stream.instrument, stream.symbol
    decode = msgspec.json.Decoder(wire.Frame[wire.SpotQuoteData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> BestQuote:
        data = decode(payload).data
        if data.b >= data.a:
            raise crossed(symbol, data.b, data.a)
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        return BestQuote(instrument, ts_seen, ts_seen, data.u, data.b, data.B, data.a, data.A)

    return route


def futures_quote(stream: Stream) -> Route:
    """As on spot, with `"e":"bookTicker"` and the times `T` and `E`."""
    instrument, symbol = stream.instrument, stream.symbol
    decode = msgspec.json.Decoder(wire.Frame[wire.FuturesQuoteData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> BestQuote:
        data = decode(payload).data
        if data.b >= data.a:
            raise crossed(symbol, data.b, data.a)
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        return BestQuote(instrument, data.T * NS_PER_MS, ts_seen, data.u, data.b, data.B, data.a, data.A)

    return route


def spot_diff(stream: Stream) -> Route:
    """`{"e":"depthUpdate","E":1723161255208,"s":"BTCUSDT","U":189,"u":202,"b":[["61737.63","0.0"]],"a":[]}`."""
    instrument, symbol = stream.instrument, stream.symbol
    decode = msgspec.json.Decoder(wire.Frame[wire.SpotDiffData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> BookDiff:
        data = decode(payload).data
        if data.u < data.U:
            raise absurd(symbol, "a depth update", f"ids {data.U} to {data.u}")
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        return BookDiff(instrument, data.E * NS_PER_MS, ts_seen, data.U, data.u, None, data.b, data.a)

    return route


def futures_diff(stream: Stream) -> Route:
    """As on spot, with the matching engine's time `T` and `pu`, the last id of the update before."""
    instrument, symbol = stream.instrument, stream.symbol
    decode = msgspec.json.Decoder(wire.Frame[wire.FuturesDiffData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> BookDiff:
        data = decode(payload).data
        if data.u < data.U or data.pu > data.u:
            raise absurd(symbol, "a depth update", f"ids {data.U} to {data.u} after {data.pu}")
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        return BookDiff(instrument, data.T * NS_PER_MS, ts_seen, data.U, data.u, data.pu, data.b, data.a)

    return route


def spot_depth(stream: Stream) -> Route:
    """`{"lastUpdateId":17044571457,"bids":[["1782.00","6.48"],…],"asks":[…]}`: the stream's name says whose it is."""
    instrument = stream.instrument
    decode = msgspec.json.Decoder(wire.Frame[wire.SpotDepthData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> Depth:
        data = decode(payload).data
        return _depth(instrument, ts_seen, ts_seen, data.lastUpdateId, data.bids, data.asks)

    return route


def futures_depth(stream: Stream) -> Route:
    """`{"e":"depthUpdate","E":…,"T":…,"s":"BTCUSDT","U":…,"u":…,"pu":…,"b":[…],"a":[…]}`: whole, not a difference."""
    instrument, symbol = stream.instrument, stream.symbol
    decode = msgspec.json.Decoder(wire.Frame[wire.FuturesDepthData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> Depth:
        data = decode(payload).data
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        return _depth(instrument, data.T * NS_PER_MS, ts_seen, data.u, data.b, data.a)

    return route


def snapshot(stream: Stream) -> Route:
    """A REST answer, `{"lastUpdateId":…,"bids":[…],"asks":[…]}`, futures with `E` and `T`."""
    instrument = stream.instrument
    decode = msgspec.json.Decoder(wire.Frame[wire.SpotDepthData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> BookSnapshot:
        data = decode(payload).data
        _depth(instrument, 0, 0, 0, data.bids, data.asks)  # the same order is demanded of it
        ts_event = data.T * NS_PER_MS or ts_seen
        return BookSnapshot(instrument, ts_event, ts_seen, data.lastUpdateId, data.bids, data.asks)

    return route


def ticker(stream: Stream) -> Route:
    """`{"e":"24hrTicker","E":1653812650349,"s":"ETHUSDT","P":"1.600","c":"1792.84","v":"471703.5","q":"840180761.5"}`."""
    instrument, symbol = stream.instrument, stream.symbol
    decode = msgspec.json.Decoder(wire.Frame[wire.TickerData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> Ticker:
        data = decode(payload).data
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        return Ticker(instrument, data.E * NS_PER_MS, ts_seen, data.c, data.v, data.q, data.P)

    return route


def mark_price(stream: Stream) -> Route:
    """`{"e":"markPriceUpdate","E":…,"s":"BTCUSDT","p":"58940.15","i":"58857.27","r":"0.00058455","T":1617321600000}`."""
    instrument, symbol = stream.instrument, stream.symbol
    decode = msgspec.json.Decoder(wire.Frame[wire.MarkPriceData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> MarkPrice:
        data = decode(payload).data
        if data.s != symbol:
            raise mismatch(symbol, data.s)
        rate = _rate(symbol, data.r)
        return MarkPrice(instrument, data.E * NS_PER_MS, ts_seen, data.p, data.i, rate, data.T * NS_PER_MS)

    return route


def force_order(stream: Stream) -> Route:
    """`{"e":"forceOrder","E":…,"o":{"s":"BTCUSDT","S":"SELL","q":"0.014","p":"9910","ap":"9910","z":"0.014","T":…}}`.

    An order of which nothing was filled has closed nothing: it is counted and is no fact.
    """
    instrument, symbol, skipped = stream
    decode = msgspec.json.Decoder(wire.Frame[wire.ForceOrderData], strict=False).decode

    def route(payload: bytes, ts_seen: int) -> Liquidation | None:
        order = decode(payload).data.o
        if order.s != symbol:
            raise mismatch(symbol, order.s)
        if not order.z:
            skipped["liquidation_unfilled"] += 1
            return None
        return Liquidation(instrument, order.T * NS_PER_MS, ts_seen, SIDES[order.S], order.z, order.p, order.ap)

    return route


def kline(interval: str) -> Maker:
    """`{"e":"kline","E":…,"s":"BTCUSDT","k":{"t":…,"i":"1m","o":…,"c":…,"h":…,"l":…,"v":…,"n":31,"x":false,"q":…,"V":…}}`.

    Only a closed bar (`x`) is a fact; the others are counted as skipped.
    """
    length = interval_ns(interval)

    def make(stream: Stream) -> Route:
        instrument, symbol, skipped = stream
        decode = msgspec.json.Decoder(wire.Frame[wire.KlineData], strict=False).decode

        def route(payload: bytes, ts_seen: int) -> Candle | None:
            data = decode(payload).data
            bar = data.k
            if data.s != symbol or bar.i != interval:
                raise mismatch(f"{symbol} {interval}", f"{data.s} {bar.i}")
            if not (bar.l <= min(bar.o, bar.c) and max(bar.o, bar.c) <= bar.h and bar.v >= bar.V):
                raise absurd(symbol, "a candle", f"open {bar.o}, high {bar.h}, low {bar.l}, close {bar.c}")
            if not bar.x:
                skipped["kline_open"] += 1
                return None
            return Candle(
                instrument, data.E * NS_PER_MS, ts_seen, length, bar.t * NS_PER_MS,
                bar.o, bar.h, bar.l, bar.c, bar.v, bar.q, bar.n, bar.V,
            )  # fmt: skip

        return route

    return make


def _depth(instrument: InstrumentId, ts_event: int, ts_seen: int, update_id: int, bids: Levels, asks: Levels) -> Depth:
    # Every level is a pair, or it would not have been decoded; to count again costs a tenth of the whole.
    bid_prices, bid_quantities = zip(*bids, strict=False) if bids else ((), ())
    ask_prices, ask_quantities = zip(*asks, strict=False) if asks else ((), ())
    if bids and asks and bid_prices[0] >= ask_prices[0]:
        raise crossed(instrument, bid_prices[0], ask_prices[0])
    if ask_prices != tuple(sorted(ask_prices)) or bid_prices != tuple(sorted(bid_prices, reverse=True)):
        raise FrameError("unsorted_book", f"{instrument}: levels are not in order of price")
    return Depth(instrument, ts_event, ts_seen, update_id, bid_prices, bid_quantities, ask_prices, ask_quantities)


def _rate(symbol: str, text: str) -> float:
    """A funding rate as a fraction; a delivery contract has none and sends nothing."""
    try:
        rate = float(text or "0")
    except ValueError:
        raise FrameError("malformed", f"{symbol}: funding rate {text[:20]!r} is not a number") from None
    if not -1.0 < rate < 1.0:
        raise absurd(symbol, "a funding rate", f"{rate} per interval")
    return rate
