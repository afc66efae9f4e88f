"""A server that speaks MongoDB's protocol, for tests: SecantusDB in a process of its own, on a free loopback port."""

import gc
import importlib.util
import os
import subprocess
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGSTOP

import pytest

_SAYS_ADDRESS = b"listening on "


class MongoServer:
    """A server that a test may kill and bring back on the same port, with what it has on disk.

    Starting takes about a second; a replica set of one unless `standalone`. What was committed survives a kill.
    """

    def __init__(self, folder: Path, *, standalone: bool = False) -> None:
        if importlib.util.find_spec("secantus") is None:
            pytest.skip("the test server for MongoDB is not installed: pip install --pre secantusdb")
        self._folder = folder
        self._options = ["--standalone"] if standalone else []
        self._process: subprocess.Popen[bytes] | None = None
        self._reader = threading.Thread()
        self._port = 0

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self._port}/"

    def start(self) -> None:
        """Return when it listens."""
        program = [sys.executable, "-m", "secantus"]
        place = ["--host", "127.0.0.1", "--port", str(self._port), "--storage-path", str(self._folder)]
        durable = ["--sync-on-commit", "--cache-size", "64M", "--enable-test-commands"]
        self._process = subprocess.Popen(
            [*program, *place, *durable, *self._options], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if _SAYS_ADDRESS in line:
                self._port = int(line.rpartition(b":")[2])
                # What it says from now on is read and forgotten, or one day it would wait for a reader.
                self._reader = threading.Thread(target=deque, args=(self._process.stderr, 0))
                self._reader.start()
                return
        raise AssertionError(f"the server did not start: {b''.join(said).decode()}")

    def kill(self) -> None:
        """As when the machine loses power: no goodbye."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._reader.join()
        assert self._process.stderr is not None
        self._process.stderr.close()
        _KILLED.append(self.url)

    def send(self, signal: int) -> None:
        """Stop it in its tracks (SIGSTOP) and return when it stands, or let it go on."""
        assert self._process is not None
        self._process.send_signal(signal)
        if signal == SIGSTOP:
            os.waitpid(self._process.pid, os.WUNTRACED)


@contextmanager
def mongo_server(folder: Path, *, standalone: bool = False) -> Iterator[MongoServer]:
    """A server for as long as the block lasts; killed after it, for nobody needs what it holds."""
    server = MongoServer(folder, standalone=standalone)
    try:
        server.start()
        yield server
    finally:
        server.kill()


_KILLED: list[str] = []


def collect_abandoned() -> None:
    """Let go of what the driver left when its server died: a socket that was being opened is nobody's then."""
    if _KILLED:
        _KILLED.clear()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()
