"""A MariaDB server for tests, in a process of its own with a data directory of its own, on a free loopback port."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGSTOP
from uuid import uuid4

import pytest

USER = "petrosa"
PASSWORD = "a secret/with@signs"
URL_PASSWORD = "a%20secret%2Fwith%40signs"
READY_S = 60.0
_QUICK = (
    "--innodb-flush-log-at-trx-commit=2", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M",
    "--innodb-file-per-table=0", "--innodb-flush-method=nosync", "--debug-no-sync",
)  # fmt: skip
"""Small, and never waiting for the disk: the power stays on in tests."""


class MariadbServer:
    """A server that a test may kill and bring back on the same port, with what it has on disk."""

    def __init__(self, folder: Path, *, durable: bool = False, options: tuple[str, ...] = ()) -> None:
        self._program = shutil.which("mariadbd")
        install = shutil.which("mariadb-install-db")
        if self._program is None or install is None:
            pytest.skip("MariaDB is not installed here: apt-get install -y mariadb-server (.ci/run does, as root)")
        self._folder = folder
        self._options = (*(() if durable else _QUICK), *options)
        self._process: subprocess.Popen[bytes] | None = None
        self._account = [f"--user={'root' if os.geteuid() == 0 else os.environ.get('USER', '')}"]
        self.port = 0
        subprocess.run(
            [install, "--no-defaults", *self._account, f"--datadir={folder}", "--skip-test-db",
             "--auth-root-authentication-method=normal"],
            check=True, capture_output=True,
        )  # fmt: skip

    def url(self, database: str) -> str:
        return f"mysql://{USER}:{URL_PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Return when it answers."""
        assert self._program is not None
        first = self.port == 0
        self.port = self.port or _free_port()
        begin = self._folder / "begin.sql"
        begin.write_text(f"CREATE USER IF NOT EXISTS {USER}@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
                         f"GRANT ALL ON *.* TO {USER}@'127.0.0.1';\n" if first else "")  # fmt: skip
        with (self._folder / "said").open("ab") as said:
            self._process = subprocess.Popen(
                [self._program, "--no-defaults", *self._account, f"--datadir={self._folder}", f"--port={self.port}",
                 "--bind-address=127.0.0.1", f"--socket={self.socket}", f"--pid-file={self._folder / 'pid'}",
                 f"--init-file={begin}", *self._options, "--skip-name-resolve"],
                stdout=subprocess.DEVNULL, stderr=said,
            )  # fmt: skip
        end = time.monotonic() + READY_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"the server did not start: {(self._folder / 'said').read_text()[-2_000:]}")

    @property
    def socket(self) -> Path:
        return self._folder / "s"

    def stop(self) -> None:
        """In order, or not at all within the time that it has to start."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(READY_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """As when it crashes: no goodbye."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def send(self, signal: int) -> None:
        """Stop it in its tracks (SIGSTOP) and return when it stands, or let it go on."""
        assert self._process is not None
        self._process.send_signal(signal)
        if signal == SIGSTOP:
            os.waitpid(self._process.pid, os.WUNTRACED)

    def database(self) -> str:
        """The name of a new database."""
        name = f"test_{uuid4().hex}"
        self.do(f"CREATE DATABASE {name}")
        return name

    def do(self, statement: str) -> str:
        """What the command-line client answers to a statement of root's: rows of fields with tabs between."""
        client = shutil.which("mariadb")
        assert client is not None
        done = subprocess.run(
            [client, "--no-defaults", "--user=root", f"--socket={self.socket}", "--batch", "--skip-column-names",
             "--execute", statement],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout

    def _answers(self) -> bool:
        """The greeting of the protocol has come."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1.0) as there:
                return bool(there.recv(1))
        except OSError:
            time.sleep(0.01)
            return False


@contextmanager
def mariadb_server(
    folder: Path, *, durable: bool = False, options: tuple[str, ...] = ()
) -> Iterator[MariadbServer]:  # fmt: skip
    """A server for as long as the block lasts; a `durable` one waits for the disk as it does anywhere else."""
    server = MariadbServer(folder, durable=durable, options=options)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
