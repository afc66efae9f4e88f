"""The kill switch of real processes: latched over a kill and a restart, reached by HTTP, file, signal and command."""

import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from petrosa.apps.kill_switch import KILL_FILE
from petrosa.apps.replay import replay_journal
from tests.kit.desk import BUY
from tests.kit.fleet import address, ask, feed_until, post, until
from tests.kit.nats import Server
from tests.kit.services import TWIN, Process


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    made = Server(tmp_path / "broker-home")
    await made.start()
    yield made
    await made.stop()


async def started(home: Path, server: Server) -> tuple[Process, str]:
    """A trade service that turns its market, and its address."""
    process = await Process.start("trade", "--port", "0", home=home, url=server.url)
    url = address(await process.said("HTTP on "))
    await process.said("turning run")
    return process, url


async def answers(url: str) -> bool:
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{url}/account")).status_code == 200


async def test_the_latch_survives_a_killed_process(server: Server, tmp_path: Path) -> None:
    """A desk that was flattened and then killed comes back stopped, by its journal: no signal enters until somebody
    resumes; one that was resumed comes back open."""
    home = tmp_path / "home"
    await feed_until(home, server.url, 2_000)
    process, url = await started(home, server)
    await until(lambda: answers(url))
    stopped = await post(f"{url}/kill-switch", {"level": "flatten", "reason": "a test"})
    assert (200, "done") == (stopped.status_code, stopped.json()["status"])
    process.kill()
    await process.killed()
    process, url = await started(home, server)
    await until(lambda: answers(url))
    state = await ask(f"{url}/kill-switch")
    assert stopped.json()["state"] == state
    assert "flattened by local: a test" == (await ask(f"{url}/account"))["closed_because"]
    assert "rejected" == (await post(f"{url}/trade", BUY)).json()["status"]
    assert 200 == (await post(f"{url}/kill-switch/resume", {"reason": "it is over"})).status_code
    process.kill()
    await process.killed()
    process, url = await started(home, server)
    await until(lambda: answers(url))
    assert (False, "open") == ((await ask(f"{url}/kill-switch"))["engaged"], (await ask(f"{url}/account"))["entries"])
    process.terminate()
    await process.gone()


async def test_a_file_stops_a_running_trade_service(server: Server, tmp_path: Path) -> None:
    """Within seconds; as long as it is there the switch cannot be opened."""
    home = tmp_path / "home"
    await feed_until(home, server.url, 2_000)
    process, url = await started(home, server)
    await until(lambda: answers(url))
    (home / KILL_FILE).write_text("cancel_opens")

    async def is_stopped() -> bool:
        return (await ask(f"{url}/kill-switch"))["level"] == "cancel_opens"

    assert await until(is_stopped) < 30
    held = await post(f"{url}/kill-switch/resume", {"reason": "too early"})
    assert (409, "KILL_FILE_PRESENT") == (held.status_code, held.json()["error"]["code"])
    (home / KILL_FILE).unlink()
    assert 200 == (await post(f"{url}/kill-switch/resume", {"reason": "it is gone"})).status_code
    process.terminate()
    await process.gone()


async def test_a_signal_of_the_system_before_the_market_does_not_end_the_process(
    server: Server, tmp_path: Path
) -> None:
    """A trade service that waits for its market keeps what it is told."""
    process = await Process.start("trade", "--port", "0", home=tmp_path / "home", url=server.url)
    url = address(await process.said("HTTP on "))
    process.signal(signal.SIGUSR1)

    async def is_known() -> bool:
        return (await ask(f"{url}/kill-switch"))["waiting"] == ["pause_entries"]

    await until(is_known)
    process.terminate()
    await process.gone()


async def test_a_run_takes_signals_and_stops(tmp_path: Path) -> None:
    """`petrosa run` answers a signal while its recording goes on, and a kill switch closes it."""
    process = await Process.start(
        "run", "--recording", str(TWIN), "--speed", "30", "--port", "0", home=tmp_path, url=""
    )
    url = address(await process.said("HTTP on "))

    async def has_price() -> bool:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"{url}/price/BTCUSDT")).status_code == 200

    await until(has_price)
    price = float((await ask(f"{url}/price/BTCUSDT"))["price"])
    answer: dict[str, Any] = (await post(f"{url}/trade", {**BUY, "price": price})).json()
    assert (1, True) == (answer["signals_processed"], answer["result"]["stamped_on_arrival"])
    assert 200 == (await post(f"{url}/kill-switch", {"level": "halt", "reason": "a test"})).status_code
    assert "closed" == (await ask(f"{url}/account"))["entries"]
    process.terminate()
    result = await process.result()
    assert replay_journal(Path(result["journal"]["path"]), recording=[TWIN]).identical
