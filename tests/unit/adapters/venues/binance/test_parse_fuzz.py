"""Real frames, torn and altered: the parser refuses with `FrameError` or makes a fact that can be."""

import gzip
import math
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from petrosa.adapters.venues.binance.parse import Parser
from petrosa.core.model.market import BestQuote, Depth, Liquidation, MarketEvent, Trade
from petrosa.errors import FrameError
from tests.kit.recordings import recording_dir
from tests.kit.soak import examples

from .test_parse import BOOK, DIFF, KLINE, QUOTE, TRADE, frame

REASONS = {
    "no_stream_name", "unknown_stream", "not_json", "truncated", "malformed", "absurd_value", "crossed_book",
    "unsorted_book", "symbol_mismatch", "coin_margined", "option",
}  # fmt: skip

FORCED = {
    "E": 2,
    "o": {"s": "BTCUSDT", "S": "SELL", "q": "2", "p": "9910", "ap": "9920", "X": "FILLED", "z": "2", "T": 3},
}
OWN_FRAMES = [
    ("spot", frame("btcusdt@trade", TRADE)),
    ("spot", frame("btcusdt@depth@100ms", DIFF)),
    ("usdm", frame("btcusdt@depth@0ms", DIFF | {"T": 5, "pu": 188})),
    ("spot", frame("btcusdt@bookTicker", QUOTE)),
    ("spot", frame("btcusdt@depth20@100ms", BOOK)),
    ("spot", frame("btcusdt@snapshot", BOOK)),
    ("spot", frame("btcusdt@kline_1m", KLINE)),
    ("usdm", frame("btcusdt@forceOrder", FORCED)),
    ("usdm", frame("!forceOrder@arr", FORCED)),
    ("usdm", frame("!bookTicker", QUOTE | {"T": 9})),
]


def numbers(value: object) -> list[float]:
    """Every float in a fact, however deep."""
    if isinstance(value, float):
        return [value]
    if isinstance(value, tuple):
        return [number for part in value for number in numbers(part)]
    return []


def check(market: str, payload: bytes) -> MarketEvent | None:
    """Parse; whatever comes out must be possible."""
    try:
        event = Parser("binance", market, None).parse(payload, 5)
    except FrameError as error:
        return None if error.reason in REASONS else pytest.fail(f"an unnamed refusal: {error}")
    if event is not None:
        assert all(math.isfinite(number) for number in numbers(msgspec.structs.astuple(event)))
        assert event.ts_event > 0
    match event:
        case Trade() | Liquidation():
            assert event.price > 0
            assert event.quantity > 0
        case BestQuote():
            assert 0 < event.bid < event.ask
        case Depth() if event.bid_prices and event.ask_prices:
            assert 0 < event.bid_prices[0] < event.ask_prices[0]
        case _:
            pass
    return event


@examples(300)
@given(st.sampled_from(OWN_FRAMES), st.data())
def test_altered_frames_are_refused_or_possible(own: tuple[str, bytes], data: st.DataObject) -> None:
    """Whatever bytes of a frame change, nothing but a `FrameError` comes and nothing absurd gets through."""
    market, payload = own
    altered = bytearray(payload)
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(altered) - 1))
        altered[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        if not altered:
            break
    check(market, bytes(altered))


@pytest.mark.parametrize(("market", "payload"), OWN_FRAMES)
def test_torn_frames_are_refused(market: str, payload: bytes) -> None:
    """A frame cut anywhere never becomes a fact."""
    for length in range(len(payload)):
        assert check(market, payload[:length]) is None


@examples(200)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused(garbage: bytes) -> None:
    """Bytes that are no frame are refused, with and without the beginning of one."""
    assert check("spot", garbage) is None
    assert check("spot", b'{"stream":"' + garbage) is None
    assert check("usdm", b'{"stream":"btcusdt@trade","data":' + garbage) is None


@pytest.mark.recordings
@pytest.mark.parametrize("product", ["spot", "usdm"])
def test_altered_recorded_frames_are_refused_or_possible(product: str) -> None:
    """Frames of a recording with bytes exchanged, lost or cut off."""
    path = sorted(recording_dir(product).glob("*.gz"))[0]
    chance = random.Random(7)
    with gzip.open(path) as file:
        for number, line in zip(range(2_000), file, strict=False):
            payload = bytearray(line.partition(b" ")[2].strip()[:1_500])
            for _ in range(1 + number % 3):
                payload[chance.randrange(len(payload))] = chance.randrange(256)
            check(product, bytes(payload[: chance.randrange(len(payload))]) if number % 5 == 0 else bytes(payload))
