"""Extraction events as the sister services read them: one a series, one for several of a period."""

import asyncio
import json
from typing import Any

from petrosa.adapters.bus.local import LocalBus
from petrosa.apps.extracting.events import Events
from petrosa.apps.extracting.results import Result
from petrosa.errors import TransportError

NOW = 1_767_225_600_123_456_789


def result(symbol: str, interval: str = "15m", **more: Any) -> Result:
    return Result("klines", "usdm", symbol, interval, fetched=3, written=2, gaps_found=2, gaps_filled=1,
                  elapsed_s=0.25, **more)  # fmt: skip


async def told(kind: str, *results: Result, prefix: str = "binance.extraction") -> dict[str, dict[str, Any]]:
    """What is heard of it: subject → event."""
    bus = LocalBus()
    heard: dict[str, dict[str, Any]] = {}
    await bus.subscribe(">", lambda subject, data: heard.update({subject: json.loads(data)}))
    events = Events(bus, prefix, lambda: NOW)
    await events.tell(kind, results, 1.5)
    async with asyncio.timeout(10.0):
        while len(heard) < events.told:
            await asyncio.sleep(0)
    assert (len(heard), 0) == (events.told, events.lost)
    await bus.close()
    return heard


async def test_an_event_has_the_documented_fields() -> None:
    """And its time has one suffix."""
    assert {
        "binance.extraction.klines.BTCUSDT.15m": {
            "event_type": "extraction_completed",
            "extraction_type": "klines",
            "symbol": "BTCUSDT",
            "period": "15m",
            "timestamp": "2026-01-01T00:00:00.123456Z",
            "success": True,
            "metrics": {
                "records_fetched": 3,
                "records_written": 2,
                "duration_seconds": 0.25,
                "gaps_found": 2,
                "gaps_filled": 1,
            },
            "errors": [],
            "market": "usdm",
            "schema": 1,
        }
    } == await told("klines", result("BTCUSDT"))


async def test_several_of_a_period_are_a_batch_too() -> None:
    """With their sums; what failed is no success."""
    heard = await told(
        "klines_gap_filling", result("BTCUSDT"), result("ETHUSDT", errors=["away"]), result("BTCUSDT", "1h"),
        prefix="binance.extraction.gap-filler",
    )  # fmt: skip
    prefix = "binance.extraction.gap-filler"
    assert {
        f"{prefix}.klines_gap_filling.BTCUSDT.15m", f"{prefix}.klines_gap_filling.ETHUSDT.15m",
        f"{prefix}.klines_gap_filling.BTCUSDT.1h", f"{prefix}.batch.15m",
    } == set(heard)  # fmt: skip
    batch = heard[f"{prefix}.batch.15m"]
    assert ("batch_extraction_completed", ["BTCUSDT", "ETHUSDT"], False, ["ETHUSDT: away"]) == (
        batch["event_type"], batch["symbols"], batch["success"], batch["errors"],
    )  # fmt: skip
    assert {
        "symbols_processed": 2,
        "total_records_fetched": 6,
        "total_records_written": 4,
        "total_gaps_found": 4,
        "total_gaps_filled": 2,
        "duration_seconds": 1.5,
    } == batch["metrics"]


class Away(LocalBus):
    """Takes nothing."""

    async def publish(self, subject: str, data: bytes) -> None:
        raise TransportError("away")


async def test_a_bus_that_is_away_costs_events_alone() -> None:
    events = Events(Away(), "binance.extraction", lambda: NOW)
    await events.tell("klines", [result("BTCUSDT"), result("ETHUSDT")], 1.0)
    assert (0, 3) == (events.told, events.lost)
