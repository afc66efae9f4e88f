"""A paper exchange that outlives its clients: as a process of its own, or in a thread whose market the test moves.

Both are looked at from outside, by signed requests, so that what a dead desk left behind can be read while it is dead.
"""

import asyncio
import contextlib
import hashlib
import hmac
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import httpx

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET, AccountEntry, demo_account
from petrosa.adapters.venues.binance.paper.connections import Connections
from petrosa.adapters.venues.binance.paper.faults import Fault, Faults
from petrosa.adapters.venues.binance.paper.server import paper_app
from petrosa.adapters.venues.binance.paper.venue import PaperVenue
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.core.simulation.params import SimulationParams
from petrosa.surfaces.api.serve import serving
from tests.kit.hand_market import HandMarket
from tests.kit.paper_venue import rules as default_rules

TIMEOUT_S = 30.0
BEAT_S = 0.1
PROGRAM = [sys.executable, "-c", "from petrosa.apps.main import main; main()", "paper-exchange"]
Rules = Mapping[str, Mapping[InstrumentId, Instrument]]
Made = TypeVar("Made")


class Refused(Exception):
    """The exchange said no."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(f"{code}: {msg}")
        self.code = code


class Exchange:
    """What an exchange at an address holds for one key, and the faults that it has."""

    def __init__(self, url: str, key: str = DEMO_KEY, secret: str = DEMO_SECRET) -> None:
        self.url = url
        self.ws = "ws" + url.removeprefix("http")
        self.key, self.secret = key, secret
        self._http = httpx.Client(base_url=url, headers={"X-MBX-APIKEY": key}, timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def timeout(self, seconds: float) -> None:
        """How long it waits for an answer from now on."""
        self._http.timeout = seconds

    # requests

    def call(self, method: str, path: str, **params: Any) -> Any:
        """What a signed request is answered with. Raises `Refused`."""
        query = urlencode({**params, "timestamp": time.time_ns() // NS_PER_MS, "recvWindow": 60_000})
        signature = hmac.new(self.secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        return self._said(self._http.request(method, f"{path}?{query}&signature={signature}"))

    def public(self, path: str, **params: Any) -> Any:
        return self._said(self._http.get(path, params=params))

    def _said(self, answer: httpx.Response) -> Any:
        said = answer.json()
        if answer.status_code != 200:
            raise Refused(said["code"], said["msg"])
        return said

    # what it holds

    def orders(self, market: str, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
        """Every order that is remembered, oldest first; on USD-M the real ones that triggers made too."""
        path = "/api/v3/allOrders" if market == "spot" else "/fapi/v1/allOrders"
        return list(self.call("GET", path, symbol=symbol, limit=1_000))

    def open_orders(self, market: str, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
        path = "/api/v3/openOrders" if market == "spot" else "/fapi/v1/openOrders"
        return list(self.call("GET", path, symbol=symbol))

    def trades(self, market: str, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
        path = "/api/v3/myTrades" if market == "spot" else "/fapi/v1/userTrades"
        return list(self.call("GET", path, symbol=symbol, limit=1_000))

    def algos(self, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
        """Every conditional order of USD-M that is remembered."""
        return list(self.call("GET", "/fapi/v1/allAlgoOrders", symbol=symbol, limit=1_000))

    def open_algos(self, symbol: str = "BTCUSDT") -> list[dict[str, Any]]:
        return list(self.call("GET", "/fapi/v1/openAlgoOrders", symbol=symbol))

    def positions(self, symbol: str = "BTCUSDT") -> dict[str, Decimal]:
        """Signed quantity by position side, of those that are not flat."""
        rows = self.call("GET", "/fapi/v3/positionRisk", symbol=symbol)
        return {row["positionSide"]: Decimal(row["positionAmt"]) for row in rows if Decimal(row["positionAmt"])}

    def balances(self, market: str) -> dict[str, Decimal]:
        """Totals by asset: on spot free and locked together, on USD-M the wallet."""
        if market == "spot":
            rows = self.call("GET", "/api/v3/account")["balances"]
            return {row["asset"]: Decimal(row["free"]) + Decimal(row["locked"]) for row in rows}
        rows = self.call("GET", "/fapi/v3/account")["assets"]
        return {row["asset"]: Decimal(row["walletBalance"]) for row in rows}

    def hedge(self, dual: bool = True) -> None:
        """Hold long and short apart, or no longer."""
        self.call("POST", "/fapi/v1/positionSide/dual", dualSidePosition=str(dual).lower())

    # faults

    def fault(self, kind: str, **more: Any) -> int:
        """Have a fault from now on; its number."""
        answer = self._http.post("/petrosa/faults", json={"kind": kind, **more})
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def fired(self, number: int) -> int:
        """How often a fault has struck."""
        return next(int(one["fired"]) for one in self._http.get("/petrosa/faults").json() if one["id"] == number)

    def clear_faults(self) -> None:
        self._http.delete("/petrosa/faults")


@contextlib.contextmanager
def paper_process(home: Path, *words: str) -> Iterator[Exchange]:
    """`petrosa paper-exchange` on a free port, with more words if given, until the block ends."""
    command = [*PROGRAM, "--port", "0", "--home", str(home), *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        said: dict[str, str] = {}
        while "faults" not in said:
            line = process.stdout.readline()
            assert line, process.communicate()[1]
            name, _, value = line.partition(": ")
            said[name] = value.strip()
        with Exchange(said["faults"].removesuffix("/petrosa/faults")) as exchange:
            yield exchange
    finally:
        process.terminate()
        try:
            process.communicate(timeout=TIMEOUT_S)
        finally:
            process.kill()
            process.communicate()


class HandExchange(Exchange):
    """An exchange in a thread of its own, on the wall's clock. `market` may be used inside `do` alone."""

    def __init__(self, url: str, market: HandMarket, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(url)
        self._market = market
        self._loop = loop

    def do(self, work: Callable[[HandMarket], Made]) -> Made:
        """Have the market do something, between two requests, and wait until it has."""

        async def inside() -> Made:
            return work(self._market)

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(TIMEOUT_S)

    def move(self, price: str, symbol: str = "BTCUSDT") -> None:
        """The book round a price, a print at it and the mark on it."""
        self.do(lambda market: market.move(price, symbol))

    def quote(self, price: str, symbol: str = "BTCUSDT", *, size: float = 5.0, levels: int = 5) -> None:
        """The book alone; a small `size` on one level fills a part of an order, and the rest waits for the next one."""
        self.do(lambda market: market.quote(price, symbol, size=size, levels=levels))

    def trade(self, price: str, quantity: float = 0.001, symbol: str = "BTCUSDT") -> None:
        self.do(lambda market: market.trade(price, quantity, symbol=symbol))

    def mark(self, price: str, symbol: str = "BTCUSDT") -> None:
        self.do(lambda market: market.mark(price, symbol))


class _Thread(threading.Thread):
    """Runs the exchange until it is stopped."""

    def __init__(self, serve: Callable[["_Thread"], Any]) -> None:
        super().__init__(name="paper exchange", daemon=True)
        self.loop = asyncio.new_event_loop()
        self.up = threading.Event()
        self.stopped = asyncio.Event()
        self.url = ""
        self._serve = serve
        self.problem: BaseException | None = None

    def run(self) -> None:
        try:
            self.loop.run_until_complete(self._serve(self))
        except BaseException as problem:  # noqa: BLE001 - told in the test's thread
            self.problem = problem
        finally:
            self.loop.close()
            self.up.set()


@contextlib.contextmanager
def hand_exchange(
    prices: Mapping[str, str] | None = None, *, rules: Rules | None = None, accounts: Sequence[AccountEntry] = (),
    faults: Sequence[Fault] = (), beat: float = BEAT_S,
) -> Iterator[HandExchange]:  # fmt: skip
    """An exchange with BTCUSDT at 50,000 unless told otherwise, until the block ends, whatever becomes of its clients.

    Every `beat` seconds the market repeats itself, since a desk takes a silent one for dead; 0: it stands still.
    """
    rules = default_rules() if rules is None else rules
    venue = PaperVenue(
        rules, list(accounts) or [demo_account()], SimulationParams(), Faults(tuple(faults)), time.time_ns
    )  # fmt: skip
    market = HandMarket(venue, [one for known in rules.values() for one in known.values()], time.time_ns)
    for symbol, price in (prices or {"BTCUSDT": "50000"}).items():
        market.move(price, symbol)

    async def serve(thread: _Thread) -> None:
        connections = Connections()
        app = paper_app(venue, time.time_ns, connections.abort)
        async with serving(
            app, "127.0.0.1", 0, protocol=connections.protocol(), websockets=True, idle_s=60
        ) as thread.url:
            thread.up.set()
            while not thread.stopped.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(thread.stopped.wait(), beat or BEAT_S)
                venue.advance(time.time_ns())
                if beat:
                    market.beat()
        await asyncio.sleep(0)  # what was accepted at the last moment is a connection now: its client called again
        for late in list(connections._open.values()):
            late.abort()
        await asyncio.sleep(0)

    thread = _Thread(serve)
    thread.start()
    thread.up.wait(TIMEOUT_S)
    try:
        assert thread.problem is None, thread.problem
        with HandExchange(thread.url, market, thread.loop) as exchange:
            yield exchange
    finally:
        if thread.problem is None:
            thread.loop.call_soon_threadsafe(thread.stopped.set)
        thread.join(TIMEOUT_S)
    if thread.problem is not None:
        raise thread.problem
