"""The strategies' pages say what the declarations say, and the figures on them can be had again."""

from pathlib import Path

import msgspec
import pytest

from petrosa.apps.backtest import run_backtest
from petrosa.apps.settings import load
from petrosa.core.strategies.catalog import CANDLE, TICK
from tests.kit import fired_bars
from tests.kit.fired import Fired, measure
from tests.kit.fired_bars import SIGNALS_SHARE_MAX, SOURCES, FiredOnBars, measure_files, measure_made
from tests.kit.recordings import recordings_dir
from tests.kit.soak import sample
from tests.kit.source import ROOT
from tests.kit.strategy_pages import PAGES, REAL, TWINS, kept_figures, kept_on_bars, pages, with_new

REMEDY = "; change the declaration and run `make pages` (with PETROSA_TEST_DATA for figures on real recordings)"


@pytest.fixture(scope="module")
def twins() -> list[Fired]:
    return [measure(ROOT / "recordings" / name) for name in TWINS]


def test_the_pages_are_those_that_the_declarations_make(twins: list[Fired]) -> None:
    """Word for word, one a strategy and the table of all, with the figures on our own recordings made anew."""
    made = pages([*kept_figures(), *twins], [*kept_on_bars(), measure_made()])
    there = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    assert sorted(made) == sorted(there), f"docs/strategies has other pages than the catalogue has strategies{REMEDY}"
    assert [] == [name for name in made if made[name] != there[name]], f"these pages are old{REMEDY}"


@pytest.mark.recordings
@pytest.mark.parametrize("name", REAL)
def test_kept_figures_are_those_of_the_real_recordings(name: str) -> None:
    """Digest, length and every count; only the version of the code may be another."""
    kept = {fired.recording: fired for fired in kept_figures()}
    again = measure(recordings_dir() / name)
    expected = msgspec.structs.replace(again, code_version=kept[name].code_version)
    assert expected == kept[name], f"docs/strategies/fired.json is old{REMEDY}"


@pytest.mark.recordings
@pytest.mark.parametrize("source", sample(SOURCES[1:], SOURCES), ids=lambda source: source.name)
def test_kept_figures_of_bars_are_those_of_the_real_klines(source: fired_bars.Source) -> None:
    """Every count of every strategy; those on minutes, which take longest, in a soak."""
    kept = {fired.source: fired for fired in kept_on_bars()}
    assert measure_files(source, recordings_dir()) == kept[source.name], (
        f"docs/strategies/fired-bars.json is old{REMEDY}"
    )


def on_all_bars() -> list[FiredOnBars]:
    return [*kept_on_bars(), measure_made()]


def test_every_strategy_of_bars_speaks_and_none_on_every_bar() -> None:
    """Somewhere in the series each says something, and nowhere more than now and then."""
    spoken = dict.fromkeys(CANDLE, 0)
    for fired in on_all_bars():
        assert set(CANDLE) == set(fired.counts) | set(fired.left_out)
        for name, counts in fired.counts.items():
            spoken[name] += counts.spoken
            assert counts.spoken <= SIGNALS_SHARE_MAX * fired.bars, f"{name} on {fired.source}"
    assert [] == [name for name, count in spoken.items() if not count]


def test_figures_of_bars_that_are_not_there_are_kept_and_missing_ones_are_named(tmp_path: Path) -> None:
    """Nothing is forgotten where the klines are absent; what was never measured says so."""
    assert kept_on_bars() == fired_bars.with_new(kept_on_bars(), tmp_path)
    never = [msgspec.structs.replace(fired, counts={}, left_out={}) for fired in kept_on_bars()]
    made = pages([], never)
    assert "Not measured yet on BTCUSDT 1m, BTCUSDT 15m" in made["bear_trap_buy.md"]
    assert "not measured" in made["technical-analysis.md"]


def test_a_strategy_of_bars_that_never_speaks_says_why() -> None:
    """In its cell of the table, with the commonest reasons."""
    (fired, *_) = kept_on_bars()
    silent = fired_bars.BarCounts(quiet={"warming_up": 124, "below_threshold": 9}, refused={}, signals={}, at_stop=0)
    counts = {**fired.counts, "bear_trap_buy": silent}
    text = pages([], [msgspec.structs.replace(fired, counts=counts)])["technical-analysis.md"]
    assert "0: warming_up 124, below_threshold 9" in text


def test_every_fact_is_accounted_for(twins: list[Fired]) -> None:
    """Asked is quiet, held back and candidates; candidates are refused or spoken."""
    counted = [counts for fired in twins for by_symbol in fired.counts.values() for counts in by_symbol.values()]
    assert counted
    for counts in counted:
        assert counts.asked == sum(counts.quiet.values()) + counts.held_back + counts.candidates
        assert counts.candidates == sum(counts.refused.values()) + sum(counts.signals.values())
        assert counts.held_back >= 0


def test_signals_are_those_of_a_backtest(twins: list[Fired], tmp_path: Path) -> None:
    """Another way to the same number."""
    for name, fired in zip(TWINS, twins, strict=True):
        summary = run_backtest([ROOT / "recordings" / name], load(environ={}), folder=tmp_path / name)
        for strategy in [entry.strategy_id for entry in TICK.values() if entry.enabled]:
            signals = [counts.signals for counts in fired.counts[strategy].values()]
            assert sum(summary.signals.get(strategy, {}).values()) == sum(sum(one.values()) for one in signals)


def test_a_strategy_without_figures_says_so(twins: list[Fired]) -> None:
    """A page is made for a strategy that was never measured, and a table says it."""
    unmeasured = msgspec.structs.replace(twins[0], recording="elsewhere", counts={})
    made = pages([unmeasured])
    assert "Not measured yet on elsewhere." in made["orderbook_skew.md"]
    assert "not measured" in made["README.md"]


def test_figures_of_a_recording_that_is_not_there_are_kept(tmp_path: Path, twins: list[Fired]) -> None:
    """Nothing is forgotten where the real recordings are absent."""
    kept = [msgspec.structs.replace(twins[0], recording=name) for name in REAL]
    assert kept == with_new(kept, tmp_path)


def test_another_figure_is_another_page(twins: list[Fired]) -> None:
    """The comparison can fail."""
    longer = [msgspec.structs.replace(fired, seconds=fired.seconds + 1.0) for fired in twins]
    assert pages(twins)["orderbook_skew.md"] != pages(longer)["orderbook_skew.md"]
