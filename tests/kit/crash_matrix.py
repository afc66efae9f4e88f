"""The crash matrix: a live desk is killed at a point of its code while the venue behaves in a way, and started again.

A cell is one kill: a signal to buy, its stop and target, a signal to close; the point is armed for its Nth passing.
What holds afterwards is read from the exchange itself (`tests/kit/crash_truth.py`).
"""

import functools
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import Any, Final, NamedTuple

from petrosa.runtime.crash import NAMES
from tests.kit.crash_truth import assert_end, assert_guarded, is_guarded_or_flat
from tests.kit.live_desk import Desk, Died, TooLong
from tests.kit.paper_process import HandExchange, hand_exchange

PRICE: Final = "50000"
FALLEN: Final = "48900"
"""Below the stop of an entry at `PRICE`, which is 2 % away."""
PHASE_S: Final = 10.0
HELD_UP_S: Final = 1.0
"""So long a desk that is held up by its venue is left alone; then it is killed where it is."""
RECOVERED_S: Final = 30.0
LATE_MS: Final = 1_200.0
"""A slow request takes effect when the desk that sent it is dead, and the next one has already asked."""
POINTS: Final = NAMES
PASSINGS_MAX: Final = 2
"""So many passings of a point are tried where the venue misbehaves, spread over the half of the story; else all."""
TOGETHER: Final = 4
"""Cells that run side by side: they wait more than they work."""
NEVER: Final = 1_000_000


class Struck(Enum):
    """Which request a behaviour concerns, and so in which half of the story the desk is killed."""

    ENTRY = "entry"
    PROTECTION = "protection"
    EXIT = "exit"
    CANCEL = "cancel"

    @property
    def is_entering(self) -> bool:
        return self in (Struck.ENTRY, Struck.PROTECTION)


class Behaviour(Enum):
    """What the venue does meanwhile."""

    NORMAL = "normal"
    LOST = "lost"
    REJECTED = "rejected"
    UNSAID = "taken, answered 503"
    SILENT = "taken, no answer"
    PARTLY = "partly filled"
    SLOW = "slow"
    UNHEARD = "user stream away"
    STOPPED_OUT = "stop fires while dead"
    AGAIN = "killed again"


FAULTS: Final[Mapping[Behaviour, Mapping[str, Any]]] = {
    Behaviour.LOST: {"kind": "drop"},
    Behaviour.REJECTED: {"kind": "reject"},
    Behaviour.UNSAID: {"kind": "error_after_accept"},
    Behaviour.SILENT: {"kind": "silence_after_accept", "delay_ms": 5_000.0},
    Behaviour.PARTLY: {"kind": "thin_book"},
    Behaviour.SLOW: {"kind": "latency", "delay_ms": LATE_MS},
}
PATHS: Final = {
    ("usdm", Struck.ENTRY): ("POST", "/fapi/v1/order"),
    ("usdm", Struck.PROTECTION): ("POST", "/fapi/v1/algoOrder"),
    ("usdm", Struck.EXIT): ("POST", "/fapi/v1/order"),
    ("usdm", Struck.CANCEL): ("DELETE", "/fapi/v1/algoOrder"),
    ("spot", Struck.ENTRY): ("POST", "/api/v3/order"),
    ("spot", Struck.PROTECTION): ("POST", "/api/v3/orderList/oco"),
    ("spot", Struck.EXIT): ("POST", "/api/v3/order"),
    ("spot", Struck.CANCEL): ("DELETE", "/api/v3/orderList"),
}
CODES: Final = {Struck.ENTRY: -2010, Struck.PROTECTION: -1001, Struck.EXIT: -1001, Struck.CANCEL: -2011}


class Row(NamedTuple):
    """Cells of one market, behaviour, struck request and point: one for each passing."""

    market: str
    behaviour: Behaviour
    struck: Struck
    point: str

    def __str__(self) -> str:
        return f"{self.market}-{self.behaviour.name.lower()}-{self.struck.value}-{self.point}"


MARKETS: Final[Mapping[str, Sequence[Behaviour]]] = {
    "usdm": tuple(Behaviour),
    "spot": (Behaviour.NORMAL, Behaviour.LOST, Behaviour.UNSAID, Behaviour.PARTLY, Behaviour.STOPPED_OUT),
}


def rows() -> Iterator[Row]:
    """Every row there is."""
    for market, behaviours in MARKETS.items():
        for behaviour in behaviours:
            for struck in concerned(behaviour):
                yield from (Row(market, behaviour, struck, point) for point in POINTS)


def concerned(behaviour: Behaviour) -> Sequence[Struck]:
    """Which requests a behaviour can concern; what concerns none is looked at in both halves of the story."""
    if behaviour is Behaviour.PARTLY or behaviour not in FAULTS:
        return (Struck.ENTRY, Struck.EXIT)
    return tuple(Struck)


class Passed(NamedTuple):
    """How often each point has been passed when the desk was ready, when it was protected, and when it was flat."""

    ready: Counter[str]
    protected: Counter[str]
    flat: Counter[str]


@functools.cache
def undisturbed(market: str) -> Passed:
    """A whole story that nothing goes wrong in."""
    with tempfile.TemporaryDirectory() as folder, hand_exchange() as exchange:
        desk = Story(exchange, Path(folder) / "home", Row(market, Behaviour.NORMAL, Struck.ENTRY, POINTS[0]))
        try:
            assert not desk.tell(f"{POINTS[0]}:{NEVER}")
            return Passed(*desk.passed)
        finally:
            desk.desk.kill()


def passings(row: Row) -> Sequence[int]:
    """Which passings of its point a row is about: the Nth since the start of the desk that is killed."""
    seen, point = undisturbed(row.market), row.point
    if row.behaviour is Behaviour.AGAIN:
        return spread(range(1, seen.ready[point] + 1)) or (1,)
    begin, end = (seen.ready, seen.protected) if row.struck.is_entering else (seen.protected, seen.flat)
    if row.behaviour is Behaviour.NORMAL:
        return range(1 if row.struck.is_entering else begin[point] + 1, end[point] + 1)
    return spread(range(begin[point] + 1, end[point] + 1))


def spread(found: Sequence[int]) -> Sequence[int]:
    """A few of them, the first and the last among them."""
    if len(found) <= PASSINGS_MAX:
        return found
    return [found[n * (len(found) - 1) // (PASSINGS_MAX - 1)] for n in range(PASSINGS_MAX)]


class Killed(NamedTuple):
    """How a cell went: whether the point was passed so often, and how long the next desk needed (s) to be safe."""

    is_armed: bool
    safe_s: float


class Story:
    """One cell's desk and exchange."""

    def __init__(self, exchange: HandExchange, home: Path, row: Row) -> None:
        self.exchange = exchange
        self.row = row
        self.desk = Desk(home, exchange.url, row.market)
        self.price = PRICE
        self.last: tuple[str, str] | None = None
        self.passed: list[Counter[str]] = []
        self._signals = 0

    # what happens before the kill

    def tell(self, armed: str) -> bool:
        """The story up to its kill; whether the armed point killed the desk."""
        try:
            self.desk.start(armed)
            self.desk.until_ready()
            self._strike(entering=True)
            self.passed.append(self.desk.passed())
            self.signal("buy")
            self.until_settled()
            self._strike(entering=False)
            self.passed.append(self.desk.passed())
            self.signal("close")
            self.until_settled()
            self.passed.append(self.desk.passed())
        except Died:
            return True
        except TooLong:
            if self.row.behaviour not in FAULTS:
                raise
        return False

    def _strike(self, *, entering: bool) -> None:
        """Let the venue begin to behave so, in the half of the story that the row is about."""
        row = self.row
        if row.struck.is_entering is not entering:
            return
        if row.behaviour is Behaviour.UNHEARD:
            self.exchange.fault("disconnect_stream", count=1)
        elif row.behaviour in FAULTS:
            method, path = PATHS[row.market, row.struck]
            more = {"code": CODES[row.struck]} if row.behaviour is Behaviour.REJECTED else {}
            self.exchange.fault(method=method, path=path, count=1, **FAULTS[row.behaviour], **more)

    def signal(self, action: str, name: str = "") -> Any:
        """Hand in a signal; one of the same name is the same signal again."""
        self._signals += not name
        self.last = (action, name or f"signal-{self._signals}")
        return self.desk.trade(action, signal_id=self.last[1], price=float(self.price), current_price=float(self.price))

    def until_settled(self, within: float | None = None) -> None:
        """Until the desk takes itself for protected or flat, and nothing is under way."""
        held_up = self.row.behaviour in FAULTS and self.desk.starts == 1
        self.desk.until(self._is_settled, "settled account", within or (HELD_UP_S if held_up else PHASE_S))

    def _is_settled(self) -> bool:
        stops, account = self.desk.ask("/positions/stops-health"), self.desk.ask("/account")
        if not stops["positions"]:
            return bool(account["open_orders"] == 0)
        guards = [order for one in stops["stops"] for order in one["orders"]]
        return stops["protected"] == stops["positions"] and len(guards) == 2 == account["open_orders"]

    # what happens after it

    def recover(self) -> float:
        """The exchange goes on, the desk is started again; how long until the account was safe (s)."""
        self.desk.kill()
        if self.row.behaviour is Behaviour.STOPPED_OUT:
            self.price = FALLEN
            self.exchange.move(FALLEN)
        began = time.monotonic()
        self.desk.start()
        self.desk.until_ready(RECOVERED_S)
        self.desk.until(lambda: is_guarded_or_flat(self.exchange, self.row.market), "guarded position", RECOVERED_S)
        safe = time.monotonic() - began
        self.until_settled(RECOVERED_S)
        assert_guarded(self.exchange, self.row.market)
        return safe

    def again(self, armed: str) -> bool:
        """Start it with a point armed for its recovery; whether that killed it."""
        self.desk.kill()
        try:
            self.desk.start(armed)
            self.desk.until_ready(RECOVERED_S)
            self.until_settled(RECOVERED_S)
        except Died:
            return True
        return False

    def go_on(self) -> None:
        """The signal that was under way comes again; then flat, then once more from the beginning."""
        if self.last is not None:
            self.signal(*self.last)
            self.until_settled(RECOVERED_S)
            assert_guarded(self.exchange, self.row.market)
        self._leave()
        self.desk.until(self._enters, "entry that is agreed to", RECOVERED_S)
        self.until_settled(RECOVERED_S)
        assert_guarded(self.exchange, self.row.market)
        self._leave()

    def _enters(self) -> bool:
        return bool(self.signal("buy")["orders"])

    def _leave(self) -> None:
        if self.desk.ask("/positions/stops-health")["positions"]:
            self.signal("close")
            self.desk.until(self._is_flat, "flat account", RECOVERED_S)

    def _is_flat(self) -> bool:
        stops, account = self.desk.ask("/positions/stops-health"), self.desk.ask("/account")
        return stops["positions"] == 0 == account["open_orders"]


def run_cell(folder: Path, row: Row, passing: int) -> Killed:
    """One cell, with everything that must hold. Not armed: the point was not passed so often, and nobody was killed."""
    folder.mkdir(parents=True)
    with hand_exchange() as exchange:
        story = Story(exchange, folder / "home", row)
        try:
            if row.behaviour is Behaviour.AGAIN:
                is_armed = story.tell(first_kill(row)) and story.again(f"{row.point}:{passing}")
            else:
                is_armed = story.tell(f"{row.point}:{passing}")
            safe = story.recover()
            story.go_on()
            assert_end(exchange, story.desk, row.market)
        finally:
            if story.desk.is_alive:
                story.desk.kill()
    return Killed(is_armed, safe)


def run_row(folder: Path, row: Row) -> Sequence[Killed]:
    """All cells of a row."""
    with ThreadPoolExecutor(TOGETHER) as pool:
        return list(pool.map(lambda passing: run_cell(folder / str(passing), row, passing), passings(row)))


def first_kill(row: Row) -> str:
    """Where the first of two kills is: the entry or the exit has just left, and nothing of it has been heard."""
    seen = undisturbed(row.market)
    before = seen.ready if row.struck.is_entering else seen.protected
    return f"gateway.after_write:{before['gateway.after_write'] + 1}"
