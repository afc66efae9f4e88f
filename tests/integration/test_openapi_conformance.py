"""A live server answers whatever is asked as its OpenAPI document says, and nothing makes it fail."""

import asyncio
import importlib.util
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from petrosa.apps.access import access_over
from petrosa.apps.auditing.reading import StoredAudit
from petrosa.apps.catalogue import packaged_recordings
from petrosa.apps.configuration.live import live_configuration
from petrosa.apps.run import open_recorded
from petrosa.apps.running import metrics_of, status_of
from petrosa.apps.settings import load
from petrosa.apps.surface import parts_of
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.audit_log import audit_log
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.api.trading_config import trading_config
from tests.kit.desk import MovedDesk
from tests.kit.soak import SOAKING, sample

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,"
    "response_schema_conformance,negative_data_rejection,unsupported_method,allow_header_conformance"
)
SETTINGS = (
    "feed.speed=0",
    "access.writes_per_key=10000",
    "access.write_cooldown_seconds=0.001",
    "feed.stale_after_seconds=3600",
    "metrics.ttl_seconds=3600",
)
"""So that neither the limit of writes nor the silence after the recording is all that answers."""
SKEW = "/api/v1/strategies/orderbook_skew"
READS = (
    "/healthz", "/ready", "/metrics", "/info", "/openapi.json", "/live", "/health", "/version", "/docs",
    "/api/v1/config/trading", "/api/v1/config/trading/schema", "/api/v1/config/trading/defaults",
    "/api/v1/config/history", "/api/v1/config/health", "/audit?event=order_filled&limit=3", "/signals/summary",
    "/signals/active", "/state",
    "/api/v1/strategies", f"{SKEW}/schema", f"{SKEW}/defaults", f"{SKEW}/config", f"{SKEW}/config/BTC/USDT",
    f"{SKEW}/audit", "/api/v1/metrics/depth/BTCUSDT", "/api/v1/metrics/pressure/ETHUSDT?timeframe=1m",
    "/api/v1/metrics/summary", "/api/v1/metrics/all?sort_by=pressure&min_pressure=-100",
)  # fmt: skip


@asynccontextmanager
async def surface(folder: Path) -> AsyncIterator[str]:
    """The address of everything that `petrosa run` serves, over a desk that has heard a recording whole.

    What trades is a desk of its own, which goes on: the other one has ended.
    """
    settings = load(sets=SETTINGS, environ={}, home=str(folder / "home"))
    async with live_configuration(settings, settings.feed.symbols) as configuration:
        process = open_recorded([packaged_recordings() / "synthetic-usdm"], configuration.settings, folder / "run")
        try:
            await process.run([], str)
            desk = MovedDesk(folder / "moved")
            parts = await parts_of(settings, configuration, str, metrics_of(process))
            trading = desk.control.part(access_over(settings, configuration.documents))
            access = access_over(settings, configuration.documents)
            more = [
                trading_config(configuration.service, access),
                audit_log(StoredAudit(configuration.documents), access),
            ]
            app = api(status_of(process, "run", configuration), [*parts, *more, trading])
            async with desk.running(), serving(app, "127.0.0.1", 0) as url:
                await desk.move(10.0)
                yield url
        finally:
            process.close()


async def statuses(url: str) -> dict[str, int]:
    async with httpx.AsyncClient(base_url=url) as client:
        return {path: (await client.get(path)).status_code for path in READS}


async def test_nothing_that_is_asked_is_answered_as_it_is_not_described(tmp_path: Path) -> None:
    """Examples, boundaries and generated requests, right and wrong: no server error, no answer that is not declared.

    Every route that reads has something to say, before it all and after it.
    """
    if importlib.util.find_spec("schemathesis") is None:
        pytest.skip("schemathesis is not installed: pip install -e '.[dev]'")
    async with surface(tmp_path) as url:
        assert dict.fromkeys(READS, 200) == await statuses(url)
        words = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--checks", CHECKS),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", str(sample(10, 200)), "--no-color"),
            *(() if SOAKING else ("--seed", "1", "--generation-deterministic")),
            *("--warnings", "off", "--generation-with-security-parameters", "false"),
        ]
        asked = await asyncio.create_subprocess_exec(
            *words,
            cwd=tmp_path,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asked.communicate()
        assert dict.fromkeys(READS, 200) == await statuses(url)
    assert 0 == asked.returncode, said.decode()
