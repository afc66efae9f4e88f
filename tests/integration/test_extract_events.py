"""What `petrosa extract` tells on a real NATS server, and that it needs none."""

import asyncio
import json
from pathlib import Path

from petrosa.adapters.bus.nats import NatsBus
from tests.kit.extraction import bench, settings_of
from tests.kit.history_server import MINUTE, MS


async def test_an_extraction_is_told_on_nats(tmp_path: Path, nats_url: str) -> None:
    """One event a series and one for both, under the prefix that is set."""
    heard: dict[str, dict[str, object]] = {}
    bus = await NatsBus.connect(nats_url)
    await bus.subscribe("told.>", lambda subject, data: heard.update({subject: json.loads(data)}))
    try:
        async with bench(tmp_path) as there:
            sets = (f"nats.url={nats_url}", "extract.subject_prefix=told")
            there.settings = settings_of(tmp_path, there.settings.extract.usdm_url, *sets)
            since = (there.server.now - 10 * MINUTE) * MS
            summary = await there.run(symbols=("BTCUSDT", "ETHUSDT"), since=since)
            async with asyncio.timeout(10.0):
                while len(heard) < 3:
                    await asyncio.sleep(0)
        assert (3, 0) == (summary.events, summary.events_lost)
        assert {"told.klines.BTCUSDT.1m", "told.klines.ETHUSDT.1m", "told.batch.1m"} == set(heard)
        assert heard["told.batch.1m"]["success"]
    finally:
        await bus.close()


async def test_a_server_that_is_away_costs_events_alone(tmp_path: Path) -> None:
    async with bench(tmp_path) as there:
        sets = ("nats.url=nats://127.0.0.1:9", "nats.connect_timeout_seconds=0.5")
        there.settings = settings_of(tmp_path, there.settings.extract.usdm_url, *sets)
        summary = await there.run(since=(there.server.now - 10 * MINUTE) * MS)
        assert (0, 1, []) == (summary.events, summary.events_lost, summary.failed)
