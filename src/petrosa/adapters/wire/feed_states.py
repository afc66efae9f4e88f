"""A feed's own words in the market stream: which stream of an instrument is live, stale or dead, as one more frame.

    {"stream":"btcusdt@feedState","data":{"stream":"trade","state":"stale","reason":"nothing for 61.0 s"}}

A frame like any other, so that envelopes, recordings and tapes hold it without knowing of it, in its place among the
frames. It has no time of its own: it is true from its arrival on. A feed says it when it changes, and again now and
then for those who came later; who reads takes what changes nothing for nothing.
"""

from collections.abc import Callable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from petrosa.core.model.market import FeedState, FeedStateChanged, instrument_id, symbol_of

SUFFIX: Final = "feedState"
"""What stands after the `@` of the stream's name."""
MARK: Final = b"@feedState"
NAME_END: Final = 100
"""A stream's name ends before this byte of its frame."""


class _Data(msgspec.Struct, frozen=True):
    stream: Annotated[str, Meta(min_length=1, max_length=64)]
    state: FeedState
    reason: str = ""


class _Frame(msgspec.Struct, frozen=True):
    data: _Data


_decode: Final = msgspec.json.Decoder(_Frame).decode
_encode: Final = msgspec.json.Encoder().encode


def is_feed_state(payload: bytes) -> bool:
    """Whether a frame is what a feed says of its streams, by its stream's name."""
    return payload.find(MARK, 0, NAME_END) > 0


def encode_feed_state(change: FeedStateChanged) -> bytes:
    """The frame of a change; its time is told by when the frame arrives."""
    symbol, data = symbol_of(change.instrument).lower(), _Data(change.stream, change.state, change.reason)
    return b'{"stream":"%b@feedState","data":%b}' % (symbol.encode(), _encode(data))


def stream_told(payload: bytes) -> str:
    """Which stream a frame speaks of; empty for one that cannot be read."""
    try:
        return _decode(payload).data.stream
    except msgspec.DecodeError:
        return ""


def feed_state_route(venue: str, market: str, symbol: str) -> Callable[[bytes, int], FeedStateChanged]:
    """What turns such frames of one symbol into facts; what it returns raises msgspec's errors."""
    key = instrument_id(venue, market, symbol)

    def route(payload: bytes, ts_seen: int) -> FeedStateChanged:
        data = _decode(payload).data
        return FeedStateChanged(key, ts_seen, ts_seen, data.stream, data.state, data.reason)

    return route
