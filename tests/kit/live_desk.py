"""A live desk as a process of its own: forked from a parent that has imported everything, killed, and started again.

Strategies are off: it does what it is told by `POST /trade`. Its home is a folder, its venue a paper exchange.
"""

import json
import multiprocessing
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from io import RawIOBase
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import httpx

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET
from petrosa.core.strategies.catalog import CATALOG
from petrosa.runtime.crash import CrashPoint

DEADLINE_S = 30.0
LOOK_EVERY_S = 0.01
SHOWN = 3_000
NAPS = 1.5
"""A pause grows by this, up to a tenth of a second: a desk that is asked all the time has no time for anything else."""
NAP_MAX_S = 0.1
SERVER = multiprocessing.get_context("forkserver")
UNKNOWN = 255
"""What the fork server's client says of a child that died while two threads asked for it; a desk never ends with it."""
SERVER.set_forkserver_preload(
    ["petrosa.apps.live.run", "petrosa.apps.main", "petrosa.apps.commands.runs", "tests.kit.live_desk"]
)
OFF = tuple(f"strategies.{name}.enabled=false" for name in CATALOG)
QUIET = ("journal.tape=false", "metrics.enabled=false", "log.format=plain", "signals.conflict_window_seconds=0")


class Died(Exception):
    """The desk's process is gone."""


class TooLong(AssertionError):
    """Something did not become so in time."""


def _desk(words: list[str], environ: dict[str, str], log: Path, passed: Path) -> None:
    """The process: `petrosa` with these words; what it says and which crash points it passes, in files."""
    with log.open("ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.update(environ)
    sys.argv = ["petrosa", *words]
    from petrosa.apps.live import run
    from petrosa.apps.main import main

    with passed.open("ab", buffering=0) as noted:
        run.crash_point = lambda armed: _Noting(armed, noted) if armed else None  # type: ignore[attr-defined]
        main()


class _Noting(CrashPoint):
    """A crash point that says what it passes."""

    def __init__(self, armed: str, noted: RawIOBase) -> None:
        super().__init__(armed)
        self._noted = noted

    def __call__(self, name: str) -> None:
        self._noted.write(f"{name}\n".encode())
        super().__call__(name)


class Desk:
    """One process at a time on one home; `crash_at` arms a crash point for the next one."""

    def __init__(self, home: Path, url: str, market: str = "usdm", sets: tuple[str, ...] = ()) -> None:
        self.home = home
        self.market = market
        self.starts = 0
        self._sets = (*OFF, *QUIET, f"feed.market={market}", "feed.symbols=BTCUSDT", f"venue.url={url}", *sets)
        self._process: ForkServerProcess | None = None
        self._http: httpx.Client | None = None

    # the process

    def start(self, crash_at: str = "", *sets: str) -> None:
        """Start it, and return when its HTTP is there. Raises `Died` when it never comes."""
        self.starts += 1
        words = ["run", "--venue", "paper", "--port", "0", "--home", str(self.home)]
        for one in (*self._sets, *sets):
            words += ["--set", one]
        environ = {"BINANCE_API_KEY": DEMO_KEY, "BINANCE_API_SECRET": DEMO_SECRET, "PETROSA_CRASH_AT": crash_at}
        self._process = SERVER.Process(target=_desk, args=(words, environ, self.log, self.passed_file), daemon=True)
        self._process.start()
        url = self.until(self._address, "an address")
        self._http = httpx.Client(base_url=url, timeout=DEADLINE_S)

    @property
    def log(self) -> Path:
        return self.home.with_name(f"{self.home.name}.{self.starts}.log")

    @property
    def passed_file(self) -> Path:
        return self.log.with_suffix(".passed")

    def passed(self) -> Counter[str]:
        """How often an armed process has passed each crash point so far."""
        file = self.passed_file
        return Counter(file.read_text(encoding="utf-8").split()) if file.is_file() else Counter()

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def kill(self) -> None:
        """SIGKILL, if it is alive; and wait until it is gone. One that ended otherwise is a failure."""
        if self._process is None:
            return
        if self._process.is_alive():
            assert self._process.pid is not None
            with suppress(ProcessLookupError):  # it has died since
                os.kill(self._process.pid, signal.SIGKILL)
        self._process.join(DEADLINE_S)
        code, self._process = self._process.exitcode, None
        if self._http is not None:
            self._http.close()
            self._http = None
        assert code in (-signal.SIGKILL, UNKNOWN), f"exit code {code}\n{self.said()}"

    def stop(self) -> None:
        """SIGTERM, and wait until it has ended in order."""
        assert self._process is not None
        assert self._process.pid is not None
        assert self._http is not None
        os.kill(self._process.pid, signal.SIGTERM)
        self._process.join(DEADLINE_S)
        code, self._process = self._process.exitcode, None
        self._http.close()
        assert 0 == code, f"exit code {code}\n{self.said()}"

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8") if self.log.is_file() else ""

    def _address(self) -> str:
        _, found, rest = self.said().partition("HTTP on ")
        return rest.split()[0].rstrip('",') if found and rest[:1] and "\n" in rest else ""

    # what it is asked and told

    def ask(self, path: str) -> Any:
        return self._answer("GET", path)

    def trade(self, action: str, **more: Any) -> Any:
        """Hand in a signal. Raises `Died` when the desk does before it has answered."""
        body = {"strategy_id": "test", "symbol": "BTCUSDT", "action": action, "confidence": 0.8, "price": 50_000}
        return self._answer("POST", "/trade", {**body, **more})

    def _answer(self, method: str, path: str, body: Any = None) -> Any:
        assert self._http is not None
        try:
            answer = self._http.request(method, path, json=body)
        except httpx.TransportError as problem:
            raise Died(f"{problem}\n{self.said()[-SHOWN:]}") from problem
        return answer.json()

    def until(self, look: Callable[[], Any], what: str, within: float = DEADLINE_S) -> Any:
        """What `look` finds, once it finds something. Raises `Died`, and `TooLong` with what the desk said."""
        until, nap = time.monotonic() + within, LOOK_EVERY_S
        while not (found := look()):
            if not self.is_alive:
                raise Died(f"no {what}\n{self.said()[-SHOWN:]}")
            if time.monotonic() > until:
                raise TooLong(f"no {what} within {within:g} s\n{self.said()}")
            time.sleep(nap)
            nap = min(nap * NAPS, NAP_MAX_S)
        return found

    def until_ready(self, within: float = DEADLINE_S) -> None:
        try:
            self.until(lambda: self.ask("/ready").get("ready"), "readiness", within)
        except TooLong as problem:
            raise TooLong(f"{problem}\n{json.dumps(self.ask('/ready'), indent=1)}") from None

    @property
    def journal(self) -> Path:
        (folder,) = (self.home / "runs").glob("live-*")
        return folder
