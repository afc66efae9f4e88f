"""Recordings of Bybit, alone and beside one of Binance: one folder, the same decisions in every loop."""

import asyncio
import gzip
import shutil
from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.stores.recording.manifest import read_manifest, write_manifest
from petrosa.adapters.venues.bybit.live.quotes import BybitQuotes
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.adapters.wire.readings import line_of
from petrosa.apps.backtest import run_backtest
from petrosa.apps.candles import build_candles
from petrosa.apps.catalogue import listed
from petrosa.apps.paper_exchange import offer_recordings
from petrosa.apps.readings import source_of
from petrosa.apps.recordings import open_for
from petrosa.apps.replay import replay_journal
from petrosa.apps.run import run_recording
from petrosa.apps.settings import Settings, load
from petrosa.apps.what_if import what_if
from petrosa.backtest.summary import Summary
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.market import Reading
from petrosa.errors import ConfigError, RecordingError, UsageError
from tests.kit.bybit_recording import START_MS, write_bybit_recording
from tests.kit.services import made_signals, turns_of
from tests.kit.small_recording import LIVELY, write_small_recording

SPREAD = "cross_exchange_spread"
MARKETS = ("spot", "linear")
PRICES = {"spot": 65_600.0, "linear": 62_500.0}
"""Of BTCUSDT, which the small recording of Binance has at 64,000: dearer, and cheaper."""
APART = (
    *LIVELY, f"{SPREAD}.enabled=true", f"{SPREAD}.exchanges=bybit,bybit-linear",
    f"{SPREAD}.other_taker_fee_percent=0.1", f"{SPREAD}.cooldown_seconds=5", "orderbook_skew.enabled=false",
    "trade_momentum.enabled=false",
)  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("recordings")
    return {market: write_bybit_recording(folder / f"bybit-{market}", market, 45) for market in MARKETS}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Binance's USD-M, and Bybit's spot and linear, which are dearer and cheaper."""
    folder = tmp_path_factory.mktemp("both")
    return [
        write_small_recording(folder / "binance.gz", 30),
        *(write_bybit_recording(folder / one, one, 30, prices={"BTCUSDT": PRICES[one]}) for one in MARKETS),
    ]


def settings(home: Path, *sets: str) -> Settings:
    return load(sets=sets or LIVELY, environ={}, home=str(home))


def backtest(paths: list[Path], home: Path, *sets: str) -> Summary:
    return run_backtest(paths, settings(home, *sets), folder=home / "journal")


def in_real_time(paths: list[Path], home: Path, *sets: str) -> Summary:
    loaded = settings(home, *(sets or LIVELY), "feed.speed=0")
    return asyncio.run(run_recording(paths, loaded, report=lambda _: None, folder=home / "journal"))


@pytest.mark.parametrize("market", MARKETS)
def test_it_is_turned_as_any_recording(folders: dict[str, Path], market: str, tmp_path: Path) -> None:
    """Facts, books and decisions; twice the same, in real time the same, and in a replay."""
    first = backtest([folders[market]], tmp_path / "first")
    kinds = {"book_snapshot", "book_diff", "depth", "best_quote", "trade"}
    assert kinds | ({"mark_price"} if market == "linear" else set()) == set(first.events)
    assert {"BTCUSDT": 3, "ETHUSDT": 3} == first.events["book_snapshot"]
    assert min(min(of.values()) for kind, of in first.events.items() if kind != "book_snapshot") > 40
    assert ({"BTCUSDT": 0, "ETHUSDT": 0}, {}) == (first.gaps, first.errors)
    assert first.orders > 0
    assert first.fills > 0
    again, ran = backtest([folders[market]], tmp_path / "again"), in_real_time([folders[market]], tmp_path / "ran")
    assert first.journal.sha256 == again.journal.sha256
    assert first.journal.decisions_sha256 == ran.journal.decisions_sha256
    for summary in (first, ran):
        assert replay_journal(Path(summary.journal.path)).identical


def test_its_signals_name_the_venue(folders: dict[str, Path], tmp_path: Path) -> None:
    summary = backtest([folders["linear"]], tmp_path)
    signals = made_signals(turns_of(Path(summary.journal.path)))
    assert {("bybit", "linear")} == {(one.venue, one.market) for one in signals}


def test_a_segment_alone_has_books_of_its_own(folders: dict[str, Path], tmp_path: Path) -> None:
    """It begins with snapshots; the manifest beside it says what it is of."""
    summary = backtest([folders["spot"] / "000002.gz"], tmp_path)
    assert ({"BTCUSDT": 0, "ETHUSDT": 0}, {}) == (summary.gaps, summary.errors)
    assert {"BTCUSDT": 1, "ETHUSDT": 1} == summary.events["book_snapshot"]
    assert min(summary.events["depth"].values()) > 150


def test_without_its_manifest_it_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    shutil.copy(folders["spot"] / "000001.gz", tmp_path)
    with pytest.raises(RecordingError, match=r"do not say which market they are of; put manifest\.json .* beside it"):
        Recording([tmp_path])


def test_another_venue_that_is_named_on_purpose_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"feed\.venue = binance \(--set\), and recording bybit-spot is of bybit"):
        backtest([folders["spot"]], tmp_path, "feed.venue=binance")
    assert backtest([folders["spot"]], tmp_path, *LIVELY, "feed.venue=bybit").events


def test_rules_are_those_of_the_file_and_else_the_venues_own(folders: dict[str, Path], tmp_path: Path) -> None:
    """A symbol that neither has is refused."""
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[instrument]]\nvenue = "bybit"\nmarket = "spot"\nsymbol = "BTCUSDT"\nbase = "BTC"\nquote = "USDT"\n'
        'settle = "USDT"\ntick = "0.01"\nstep = "0.1"\nmin_quantity = "0.1"\nmax_quantity = "9"\nmin_notional = "5"\n'
    )
    opened = open_for(settings(tmp_path, f"instruments.file={rules}"), [folders["spot"]])
    assert ["0.1", "0.00001"] == [str(one.step) for one in opened.instruments.values()]
    bare = shutil.copytree(folders["spot"], tmp_path / "bare")
    manifest = read_manifest(bare)
    assert manifest is not None
    write_manifest(bare, msgspec.structs.replace(manifest, instruments=()))
    with pytest.raises(ConfigError, match="there are no rules for bybit:spot:ETHUSDT; add it to the instruments file"):
        open_for(settings(tmp_path, f"instruments.file={rules}"), [bare])


def test_everything_that_reads_recordings_reads_it(folders: dict[str, Path], tmp_path: Path) -> None:
    table = build_candles([folders["linear"]], ["5s"])
    assert {"BTCUSDT", "ETHUSDT"} == {symbol for symbol, _, _ in table.rows}
    assert all(candle.buy_volume <= candle.volume for _, _, candle in table.rows)
    answer = what_if(settings(tmp_path), "trade_momentum", ["cooldown_seconds=1"], [folders["linear"]])
    assert answer.evaluations > 500
    (row,) = [one for one in listed(settings(tmp_path, f"feed.recordings={folders['linear'].parent}"))
              if one.name == "bybit-linear"]  # fmt: skip
    assert ("bybit", "linear", ("BTCUSDT", "ETHUSDT"), "") == (row.venue, row.market, row.symbols, row.problem)
    with pytest.raises(UsageError, match="is of bybit, and a paper exchange speaks as binance does"):
        offer_recordings(settings(tmp_path), [str(folders["spot"])], MARKETS)


def test_a_second_venue_is_quoted_as_its_live_source_quotes_it(both: list[Path], tmp_path: Path) -> None:
    """Once a second of each pair, under the source's names; the venue that is traded is told as it is."""
    summary = backtest(both, tmp_path, *APART)
    alone = backtest(both[:1], tmp_path / "alone", *APART)
    assert {"quote": 60} == summary.events["reading"]
    assert alone.events == {kind: of for kind, of in summary.events.items() if kind != "reading"}
    assert {} == summary.errors
    assert ["bybit", "bybit-linear"] == [source_of("bybit", market) for market in MARKETS]
    assert ["bybit", "bybit-linear"] == [BybitQuotes((), market).source for market in MARKETS]


def test_two_venues_that_part_make_a_signal_in_every_loop(both: list[Path], tmp_path: Path) -> None:
    tested, ran = backtest(both, tmp_path / "tested", *APART), in_real_time(both, tmp_path / "ran", *APART)
    signals = [one for one in made_signals(turns_of(Path(tested.journal.path))) if one.strategy_id == SPREAD]
    there = {(one.action.value, one.metadata["buy_exchange"], one.metadata["sell_exchange"]) for one in signals}
    assert {("buy", "binance", "bybit"), ("sell", "bybit-linear", "binance")} >= there
    assert there
    assert tested.journal.decisions_sha256 == ran.journal.decisions_sha256
    assert replay_journal(Path(tested.journal.path)).identical
    assert replay_journal(Path(ran.journal.path), recording=both[::-1]).identical
    assert [] == [
        one for one in made_signals(turns_of(Path(backtest(both[:1], tmp_path / "alone", *APART).journal.path)))
        if one.strategy_id == SPREAD
    ]  # fmt: skip


def test_either_venue_may_be_the_one_that_is_traded(both: list[Path], tmp_path: Path) -> None:
    """And where nobody says which, it is the one of the settings; two markets of it are one too many."""
    traded = (*APART, "feed.venue=bybit", f"{SPREAD}.exchanges=binance-usdm")
    summary = backtest(both[:2], tmp_path / "a", *traded)
    assert {"quote": 62} == summary.events["reading"]
    signals = made_signals(turns_of(Path(summary.journal.path)))
    assert {("bybit", "spot", "sell")} == {(one.venue, one.market, one.action.value) for one in signals}
    with pytest.raises(RecordingError, match="mixes linear and spot; give the files of one product"):
        backtest(both, tmp_path / "b", *traded)
    with pytest.raises(ConfigError, match="is of binance and bybit; give the files of one venue"):
        build_candles(both, ["1s"])


def test_readings_beside_it_are_readings_whoever_is_traded(both: list[Path], tmp_path: Path) -> None:
    """A file of them in the folder of the venue that is only quoted is told like any other."""
    folder = shutil.copytree(both[1], tmp_path / "spot")
    at = START_MS * NS_PER_MS + NS_PER_SECOND
    line = line_of(Reading("coinbase", "quote", "BTC/USD", at, at, {"bid": 64_000.0, "ask": 64_001.0}))
    (folder / "readings.gz").write_bytes(gzip.compress(line))
    assert {"quote": 31} == backtest([both[0], folder], tmp_path / "a", *APART).events["reading"]
    assert {"quote": 1} == backtest([folder], tmp_path / "b", *APART).events["reading"]
