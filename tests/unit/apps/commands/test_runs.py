"""`backtest`, `run`, `replay`, `explain` and `synth` from the command line, on a small twin of a recording."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from petrosa.adapters.stores.documents.sqlite import SqliteDocuments
from petrosa.adapters.stores.journal.reader import JournalReader
from petrosa.apps.configuration.service import ConfigService
from petrosa.apps.main import run
from petrosa.apps.settings import load
from petrosa.errors import EXIT_CONFIG, EXIT_ERROR, EXIT_OK, EXIT_USAGE
from petrosa.surfaces.configuration import Act

TWIN = Path(__file__).parents[4] / "recordings" / "synthetic-usdm"
Captured = pytest.CaptureFixture[str]


def said(capsys: Captured) -> Any:
    return msgspec.json.decode(capsys.readouterr().out)


def backtested(home: Path, capsys: Captured, *words: str) -> Any:
    assert EXIT_OK == run(["backtest", str(TWIN), "--home", str(home), "--json", *words])
    return said(capsys)


LIVELY = ("--set", "orderbook_skew.cooldown_seconds=5", "--set", "trade_momentum.cooldown_seconds=5")


def test_backtest_and_run_decide_the_same(tmp_path: Path, capsys: Captured) -> None:
    """Two commands, one digest; on standard output there is nothing but the summary."""
    plain = backtested(tmp_path, capsys, *LIVELY)
    words = ["run", "--recording", str(TWIN), "--speed", "0", "--port", "0", "--home", str(tmp_path), "--json", *LIVELY]
    assert EXIT_OK == run(words)
    live = said(capsys)
    assert plain["fills"] > 0
    assert plain["journal"]["decisions_sha256"] == live["journal"]["decisions_sha256"]
    assert (plain["signals"], plain["refusals"], plain["pnl"]) == (live["signals"], live["refusals"], live["pnl"])


def test_backtest_prints_tables_for_people(tmp_path: Path, capsys: Captured) -> None:
    """The same numbers without braces."""
    assert EXIT_OK == run(["backtest", str(TWIN), "--home", str(tmp_path)])
    out = capsys.readouterr().out
    assert "what was heard" in out
    assert "decisions_sha256" in out


def test_replay_finds_a_moved_recording(tmp_path: Path, capsys: Captured) -> None:
    """The journal names what it was made from by digest; where that is may change."""
    moved = tmp_path / "elsewhere"
    shutil.copytree(TWIN, moved)
    journal = backtested(tmp_path, capsys, *LIVELY)["journal"]
    assert EXIT_OK == run(["replay", journal["path"], "--assert-identical", "--recording", str(moved), "--json"])
    report = said(capsys)
    assert (True, journal["decisions_sha256"]) == (report["identical"], report["decisions_sha256"])


def test_replay_with_another_recording_is_refused(tmp_path: Path, capsys: Captured) -> None:
    """With the digest that was expected."""
    journal = backtested(tmp_path, capsys)["journal"]
    other = str(tmp_path / "other")
    assert EXIT_OK == run(["synth", "--seed", "99", "--symbols", "BTC/USDT:USDT", "--seconds", "5", "--out", other])
    assert EXIT_ERROR == run(["replay", journal["path"], "--assert-identical", "--recording", other])
    assert "digest" in capsys.readouterr().err


def test_explain_tells_the_chain_of_a_signal(tmp_path: Path, capsys: Captured) -> None:
    """By its id, and by the symbol and time of it; what was seen, the gates, what followed."""
    journal = backtested(tmp_path, capsys, *LIVELY)["journal"]["path"]
    assert EXIT_OK == run(["explain", journal, "--symbol", "BTC/USDT:USDT", "--at", "2030-01-01T00:00:00Z", "--json"])
    last = said(capsys)
    assert last["steps"]
    assert EXIT_OK == run(["explain", journal, "--symbol", "BTCUSDT", "--at", "2030-01-01T00:00:00Z"])
    assert "seen at" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--symbol", "BTCUSDT"],
        ["--at", "2030-01-01"],
        ["--signal", "x", "--symbol", "BTCUSDT"],
        ["--symbol", "BTCUSDT", "--at", "soon"],
    ],
)
def test_explain_must_be_asked_properly(words: list[str], capsys: Captured) -> None:
    """Either a signal, or a symbol and a time."""
    assert EXIT_USAGE == run(["explain", "journal", *words])
    assert "--at" in capsys.readouterr().err


def test_a_symbol_without_rules_is_a_configuration_error(tmp_path: Path, capsys: Captured) -> None:
    """It names the symbol and the remedy; no journal is left."""
    words = ["backtest", str(TWIN), "--home", str(tmp_path), "--set", "feed.symbols=NOPEUSDT"]
    assert EXIT_CONFIG == run(words)
    assert "NOPEUSDT" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_synth_writes_the_same_bytes_for_the_same_seed(tmp_path: Path, capsys: Captured) -> None:
    """The digests are printed, and another seed has others."""
    digests = []
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        words = ["synth", "--seed", seed, "--symbols", "BTCUSDT", "--seconds", "3", "--out", str(tmp_path / name)]
        assert EXIT_OK == run([*words, "--json"])
        digests.append(said(capsys)["sha256"]["BTCUSDT"])
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


@pytest.mark.parametrize("service", [["strategies"], ["trade"], ["feed", "--recording", str(TWIN)]])
def test_a_service_without_nats_names_both_remedies(service: list[str], tmp_path: Path, capsys: Captured) -> None:
    """Exit 4: set NATS_URL, or run a broker in the same data directory; nothing tries 4222 by itself."""
    assert EXIT_CONFIG == run([*service, "--home", str(tmp_path)])
    err = capsys.readouterr().err
    assert "NATS_URL" in err
    assert "petrosa broker" in err


def test_what_is_stored_holds_in_a_backtest_and_a_run(tmp_path: Path, capsys: Captured) -> None:
    """A stored threshold changes both alike, stands in the journal's header, and can be left out of a backtest."""
    plain = backtested(tmp_path, capsys, *LIVELY)
    assert [] == list(tmp_path.glob("documents.sqlite"))
    asyncio.run(stored(tmp_path, {"buy_threshold": 1.9, "sell_threshold": 0.5}))
    held = backtested(tmp_path, capsys, *LIVELY)
    words = ["run", "--recording", str(TWIN), "--speed", "0", "--port", "0", "--home", str(tmp_path), "--json", *LIVELY]
    assert EXIT_OK == run(words)
    live = said(capsys)
    assert held["journal"]["decisions_sha256"] == live["journal"]["decisions_sha256"]
    assert plain["signals"]["orderbook_skew"] != held["signals"].get("orderbook_skew")
    bare = backtested(tmp_path, capsys, *LIVELY, "--no-stored")
    assert plain["journal"]["sha256"] == bare["journal"]["sha256"]
    for one in (held, live):
        header = JournalReader(Path(one["journal"]["path"])).header()
        values = msgspec.json.decode(header.provenance.configuration)
        assert 1.9 == values["strategies.orderbook_skew.buy_threshold"]
        assert EXIT_OK == run(["replay", one["journal"]["path"], "--assert-identical"])
        capsys.readouterr()


def test_a_store_that_cannot_be_read_ends_a_start(tmp_path: Path, capsys: Captured) -> None:
    """Rather than run with other parameters than those that somebody stored, with the file and what to do."""
    (tmp_path / "documents.sqlite").write_bytes(b"no database, but long enough to be taken for one" * 100)
    for words in (["backtest", str(TWIN)], ["run", "--recording", str(TWIN), "--speed", "0", "--port", "0"]):
        assert EXIT_ERROR == run([*words, "--home", str(tmp_path)])
        said_then = capsys.readouterr().err
        assert "documents.sqlite" in said_then
        assert "put a copy of it back" in said_then


async def stored(home: Path, parameters: dict[str, object]) -> None:
    documents = await SqliteDocuments.open(home / "documents.sqlite")
    config = await ConfigService.open(load(environ={}, home=str(home)), documents)
    await config.change("orderbook_skew", None, parameters, Act("alice", "less noise"))
    await documents.close()
