"""Technical analysis from the store of bars to signals: with and without a bus, over restarts, over stored history."""

import asyncio
import json
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import httpx
import msgspec
import pytest

from petrosa.adapters.bus.nats import NatsBus
from petrosa.apps.settings import Settings
from petrosa.apps.ta import analyse, serve_ta
from petrosa.core.model.history import Kline, Series
from petrosa.core.model.signals import Signal
from petrosa.errors import ConfigError, UsageError
from tests.kit.analysis import Said, running_ta, store_bars, ta_settings
from tests.kit.history import LENGTHS, T0, wandering
from tests.kit.nats import Server
from tests.kit.services import made_signals, published, turns_of
from tests.kit.soak import sample

QUARTER = LENGTHS["15m"]
BTC, ETH = Series("usdm", "BTCUSDT", "15m"), Series("usdm", "ETHUSDT", "15m")
COUNT = 260
MARKETS = (wandering(BTC, COUNT), wandering(ETH, COUNT))


def close_of(number: int) -> int:
    return T0 + (number + 1) * QUARTER


async def whole(settings: Settings, since: int = 0) -> list[Signal]:
    """What all bars from one on lead to, turned at once."""
    made = await analyse(settings, close_of(since), None, report=Said())
    return made_signals(turns_of(made.journal.path))


async def test_history_is_turned_the_same_each_time(tmp_path: Path) -> None:
    """Twice the same signals, of every bar once and in the order of their closes; nothing is remembered of it."""
    settings = ta_settings(tmp_path)
    await store_bars(settings, *MARKETS)
    first = await analyse(settings, close_of(100), close_of(COUNT), report=Said())
    again = await analyse(settings, close_of(100), close_of(COUNT), report=Said())
    assert (2 * 100, 2 * 160, 2) == (first.history, first.bars, first.series)
    assert first.journal.decisions_sha256 == again.journal.decisions_sha256
    signals = made_signals(turns_of(first.journal.path))
    assert len(signals) == len({signal.signal_id for signal in signals}) > 20
    assert all(a.ts_event <= b.ts_event for a, b in pairwise(signals))
    assert {"BTCUSDT", "ETHUSDT"} == {signal.symbol for signal in signals}
    assert {close_of(number) for number in range(100, COUNT)} >= {signal.ts_event for signal in signals}
    assert sum(line.buy + line.sell + line.hold for line in first.signals) == len(signals)
    with pytest.raises(UsageError, match="no bar of that time"):
        await analyse(settings, close_of(COUNT + 5), None, report=Said())


async def test_restarts_say_nothing_twice_and_leave_nothing_out(tmp_path: Path) -> None:
    """A process that turns what is new and ends, started again and again: the signals are those of one that never
    stopped, whether some bars come at once or none."""
    settings = ta_settings(tmp_path)
    signals: list[Signal] = []
    steps = [101, 101, *range(102, COUNT, sample(16, 5)), COUNT]
    for count in steps:
        await store_bars(settings, *(bars[:count] for bars in MARKETS))
        summary = await serve_ta(settings, report=Said(), once=True)
        signals += made_signals(turns_of(summary.journal.path))
    assert await whole(settings, 100) == signals
    assert len(signals) == len({signal.signal_id for signal in signals}) > 20


async def test_signals_without_a_bus_are_said(tmp_path: Path) -> None:
    """Each in a line with its levels."""
    settings = ta_settings(tmp_path, "ta.poll_seconds=0.02")
    await store_bars(settings, *(bars[:150] for bars in MARKETS))
    async with running_ta(settings) as said:
        await store_bars(settings, *MARKETS)
        last = (await whole(settings, 150))[-1]
        line = await said.line(f"{last.strategy_id} {last.symbol} 15m: {last.action.value} at")
    assert "confidence" in line


async def test_signals_over_nats(server: Server, tmp_path: Path) -> None:
    """What an extractor tells wakes it, long before it would look by itself; killed in between and started again,
    each signal is on the stream once, with the kind of its entry and how long that may wait."""
    settings = ta_settings(tmp_path, "ta.poll_seconds=3600", url=server.url)
    told = {"event_type": "extraction_completed", "extraction_type": "klines", "period": "15m", "success": True}
    bus = await NatsBus.connect(server.url)
    for start, end in ((150, 200), (200, COUNT)):
        await store_bars(settings, *(bars[:start] for bars in MARKETS))
        async with running_ta(settings):
            await store_bars(settings, *(bars[:end] for bars in MARKETS))
            await bus.publish("binance.extraction.klines.x.y", b"no event")
            for symbol in ("BTCUSDT", "ETHUSDT"):
                event = told | {"symbol": symbol, "timestamp": "2026-01-02T03:15:02+00:00Z"}
                await bus.publish(f"binance.extraction.klines.{symbol}.15m", json.dumps(event).encode())
            expected = await whole(ta_settings(tmp_path), 149)
            async with asyncio.timeout(30):
                while len(await published(server.url)) < len(expected):
                    await asyncio.sleep(0.02)
    await bus.close()
    on_stream = await published(server.url)
    by_id = {signal.signal_id: signal for signal in expected}
    assert len(on_stream) == len(by_id)
    assert by_id == {signal.signal_id: signal for signal in on_stream}
    waiting = [signal for signal in on_stream if signal.order_type == "stop"]
    assert waiting
    assert all((signal.expires_at or 0) > signal.ts_event for signal in waiting)


async def test_its_http_surface(tmp_path: Path) -> None:
    """Alive at once, ready while bars come, and the strategies' configuration is changed as anywhere else."""
    settings = ta_settings(tmp_path, "http.enabled=true", "http.port=0", "ta.poll_seconds=0.02")
    await store_bars(settings, MARKETS[0])
    async with running_ta(settings) as said:
        url = (await said.line("HTTP on")).removeprefix("HTTP on ")
        async with httpx.AsyncClient(base_url=url) as client:
            assert 200 == (await client.get("/healthz")).status_code
            ready = await client.get("/ready")
            assert 503 == ready.status_code
            checks = {check["name"]: check for check in ready.json()["checks"]}
            assert "the store has no bar of ETHUSDT 15m; run petrosa extract klines" == checks["bars"]["detail"]
            assert checks["klines"]["ok"]
            assert "ta" == (await client.get("/info")).json()["service"]
            assert "realtime_strategies_messages_processed_total" in (await client.get("/metrics")).text
            act = {"changed_by": "alice", "reason": "less noise", "parameters": {"min_confidence": 0.9}}
            changed = await client.post("/api/v1/strategies/golden_trend_sync/config", json=act)
            assert 200 == changed.status_code
            applied = changed.json()["metadata"]["applied"]
            assert "applied" == applied["state"]
            assert "kept state" == applied["changes"]["binance:usdm:BTCUSDT"]
            await store_bars(settings, *(until_now(bars) for bars in MARKETS))
            async with asyncio.timeout(30):
                while (ready := await client.get("/ready")).status_code != 200:
                    await asyncio.sleep(0.02)
            assert "limit 2" in {check["name"]: check for check in ready.json()["checks"]}["bars"]["detail"]


def until_now(bars: Sequence[Kline]) -> list[Kline]:
    """The same bars, of which the last has just closed."""
    later = time.time_ns() // QUARTER * QUARTER - bars[-1].ts_close
    return [msgspec.structs.replace(bar, ts_open=bar.ts_open + later, ts_close=bar.ts_close + later) for bar in bars]


async def test_a_symbol_or_timeframe_that_cannot_be(tmp_path: Path) -> None:
    """Said before anything is opened."""
    with pytest.raises(ConfigError, match=r"ta\.timeframes has '7m'; choose from"):
        ta_settings(tmp_path, "ta.timeframes=7m")
    with pytest.raises(ConfigError, match="no rules for binance:usdm:NONEUSDT"):
        await serve_ta(ta_settings(tmp_path, "ta.symbols=NONEUSDT"), report=Said())
