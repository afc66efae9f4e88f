"""From frames to what a desk is told: corrected times, gaps, depth made of the book."""

import json
from typing import Any

from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.replay.normalise import HELD_MAX, STAMPED_FRAMES, Normaliser
from petrosa.adapters.wire.frame import RawFrame
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.market import BestQuote, BookDiff, BookGap, BookSnapshot, Depth, MarketEvent, Trade
from tests.kit.instruments import instrument

BTC = instrument("BTCUSDT")
ETH = instrument("ETHUSDT")
START = 1_723_161_600_000
"""Milliseconds; a multiple of the depth grid."""


def at(ms: float) -> int:
    return int((START + ms) * NS_PER_MS)


def frame(ms: float, stream: str, data: dict[str, Any]) -> RawFrame:
    return RawFrame(at(ms), json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode())


def trade(ms: float, number: int = 1, lead_ms: int = 0, symbol: str = "BTCUSDT") -> RawFrame:
    """A trade heard at `ms` and stamped `lead_ms` later by the venue."""
    data = {"s": symbol, "t": number, "p": "100.00", "q": "1", "T": int(START + ms) + lead_ms, "m": False}
    return frame(ms, f"{symbol.lower()}@trade", data)


def snapshot(ms: float, update_id: int, symbol: str = "btcusdt") -> RawFrame:
    data = {"lastUpdateId": update_id, "bids": [["99.99", "1"]], "asks": [["100.01", "1"]]}
    return frame(ms, f"{symbol}@snapshot", data)


def diff(ms: float, first: int, last: int, bid: str = "99.98", symbol: str = "BTCUSDT") -> RawFrame:
    data = {"E": int(START + ms), "s": symbol, "U": first, "u": last, "b": [[bid, "2"]], "a": []}
    return frame(ms, f"{symbol.lower()}@depth@100ms", data)


def quote(ms: float) -> RawFrame:
    return frame(ms, "btcusdt@bookTicker", {"s": "BTCUSDT", "u": 5, "b": "99", "B": "1", "a": "101", "A": "1"})


def normaliser(shift: int | None = 0, *, depth20: bool = True) -> Normaliser:
    instruments = {one.id: one for one in (BTC, ETH)}
    return Normaliser(Parser("binance", "spot", None), instruments, 10 * NS_PER_MS, shift, depth20)


def kinds(events: list[tuple[int, MarketEvent]]) -> list[type[MarketEvent]]:
    return [type(event) for _, event in events]


def test_arrival_is_shifted_by_one_constant() -> None:
    """The recorder was 1,300 ms behind at best: everything moves by that and the feed's latency."""
    made = normaliser(None)
    leads = [1_300, 1_350, 1_310] + [1_320] * (STAMPED_FRAMES - 3)
    assert [] == made.feed([trade(n, n, lead) for n, lead in enumerate(leads[:-1])])
    out = made.feed([trade(999, 999, leads[-1]), trade(1_000, 1_000, 5_000)])
    assert 1_360 * NS_PER_MS == made.shift
    assert [at(n + 1_360) for n in range(STAMPED_FRAMES + 1)] == [now for now, _ in out]
    assert all(now == event.ts_seen for now, event in out)


def test_a_fact_without_venue_time_gets_the_shifted_arrival() -> None:
    """Before and after the shift is known."""
    made = normaliser(None)
    out = made.feed([quote(0), *(trade(n, n, 500) for n in range(STAMPED_FRAMES)), quote(2_000)])
    quotes = [event for _, event in out if isinstance(event, BestQuote)]
    assert [(at(510), at(510)), (at(2_510), at(2_510))] == [(one.ts_event, one.ts_seen) for one in quotes]


def test_a_short_recording_is_handed_out_at_the_end() -> None:
    """With fewer stamped frames than it takes, the shift is found from those there are."""
    made = normaliser(None)
    assert [] == made.feed([quote(0), trade(1, 1, 40)])
    assert [(at(50), BestQuote), (at(51), Trade)] == [(now, type(event)) for now, event in made.flush()]
    assert [] == made.flush()


def test_without_any_stamp_nothing_is_shifted() -> None:
    """There is nothing to compare arrival with; and what is held back is bounded."""
    made = normaliser(None)
    assert HELD_MAX == len(made.feed([quote(n) for n in range(HELD_MAX)]))
    assert 0 == made.shift


def test_a_given_shift_is_used_as_it_is() -> None:
    """Frames from a bus carry corrected arrivals already."""
    assert [at(7)] == [now for now, _ in normaliser(0).feed([trade(7, 1, 999)])]


def test_now_never_decreases() -> None:
    """A frame that was heard earlier than the one before is told at the same time."""
    out = normaliser(0).feed([trade(10, 1), trade(5, 2), trade(11, 3)])
    assert [at(10), at(10), at(11)] == [now for now, _ in out]


def test_depth_is_made_on_the_grid_before_what_comes_at_that_instant() -> None:
    """A change at 20 ms is shown at 100 ms, before a trade of 100 ms, and only once."""
    made = normaliser()
    out = made.feed([snapshot(20, 10), trade(30, 1), trade(100, 2), trade(250, 3)])
    assert [BookSnapshot, Trade, Depth, Trade, Trade] == kinds(out)
    now, depth = out[2]
    assert isinstance(depth, Depth)
    assert (at(100), at(100), (99.99,), (100.01,)) == (now, depth.ts_seen, depth.bid_prices, depth.ask_prices)


def test_depth_knows_what_came_before_its_instant_and_nothing_of_it() -> None:
    """A difference at exactly 200 ms is not in the depth of 200 ms."""
    made = normaliser()
    out = made.feed([snapshot(0, 10), diff(150, 11, 11, "99.98"), diff(200, 12, 12, "99.97"), trade(300, 1)])
    depths = [(now, event.bid_prices) for now, event in out if isinstance(event, Depth)]
    assert [(at(100), (99.99,)), (at(200), (99.99, 99.98)), (at(300), (99.99, 99.98, 99.97))] == depths


def test_depth_of_several_symbols_comes_in_order_of_time() -> None:
    """What is due first is told first, whichever instrument it is of."""
    made = normaliser()
    out = made.feed([snapshot(110, 10, "btcusdt"), snapshot(20, 10, "ethusdt"), trade(500, 1)])
    depths = [(now, event.instrument) for now, event in out if isinstance(event, Depth)]
    assert [(at(200), BTC.id), (at(200), ETH.id)] == depths
    out = made.feed([diff(510, 11, 11, symbol="ETHUSDT"), diff(650, 11, 11), trade(1_000, 2)])
    depths = [(now, event.instrument) for now, event in out if isinstance(event, Depth)]
    assert [(at(600), ETH.id), (at(700), BTC.id)] == depths


def test_depth_is_not_made_when_the_venue_sends_it_or_nobody_wants_it() -> None:
    """The stream's own depth replaces ours from the first one on."""
    own = {"lastUpdateId": 12, "bids": [["99.99", "1"]], "asks": [["100.01", "1"]]}
    made = normaliser()
    out = made.feed([snapshot(0, 10), frame(10, "btcusdt@depth20@100ms", own), diff(20, 11, 11), trade(300, 1)])
    assert [BookSnapshot, Depth, BookDiff, Trade] == kinds(out)
    off = normaliser(depth20=False)
    assert [BookSnapshot, BookDiff, Trade] == kinds(off.feed([snapshot(0, 10), diff(20, 11, 11), trade(300, 1)]))


def test_a_gap_is_told_before_the_difference_that_shows_it() -> None:
    """From then on no depth is made until a snapshot comes."""
    made = normaliser()
    out = made.feed([snapshot(0, 10), diff(10, 11, 11), diff(20, 13, 13), diff(30, 14, 14), trade(300, 1)])
    assert [BookSnapshot, BookDiff, BookGap, BookDiff, BookDiff, Trade] == kinds(out)
    assert {"BTCUSDT": 1} == made.gaps
    out = made.feed([snapshot(310, 13), trade(500, 2)])
    depths = [event for _, event in out if isinstance(event, Depth)]
    assert [(14, (99.99, 99.98))] == [(depth.update_id, depth.bid_prices) for depth in depths]


def test_a_lost_difference_is_a_gap_not_a_guess() -> None:
    """A malformed difference is counted, and the next one shows the hole."""
    broken = RawFrame(at(20), diff(20, 12, 12).payload[:-9])
    made = normaliser()
    out = made.feed([snapshot(0, 10), diff(10, 11, 11), broken, diff(30, 13, 13)])
    assert BookGap in kinds(out)
    assert ({"truncated": 1}, {"BTCUSDT": 1}) == (made.errors, made.gaps)


def test_a_crossed_book_is_counted_and_makes_no_depth() -> None:
    """Until a later difference uncrosses it."""
    made = normaliser()
    out = made.feed([snapshot(0, 10), trade(100, 1), diff(110, 11, 11, "100.01"), trade(300, 2)])
    assert [BookSnapshot, Depth, Trade, BookDiff, Trade] == kinds(out)
    assert {"crossed_book": 1} == made.errors


def test_a_level_off_the_tick_is_named_and_breaks_nothing() -> None:
    """An order older than a change of the tick, or rules that do not fit the market: the remedy is said. Depth has it
    at the venue's own price."""
    made = normaliser()
    out = made.feed([snapshot(0, 10), diff(10, 11, 11, "99.985"), diff(20, 12, 12), trade(300, 1)])
    assert ({"off_tick": 1}, {"BTCUSDT": 0}) == (made.errors, made.gaps)
    assert "correct the tick in the instruments file" in made.faults.first["off_tick"]
    (depth,) = [event for _, event in out if isinstance(event, Depth)]
    assert 99.985 in depth.bid_prices


def test_an_instrument_without_rules_is_refused_and_counted() -> None:
    """Its facts reach nobody."""
    made = normaliser()
    assert [] == made.feed([trade(1, 1, symbol="SOLUSDT"), trade(2, 2, symbol="SOLUSDT")])
    assert {"unknown_instrument": 2} == made.errors


def test_counts_are_by_kind_and_symbol() -> None:
    """Everything handed out is counted, made depth and gaps included; gaps are 0 for what was heard."""
    made = normaliser()
    made.feed([snapshot(0, 10), trade(10, 1), trade(20, 2, symbol="ETHUSDT"), trade(300, 3), quote(310)])
    expected = {
        "book_snapshot": {"BTCUSDT": 1}, "trade": {"BTCUSDT": 2, "ETHUSDT": 1}, "depth": {"BTCUSDT": 1},
        "best_quote": {"BTCUSDT": 1},
    }  # fmt: skip
    assert expected == made.counts
    assert {"BTCUSDT": 0, "ETHUSDT": 0} == made.gaps


def test_batches_do_not_matter() -> None:
    """One frame at a time or all at once: the same facts."""
    frames = [snapshot(5, 10), *(diff(10 * n, n + 10, n + 10) for n in range(1, 60)), trade(900, 1)]
    together = normaliser(None)
    one_by_one = normaliser(None)
    expected = together.feed(frames) + together.flush()
    assert expected == [fact for one in frames for fact in one_by_one.feed([one])] + one_by_one.flush()
