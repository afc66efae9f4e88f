"""A paper exchange that plays recordings as they are, in a thread of its own, and what is true at any moment."""

import asyncio
import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

import msgspec

from petrosa.adapters.venues.binance.paper.accounts import demo_account
from petrosa.adapters.venues.binance.paper.connections import Connections
from petrosa.adapters.venues.binance.paper.faults import Fault, Faults
from petrosa.adapters.venues.binance.paper.market import Manner
from petrosa.adapters.venues.binance.paper.server import paper_app
from petrosa.adapters.venues.binance.paper.venue import PaperVenue
from petrosa.apps import settings
from petrosa.apps.paper_exchange import LATE_EVENTS_MAX, MarketDrive, offer_recordings
from petrosa.core.market.book import OrderBook
from petrosa.core.model.base import Side
from petrosa.core.model.market import BookDiff, BookSnapshot, InstrumentId, Level, MarketEvent
from petrosa.runtime.clocks import WallClock
from petrosa.surfaces.api.serve import serving

UP_S = 60.0
STEP_S = 0.002
REMEMBERED = 4_000
"""Books remembered of each symbol: minutes of them."""
TOP = 10
T = TypeVar("T")
Tops = tuple[list[Level], list[Level]]


class Truth:
    """The books of a venue as its facts make them, and how their best levels were at each update id of late."""

    def __init__(self, venue: PaperVenue) -> None:
        self.books: dict[InstrumentId, OrderBook] = {}
        self.tops: dict[InstrumentId, OrderedDict[int, Tops]] = {}
        for known in venue.markets.values():
            for market in known.values():
                self.books[market.instrument.id] = OrderBook(market.instrument)
                self.tops[market.instrument.id] = OrderedDict()

    def hear(self, event: MarketEvent) -> None:
        if isinstance(event, BookDiff | BookSnapshot):
            book, tops = self.books[event.instrument], self.tops[event.instrument]
            book.apply(event)
            tops[book.last_update_id] = top(book, TOP)
            if len(tops) > REMEMBERED:
                tops.popitem(last=False)


def top(book: OrderBook, count: int) -> Tops:
    return book.top(Side.BUY, count), book.top(Side.SELL, count)


class Prints(NamedTuple):
    """What was traded, each (id, price, quantity): single trades, and aggregates of them."""

    trades: list[tuple[int, float, float]]
    aggregates: list[tuple[int, float, float]]


class PlayedExchange:
    """What a test does with it, from its own thread. The market runs until it is paused."""

    def __init__(self, venue: PaperVenue, drive: MarketDrive, loop: asyncio.AbstractEventLoop, url: str) -> None:
        self.venue = venue
        self.url = url
        self.truth = Truth(venue)
        self.connections = Connections()
        self.paused = False
        self._drive = drive
        self._loop = loop
        self._stopped = asyncio.Event()

    def fault(self, **given: object) -> None:
        """One more fault from now on."""
        self.do(lambda: self.venue.faults.add(msgspec.convert(given, Fault)))

    def mend(self) -> dict[str, int]:
        """Take all faults away; how often each kind has struck."""
        return self.do(self._mend)

    def pause(self) -> None:
        """Let nothing happen on the market any more, so that two who know of it can be compared."""
        self.paused = True
        self.do(lambda: None)

    def prints(self, instrument: InstrumentId) -> Prints:
        """Everything that was traded."""
        _, market, symbol = instrument.split(":")
        known = self.venue.markets[market][symbol]
        written = known.written
        single = [(one.trade_id, one.price, one.quantity) for one in known.trades]
        together = [
            (one.id, float(written.price(one.ticks)), float(written.quantity(one.steps)))
            for one in known.aggregates.tape
        ]
        return Prints(single, together)

    def backlog(self) -> int:
        """How many frames wait for the client that is most behind."""
        lines = {listener.__self__ for hub in self.venue.hubs.values() for listener in hub.listeners()}  # type: ignore[attr-defined]
        return max((len(line.outlet) for line in lines), default=0)

    def do(self, work: Callable[[], T]) -> T:
        """Something in the exchange's own thread, between two of its turns."""

        async def done() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(UP_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)

    async def play(self) -> None:
        """Until it is stopped."""
        while not self._stopped.is_set():
            behind = False
            if self.paused:
                self.venue.advance(self.venue.clock())
            else:
                behind = self._drive.catch_up(LATE_EVENTS_MAX)
            await asyncio.sleep(0 if behind else STEP_S)

    def _mend(self) -> dict[str, int]:
        struck: dict[str, int] = {}
        for one in self.venue.faults.all():
            kind = one.fault.kind.value
            struck[kind] = struck.get(kind, 0) + one.fired
        self.venue.faults.clear()
        return struck


def _made(recordings: Sequence[Path], speed: float, loop: asyncio.AbstractEventLoop) -> PlayedExchange:
    loaded, clock = settings.load(environ={}), WallClock()
    offer = offer_recordings(loaded, [str(path) for path in recordings], ("spot", "usdm"), as_recorded=True)
    venue = PaperVenue(offer.instruments, [demo_account()], loaded.simulation, Faults(), clock.now, Manner(paced=True))
    drive = MarketDrive(venue, offer, speed, clock)
    exchange = PlayedExchange(venue, drive, loop, "")
    learn = venue.on_market

    def on_market(event: MarketEvent, now: int) -> None:
        exchange.truth.hear(event)
        learn(event, now)

    venue.on_market = on_market  # type: ignore[method-assign]
    drive.catch_up()
    return exchange


@contextlib.contextmanager
def played(recordings: Sequence[Path], speed: float) -> Iterator[PlayedExchange]:
    """An exchange whose market is these recordings, until the block ends."""
    up = threading.Event()
    there: dict[str, PlayedExchange | BaseException] = {}

    async def serve() -> None:
        exchange = _made(recordings, speed, asyncio.get_running_loop())
        app = paper_app(exchange.venue, exchange.venue.clock, exchange.connections.abort)
        protocol = exchange.connections.protocol()
        async with serving(app, "127.0.0.1", 0, protocol=protocol, websockets=True, idle_s=60) as exchange.url:
            there["exchange"] = exchange
            up.set()
            await exchange.play()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as problem:  # noqa: BLE001 - told in the test's thread
            there["problem"] = problem
        finally:
            up.set()

    thread = threading.Thread(target=run, name="played exchange")
    thread.start()
    up.wait(UP_S)
    exchange = there.get("exchange")
    try:
        assert isinstance(exchange, PlayedExchange), there.get("problem")
        yield exchange
    finally:
        if isinstance(exchange, PlayedExchange) and thread.is_alive():
            exchange.stop()
        thread.join(UP_S)
        assert not thread.is_alive()
    assert "problem" not in there, there["problem"]
