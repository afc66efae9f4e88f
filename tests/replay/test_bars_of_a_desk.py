"""Strategies of bars in a desk on a recording: the same in either loop and again, and nothing of the future."""

import asyncio
import gzip
from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.backtest import run_backtest
from petrosa.apps.replay import replay_journal
from petrosa.apps.run import run_recording
from petrosa.backtest.chain import decisions_of
from petrosa.backtest.summary import Summary
from petrosa.core.model.events import Decision, SignalMade, Warmup
from petrosa.core.model.history import Kline
from petrosa.core.model.orders import Approved, Leg, OrderType, Place
from petrosa.errors import ConfigError, RecordingError
from tests.kit.desk_bars import MINUTE, PRICES, START, minutes, settings, store, with_klines
from tests.kit.recordings import recording_dir
from tests.kit.small_recording import write_small_recording

SECONDS = 130


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_recording(tmp_path_factory.mktemp("market") / "market.gz", SECONDS)


@pytest.fixture(scope="module")
def whole(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return backtest(market, store(tmp_path_factory.mktemp("whole")))


def backtest(recording: Path, home: Path, *sets: str) -> Summary:
    return run_backtest([recording], settings(home, *sets), folder=home / "journal")


def signals(summary: Summary) -> list[SignalMade]:
    return [one for _, one in decided(summary) if isinstance(one, SignalMade)]


def decided(summary: Summary) -> list[tuple[int, Decision]]:
    turns = JournalReader(Path(summary.journal.path)).turns()
    return [(turn.now, one) for turn in turns for one in decisions_of(turn)]


def journaled(summary: Summary, kind: type) -> list[Warmup]:
    turns = JournalReader(Path(summary.journal.path)).turns()
    return [turn.event for turn in turns if isinstance(turn.event, kind)]


def test_bars_of_trades_lead_to_signals_and_to_entries_that_wait(whole: Summary) -> None:
    assert whole.events["candle"] == {"BTCUSDT": 1, "ETHUSDT": 1}
    made = [one.signal for one in signals(whole)]
    assert made
    assert {one.timeframe for one in made} == {"1m"}
    assert {2} == {(one.ts_event - START) // MINUTE for one in made}
    stops = {one.signal_id for one in made if one.order_type == "stop"}
    sent = [one.intent for _, one in decided(whole) if isinstance(one, Approved)]
    waiting = [
        one for one in sent
        if one.signal_id in stops and one.leg is Leg.ENTRY and isinstance(one.action, Place)
        and one.action.type in (OrderType.STOP, OrderType.STOP_LIMIT)
    ]  # fmt: skip
    assert waiting, "an entry at a bar's extreme is a stop order"


def test_the_past_is_in_the_journal_and_makes_no_signal(whole: Summary) -> None:
    history = [one.event for one in journaled(whole, Warmup)]
    assert len(history) == 2 * 201
    assert min(one.signal.ts_event for one in signals(whole)) > START
    assert max(one.ts_open for one in history) == START, "no bar that begins after the recording does"


def test_the_same_twice_in_the_other_loop_and_from_the_journal(market: Path, whole: Summary, tmp_path: Path) -> None:
    again = backtest(market, store(tmp_path / "again"))
    assert again.journal.sha256 == whole.journal.sha256
    loaded = settings(store(tmp_path / "paper"), "feed.speed=0")
    paper = asyncio.run(run_recording([market], loaded, report=lambda _: None, folder=tmp_path / "paper" / "journal"))
    assert paper.journal.decisions_sha256 == whole.journal.decisions_sha256
    assert replay_journal(Path(paper.journal.path), recording=[market]).identical
    assert replay_journal(Path(whole.journal.path), recording=[market]).identical


def test_the_beginning_of_a_recording_decides_what_the_whole_does(market: Path, whole: Summary, tmp_path: Path) -> None:
    part = tmp_path / "part.gz"
    with gzip.open(market, "rb") as lines, gzip.open(part, "wb") as file:
        rows = lines.readlines()
        file.writelines(rows[: round(len(rows) * 0.7)])
    beginning = decided(backtest(part, store(tmp_path / "home")))
    assert beginning
    assert decided(whole)[: len(beginning)] == beginning


def test_nobody_looks_at_the_bar_in_which_the_recording_begins_before_it_is_over(
    market: Path, whole: Summary, tmp_path: Path
) -> None:
    def otherwise(bars: list[Kline]) -> list[Kline]:
        last = bars[-1]
        return [*bars[:-1], msgspec.structs.replace(last, close=last.low, high=last.high * 2)]

    changed = backtest(market, store(tmp_path, *(otherwise(minutes(symbol)) for symbol in PRICES)))
    ours, theirs = decided(whole), decided(changed)
    assert ours != theirs
    first = next(now for (now, one), (_, other) in zip(ours, theirs, strict=False) if one != other)
    assert first > START + MINUTE
    later = backtest(market, store(tmp_path / "later", *(minutes(symbol, after=3) for symbol in PRICES)))
    assert max(one.event.ts_open for one in journaled(later, Warmup)) == START


def test_the_venues_own_bars_are_taken_where_they_were_recorded(market: Path, tmp_path: Path) -> None:
    own = [bar for symbol in PRICES for bar in minutes(symbol, bars=0, after=2)]
    recording = with_klines(market, tmp_path / "with.gz", own)
    summary = backtest(recording, store(tmp_path, *(minutes(symbol) for symbol in PRICES)))
    assert summary.events["candle"] == {"BTCUSDT": 2, "ETHUSDT": 2}
    assert {(one.signal.ts_event - START) // MINUTE for one in signals(summary)} <= {1, 2}
    assert {one.signal.current_price for one in signals(summary)} <= {float(bar.close) for bar in own}


def test_without_a_past_nobody_speaks(market: Path, tmp_path: Path) -> None:
    summary = backtest(market, tmp_path, "desk.strategies=momentum_pulse")
    assert summary.events["candle"] == {"BTCUSDT": 1, "ETHUSDT": 1}
    assert not signals(summary)
    assert not (tmp_path / "klines.sqlite").exists(), "looking for a store makes none"


@pytest.mark.recordings
def test_a_real_recording_decides_the_same_everywhere(tmp_path: Path) -> None:
    """Five minutes of a real market, whose trades are its bars, after a past that we made up."""
    recording = recording_dir("usdm") / "btcusdt_20240719.gz"
    begun = Recording([recording]).files[0].first_arrival // MINUTE * MINUTE
    past = minutes("BTCUSDT", after=1, start=begun)
    plain = backtest(recording, store(tmp_path / "a", past))
    assert plain.events["candle"] == {"BTCUSDT": 4}
    assert signals(plain)
    loaded = settings(store(tmp_path / "b", past), "feed.speed=0")
    paper = asyncio.run(run_recording([recording], loaded, report=lambda _: None, folder=tmp_path / "b" / "journal"))
    assert paper.journal.decisions_sha256 == plain.journal.decisions_sha256
    assert replay_journal(Path(paper.journal.path)).identical


@pytest.mark.parametrize(
    ("sets", "said"),
    [
        (["ta.timeframes=15m"], "no bars of 15m of BTCUSDT in it: it is 130 s long, and no whole one"),
        (["desk.strategies=rsi_extreme_reversal"], "rsi_extreme_reversal works on bars of 15m, 30m"),
        (["desk.strategies=minervini_trend_template", "ta.timeframes=1d"], "compares symbols, at least 10 of them"),
        (["strategies.momentum_pulse.enabled=false"], "strategies.momentum_pulse.enabled = false"),
        (["desk.strategies=momentum_puls"], "did you mean momentum_pulse?"),
        (["ta.timeframes=7m"], "ta.timeframes has '7m'"),
    ],
)
def test_what_could_never_speak_is_refused_before_anything_runs(
    market: Path, tmp_path: Path, sets: list[str], said: str
) -> None:
    with pytest.raises((ConfigError, RecordingError), match=said):
        backtest(market, tmp_path, *sets)
    assert not (tmp_path / "journal").exists()
