"""The demo's desk, without a clock on the wall: as fast as it goes, until something has happened."""

import asyncio
from pathlib import Path

import pytest

from petrosa.apps import settings
from petrosa.apps.demo import open_demo, run_demo, run_demo_over_nats, screen
from petrosa.apps.process import DeskProcess
from petrosa.apps.replay import replay_journal
from petrosa.apps.running import status_of
from petrosa.errors import ConfigError
from petrosa.runtime.supervise import OnFailure
from petrosa.surfaces.terminal.screen import plain_line


def demo(home: Path, *sets: str) -> DeskProcess:
    return open_demo(settings.load(["demo"], ["feed.speed=0", *sets], {}, str(home)), home / "run")


async def run_until_filled(process: DeskProcess) -> None:
    async def watch() -> None:
        while process.model.fills < 2:
            await asyncio.sleep(0)
        process.stop("enough has been seen")

    try:
        await process.run([("watch", watch, OnFailure.HALT)], lambda _: None)
    finally:
        process.close()


async def test_the_demo_fills_and_can_be_turned_again(tmp_path: Path) -> None:
    """Its market is taped before it is turned, so its journal is a whole run."""
    process = demo(tmp_path)
    await run_until_filled(process)
    summary = process.summary()
    assert summary.fills >= 2
    assert {"BTCUSDT": 0, "ETHUSDT": 0, "SOLUSDT": 0} == summary.gaps
    assert replay_journal(tmp_path / "run").identical


async def test_the_screen_shows_what_the_desk_holds(tmp_path: Path) -> None:
    """The banner, the counts of the read model, the account's equity."""
    process = demo(tmp_path, "simulation.seed=3")
    await run_until_filled(process)
    seen = screen(process, status_of(process, "demo"), "http://127.0.0.1:1")
    assert "SIMULATED MARKET, profile demo, seed 3" == seen.banner
    assert process.summary().fills == seen.fill_count
    assert float(process.parts.trader.equity or 0) == seen.money.equity
    assert ["BTCUSDT", "ETHUSDT", "SOLUSDT"] == sorted(row.symbol for row in seen.symbols)
    assert all(row.price > 0 for row in seen.symbols)
    assert "fills" in plain_line(seen)


async def test_the_same_seed_is_the_same_demo(tmp_path: Path) -> None:
    """What happens first happens again; another seed is another market."""
    first = [await first_fill(tmp_path / name, seed) for name, seed in (("a", 8), ("b", 8), ("c", 9))]
    assert first[0] == first[1]
    assert first[0] != first[2]


async def first_fill(home: Path, seed: int) -> tuple[int, str, str]:
    process = demo(home, f"simulation.seed={seed}")
    await run_until_filled(process)
    fill = process.model.recent_fills[0]
    return fill.now, fill.fill.instrument, str(fill.fill.price)


async def test_a_synthetic_market_is_not_compared_with_the_real_one(tmp_path: Path) -> None:
    """Sources outside the venue are refused by name, with and without NATS, before anything is written."""
    wanted = settings.load(["demo"], ["outside.sources=coinbase"], {}, str(tmp_path / "home"))
    with pytest.raises(ConfigError, match=r"outside.sources = coinbase: .* petrosa run --venue"):
        await run_demo(wanted, seconds=1.0, view=lambda _: asyncio.sleep(0), report=str)
    with pytest.raises(ConfigError, match=r"outside.sources = coinbase"):
        await run_demo_over_nats(wanted, seconds=1.0, report=str)
    assert not (tmp_path / "home").exists()
