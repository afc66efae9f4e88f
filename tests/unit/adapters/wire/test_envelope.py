"""The market envelope: the venue's bytes go in and come out unchanged."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.wire.envelope import Begin, End, Wrapper, marker_of, unwrap
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.times import iso_z
from petrosa.errors import FrameError
from tests.kit.soak import examples

T = 1_767_225_600_123_456_789
TRADE = b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1767225600100,"s":"BTCUSDT","p":"64250.10"}}'
OLD_CLIENT = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1767225600100,"s":"BTCUSDT","p":"64250.10"},'
    b'"timestamp":"2026-01-01T00:00:00.123456Z","message_id":"0b8f","source":"binance-websocket","version":"1.0"}'
)

CUT = st.integers(0, 220)
MANGLED = st.builds(lambda a, b, c: OLD_CLIENT[:a] + b + OLD_CLIENT[c:], CUT, st.binary(max_size=5), CUT)


def test_the_six_documented_keys_come_first() -> None:
    """The envelope has the socket client's keys in its order, then ours."""
    envelope = json.loads(Wrapper("binance", "usdm", 16).wrap(RawFrame(T, TRADE)))
    assert [
        "stream", "data", "timestamp", "message_id", "source", "version", "ts_seen_ns", "venue", "market",
    ] == list(envelope)  # fmt: skip
    assert ("btcusdt@trade:17", "2026-01-01T00:00:00.123456Z") == (envelope["message_id"], envelope["timestamp"])


def test_round_trip_is_byte_for_byte() -> None:
    """A frame that crossed the wire has the same bytes and the same arrival to the nanosecond."""
    opened = unwrap(Wrapper("binance", "usdm").wrap(RawFrame(T, TRADE)))
    assert (RawFrame(T, TRADE), "binance", "usdm", 1) == opened


def test_the_old_clients_envelope() -> None:
    """An envelope with only the six keys is opened; its arrival is its timestamp, its venue unknown."""
    assert (RawFrame(1_767_225_600_123_456_000, TRADE), "", "", 0) == unwrap(OLD_CLIENT)


@pytest.mark.parametrize("order", ["timestamp stream data", "data timestamp stream", "stream timestamp data"])
def test_keys_in_any_order(order: str) -> None:
    """Where another producer puts the keys elsewhere, the frame is still the venue's."""
    values = {"stream": "btcusdt@trade", "data": {"timestamp": "x", "n": 1}, "timestamp": "2026-01-01T00:00:00Z"}
    opened = unwrap(json.dumps({key: values[key] for key in order.split()}, separators=(",", ":")).encode())
    assert b'{"stream":"btcusdt@trade","data":{"timestamp":"x","n":1}}' == opened.frame.payload


def test_a_trace_context_after_the_version() -> None:
    """A nested key of the same name behind the envelope's own does not confuse the slicing."""
    data = OLD_CLIENT[:-1] + b',"_otel_trace_context":{"traceparent":"00","timestamp":"no"}}'
    assert TRADE == unwrap(data).frame.payload


@examples(80)
@given(
    data=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["timestamp", "e", "data", "stream"]) | st.text(), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    arrival=st.integers(10**18, 4 * 10**18),
)
def test_any_payload_makes_the_round_trip(data: object, arrival: int) -> None:
    """Nothing inside `data` can make the slicing cut in the wrong place."""
    payload = b'{"stream":"x@y","data":%b}' % json.dumps(data, separators=(",", ":")).encode()
    assert RawFrame(arrival, payload) == unwrap(Wrapper("v", "m").wrap(RawFrame(arrival, payload))).frame


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"[1]", b'{"data":{}}', b'{"stream":"a\\"b","data":{}}', b'{"stream":"abc}']
)
def test_a_frame_that_is_not_one_is_not_wrapped(payload: bytes) -> None:
    """What does not look like a combined stream's frame is refused and does not use up a number."""
    wrapper = Wrapper("binance", "spot")
    with pytest.raises(FrameError, match="frame_malformed"):
        wrapper.wrap(RawFrame(T, payload))
    assert 0 == wrapper.sequence


@pytest.mark.parametrize(
    "payload", [TRADE[:-2], TRADE[:20], b'{"stream":"btcusdt@trade}', b'x"stream":"btcusdt@trade","data":{}}', b""]
)
def test_a_broken_frame_of_a_stream_that_is_known_is_not_wrapped(payload: bytes) -> None:
    """What is kept of a stream does not stand in for what its next frame must be."""
    wrapper = Wrapper("binance", "spot")
    wrapper.wrap(RawFrame(T, TRADE))
    with pytest.raises(FrameError, match="frame_malformed"):
        wrapper.wrap(RawFrame(T, payload))
    assert 1 == wrapper.sequence


@examples(100)
@given(st.lists(st.integers(1, 10**10) | st.integers(10**18, 4 * 10**18), min_size=1, max_size=5))
def test_any_time_is_written_as_what_it_is(arrivals: list[int]) -> None:
    """Also the first second of 1970, and one second after another."""
    wrapper = Wrapper("binance", "spot")
    for arrival in arrivals:
        written = json.loads(wrapper.put_round(arrival, TRADE))
        assert (iso_z(arrival), arrival) == (written["timestamp"], written["ts_seen_ns"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "envelope_malformed"),
        (b"[]", "envelope_malformed"),
        (OLD_CLIENT[:60], "envelope_malformed"),
        (b'{"stream":"a@b","timestamp":"2026-01-01T00:00:00Z"}', "envelope_malformed"),
        (b'{"stream":"a@b","data":{}}', "envelope_time"),
        (OLD_CLIENT.replace(b"2026-01-01", b"soon"), "envelope_time"),
        (OLD_CLIENT[:-1] + b',"ts_seen_ns":-5}', "envelope_time"),
    ],
)
def test_bad_envelopes_are_named(data: bytes, reason: str) -> None:
    """What cannot be opened says why."""
    with pytest.raises(FrameError) as caught:
        unwrap(data)
    assert reason == caught.value.reason


@examples(200)
@given(st.binary(max_size=60) | MANGLED)
def test_no_bytes_crash_the_opener(data: bytes) -> None:
    """Whatever arrives is opened or a named refusal."""
    with contextlib.suppress(FrameError):
        assert unwrap(data).frame.arrival > 0


@pytest.mark.parametrize(
    "marker", [Begin("r1", "binance", "usdm", ("BTCUSDT",), "abc", -5), End("r1", 42)], ids=["begin", "end"]
)
def test_markers_of_a_recording(marker: Begin | End) -> None:
    """What stands before the first and after the last frame is told apart from frames and does not count as one."""
    wrapper = Wrapper("binance", "usdm", 7)
    assert marker == marker_of(wrapper.mark(marker, T))
    assert (None, 7) == (marker_of(OLD_CLIENT), wrapper.sequence)


def test_a_marker_of_a_later_version_is_named() -> None:
    """A marker that cannot be read is an error, never taken for a frame."""
    with pytest.raises(FrameError, match="marker of a recording"):
        marker_of(b'{"stream":"petrosa@recording","data":{"marker":"pause"}}')
