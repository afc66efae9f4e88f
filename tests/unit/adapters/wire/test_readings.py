"""Frames of readings: what they hold, what they refuse, and that nothing found in one crashes anything."""

from math import inf, nan

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.readings import VALUES_MAX, encode_reading, is_reading, line_of, parse_reading
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Reading
from petrosa.errors import FrameError
from tests.kit.soak import examples

TS = 1_767_225_600 * NS_PER_SECOND
QUOTE = Reading("coinbase", "quote", "BTC/USD", TS, TS + 5, {"bid": 61_837.63, "ask": 61_837.64})
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,63}", fullmatch=True)


def frame(data: str, stream: str = "coinbase@reading") -> RawFrame:
    return RawFrame(TS, f'{{"stream":"{stream}","data":{data}}}'.encode())


def reason(heard: RawFrame) -> str:
    with pytest.raises(FrameError) as caught:
        parse_reading(heard)
    return caught.value.reason


def data(**changes: object) -> str:
    whole = {"topic": "quote", "subject": "BTC/USD", "ts_event_ns": TS, "values": {"bid": 1.0}}
    return msgspec.json.encode({**whole, **changes}).decode()


def test_the_frame_is_the_documented_one() -> None:
    """To the byte, and as a line of a recording after the time it was heard."""
    expected = (
        b'{"stream":"coinbase@reading","data":{"topic":"quote","subject":"BTC/USD","ts_event_ns":1767225600000000000,'
        b'"values":{"bid":61837.63,"ask":61837.64}}}'
    )
    assert expected == encode_reading(QUOTE)
    assert b"%d %b\n" % (TS + 5, expected) == line_of(QUOTE)


@given(
    st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,63}", fullmatch=True), names, names, st.integers(TS, 2 * TS),
    st.dictionaries(names, st.floats(-1e24, 1e24), min_size=1, max_size=VALUES_MAX),
)  # fmt: skip
@examples(50)
def test_what_is_written_reads_back(source: str, topic: str, subject: str, ts: int, values: dict[str, float]) -> None:
    """Every reading that a frame can hold comes back as the same, to the last bit of its numbers."""
    reading = Reading(source, topic, subject, ts, ts + 1, values)
    assert reading == parse_reading(RawFrame(ts + 1, encode_reading(reading)))


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"values": {}}, "malformed"),
        ({"values": {f"v{n}": 1.0 for n in range(VALUES_MAX + 1)}}, "malformed"),
        ({"values": {"bid": "1.0"}}, "malformed"),
        ({"values": {"bid": None}}, "malformed"),
        ({"values": {"bid": 1e30}}, "absurd_value"),
        ({"values": {"a b": 1.0}}, "malformed"),
        ({"values": {"b" * 65: 1.0}}, "malformed"),
        ({"topic": "t" * 65}, "malformed"),
        ({"topic": ""}, "malformed"),
        ({"subject": "BTC\n"}, "malformed"),
        ({"ts_event_ns": 0}, "malformed"),
        ({"ts_event_ns": 1_767_225_600}, "malformed"),
        ({"ts_event_ns": 1.5}, "malformed"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(wrong: dict[str, object], why: str) -> None:
    """Sizes are bounded, numbers are numbers, times are times."""
    assert why == reason(frame(data(**wrong)))


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_without_end_is_none(text: str) -> None:
    """JSON has none, and a frame that pretends to is refused."""
    assert "malformed" == reason(frame(data(values={"bid": 1.0}).replace("1.0", text)))


@pytest.mark.parametrize("stream", ["Coinbase@reading", "@reading", "co@in@reading", "coinbase@readings", "-x@reading"])
def test_a_stream_of_no_source_is_refused(stream: str) -> None:
    """A source's name is small letters, figures, and `_ . -` inside."""
    assert reason(frame(data(), stream)) in {"unknown_stream", "no_reading"}


@pytest.mark.parametrize("value", [nan, inf, -inf, 1e25])
def test_nothing_is_written_that_does_not_read_back(value: float) -> None:
    """A reading that no frame can hold is refused where it is made."""
    with pytest.raises(FrameError):
        encode_reading(msgspec.structs.replace(QUOTE, values={"bid": value}))


@given(st.binary(max_size=200))
@examples(100)
def test_garbage_is_a_frame_error(garbage: bytes) -> None:
    """Whatever stands after the name of a source's stream."""
    for payload in (garbage, b'{"stream":"coinbase@reading",' + garbage):
        try:
            parse_reading(RawFrame(TS, payload))
        except FrameError:
            continue


def test_only_readings_look_like_readings() -> None:
    """A venue's frame is none, nor one that has the mark inside its data."""
    assert is_reading(encode_reading(QUOTE))
    assert not is_reading(b'{"stream":"btcusdt@trade","data":{"x":"@reading"}}')
    assert not is_reading(b'{"stream":"btcusdt@readings","data":{}}')
