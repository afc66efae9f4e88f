"""What a feed says of its streams travels among the frames and changes nothing else."""

import pytest

from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.wire.envelope import Wrapper, unwrap
from petrosa.adapters.wire.feed_states import encode_feed_state, is_feed_state, stream_told
from petrosa.adapters.wire.frame import RawFrame
from petrosa.apps.parsing import market_parser
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import FeedState, FeedStateChanged, Trade, instrument_id
from petrosa.errors import FrameError
from tests.kit.instruments import instrument

KEY = instrument_id("binance", "spot", "BTCUSDT")
START = 1_800_000_000 * NS_PER_SECOND
CLOCK_AHEAD = 7 * NS_PER_SECOND


def said(state: FeedState, stream: str = "trade", reason: str = "") -> bytes:
    return encode_feed_state(FeedStateChanged(KEY, 0, 0, stream, state, reason))


def trade(number: int) -> bytes:
    at = START // 1_000_000 + number
    return (
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"100.00","q":"1",'
        b'"T":%d,"m":true,"M":true}}' % (at, number, at)
    )


def normaliser(shift: int | None = 0) -> Normaliser:
    rules = instrument()
    return Normaliser(market_parser("binance", "spot", ["BTCUSDT"]), {rules.id: rules}, 0, shift)


@pytest.mark.parametrize("state", list(FeedState))
def test_a_state_comes_back_as_it_was_said(state: FeedState) -> None:
    """Through an envelope too, at the time at which it was heard; quotes in a reason are quoted."""
    payload = said(state, "depth@100ms", 'the venue says "no"')
    opened = unwrap(Wrapper("binance", "spot").wrap(RawFrame(START, payload)))
    ((now, event),) = normaliser().feed([opened.frame])
    expected = FeedStateChanged(KEY, START, START, "depth@100ms", state, 'the venue says "no"')
    assert (now, event) == (START, expected)
    assert is_feed_state(payload)
    assert stream_told(payload) == "depth@100ms"


def test_what_was_said_before_is_no_news() -> None:
    """A feed says its states again for those who come late; who knows them hears nothing."""
    frames = [said(FeedState.LIVE), said(FeedState.LIVE), said(FeedState.STALE), said(FeedState.STALE, "ticker"),
              said(FeedState.STALE), said(FeedState.LIVE)]  # fmt: skip
    heard = normaliser().feed([RawFrame(START + at, frame) for at, frame in enumerate(frames)])
    states = [(event.stream, event.state) for _, event in heard if isinstance(event, FeedStateChanged)]
    assert states == [("trade", FeedState.LIVE), ("trade", FeedState.STALE), ("ticker", FeedState.STALE),
                      ("trade", FeedState.LIVE)]  # fmt: skip


def test_it_says_nothing_of_the_venues_clock() -> None:
    """The shift of a recording is found from the venue's frames; a state is moved by it like all others."""
    reader = normaliser(None)
    frames = [RawFrame(START + CLOCK_AHEAD, said(FeedState.STALE))]
    frames += [RawFrame(START + CLOCK_AHEAD + number * 1_000_000, trade(number)) for number in (1, 2, 3)]
    heard = [*reader.feed(frames), *reader.flush()]
    assert reader.shift == -CLOCK_AHEAD
    assert [type(event) for _, event in heard] == [FeedStateChanged, Trade, Trade, Trade]
    assert heard[0][0] == heard[0][1].ts_event == START


def test_other_symbols_states_are_nobodys() -> None:
    other = encode_feed_state(
        FeedStateChanged(instrument_id("binance", "spot", "ETHUSDT"), 0, 0, "trade", FeedState.DEAD, "")
    )
    reader = normaliser()
    assert not reader.feed([RawFrame(START, other)])
    assert not reader.errors


@pytest.mark.parametrize("data", [b"{}", b'{"stream":"","state":"live"}', b'{"stream":"trade","state":"well"}', b"[1]"])
def test_what_is_no_state_is_counted(data: bytes) -> None:
    payload = b'{"stream":"btcusdt@feedState","data":%b}' % data
    with pytest.raises(FrameError):
        market_parser("binance", "spot", ["BTCUSDT"]).parse(payload, START)
    assert stream_told(payload) == ""
