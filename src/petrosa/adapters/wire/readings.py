"""Readings in the market stream: what a source outside the venue said, as one more frame.

    {"stream":"coinbase@reading","data":{"topic":"quote","subject":"BTC/USD","ts_event_ns":1767225600123456789,
     "values":{"bid":61837.63,"ask":61837.64}}}

The stream's name is the source's. A frame like any other, so that recordings, tapes, envelopes and replays hold
readings without knowing of them. `docs/outside-facts.md` has the topics and the units of their values.
"""

import re
from collections.abc import Callable
from math import isfinite
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from petrosa.adapters.wire.frame import RawFrame
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Reading
from petrosa.errors import FrameError

SUFFIX: Final = "reading"
"""What stands after the `@` of the stream's name."""
MARK: Final = b"@reading"
VALUES_MAX: Final = 32
NAME_MAX: Final = 64
VALUE_MAX: Final = 1e24
"""Beyond this a number is a mistake, whatever its unit: all the world's money in its smallest coin is less."""

_YEAR_2000: Final = 946_684_800 * NS_PER_SECOND
_YEAR_2100: Final = 4_102_444_800 * NS_PER_SECOND
_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_STREAM: Final = re.compile(rb'\{"stream":"[^"@]{1,64}@reading"')

_Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,63}\Z", max_length=NAME_MAX)]


class _Data(msgspec.Struct, gc=False):
    topic: _Name
    subject: _Name
    ts_event_ns: Annotated[int, Meta(ge=_YEAR_2000, le=_YEAR_2100)]
    values: Annotated[dict[_Name, float], Meta(min_length=1, max_length=VALUES_MAX)]


class _Frame(msgspec.Struct, gc=False):
    data: _Data


_decode: Final = msgspec.json.Decoder(_Frame).decode
_encode: Final = msgspec.json.Encoder().encode


def is_reading(payload: bytes) -> bool:
    """Whether a frame is of a source outside the venue, by the name of its stream."""
    return _STREAM.match(payload) is not None


def reading_route(source: str) -> Callable[[bytes, int], Reading]:
    """What turns the frames of one source into readings.

    Raises `FrameError` for a name that no source can have; what it returns raises that, or msgspec's errors.
    """
    if not _SOURCE.fullmatch(source):
        raise FrameError("unknown_stream", f"{source[:60]!r} names no source: a-z, 0-9, _ . and -, at most {NAME_MAX}")

    def route(payload: bytes, ts_seen: int) -> Reading:
        data = _decode(payload).data
        for name, value in data.values.items():
            if not -VALUE_MAX <= value <= VALUE_MAX:
                raise FrameError("absurd_value", f"{source} {data.topic} of {data.subject}: {name} = {value:g}")
        return Reading(source, data.topic, data.subject, data.ts_event_ns, ts_seen, data.values)

    return route


def parse_reading(frame: RawFrame) -> Reading:
    """The reading in one frame, heard at its arrival. Raises `FrameError` and nothing else."""
    if not is_reading(frame.payload):
        raise FrameError(
            "no_reading", f"a frame of stream `<source>@{SUFFIX}` was expected, got {frame.payload[:80]!r}"
        )
    try:
        source = frame.payload[11 : frame.payload.index(MARK)].decode()
        return reading_route(source)(frame.payload, frame.arrival)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError("malformed", f"{error}; frame {frame.payload[:80]!r}") from None


def encode_reading(reading: Reading) -> bytes:
    """The frame of a reading, which reads back as the same. Raises `FrameError` for what no frame can hold."""
    data = {
        "topic": reading.topic, "subject": reading.subject, "ts_event_ns": reading.ts_event, "values": reading.values,
    }  # fmt: skip
    if not all(isfinite(value) for value in reading.values.values()):
        raise FrameError("absurd_value", f"{reading.source} {reading.topic} of {reading.subject}: {reading.values}")
    payload = b'{"stream":"%b@reading","data":%b}' % (reading.source.encode(), _encode(data))
    parse_reading(RawFrame(reading.ts_seen, payload))
    return payload


def line_of(reading: Reading) -> bytes:
    """A reading as a line of a recording, heard when it was seen."""
    return b"%d %b\n" % (reading.ts_seen, encode_reading(reading))
