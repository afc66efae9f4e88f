"""A recording of two venues: the spread is seen where they were put apart, not where fees or currency explain it."""

import asyncio
import gzip
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.backtest import run_backtest
from petrosa.apps.replay import replay_journal
from petrosa.apps.run import run_recording
from petrosa.apps.settings import Settings, load
from petrosa.apps.synth import DESCRIPTION, Synthesis
from petrosa.backtest.summary import Summary
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.signals import Action, Signal
from petrosa.core.simulation.second_venue import Episode
from tests.kit.recordings import ROOT
from tests.kit.services import made_signals, turns_of

TWO_VENUES = ROOT / "recordings" / "synthetic-two-venues"
MADE = msgspec.json.decode((TWO_VENUES / DESCRIPTION).read_bytes(), type=Synthesis)
SPREAD = "cross_exchange_spread"
AFTER_NS = 2 * NS_PER_SECOND
"""How long the last quote of an episode may still be the last that is known."""


def settings(home: Path, *sets: str) -> Settings:
    others = [f"{name}.enabled=false" for name in ("orderbook_skew", "trade_momentum", "ticker_velocity")]
    return load(sets=[f"{SPREAD}.cooldown_seconds=0", *others, *sets], environ={}, home=str(home))


def backtest(home: Path, *sets: str, recording: Path = TWO_VENUES) -> Summary:
    return run_backtest([recording], settings(home, *sets), folder=home / "journal")


def said(summary: Summary) -> list[Signal]:
    """What the spread published, or would have."""
    return [signal for signal in made_signals(turns_of(Path(summary.journal.path))) if signal.strategy_id == SPREAD]


def episodes(kind: str) -> list[Episode]:
    """Those of a kind that were long enough in the recording to be confirmed."""
    assert MADE.second_venue is not None
    end = MADE.start_ns + round(MADE.seconds) * NS_PER_SECOND
    whole = [one for one in MADE.second_venue.episodes if min(one.end_ns, end) - one.start_ns >= 4 * NS_PER_SECOND]
    return [one for one in whole if one.kind == kind]


def inside(signal: Signal, kind: str) -> list[Episode]:
    """Episodes of a kind of the signal's coin, or of the dollar, in which it was said."""
    subjects = (signal.symbol.removesuffix("USDT") + "/USD", "USDT/USD")
    return [
        one
        for one in episodes(kind)
        if one.subject in subjects and one.start_ns <= signal.ts_seen < one.end_ns + AFTER_NS
    ]


def without(keep: Callable[[bytes], bool], folder: Path) -> Path:
    """The recording with those of its readings that are kept."""
    folder.mkdir()
    for path in TWO_VENUES.glob("*.gz"):
        lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
        kept = [line for line in lines if b"@reading" not in line or keep(line)]
        if kept:
            (folder / path.name).write_bytes(gzip.compress(b"".join(kept)))
    return folder


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return backtest(tmp_path_factory.mktemp("usual"))


def test_the_recording_is_worth_testing_with() -> None:
    """Several episodes of each kind, on either side, and readings that are no symbols."""
    assert [] == [kind for kind in ("dislocation", "fees", "currency") if len(episodes(kind)) < 3]
    assert {True, False} == {one.percent > 0 for one in episodes("dislocation")}
    recording = Recording([TWO_VENUES])
    assert ("usdm", ("BTCUSDT", "ETHUSDT")) == (recording.product, recording.symbols)


def test_every_dislocation_is_seen_and_nothing_else(usual: Summary) -> None:
    """A signal in each episode, on its side, and none outside."""
    signals = said(usual)
    assert [] == [signal for signal in signals if not inside(signal, "dislocation")]
    for episode in episodes("dislocation"):
        mine = [signal for signal in signals if episode in inside(signal, "dislocation")]
        assert mine, f"nothing said in {episode}"
        assert {Action.BUY if episode.percent > 0 else Action.SELL} == {signal.action for signal in mine}


def test_a_signal_tells_the_gap_the_fees_and_who_changed_the_money(usual: Summary) -> None:
    """Gross is about what was put there, net is that less 0.7 % of fees, converted at the other venue's rate."""
    for signal in said(usual):
        (episode,) = inside(signal, "dislocation")
        size = episode.percent if episode.percent > 0 else 100 * (1 / (1 + episode.percent / 100) - 1)
        assert signal.indicators["gross_spread_percent"] == pytest.approx(size, abs=0.15)
        assert signal.indicators["fees_percent"] == pytest.approx(0.7)
        assert ("coinbase", False) == (signal.metadata["converted_by"], signal.metadata["parity_assumed"])


def test_without_fees_it_would_have_spoken_where_fees_explain_the_gap(tmp_path: Path) -> None:
    """The gaps of 0.75 to 1 % are there: taking fees into account is what keeps it silent."""
    fees = (f"{SPREAD}.taker_fee_percent=0", f"{SPREAD}.other_taker_fee_percent=0")
    free = said(backtest(tmp_path, *fees))
    assert [] == [one for one in episodes("fees") if not any(one in inside(signal, "fees") for signal in free)]


def test_taking_dollars_for_dollars_would_have_spoken_where_currency_explains_the_gap(tmp_path: Path) -> None:
    """Without a rate it is silent; told to assume parity it speaks in the currency's episodes, and says that it did."""
    bare = without(lambda line: b'"USDT/USD"' not in line, tmp_path / "bare")
    assert [] == said(backtest(tmp_path / "refused", recording=bare))
    wrong = said(backtest(tmp_path / "parity", f"{SPREAD}.assume_parity=true", recording=bare))
    deceived = [signal for signal in wrong if inside(signal, "currency") and not inside(signal, "dislocation")]
    assert len(deceived) >= 2
    assert {True} == {signal.metadata["parity_assumed"] for signal in wrong}


def test_without_readings_nothing_is_said_and_nothing_else_changes(tmp_path: Path, usual: Summary) -> None:
    """The market's facts are the same with and without the other venue's."""
    alone = backtest(tmp_path / "run", recording=without(lambda _: False, tmp_path / "alone"))
    assert [] == said(alone)
    assert {kind: n for kind, n in usual.events.items() if kind != "reading"} == alone.events
    assert {"quote": MADE.frames["readings"]} == usual.events["reading"]


def test_readings_are_replayed_like_any_fact(tmp_path: Path, usual: Summary) -> None:
    """A run in real time decides what the backtest decides, and both journals can be turned again."""
    loaded = settings(tmp_path, "feed.speed=0", "http.enabled=false")
    ran = asyncio.run(run_recording([TWO_VENUES], loaded, report=lambda _: None, folder=tmp_path / "run"))
    assert usual.journal.decisions_sha256 == ran.journal.decisions_sha256
    for summary in (usual, ran):
        assert replay_journal(Path(summary.journal.path)).identical
