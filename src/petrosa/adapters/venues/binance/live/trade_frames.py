"""Trades of a stream as the venue says them over REST, and what is read off a frame without reading all of it."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.trade_chain import Print
from petrosa.adapters.venues.binance.wire import Frame
from petrosa.adapters.wire.bounds import Count, Millis
from petrosa.errors import DataError

TRADES: Final = frozenset({"trade", "aggTrade"})


class _TradeIds(msgspec.Struct, gc=False):
    t: Count


class _AggIds(msgspec.Struct, gc=False):
    a: Count
    f: Count
    l: Count  # noqa: E741 - the venue's name


class _TradeRow(msgspec.Struct, gc=False):
    """`{"id":28457,"price":"4.00000100","qty":"12.0","quoteQty":"48.0","time":1499865549590,"isBuyerMaker":true,…}`."""

    id: Count
    price: str
    qty: str
    time: Millis
    isBuyerMaker: bool  # noqa: N815 - the venue's spelling
    isBestMatch: bool = True  # noqa: N815


class _AggRow(msgspec.Struct, gc=False, omit_defaults=True):
    """`{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27781,"T":1498793709153,"m":true,"M":true}`."""

    a: Count
    p: str
    q: str
    f: Count
    l: Count  # noqa: E741 - the venue's name
    T: Millis
    m: bool
    nq: str | msgspec.UnsetType = msgspec.UNSET
    M: bool | msgspec.UnsetType = msgspec.UNSET


class Source(NamedTuple):
    """Where trades by id are asked for. `most` rows at once cost `weight`; `keyed` ones need the header of a key."""

    path: str
    most: int
    weight: int
    keyed: bool = False


SOURCES: Final = {
    ("spot", "trade"): Source("/api/v3/historicalTrades", 1_000, 25),
    ("spot", "aggTrade"): Source("/api/v3/aggTrades", 1_000, 4),
    ("usdm", "trade"): Source("/fapi/v1/historicalTrades", 500, 20, keyed=True),
    ("usdm", "aggTrade"): Source("/fapi/v1/aggTrades", 1_000, 20),
}


def reader(kind: str) -> Callable[[bytes], Print]:
    """What reads the ids off the frames of `trade` or `aggTrade`; it raises `msgspec.MsgspecError`."""
    if kind == "trade":
        ids = msgspec.json.Decoder(Frame[_TradeIds]).decode

        def trade(frame: bytes) -> Print:
            number = ids(frame).data.t
            return Print(number, number, number, frame)

        return trade
    aggregate_ids = msgspec.json.Decoder(Frame[_AggIds]).decode

    def aggregate(frame: bytes) -> Print:
        data = aggregate_ids(frame).data
        return Print(data.a, data.f, data.l, frame)

    return aggregate


def trades_from(market: str, kind: str, symbol: str, first: int, count: int) -> Request:
    """Ask for trades from an id on, as many as there are wanted or as one answer may hold."""
    source = SOURCES[market, kind]
    params = {"symbol": symbol, "fromId": str(first), "limit": str(min(count, source.most))}
    return Request("GET", source.path, params, signed=False, weight=source.weight, keyed=source.keyed)


def read_rows(market: str, kind: str, symbol: str, body: bytes) -> Sequence[Print]:
    """The rows of an answer as the stream would have sent them, ascending; the time of sending is that of the trade.

    Raises `DataError`.
    """
    stream = f"{symbol.lower()}@{kind}"
    try:
        if kind == "trade":
            rows = [_trade(market, stream, symbol, row) for row in _TRADE_ROWS.decode(body)]
        else:
            rows = [_aggregate(stream, symbol, row) for row in _AGG_ROWS.decode(body)]
    except msgspec.MsgspecError as problem:
        raise DataError(f"{SOURCES[market, kind].path} of {symbol}: not trades: {problem}") from None
    return sorted(rows)


_TRADE_ROWS: Final = msgspec.json.Decoder(list[_TradeRow])
_AGG_ROWS: Final = msgspec.json.Decoder(list[_AggRow])


def _trade(market: str, stream: str, symbol: str, row: _TradeRow) -> Print:
    data = {
        "e": "trade", "E": row.time, "s": symbol, "t": row.id, "p": row.price, "q": row.qty, "T": row.time,
        "m": row.isBuyerMaker, **({"M": row.isBestMatch} if market == "spot" else {"X": "MARKET"}),
    }  # fmt: skip
    return Print(row.id, row.id, row.id, msgspec.json.encode({"stream": stream, "data": data}))


def _aggregate(stream: str, symbol: str, row: _AggRow) -> Print:
    data = {"e": "aggTrade", "E": row.T, "s": symbol, **msgspec.to_builtins(row)}
    return Print(row.a, row.f, row.l, msgspec.json.encode({"stream": stream, "data": data}))
