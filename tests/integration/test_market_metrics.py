"""The strategies service serves market metrics of what it hears over NATS, from before its first message on."""

import asyncio
from pathlib import Path

import httpx

from petrosa.apps.services import serve_strategies
from tests.kit.nats import Server
from tests.kit.services import run_feed, settings_of


async def test_the_strategies_service_answers_before_and_after_its_first_data(tmp_path: Path) -> None:
    """503 until the feed begins, then the metrics of both symbols; the same desk time as its books."""
    server = Server(tmp_path / "broker-home")
    await server.start()
    settings = settings_of(tmp_path, server.url, "http.port=0", "feed.speed=100", "log.heartbeat_enabled=false")
    said: asyncio.Queue[str] = asyncio.Queue()
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(serve_strategies(settings, report=said.put_nowait))
            while not (line := await said.get()).startswith("HTTP on "):
                pass
            async with httpx.AsyncClient(base_url=line.removeprefix("HTTP on ")) as client:
                before = await client.get("/api/v1/metrics/summary")
                assert (503, "NO_DATA_YET") == (before.status_code, before.json()["error"]["code"])
                feeding = tasks.create_task(run_feed(settings))
                while (summary := await client.get("/api/v1/metrics/summary")).status_code == 503 or (
                    summary.json()["symbols_tracked"] < 2
                ):
                    assert not serving.done()
                report = (await client.get("/api/v1/metrics/depth/eth/usdt:usdt")).json()
            assert ("ETHUSDT", 20) == (report["symbol"], report["order_book_quality"]["bid_levels"])
            await feeding
            assert (await serving).messages > 0
    finally:
        await server.stop()
