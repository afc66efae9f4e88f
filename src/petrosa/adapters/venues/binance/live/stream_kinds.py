"""What is known of a stream by its name: the socket path it is served on, and what numbers its frames."""

from collections.abc import Callable
from typing import Final

import msgspec

from petrosa.adapters.feeds.dialect import Key
from petrosa.errors import InvariantError

PUBLIC: Final = ("depth", "bookTicker", "rpiDepth", "trade")
"""Beginnings of the USD-M streams on `/public`; all others are on `/market`, and silent on any path but their own."""
FUTURES_ONLY: Final = ("markPrice", "forceOrder", "compositeIndex", "continuousKline", "contractInfo", "assetIndex")


class _Bar(msgspec.Struct, frozen=True):
    t: int = 0
    L: int = 0


class _TimedData(msgspec.Struct):
    E: int
    k: _Bar = _Bar()


class _TimedFrame(msgspec.Struct):
    data: _TimedData


class _TradeData(msgspec.Struct):
    t: int


class _TradeFrame(msgspec.Struct):
    data: _TradeData


class _AggregateData(msgspec.Struct):
    a: int


class _AggregateFrame(msgspec.Struct):
    data: _AggregateData


class _BookData(msgspec.Struct):
    u: int | None = None
    lastUpdateId: int | None = None  # noqa: N815 - the venue's name


class _BookFrame(msgspec.Struct):
    data: _BookData


_timed: Final = msgspec.json.Decoder(_TimedFrame).decode
_traded: Final = msgspec.json.Decoder(_TradeFrame).decode
_aggregated: Final = msgspec.json.Decoder(_AggregateFrame).decode
_booked: Final = msgspec.json.Decoder(_BookFrame).decode


def path_of(market: str, stream: str) -> str:
    """`spot`, `public` or `market`; nothing where the market has no such stream."""
    kind = stream.partition("@")[2]
    if market == "spot":
        return "" if kind.startswith(FUTURES_ONLY) else "spot"
    if market != "usdm":
        raise InvariantError(f"market {market!r} has no streams; spot and usdm have")
    return "public" if kind.startswith(PUBLIC) or stream == "!bookTicker" else "market"


def key_of(stream: str, frame: bytes) -> Key | None:
    """The number of a frame: trade id, update id, or event time; None for one that cannot be read."""
    try:
        return _READERS.get(stream.partition("@")[2].partition("@")[0].rstrip("0123456789"), _by_time)(frame)
    except msgspec.MsgspecError:
        return None


def _by_trade(frame: bytes) -> Key:
    return (_traded(frame).data.t,)


def _by_aggregate(frame: bytes) -> Key:
    return (_aggregated(frame).data.a,)


def _by_update(frame: bytes) -> Key:
    """Spot names the last update of partial depth in words."""
    data = _booked(frame).data
    number = data.u if data.u is not None else data.lastUpdateId
    if number is None:
        raise msgspec.ValidationError("neither u nor lastUpdateId")
    return (number,)


def _by_time(frame: bytes) -> Key:
    """Of a kline also the bar and its last trade: a bar that closes and the next one are said at the same time."""
    data = _timed(frame).data
    return (data.E, data.k.t, data.k.L)


_READERS: Final[dict[str, Callable[[bytes], Key]]] = {
    "trade": _by_trade,
    "aggTrade": _by_aggregate,
    "bookTicker": _by_update,
    "depth": _by_update,
    "rpiDepth": _by_update,
}
