"""`petrosa record` on Bybit: from real sockets into a folder, over a cut connection, and back out of it."""

import asyncio
import itertools
import time
from pathlib import Path

import pytest

from petrosa.adapters.stores.recording.manifest import read_manifest
from petrosa.adapters.venues.bybit.parse import Parser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.backtest import run_backtest
from petrosa.apps.commands.options import listened
from petrosa.apps.listening.recording import record
from petrosa.apps.over_nats import run_over_nats
from petrosa.apps.settings import Settings, load
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.market import Trade
from tests.kit.bybit_recording import write_bybit_recording
from tests.kit.bybit_server import Bybit, bybit
from tests.kit.services import UNHURRIED, made_signals, quiet, turns_of
from tests.kit.small_recording import LIVELY
from tests.kit.sockets import running

SYMBOL = "BTCUSDT"


def settings_for(home: Path, market: Bybit, *sets: str) -> Settings:
    """As `petrosa record --venue bybit --market … --symbols BTCUSDT` has them."""
    given = (f"outside.addresses=bybit={market.url}", "http.enabled=false", "log.heartbeat_enabled=false", *sets)
    return load(
        sets=given, options=listened("bybit", market.market, SYMBOL, None), environ={}, home=str(home)
    )  # fmt: skip


async def lives(market: Bybit) -> None:
    """A book that changes and trades that come, for ever; mark prices on linear."""
    for turn in itertools.count():
        bid, ask = 50_000 - turn % 7, 50_010 + turn % 5
        market.quote(f"{bid}.00", f"{ask}.00")
        if not turn % 8:
            market.trade(f"{ask}.00", 1 + turn % 3)
        if market.market == "linear":
            mark = {"markPrice": f"{bid}.5", "indexPrice": f"{bid}.4", "fundingRate": "0.0001"}
            market.ticker("snapshot", lastPrice=f"{bid}.00", nextFundingTime="1800028800000", **mark)
        await asyncio.sleep(0.01)


def trades_of(folder: Path, market: str) -> list[int]:
    parser = Parser("bybit", market, [SYMBOL], (Trade,))
    facts = [parser.parse(frame.payload, frame.arrival) for batch in Recording([folder]).batches() for frame in batch
             if b"@publicTrade" in frame.payload[:40]]  # fmt: skip
    return [fact.trade_id - 10**9 for fact in facts if isinstance(fact, Trade)]


@pytest.mark.parametrize("name", ["spot", "linear"])
async def test_it_is_recorded_whole_and_read_back(name: str, tmp_path: Path) -> None:
    """The connection is cut on the way: books begin anew, the trades in the hole are fetched, each is there once."""
    market = Bybit(SYMBOL, name, lambda: time.time_ns() // NS_PER_MS)
    async with bybit(market), running(lives(market)):
        settings = settings_for(tmp_path, market, "record.segment_minutes=0.02", "record.flush_seconds=0.1")
        recording = asyncio.create_task(record(settings, tmp_path / "rec", 3.0, report=quiet))
        await market.subscribed(f"publicTrade.{SYMBOL}")
        await asyncio.sleep(1.0)
        await market.drop()
        made = await recording
    assert made.segments > 1
    assert {} == made.left_out
    assert made.events["trade filled"] > 0
    trades = trades_of(tmp_path / "rec", name)
    assert list(range(trades[0], trades[-1] + 1)) == trades
    manifest = read_manifest(tmp_path / "rec")
    assert manifest is not None
    assert ("bybit", name, market.url, (SYMBOL,)) == (
        manifest.venue, manifest.market, manifest.environment, manifest.symbols,
    )  # fmt: skip
    assert ["bybit"] == [one.venue for one in manifest.instruments]
    assert {"publicTrade", "orderbook.1", "orderbook.50"} <= set(manifest.streams)
    first, again = (run_backtest([tmp_path / "rec"], load(environ={}, home=str(tmp_path / one))) for one in ("a", "b"))
    assert first.journal.sha256 == again.journal.sha256
    assert ({SYMBOL: 0}, {}) == (first.gaps, first.errors)
    assert first.events["book_snapshot"][SYMBOL] >= made.segments
    assert len(trades) == first.events["trade"][SYMBOL]
    assert first.events["depth"][SYMBOL] > 10
    assert ("mark_price" in first.events) is (name == "linear")


async def test_a_hole_that_cannot_be_filled_is_in_the_manifest_and_is_told(tmp_path: Path) -> None:
    market = Bybit(SYMBOL, "spot", lambda: time.time_ns() // NS_PER_MS)
    async with bybit(market), running(lives(market)):
        settings = settings_for(tmp_path, market, "feed.backfill_max_trades=0", "record.flush_seconds=0.1")
        recording = asyncio.create_task(record(settings, tmp_path / "rec", 2.0, report=quiet))
        await market.subscribed(f"publicTrade.{SYMBOL}")
        await asyncio.sleep(0.5)
        await market.drop()
        await recording
    manifest = read_manifest(tmp_path / "rec")
    assert manifest is not None
    (gap,) = [one for one in manifest.gaps if one.kind == "trades"]
    assert ("btcusdt@publicTrade", "backfill_max_trades = 0", True) == (gap.stream, gap.why, gap.at_ns < gap.until_ns)
    summary = run_backtest([tmp_path / "rec"], load(environ={}, home=str(tmp_path / "home")))
    assert 1 == summary.errors["recorded_gap"]
    assert "btcusdt@publicTrade may have had trades between 20" in summary.faults["recorded_gap"]


async def test_services_around_nats_make_the_signals_that_one_process_makes(tmp_path: Path) -> None:
    folder = write_bybit_recording(tmp_path / "rec", "linear", 30)
    sets = (UNHURRIED, "feed.speed=0", *LIVELY)
    ran = await run_over_nats(load(sets=sets, environ={}, home=str(tmp_path / "n")), [folder], "run-nats", report=quiet)
    tested = run_backtest([folder], load(sets=sets, environ={}, home=str(tmp_path / "b")))
    assert ran.feed is not None
    assert {} == ran.feed.refused
    signals = made_signals(turns_of(tested.journal.path))
    assert signals
    assert ran.strategies is not None
    assert signals == made_signals(turns_of(ran.strategies.journal.path))
