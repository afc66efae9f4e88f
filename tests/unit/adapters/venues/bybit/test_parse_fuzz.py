"""Frames of Bybit, torn and altered: the parser refuses with `FrameError` or makes a fact that can be."""

import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.venues.bybit.parse import Parser
from petrosa.core.model.market import BestQuote, Liquidation, MarketEvent, Trade
from petrosa.errors import FrameError
from tests.kit.soak import examples

from .test_parse import BAR, BOOK, TICKER, TRADE, frame, message

LIQUIDATION = {"T": 1739502302929, "s": "BTCUSDT", "S": "Sell", "v": "20000", "p": "0.04499"}
REASONS = {
    "no_stream_name", "unknown_stream", "not_json", "truncated", "malformed", "absurd_value", "crossed_book",
    "unsorted_book", "symbol_mismatch",
}  # fmt: skip
FRAMES = [
    frame("btcusdt@publicTrade", message([TRADE])),
    frame("btcusdt@orderbook.1", message(BOOK | {"b": BOOK["b"][:1], "a": BOOK["a"][:1]})),
    frame("btcusdt@orderbook.50", message(BOOK)),
    frame("btcusdt@orderbook.50", message(BOOK, "delta")),
    frame("btcusdt@tickers", message(TICKER)),
    frame("btcusdt@tickers.mark", message(TICKER)),
    frame("btcusdt@kline.5", message([BAR])),
    frame("btcusdt@allLiquidation", message([LIQUIDATION])),
]


def numbers(value: object) -> list[float]:
    if isinstance(value, tuple):
        return [number for part in value for number in numbers(part)]
    return [value] if isinstance(value, float) else []


def check(parser: Parser, payload: bytes) -> MarketEvent | None:
    """Parse; whatever comes out must be possible, and go through our own messages."""
    try:
        event = parser.parse(payload, 5)
    except FrameError as error:
        return None if error.reason in REASONS else pytest.fail(f"an unnamed refusal: {error}")
    if event is not None:
        assert all(math.isfinite(number) for number in numbers(msgspec.structs.astuple(event)))
        assert event.ts_event > 0
        msgspec.json.encode(event)
    if isinstance(event, Trade | Liquidation):
        assert min(event.price, event.quantity) > 0
    if isinstance(event, BestQuote):
        assert 0 < event.bid < event.ask
    return event


@examples(400)
@given(st.sampled_from(FRAMES), st.data())
def test_altered_frames_are_refused_or_possible(own: bytes, data: st.DataObject) -> None:
    """Whatever bytes of a frame change, nothing but a `FrameError` comes and nothing absurd gets through."""
    altered = bytearray(own)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, max(0, len(altered) - 1)))
        altered[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    check(Parser("bybit", "linear", None), bytes(altered))


WILD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "0", "1", "-1", "nan", "1e400", "Buy"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*TRADE, *BOOK]), inner, max_size=3),
    max_leaves=6,
)


@examples(400)
@given(st.lists(st.tuples(st.sampled_from(FRAMES), st.integers(0, 40), WILD), max_size=6))
def test_values_of_any_kind_are_refused_or_possible(said: list[tuple[bytes, int, Any]]) -> None:
    """One parser hears a row of frames in which one value is of any kind: what it remembers does not break it."""
    parser = Parser("bybit", "linear", None)
    for own, number, value in said:
        whole = json.loads(own)
        inner = whole["data"]["data"]
        fields = inner[0] if isinstance(inner, list) else inner
        places = [(whole["data"], name) for name in whole["data"]] + [(fields, name) for name in fields]
        target, name = places[number % len(places)]
        target[name] = value
        check(parser, json.dumps(whole, separators=(",", ":")).encode())
        check(parser, own)


@pytest.mark.parametrize("payload", FRAMES)
def test_torn_frames_are_refused(payload: bytes) -> None:
    """A frame cut anywhere never becomes a fact."""
    for length in range(len(payload)):
        assert check(Parser("bybit", "linear", None), payload[:length]) is None


@examples(200)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused(garbage: bytes) -> None:
    for start in (
        b"",
        b'{"stream":"',
        b'{"stream":"btcusdt@publicTrade","data":',
        b'{"stream":"btcusdt@tickers","data":{"ts":1',
    ):
        assert check(Parser("bybit", "spot", None), start + garbage) is None
