"""Signals over the wire: what we write is the documented message, and what anybody writes is understood or named."""

import contextlib
import json
import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.wire.codec import Received, encode_signal, receive_signal
from petrosa.adapters.wire.orders import encode_order
from petrosa.core.model.signals import Action, Signal
from petrosa.errors import FrameError
from tests.kit.soak import examples

T = 1_767_225_600_123_456_789

SIGNAL = Signal(
    signal_id="9f2c",
    strategy_id="orderbook_skew",
    symbol="BTCUSDT",
    action=Action.BUY,
    confidence=0.82,
    price=64250.1,
    quantity=0.001,
    current_price=64251.0,
    ts_event=T,
    ts_seen=T + 7,
    venue="binance",
    market="usdm",
    stop_loss=63000.0,
    take_profit=67000.0,
    stop_loss_pct=0.02,
    indicators={"imbalance_ratio": 1.64},
    metadata={"signal_type": "skew", "levels": 5, "strict": True, "note": None},
    source="petrosa",
    strategy="orderbook_skew",
)

LEGACY = {
    "strategy_id": "trade_momentum",
    "symbol": "ethusdt",
    "action": "SELL",
    "confidence": 0.7,
    "price": 3000.5,
    "quantity": 0.02,
    "current_price": 3000.5,
    "timestamp": "2026-01-01T00:00:00.123456Z",
}


def decoded(data: bytes, ts_seen: int) -> Signal:
    return receive_signal(data, ts_seen).signal


def legacy(**changes: object) -> bytes:
    return json.dumps({k: v for k, v in {**LEGACY, **changes}.items() if v is not ...}).encode()


CUT = st.integers(0, 200)
MANGLED = st.builds(lambda a, b, c: legacy()[:a] + b + legacy()[c:], CUT, st.binary(max_size=6), CUT)


def refused(data: bytes) -> FrameError:
    with pytest.raises(FrameError) as caught:
        decoded(data, T)
    return caught.value


def test_writes_every_documented_field() -> None:
    """The message has the documented keys, a lower-case action, a timestamp with a Z, `source` and `strategy`."""
    written = json.loads(encode_signal(SIGNAL))
    documented = {
        "strategy_id", "symbol", "action", "confidence", "price", "quantity", "current_price", "timeframe",
        "stop_loss", "take_profit", "indicators", "metadata", "timestamp", "source", "strategy",
        "signal_id", "ts_event", "ts_seen", "venue", "market", "stop_loss_pct", "take_profit_pct", "strategy_mode",
        "schema",
    }  # fmt: skip
    assert documented == set(written)
    assert ("buy", "2026-01-01T00:00:00.123456Z") == (written["action"], written["timestamp"])


def test_strategy_is_written_even_where_the_signal_has_none() -> None:
    """`strategy` falls back to the strategy's id, because the deployed engine refuses a signal without it."""
    written = json.loads(encode_signal(msgspec.structs.replace(SIGNAL, strategy="")))
    assert "orderbook_skew" == written["strategy"]


def test_round_trip_keeps_everything() -> None:
    """A signal that crossed the wire equals the one that was sent, to the nanosecond."""
    assert SIGNAL == decoded(encode_signal(SIGNAL), T + 99)


def test_an_entry_that_waits() -> None:
    """Its kind and its end are written where there are any, and understood however other producers write them."""
    waiting = msgspec.structs.replace(SIGNAL, order_type="stop", expires_at=T + 1_800_000_000_000)
    assert waiting == decoded(encode_signal(waiting), T)
    for text in ("2026-01-01T00:30:00Z", "2026-01-01T00:30:00+00:00Z", 1_767_227_400, 1_767_227_400_000):
        found = decoded(legacy(order_type="STOP", expires_at=text), T)
        assert ("stop", 1_767_227_400_000_000_000) == (found.order_type, found.expires_at)
    assert (None, None) == (decoded(legacy(), T).order_type, decoded(legacy(), T).expires_at)
    for wrong in ("tomorrow", -1, 0, 17, 10**19, True):
        assert refused(legacy(expires_at=wrong)).reason in ("signal_timestamp", "signal_bad_field")


def test_the_market_message_that_led_to_a_signal() -> None:
    """Where a signal says which market message led to it, the reader is told; else it is 0 and the key is absent."""
    assert Received(SIGNAL, 42) == receive_signal(encode_signal(SIGNAL, 42), T)
    assert Received(SIGNAL, 0) == receive_signal(encode_signal(SIGNAL), T)
    assert b"market_sequence" not in encode_signal(SIGNAL)


FINITE = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=20)
MAYBE = st.none() | FINITE
SCALAR = st.none() | st.booleans() | FINITE | st.integers(-(2**53), 2**53) | st.text(max_size=9)


@examples(60)
@given(
    signal=st.builds(
        Signal,
        signal_id=TEXT,
        strategy_id=TEXT,
        symbol=st.from_regex(r"[A-Z0-9]{2,12}", fullmatch=True),
        action=st.sampled_from(Action),
        confidence=st.floats(0, 1),
        price=FINITE,
        quantity=FINITE,
        current_price=FINITE,
        ts_event=st.integers(10**18, 4 * 10**18),
        ts_seen=st.integers(1, 4 * 10**18),
        timeframe=st.sampled_from(["tick", "1m", "1h"]),
        venue=st.none() | TEXT,
        market=st.none() | TEXT,
        stop_loss=MAYBE,
        take_profit=MAYBE,
        stop_loss_pct=MAYBE,
        take_profit_pct=MAYBE,
        indicators=st.dictionaries(TEXT, FINITE, max_size=3),
        metadata=st.dictionaries(TEXT, SCALAR, max_size=3),
        source=TEXT,
        strategy=TEXT,
        strategy_mode=st.sampled_from(["deterministic", "ml_light", "llm_reasoning"]),
    )
)
def test_any_signal_makes_the_round_trip(signal: Signal) -> None:
    """Whatever a strategy says survives the wire unchanged."""
    assert signal == decoded(encode_signal(signal), 1)


@pytest.mark.parametrize("field", ["confidence", "price", "quantity", "current_price", "stop_loss"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_non_finite_numbers_are_not_written(field: str, value: float) -> None:
    """A signal with NaN or Infinity is refused by the writer, and the field is named."""
    with pytest.raises(FrameError, match=f"signal_not_finite: {field} = "):
        encode_signal(msgspec.structs.replace(SIGNAL, **{field: value}))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"confidence": math.nan}, "confidence"),
        ({"price": math.inf}, "price"),
        ({"stop_loss": -math.inf}, "stop_loss"),
        ({"confidence": "NaN"}, "confidence"),
        ({"indicators": {"rsi": math.nan}}, "indicators.rsi"),
        ({"metadata": {"deep": [{"x": math.nan}]}}, r"metadata\.deep\[0\]\.x"),
    ],
)
def test_non_finite_numbers_are_named_on_the_way_in(changes: dict[str, object], field: str) -> None:
    """NaN and Infinity are refused whether written bare, as text, or deep inside, and the field is named."""
    error = refused(legacy(**changes))
    assert "signal_not_finite" == error.reason
    assert field.replace("\\", "") in str(error)


def test_numbers_too_large_for_a_float_are_named() -> None:
    """1e999 is refused like Infinity, which is what it would become."""
    error = refused(legacy().replace(b"3000.5", b"1e999", 1))
    assert ("signal_not_finite", True) == (error.reason, "price" in str(error))


@pytest.mark.parametrize(
    ("word", "action"),
    [("BUY", Action.BUY), ("Sell", Action.SELL), ("HOLD", Action.HOLD), ("close", Action.CLOSE),
     ("OPEN_LONG", Action.BUY), ("OPEN_SHORT", Action.SELL), ("CLOSE_LONG", Action.CLOSE)],
)  # fmt: skip
def test_old_words_for_actions(word: str, action: Action) -> None:
    """Upper-case and the words of the first generation mean what they meant."""
    assert action == decoded(legacy(action=word), T).action


def test_old_field_names() -> None:
    """`signal_type`, `confidence_score`, `strategy` and `id` stand in for the fields they were before."""
    data = legacy(
        action=..., signal_type="BUY", confidence=..., confidence_score="0.9", strategy_id=..., strategy="tv", id="abc"
    )
    signal = decoded(data, T)
    assert (Action.BUY, 0.9, "tv", "abc") == (signal.action, signal.confidence, signal.strategy_id, signal.signal_id)


@pytest.mark.parametrize(
    "stamp",
    [
        "2026-01-01T00:00:00.123456Z", "2026-01-01T00:00:00.123456+00:00", "2026-01-01T00:00:00.123456+00:00Z",
        "2026-01-01T01:00:00.123456+01:00", "2026-01-01T00:00:00.123456", "2026-01-01 00:00:00.123456Z",
        1767225600.123456, "2026-01-01T00:00:00.123456789Z",
    ],
)  # fmt: skip
def test_spellings_of_a_time(stamp: str | float) -> None:
    """Every spelling of the timestamp seen in the wild is the same instant; one without an offset is UTC."""
    assert 1_767_225_600_123_456_000 == decoded(legacy(timestamp=stamp), T).ts_event


def test_epoch_milliseconds_are_not_taken_for_seconds() -> None:
    """A number of thirteen digits is milliseconds."""
    assert 1_767_225_600_123_000_000 == decoded(legacy(timestamp=1767225600123), T).ts_event


@pytest.mark.parametrize("stamp", ["yesterday", "", 17, -1.0, "1970-01-01T00:00:00Z", "9999-99-99", 1e18, 10**40])
def test_a_bad_timestamp_is_refused(stamp: object) -> None:
    """A timestamp that is not a time is refused instead of becoming now."""
    assert "signal_timestamp" == refused(legacy(timestamp=stamp)).reason


def test_a_missing_timestamp_is_refused() -> None:
    """A signal without any time is refused, because its age could not be judged."""
    assert "signal_timestamp" == refused(legacy(timestamp=...)).reason


def test_times_that_disagree_are_refused() -> None:
    """A message whose two times differ by more than a millisecond is refused, whichever would be right."""
    assert "signal_timestamp" == refused(legacy(ts_event=T + 2_000_000)).reason


@pytest.mark.parametrize("field", ["strategy_id", "symbol", "action", "confidence", "price"])
def test_missing_fields_are_named(field: str) -> None:
    """A signal without a field that it cannot do without is refused by name."""
    changes: dict[str, object] = {field: ...}
    if field == "price":
        changes["current_price"] = ...
    error = refused(legacy(**changes))
    assert ("signal_missing_field", True) == (error.reason, field in str(error))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"confidence": 1.5}, "confidence"),
        ({"confidence": "HIGH"}, "confidence"),
        ({"confidence": True}, "confidence"),
        ({"action": "moon"}, "action"),
        ({"price": []}, "price"),
        ({"signal_id": "a\r\nNats-Msg-Id: b"}, "signal_id"),
        ({"signal_id": "x" * 129}, "signal_id"),
        ({"indicators": {"n": 10**400}}, "indicators.n"),
    ],
)
def test_bad_fields_are_named(changes: dict[str, object], field: str) -> None:
    """A field of the wrong kind or outside its range is refused by name."""
    error = refused(legacy(**changes))
    assert ("signal_bad_field", True) == (error.reason, field in str(error))


def test_a_missing_id_is_a_function_of_the_opinion() -> None:
    """The same legacy message twice has one id, and another opinion has another."""
    first, again = decoded(legacy(), T), decoded(legacy(), T + 5)
    assert first.signal_id == again.signal_id
    assert first.signal_id != decoded(legacy(action="buy"), T).signal_id


def test_unknown_keys_are_ignored_and_nested_metadata_kept_as_text() -> None:
    """Trace contexts and fields we do not know do no harm, and a list in the metadata is kept as JSON."""
    data = legacy(_otel_trace_context={"traceparent": "00-1"}, metadata={"why": ["a", 1]}, indicators={"t": "up"})
    signal = decoded(data, T)
    assert ({"why": '["a",1]'}, {}) == (signal.metadata, signal.indicators)


def test_deep_nesting_is_malformed_not_a_crash() -> None:
    """Ten thousand brackets are one counted frame."""
    data = legacy(metadata=...)[:-1] + b',"metadata":{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}}"
    assert "signal_malformed" == refused(data).reason


@examples(200)
@given(st.binary(max_size=80) | MANGLED)
def test_no_bytes_crash_the_decoder(data: bytes) -> None:
    """Whatever arrives is a signal or a named refusal."""
    with contextlib.suppress(FrameError):
        assert decoded(data, T).strategy_id


def test_the_old_order_of_a_sell() -> None:
    """A sell is an upper-case SHORT limit order in the shape of the oldest generation."""
    sell = msgspec.structs.replace(SIGNAL, action=Action.SELL)
    order = json.loads(encode_order(sell) or b"{}")
    assert ("SELL", "SHORT", "LIMIT", "GTC", 1, 0.82, "order_9f2c") == (
        order["side"], order["position_type"], order["order_type"], order["time_in_force"], order["leverage"],
        order["confidence_score"], order["order_id"],
    )  # fmt: skip
    assert 63000.0 == order["metadata"]["stop_loss"]


def test_the_old_order_can_be_read_as_a_signal() -> None:
    """What we write for the oldest generation says the same thing when it is read back."""
    back = decoded(encode_order(SIGNAL) or b"", T)
    assert (SIGNAL.signal_id, SIGNAL.action, SIGNAL.strategy_id) == (back.signal_id, back.action, back.strategy_id)


@pytest.mark.parametrize("action", [Action.HOLD, Action.CLOSE])
def test_hold_and_close_have_no_old_order(action: Action) -> None:
    """The old shape has no side for them, so nothing is written rather than a guess."""
    assert encode_order(msgspec.structs.replace(SIGNAL, action=action)) is None


def test_only_who_asks_for_it_gets_a_stamp() -> None:
    """Without a time a message is refused, or stamped on arrival and marked so; a time that is there is kept."""
    body = {"strategy_id": "s", "symbol": "BTCUSDT", "action": "buy", "confidence": 0.8, "price": 1.0}
    with pytest.raises(FrameError, match="timestamp is missing"):
        receive_signal(msgspec.json.encode(body), T)
    stamped = receive_signal(msgspec.json.encode(body), T, stamps=True)
    assert (T, True) == (stamped.signal.ts_event, stamped.is_stamped)
    timed = receive_signal(msgspec.json.encode({**body, "ts_event": T - 5}), T, stamps=True)
    assert (T - 5, False) == (timed.signal.ts_event, timed.is_stamped)
    with pytest.raises(FrameError, match="is not a time"):
        receive_signal(msgspec.json.encode({**body, "timestamp": "soon"}), T, stamps=True)


def test_a_signal_without_a_name_may_be_given_one() -> None:
    """And one that has a name keeps it."""
    body = {"strategy_id": "s", "symbol": "BTCUSDT", "action": "buy", "confidence": 0.8, "price": 1.0, "ts_event": T}
    assert "given" == receive_signal(msgspec.json.encode(body), T, unnamed="given").signal.signal_id
    named = msgspec.json.encode({**body, "id": "own"})
    assert "own" == receive_signal(named, T, unnamed="given").signal.signal_id
