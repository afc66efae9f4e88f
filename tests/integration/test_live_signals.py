"""`petrosa trade` on a venue: signals of NATS are turned once each, whatever kills the process in between."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from petrosa.adapters.bus.nats import NatsBus
from tests.kit.desk_here import KEY, QUIET
from tests.kit.fleet import address
from tests.kit.nats import Server
from tests.kit.paper_process import HandExchange, hand_exchange
from tests.kit.services import Process, received_ids, turns_of

WITHIN_S = 15.0
LOOK_EVERY_S = 0.1


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path / "broker-home")
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def exchange() -> Iterator[HandExchange]:
    with hand_exchange() as made:
        yield made


async def started(home: Path, server: Server, exchange: HandExchange, crash_at: str = "") -> tuple[Process, str]:
    """A trade service on the exchange that is ready, since it has heard its venue and its market; and its address."""
    sets = [word for one in (*QUIET, f"venue.url={exchange.url}", "feed.market=usdm") for word in ("--set", one)]
    process = await Process.start(
        "trade", "--venue", "paper", "--port", "0", *sets, home=home, url=server.url, crash_at=crash_at, more=KEY
    )
    url = address(await process.said("HTTP on "))
    async with httpx.AsyncClient(base_url=url, timeout=WITHIN_S) as client:
        async with asyncio.timeout(WITHIN_S):
            while not (await client.get("/ready")).json()["ready"]:
                await asyncio.sleep(LOOK_EVERY_S)
    return process, url


async def say(server: Server, number: int, action: str, copy: str = "") -> None:
    """A strategy elsewhere has an opinion; a copy is sent as something new."""
    body: dict[str, Any] = {
        "signal_id": f"signal-{number}", "strategy_id": "test", "symbol": "BTCUSDT", "action": action,
        "confidence": 0.8, "price": 50_000, "current_price": 50_000, "stop_loss": 49_000, "take_profit": 51_000,
        "timestamp": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    bus = await NatsBus.connect(server.url)
    await bus.publish_durable("signals.trading", msgspec.json.encode(body), f"{number}{copy}")
    await bus.close()


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(WITHIN_S):
        while not look():
            await asyncio.sleep(LOOK_EVERY_S)


def folder(home: Path) -> Path:
    (found,) = (home / "runs").glob("live-*")
    return found


async def test_no_signal_is_lost_or_ordered_twice_by_a_killed_process(
    server: Server, exchange: HandExchange, tmp_path: Path
) -> None:
    """The place in the journal is the acknowledgement: what came while nobody was there is turned after the start, what
    was turned before is not read again, and a copy of it orders nothing."""
    home = tmp_path / "home"
    process, _ = await started(home, server, exchange)
    await say(server, 1, "buy")
    await until(lambda: len(exchange.open_algos()) == 2)
    process.kill()
    await process.killed()
    await say(server, 1, "buy", " again")
    await say(server, 2, "close")
    process, _ = await started(home, server, exchange)
    await until(lambda: not exchange.positions() and not exchange.open_algos())
    process.kill()
    await process.killed()
    assert ["signal-1", "signal-1", "signal-2"] == received_ids(turns_of(folder(home)))
    assert ["BUY", "SELL"] == [one["side"] for one in exchange.trades("usdm")]


async def test_a_process_that_died_with_an_intent_on_disk_orders_at_most_once(
    server: Server, exchange: HandExchange, tmp_path: Path
) -> None:
    """The signal was turned and its order may have left: the venue is asked, the signal is not turned again, and the
    next one is."""
    home = tmp_path / "home"
    process, _ = await started(home, server, exchange, "outbox.before_send")
    await say(server, 1, "buy")
    await process.killed()
    assert [] == exchange.orders("usdm")
    process, url = await started(home, server, exchange)
    await until(lambda: httpx.get(f"{url}/account").json()["open_orders"] == 0)
    await say(server, 2, "buy")
    await until(lambda: len(exchange.open_algos()) == 2)
    process.kill()
    await process.killed()
    assert ["signal-1", "signal-2"] == received_ids(turns_of(folder(home)))
    assert 1 == len(exchange.trades("usdm"))
