"""The requests of the trade engine's specification, as they are written there, to real processes."""

import asyncio
import json
import re
import shlex
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from petrosa.adapters.bus.nats import NatsBus
from tests.kit.live_process import live_process
from tests.kit.nats import Server
from tests.kit.paper_process import paper_process

QUICK_START = (
    """curl -X POST http://localhost:8000/trade -H "Content-Type: application/json" """
    """-d '{"strategy_id": "test", "symbol": "BTCUSDT", "action": "buy", "confidence": 0.8, "price": 50000, """
    """"quantity": 0.001}'"""
)
SIGNAL = {
    "strategy_id": "volume_surge_breakout",
    "symbol": "BTCUSDT",
    "action": "buy",
    "confidence": 0.85,
    "price": 50000.00,
    "quantity": 0.001,
    "current_price": 50000.00,
    "timeframe": "15m",
    "stop_loss": 49000.00,
    "take_profit": 51500.00,
    "indicators": {},
    "metadata": {},
    "timestamp": "2024-01-01T00:00:00.000Z",
}
ENDPOINT = {name: value for name, value in SIGNAL.items()
            if name in ("strategy_id", "symbol", "action", "confidence", "price", "quantity", "stop_loss",
                        "take_profit")}  # fmt: skip
"""The body that the specification shows at `POST /trade`."""
WAIT_S = 20.0


class Engine:
    """`petrosa trade` before a paper exchange at 50,000, and what its examples use to talk to it."""

    def __init__(self, client: httpx.AsyncClient, bus: NatsBus) -> None:
        self.client, self.bus = client, bus

    async def typed(self, command: str) -> dict[str, Any]:
        """What a command line of the specification prints; only the address is ours."""
        words = shlex.split(command.replace("http://localhost:8000", str(self.client.base_url).rstrip("/")))
        process = await asyncio.create_subprocess_exec(*words, "-s", stdout=asyncio.subprocess.PIPE)
        said: dict[str, Any] = json.loads((await process.communicate())[0])
        return said

    async def trade(self, **body: Any) -> dict[str, Any]:
        answer = await self.client.post("/trade", json=body)
        assert 200 == answer.status_code, answer.text
        said: dict[str, Any] = answer.json()
        return said

    async def close(self) -> None:
        """Leave, and wait until nothing rests any more."""
        left = await self.trade(strategy_id="test", symbol="BTCUSDT", action="close", confidence=1.0, price=50_000)
        assert "filled" == left["result"]["status"], left
        await self.until("/orders?status=open", lambda said: not said["orders"])

    async def until(self, path: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """What is answered once it is so."""
        async with asyncio.timeout(WAIT_S):
            while not holds(said := (await self.client.get(path)).json()):
                await asyncio.sleep(0)
        return dict(said)


@pytest.fixture
async def engine(tmp_path: Path, server: Server) -> AsyncIterator[Engine]:
    words = ("--market", "usdm", "--symbols", "BTCUSDT", "--price", "BTCUSDT=50000")
    desk = ("trade", "--venue", "paper", "--set", "feed.symbols=BTCUSDT")
    with paper_process(tmp_path / "exchange", *words) as exchange:
        async with (
            live_process(*desk, exchange=exchange.url, home=tmp_path / "desk", nats=server.url) as url,
            httpx.AsyncClient(base_url=url) as client,
        ):
            bus = await NatsBus.connect(server.url)
            yield Engine(client, bus)
            await bus.close()


async def test_the_examples_of_the_specification(engine: Engine) -> None:
    """One engine for all of them, since starting it takes longest."""
    await _quick_start(engine)
    await _account_price_metrics(engine)
    await engine.close()
    await _endpoint_example(engine)
    await engine.close()
    await _order_and_delete(engine)
    await _from_nats(engine)
    await _refusals_are_no_server_errors(engine)


async def _quick_start(engine: Engine) -> None:
    """The fill is in the answer, and is a fill: below the limit, with its fee."""
    said = await engine.typed(QUICK_START)
    result = said["result"]
    assert ("agreed", "filled") == (said["status"], result["status"]), said
    assert "filled" in said["message"]
    assert result["order_id"] == said["orders"][0]
    assert 49_500 < float(result["fill_price"]) < 50_500
    assert float(result["quantity"]) > 0
    notional = float(result["quantity"]) * float(result["fill_price"])
    assert notional * 0.0005 == pytest.approx(float(result["fees"]["USDT"]))


async def _account_price_metrics(engine: Engine) -> None:
    account = (await engine.client.get("/account")).json()
    assert ("paper", 1, "open") == (account["account_type"], account["open_positions"], account["entries"])
    assert float(account["balances"]["USDT"]) < 100_000
    price = (await engine.client.get("/price/BTCUSDT")).json()
    assert 49_500 < float(price["price"]) < 50_500
    assert {"symbol", "timestamp"} < price.keys()
    metrics = await engine.client.get("/metrics")
    assert "text/plain" in metrics.headers["content-type"]
    assert re.search(r"^petrosa_fills_total [1-9]", metrics.text, re.M) is not None


async def _endpoint_example(engine: Engine) -> None:
    """With its own stop and target, which then rest on the venue."""
    said = await engine.trade(**ENDPOINT)
    assert "filled" == said["result"]["status"]
    assert said["result"]["stamped_on_arrival"]
    await _rest(engine, "49000", "51500")


async def _order_and_delete(engine: Engine) -> None:
    """An order that rests is taken off by the venue's own id."""
    order = {"symbol": "BTCUSDT", "side": "buy", "type": "limit", "quantity": "0.01", "price": "49600"}
    placed = (await engine.client.post("/order", json={**order, "stop_loss": "49000"})).json()
    assert "agreed" == placed["status"], placed
    said = await engine.until(
        "/orders?status=open", lambda said: bool(said["orders"]) and said["orders"][0]["venue_order_id"]
    )
    deleted = await engine.client.delete(f"/order/BTCUSDT/{said['orders'][0]['venue_order_id']}")
    assert (200, "agreed") == (deleted.status_code, deleted.json()["status"])
    await engine.until("/orders?status=open", lambda said: not said["orders"])


async def _from_nats(engine: Engine) -> None:
    """The message of 2024 is stale; that of now is traded."""
    await engine.bus.publish("signals.trading", json.dumps(SIGNAL).encode())
    refused = await engine.until("/refusals?check=stale", lambda said: bool(said["refusals"]))
    assert "volume_surge_breakout" == refused["refusals"][0]["strategy_id"]
    assert "300" in refused["refusals"][0]["limit"]
    before = (await engine.client.get("/fills")).json()["paging"]["total"]
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    await engine.bus.publish("signals.trading", json.dumps({**SIGNAL, "timestamp": now}).encode())
    await engine.until("/fills", lambda said: said["paging"]["total"] > before)
    await _rest(engine, "49000", "51500")


async def _rest(engine: Engine, stop: str, target: str) -> None:
    def stands(said: dict[str, Any]) -> bool:
        return said["protected"] == 1 and all(order["confirmed"] for order in said["stops"][0]["orders"])

    held = (await engine.until("/positions/stops-health", stands))["stops"][0]
    assert (float(stop), float(target)) == (float(held["stop"]), float(held["target"]))


async def _refusals_are_no_server_errors(engine: Engine) -> None:
    """A signal that is refused is answered with its reason, one that cannot be read is the sender's mistake."""
    again = await engine.trade(**{**ENDPOINT, "confidence": 0.2})
    assert ("rejected", "confidence") == (again["status"], again["result"]["check"])
    far = await engine.trade(**{**ENDPOINT, "symbol": "NOSUCHUSDT"})
    assert ("rejected", "symbol") == (far["status"], far["result"]["check"])
    unread = [await engine.client.post("/trade", content=body) for body in (b"{", b'{"strategy_id": "test"}')]
    assert all(400 <= answer.status_code < 500 for answer in unread), unread
    gone = await engine.client.delete("/order/BTCUSDT/12345678")
    assert 404 == gone.status_code
