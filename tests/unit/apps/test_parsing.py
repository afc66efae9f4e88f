"""Readings among a market's frames: parsed beside them, admitted without an instrument, no symbols, no clock."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from petrosa.adapters.venues.replay.normalise import TOPICS_MAX, Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.readings import encode_reading, line_of
from petrosa.apps.candles import build_candles
from petrosa.apps.instruments import load_instruments
from petrosa.apps.parsing import market_parser
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.market import Candle, MarketEvent, Reading, Trade, instrument_id
from petrosa.errors import FrameError, RecordingError

BTC = load_instruments()[instrument_id("binance", "spot", "BTCUSDT")]
START = 1_767_225_600 * NS_PER_SECOND


def trade(ms: int, late_ms: int = 0) -> RawFrame:
    """A print that was heard so late."""
    stamp = START // NS_PER_MS + ms
    data = f'{{"s":"BTCUSDT","t":{ms},"p":"100","q":"1","T":{stamp},"m":false,"M":true}}'
    return RawFrame((stamp + late_ms) * NS_PER_MS, f'{{"stream":"btcusdt@trade","data":{data}}}'.encode())


def reading(ms: int, age_s: float = 0.0, topic: str = "quote") -> Reading:
    at = START + ms * NS_PER_MS
    return Reading("kraken", topic, "BTC/USD", at - round(age_s * NS_PER_SECOND), at, {"bid": 1.0, "u": 2.0})


def frame(one: Reading) -> RawFrame:
    return RawFrame(one.ts_seen, encode_reading(one))


def normaliser(shift: int | None = 0) -> Normaliser:
    return Normaliser(market_parser("binance", "spot", ["BTCUSDT"]), {BTC.id: BTC}, 10 * NS_PER_MS, shift)


def facts(made: Normaliser, frames: Sequence[RawFrame]) -> list[tuple[int, MarketEvent]]:
    return [*made.feed(list(frames)), *made.flush()]


def test_readings_are_handed_out_among_the_market_and_counted_by_topic() -> None:
    """In order of arrival, with the shifted arrival as when they were seen."""
    made = normaliser()
    out = facts(made, [trade(1), frame(reading(2)), trade(3), frame(reading(4, topic="dominance"))])
    assert [Trade, Reading, Trade, Reading] == [type(event) for _, event in out]
    assert reading(2) == out[1][1]
    assert {"trade": {"BTCUSDT": 2}, "reading": {"quote": 1, "dominance": 1}} == made.counts
    assert not made.errors


def test_a_reading_says_nothing_of_the_recorders_clock() -> None:
    """An hour-old reading does not shift arrivals: the prints do, and the reading with them."""
    made = normaliser(None)
    out = facts(made, [trade(0, 500), frame(reading(501, age_s=3_600.0)), trade(2, 500)])
    assert -490 * NS_PER_MS == made.shift
    (heard,) = [event for _, event in out if isinstance(event, Reading)]
    assert (START + 11 * NS_PER_MS, reading(501, age_s=3_600.0).ts_event) == (heard.ts_seen, heard.ts_event)


@pytest.mark.parametrize(("age_s", "errors"), [(1e7, {}), (0.0, {}), (-60.0, {}), (-60.001, {"future_time": 1})])
def test_a_reading_may_be_old_and_not_of_the_future(age_s: float, errors: dict[str, int]) -> None:
    """Strategies judge its age; a minute ahead is clocks, more is nonsense that is counted."""
    made = normaliser()
    out = facts(made, [frame(reading(0, age_s=age_s))])
    assert (1 - len(errors), errors) == (len(out), made.errors)


def test_a_reading_that_cannot_be_read_is_counted() -> None:
    """Like any frame, with its reason, and the next one is read."""
    made = normaliser()
    spoiled = frame(reading(0))._replace(payload=encode_reading(reading(0)).replace(b"1.0", b'"1"'))
    assert 1 == len(facts(made, [spoiled, frame(reading(1))]))
    assert {"malformed": 1} == made.errors


def test_topics_are_counted_by_name_only_so_far() -> None:
    """A file of garbage topics does not fill the memory."""
    made = normaliser()
    facts(made, [frame(reading(n, topic=f"t{n}")) for n in range(2 * TOPICS_MAX)])
    assert (TOPICS_MAX + 1, TOPICS_MAX) == (len(made.counts["reading"]), made.counts["reading"]["other"])


def test_a_parser_of_trades_passes_over_readings_in_silence() -> None:
    """Nobody asked for them; a name that no source has is still a fault."""
    parser = market_parser("binance", "spot", ["BTCUSDT"], kinds=(Trade,))
    assert parser.parse(encode_reading(reading(0)), 0) is None
    assert not parser.skipped
    with pytest.raises(FrameError, match="unknown_stream"):
        parser.parse(encode_reading(reading(0)).replace(b'"kraken@', b'"KRAKEN@'), 0)


def written(path: Path, frames: Sequence[RawFrame]) -> Path:
    path.write_bytes(b"".join(b"%d %b\n" % one for one in frames))
    return path


def test_a_file_of_readings_is_one_more_file_of_a_recording(tmp_path: Path) -> None:
    """It adds no symbol and does not tell the product, even where a value is called as a field of spot."""
    market = written(tmp_path / "btc.jsonl", [trade(5), trade(7)])
    beside = tmp_path / "readings.jsonl"
    beside.write_bytes(line_of(reading(6)))
    recording = Recording([market, beside])
    assert (("BTCUSDT",), "spot") == (recording.symbols, recording.product)
    assert [5, 6, 7] == [(one.arrival - START) // NS_PER_MS for batch in recording.batches() for one in batch]
    assert recording.digest != Recording([market]).digest
    (row,) = build_candles([market, beside], ["1m"]).rows
    assert isinstance(row[2], Candle)
    with pytest.raises(RecordingError, match="does not show whether it is spot or usdm"):
        _ = Recording([beside]).product


def test_readings_within_a_markets_file_are_no_symbols(tmp_path: Path) -> None:
    """Mixed in one file they are sniffed over."""
    mixed = written(tmp_path / "mixed.jsonl", [frame(reading(1)), trade(2), frame(reading(3))])
    assert (("BTCUSDT",), "BTCUSDT") == (Recording([mixed]).symbols, Recording([mixed]).files[0].snapshot_symbol)
    assert START + NS_PER_MS == Recording([mixed]).files[0].first_arrival
