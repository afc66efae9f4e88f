"""What a recording holds, seen without decoding it."""

from pathlib import Path

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.venues.replay.survey import survey
from petrosa.core.model.base import NS_PER_SECOND
from tests.kit.desk_bars import minutes, with_klines
from tests.kit.small_recording import write_small_recording


def test_streams_and_times_by_symbol(tmp_path: Path) -> None:
    recording = write_small_recording(tmp_path / "market.gz", 20)
    found = survey(Recording([recording]))
    assert {"BTCUSDT", "ETHUSDT"} == set(found)
    assert {"trade"} == found["BTCUSDT"].streams
    assert 19 <= (found["BTCUSDT"].last - found["BTCUSDT"].first) / NS_PER_SECOND <= 20


def test_bars_of_the_venue_anywhere_in_it_are_seen(tmp_path: Path) -> None:
    recording = write_small_recording(tmp_path / "market.gz", 70)
    with_klines(recording, tmp_path / "with.gz", minutes("ETHUSDT", bars=0))
    found = survey(Recording([tmp_path / "with.gz"]))
    assert {"trade"} == found["BTCUSDT"].streams
    assert {"trade", "kline_1m"} == found["ETHUSDT"].streams
