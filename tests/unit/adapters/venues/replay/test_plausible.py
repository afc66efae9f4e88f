"""What is well formed and cannot be is counted and named, and nothing after it suffers."""

import json
from pathlib import Path

from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.replay.lines import BLOCK_BYTES
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.frame import RawFrame
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.market import BookDiff, Trade
from tests.kit.instruments import instrument

BTC = instrument("BTCUSDT")
START = 1_723_161_600_000 * NS_PER_MS
YEAR = 365 * 86_400 * NS_PER_SECOND


def trade(number: int, price: str = "100", ahead_ns: int = 0) -> RawFrame:
    """A trade every 10 ms, stamped when it was heard, or later by `ahead_ns`."""
    heard = START + number * 10 * NS_PER_MS
    stamp = (heard + ahead_ns) // NS_PER_MS
    data = {"s": "BTCUSDT", "t": number, "p": price, "q": "1", "T": stamp, "m": False}
    return RawFrame(heard, json.dumps({"stream": "btcusdt@trade", "data": data}, separators=(",", ":")).encode())


def diff(number: int, ahead_ns: int) -> RawFrame:
    heard = START + number * 10 * NS_PER_MS
    stamp = (heard + ahead_ns) // NS_PER_MS
    data = {"s": "BTCUSDT", "E": stamp, "U": number, "u": number, "b": [["99", "1"]], "a": []}
    return RawFrame(heard, json.dumps({"stream": "btcusdt@depth", "data": data}, separators=(",", ":")).encode())


def normaliser(shift: int | None = 0) -> Normaliser:
    return Normaliser(Parser("binance", "spot", None), {BTC.id: BTC}, 10 * NS_PER_MS, shift)


def heard(made: Normaliser, frames: list[RawFrame]) -> list[int]:
    """Ids of the trades that were handed out."""
    out = [*made.feed(frames), *made.flush()]
    return [event.trade_id for _, event in out if isinstance(event, Trade)]


def test_one_stamp_from_the_future_does_not_move_the_clock_of_a_recording() -> None:
    """The shift is that of all other frames, and only the frame from next year is left out."""
    made = normaliser(None)
    frames = [trade(1), trade(2), trade(3, ahead_ns=YEAR), trade(4)]
    assert [1, 2, 4] == heard(made, frames)
    assert (10 * NS_PER_MS, {"future_time": 1}) == (made.shift, made.errors)


def test_one_arrival_at_the_beginning_of_time_does_not_move_the_clock_of_a_recording() -> None:
    """A file whose first line says that it arrived in 1970 is read at the times of all the others."""
    made = normaliser(None)
    assert [2, 3, 4] == heard(made, [trade(1)._replace(arrival=1), trade(2), trade(3), trade(4)])
    assert 10 * NS_PER_MS == made.shift


def test_a_stale_stamp_is_counted_and_named() -> None:
    """The message has the stamp, when it was heard, and the limit."""
    made = normaliser()
    assert [1, 3] == heard(made, [trade(1), trade(2, ahead_ns=-YEAR), trade(3)])
    assert {"stale_time": 1} == made.errors
    said = made.faults.first["stale_time"]
    assert "stamped 2023-08-10T00:00:00Z, 31536000.000 s before it was heard" in said
    assert "limit 3600 s" in said


def test_a_difference_with_an_absurd_stamp_keeps_the_chain_of_the_book() -> None:
    """A book goes by update ids: the difference is handed out with the time at which it was heard."""
    made = normaliser()
    (now, event) = made.feed([diff(1, YEAR)])[0]
    assert isinstance(event, BookDiff)
    assert (now, {"future_time": 1}) == (event.ts_event, made.errors)


def test_a_lone_price_far_from_all_others_is_not_believed() -> None:
    """A decimal point in the wrong place reaches no strategy and no fill."""
    made = normaliser()
    assert [1, 3] == heard(made, [trade(1), trade(2, "1000"), trade(3, "101")])
    assert {"absurd_price": 1} == made.errors
    assert "price 1000 after 100, limit a factor of 5" in made.faults.first["absurd_price"]


def test_a_market_that_really_leaps_is_believed_at_the_second_fact() -> None:
    """One trade is doubted, the next at the same level is taken, and so is everything after it."""
    made = normaliser()
    assert [1, 3, 4] == heard(made, [trade(1), trade(2, "1000"), trade(3, "1010"), trade(4, "1005")])
    assert {"absurd_price": 1} == made.errors


def test_a_first_price_that_is_wrong_costs_one_more_fact() -> None:
    """What the others say wins over what came first."""
    made = normaliser()
    assert [1, 3, 4] == heard(made, [trade(1, "1"), trade(2), trade(3), trade(4)])


def arrivals(path: Path, times: list[int]) -> tuple[list[int], dict[str, int]]:
    path.write_bytes(b"".join(b"%d %b\n" % (at, trade(1).payload) for at in times))
    recording = Recording([path], "spot")
    return [frame.arrival for batch in recording.batches() for frame in batch], dict(recording.faults.counts)


def test_one_arrival_in_the_future_does_not_stop_the_clock(tmp_path: Path) -> None:
    """The line gets the arrival of the one before it; those after it keep their own."""
    times = [START, START + 1, START + YEAR, START + 2, START + 3]
    expected = [START, START + 1, START + 1, START + 2, START + 3]
    assert (expected, {"arrival_out_of_order": 1}) == arrivals(tmp_path / "a.txt", times)


def test_an_arrival_in_the_future_at_the_end_of_a_block_does_not_stop_the_clock(tmp_path: Path) -> None:
    """A block is read with the beginning of the next one at hand, wherever the wrong line stands."""
    times = [START + number for number in range(10_000)]
    line = len(b"%d %b\n" % (START, trade(1).payload))
    for place in (BLOCK_BYTES // line - 1, BLOCK_BYTES // line, BLOCK_BYTES // line + 1):
        wrong = [*times[:place], START + YEAR, *times[place + 1 :]]
        found, counts = arrivals(tmp_path / "a.txt", wrong)
        assert (times[place - 1], times[-1]) == (found[place], found[-1])
        assert {"arrival_out_of_order": 1} == counts
