"""A made-up market read like a recording."""

from petrosa.adapters.venues.synthetic.feed import SyntheticFeed
from petrosa.adapters.wire.frame import RawFrame
from petrosa.core.model.base import Side
from petrosa.core.model.market import MarketEvent, Trade, instrument_id

BTC = instrument_id("binance", "usdm", "BTCUSDT")
EVENTS = [(number, Trade(BTC, number, number, 1.0, 1.0, Side.BUY, number)) for number in range(5)]


def render(event: MarketEvent) -> bytes:
    assert isinstance(event, Trade)
    return b"%d" % event.trade_id


def test_frames_carry_the_time_they_are_heard_and_what_the_renderer_made() -> None:
    """In the order of the facts."""
    expected = [RawFrame(number, b"%d" % number) for number in range(5)]
    assert expected == list(SyntheticFeed(EVENTS, render).frames())


def test_batches_hold_at_most_what_was_asked_for_and_nothing_is_left_over() -> None:
    """Five frames in twos are two, two and one."""
    assert [2, 2, 1] == [len(batch) for batch in SyntheticFeed(EVENTS, render).batches(2)]
