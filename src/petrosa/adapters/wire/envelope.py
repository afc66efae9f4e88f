"""The market envelope: put round a raw frame without decoding it, and opened again by slicing.

    {"stream":"btcusdt@trade","data":{…},"timestamp":"2026-01-01T00:00:00.123456Z",
     "message_id":"btcusdt@trade:17","source":"binance-websocket","version":"1.0",
     "ts_seen_ns":1767225600123456789,"venue":"binance","market":"usdm"}

The first six keys are those of the existing socket client, in its order; the rest are ours and optional, so both
generations understand each other.
"""

from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.times import iso_z, parse_time
from petrosa.errors import FrameError

SOURCE: Final = "binance-websocket"
VERSION: Final = "1.0"
MARKER_STREAM: Final = "petrosa@recording"
"""The stream name of the messages before the first and after the last frame of a recording, or of a live feed."""

DIGITS_MAX: Final = 19

STREAMS_KEPT: Final = 8_192
"""Streams remembered; others are wrapped all the same, only slower."""

_HEAD: Final = b'{"stream":"'
_BRACE: Final = ord("}")
_TAIL: Final = b',"timestamp":"'


class Opened(NamedTuple):
    """What an envelope held. `venue` and `market` are empty when the sender did not say.

    `number` counts the sender's messages on a subject: what is between two of them was lost. 0: it does not count.
    """

    frame: RawFrame
    venue: str
    market: str
    number: int


class Begin(msgspec.Struct, frozen=True, tag_field="marker", tag="begin"):
    """What is said before the first frame of a recording: what follows, and under which name of a run.

    Arrivals are corrected already: `shift_ns` was added to each of them.
    """

    run: str
    venue: str
    market: str
    symbols: tuple[str, ...]
    digest: str
    shift_ns: int


class End(msgspec.Struct, frozen=True, tag_field="marker", tag="end"):
    """What is said after the last frame: how many there were."""

    run: str
    frames: int


class Live(msgspec.Struct, frozen=True, tag_field="marker", tag="live"):
    """What a live feed says before its first frame on a subject: from here on messages are numbered anew."""

    run: str
    venue: str
    market: str


Marker = Begin | End | Live


class _Rest(msgspec.Struct):
    timestamp: str | None = None
    message_id: str = ""
    ts_seen_ns: int | None = None
    venue: str = ""
    market: str = ""


class _Whole(_Rest):
    stream: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _Marked(msgspec.Struct):
    data: Marker


_encode: Final = msgspec.json.Encoder().encode
_rest: Final = msgspec.json.Decoder(_Rest)
_whole: Final = msgspec.json.Decoder(_Whole)
_marked: Final = msgspec.json.Decoder(_Marked)


class Wrapper:
    """Puts frames of one venue and market into envelopes, numbering them from `sequence` on."""

    def __init__(self, venue: str, market: str, sequence: int = 0) -> None:
        self.sequence = sequence
        self._end = f'","source":"{SOURCE}","version":"{VERSION}","ts_seen_ns":'
        self._ours = f',"venue":{_encode(venue).decode()},"market":{_encode(market).decode()}}}'
        self._middles: dict[bytes, str] = {}
        self._second = "none yet"
        self._time = ""

    def wrap(self, frame: RawFrame) -> bytes:
        """The envelope of a frame. Raises `FrameError` when the frame does not begin and end as a combined stream's."""
        return self.put_round(frame.arrival, frame.payload)

    def put_round(self, arrival: int, payload: bytes) -> bytes:
        """The same of a frame in two parts. Hot."""
        # What is the same for every frame of a stream, or of a second, is written once. The beginning of a frame is
        # looked up with both its quotes, so that what is found is known to begin as it must.
        middle = self._middles.get(payload[: payload.find(b'"', 11) + 1])
        if middle is None or payload[-1] != _BRACE:
            middle = self._middle(payload)
        digits = str(arrival)
        if digits[:-9] != self._second:
            self._second, self._time = digits[:-9], f',"timestamp":"{iso_z(arrival)[:-7]}'
        self.sequence = sequence = self.sequence + 1
        micros = digits[-9:-3].zfill(6)
        return payload[:-1] + f"{self._time}{micros}{middle}{sequence}{self._end}{digits}{self._ours}".encode()

    def _middle(self, payload: bytes) -> str:
        """What stands between the time and the number. Raises `FrameError`."""
        quote = payload.find(b'"', 11)
        stream = payload[11:quote]
        if payload[:11] != _HEAD or payload[-1:] != b"}" or quote < 0 or b"\\" in stream:
            raise FrameError("frame_malformed", f'expected {{"stream":"…","data":{{…}}}}, got {payload[:80]!r}')
        try:
            middle = f'Z","message_id":"{stream.decode()}:'
        except UnicodeDecodeError:
            raise FrameError("frame_malformed", f"the stream's name is not UTF-8, got {payload[:80]!r}") from None
        if len(self._middles) < STREAMS_KEPT:
            self._middles[payload[: quote + 1]] = middle
        return middle

    def mark(self, marker: Marker, now: int) -> bytes:
        """The envelope of a marker; it does not count as a frame."""
        data = self.wrap(RawFrame(now, b'{"stream":"%b","data":%b}' % (MARKER_STREAM.encode(), _encode(marker))))
        self.sequence -= 1
        return data


def unwrap(data: bytes) -> Opened:
    """The frame in an envelope, byte for byte as the venue sent it.

    Envelopes with the keys in the usual order are sliced; others are read key by key. Raises `FrameError` with reason
    `envelope_malformed` or `envelope_time`.
    """
    cut = data.rfind(_TAIL)
    quote = data.find(b'"', 11)
    if cut > 0 and data[:11] == _HEAD and data[quote + 1 : quote + 9] == b',"data":':
        try:
            # If what follows the cut is a whole object, the cut is at the top level: nothing deeper could end there.
            rest = _rest.decode(b"{" + data[cut + 1 :])
        except ValueError:
            return _unwrap_any_order(data)
        return Opened(RawFrame(_arrival(rest), data[:cut] + b"}"), rest.venue, rest.market, _number(rest))
    return _unwrap_any_order(data)


def marker_of(data: bytes) -> Marker | None:
    """What a marker says; None for any other message. Raises `FrameError` for one that this version cannot read."""
    if not data.startswith(b'{"stream":"petrosa@recording"'):
        return None
    try:
        return _marked.decode(data).data
    except ValueError as problem:
        raise FrameError("envelope_malformed", f"marker of a recording: {problem}; got {data[:80]!r}") from None


def _unwrap_any_order(data: bytes) -> Opened:
    try:
        whole = _whole.decode(data)
    except (ValueError, RecursionError) as problem:
        raise FrameError("envelope_malformed", f"{problem}; got {data[:80]!r}") from None
    if not whole.stream or not len(bytes(whole.data)):
        raise FrameError("envelope_malformed", f"stream or data is missing; got {data[:80]!r}")
    payload = b'{"stream":%b,"data":%b}' % (_encode(whole.stream), bytes(whole.data))
    return Opened(RawFrame(_arrival(whole), payload), whole.venue, whole.market, _number(whole))


def _number(rest: _Rest) -> int:
    """Only our own ids end in a number; those of others are random."""
    number = rest.message_id.rpartition(":")[2]
    ours = rest.ts_seen_ns is not None and len(number) < DIGITS_MAX and number.isascii() and number.isdecimal()
    return int(number) if ours else 0


def _arrival(rest: _Rest) -> int:
    """Our own nanoseconds, or the microseconds of the older client."""
    if rest.ts_seen_ns is not None:
        if not 0 < rest.ts_seen_ns < 1 << 63:
            raise FrameError("envelope_time", f"ts_seen_ns = {rest.ts_seen_ns} is not a time in nanoseconds since 1970")
        return rest.ts_seen_ns
    if rest.timestamp is None:
        raise FrameError("envelope_time", "neither ts_seen_ns nor timestamp says when this was received")
    return parse_time(rest.timestamp, "timestamp", "envelope_time")
