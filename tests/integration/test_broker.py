"""The broker: starts, leaves its address, keeps its streams, and is cleared away."""

import asyncio
import importlib.metadata
import json
import os
import re
import signal
import socket
from pathlib import Path

import pytest

from petrosa.adapters.bus.nats import NatsBus
from petrosa.apps.broker import find_broker, serve_broker, start_broker
from petrosa.errors import ConfigError, StorageError, TransportError, UsageError


async def test_its_address_is_found_while_it_runs(tmp_path: Path) -> None:
    """A running broker is found by its data directory; a stopped one is not, and leaves no address behind."""
    assert find_broker(tmp_path) is None
    broker = await start_broker(tmp_path)
    assert broker.url == find_broker(tmp_path)
    await broker.stop()
    await broker.stop()
    assert (None, False) == (find_broker(tmp_path), (tmp_path / "broker.json").exists())


async def test_streams_outlive_it(tmp_path: Path) -> None:
    """What its streams hold is there when it is started again."""
    broker = await start_broker(tmp_path)
    bus = await NatsBus.connect(broker.url)
    await bus.ensure_stream("S", ["s"])
    await bus.publish_durable("s", b"x", "1")
    await bus.close()
    await broker.stop()
    broker = await start_broker(tmp_path)
    bus = await NatsBus.connect(broker.url)
    assert (1, 1) == await bus.stream_state("S")
    await bus.close()
    await broker.stop()


async def test_an_address_that_nobody_answers_is_not_believed(tmp_path: Path) -> None:
    """A broker.json left by a crash, or torn, or whose port is another program's now, is no broker."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        port = other.getsockname()[1]
        (tmp_path / "broker.json").write_text(json.dumps({"url": f"nats://127.0.0.1:{port}", "pid": 1}))
        assert find_broker(tmp_path) is None
    assert find_broker(tmp_path) is None
    (tmp_path / "broker.json").write_text('{"url": "na')
    assert find_broker(tmp_path) is None


async def test_serving_until_cancelled(tmp_path: Path) -> None:
    """The command says its address, refuses a second of the same data directory, and stops the server at its end."""
    said: asyncio.Queue[str] = asyncio.Queue()
    serving = asyncio.create_task(serve_broker(tmp_path, ready=said.put_nowait))
    url = await said.get()
    with pytest.raises(UsageError, match=f"already at {re.escape(url)}"):
        await serve_broker(tmp_path)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert find_broker(tmp_path) is None


async def test_a_server_that_ends_by_itself_is_an_error(tmp_path: Path) -> None:
    """When the server dies, the command ends with its last words instead of pretending."""
    said: asyncio.Queue[str] = asyncio.Queue()
    serving = asyncio.create_task(serve_broker(tmp_path, ready=said.put_nowait))
    await said.get()
    pid = json.loads((tmp_path / "broker.json").read_text())["pid"]
    os.kill(pid, signal.SIGTERM)
    with pytest.raises(TransportError, match="ended by itself"):
        await serving


async def test_a_port_that_is_taken(tmp_path: Path) -> None:
    """A port in use is a configuration error in the server's own words, and nothing is left running."""
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(ConfigError, match=r"did not start.*address already in use"),
    ):
        await start_broker(tmp_path, port=other.getsockname()[1])
    assert find_broker(tmp_path) is None


async def test_a_home_that_cannot_be_written(tmp_path: Path) -> None:
    """A data directory below a file is a storage error that names it."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match="file/broker"):
        await start_broker(tmp_path / "file")


async def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the server program the error says what to install, and what to do instead."""

    def missing(name: str) -> importlib.metadata.Distribution:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
    with pytest.raises(ConfigError, match=r"petrosa\[broker\].*NATS_URL"):
        await start_broker(tmp_path)
