"""A desk on the paper exchange that notes when a signal passes each place on its way to the socket.

The parts are those of `petrosa trade --venue paper`, joined as it joins them; only the notes are the benchmark's.
"""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, cast

from benchmarks.order_signals import SYMBOLS
from petrosa.adapters.venues.binance.live.gateway import BinanceGateway
from petrosa.adapters.venues.binance.live.request import Request
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY, DEMO_SECRET
from petrosa.apps import settings as configuration
from petrosa.apps.auditing.live import auditing_of
from petrosa.apps.configuration.live import live_configuration
from petrosa.apps.desk_control import DeskControl
from petrosa.apps.journaling import run_file
from petrosa.apps.leasing import open_lease
from petrosa.apps.live.preparing import prepared
from petrosa.apps.live.process import TAPE, LiveProcess
from petrosa.apps.live.secret import VenueKey
from petrosa.apps.live.standby import LiveStatus
from petrosa.apps.live.venue import LiveVenue, topic
from petrosa.apps.process import Side
from petrosa.apps.running import changing, decisions_of
from petrosa.apps.surface import parts_of
from petrosa.apps.wiring import build_trading
from petrosa.core.model.events import Decision, Event, SignalReceived
from petrosa.core.model.orders import Approved, Leg, OrderFilled, Place, Reducing
from petrosa.runtime.inbox import Inbox, Taken
from petrosa.runtime.supervise import OnFailure
from petrosa.surfaces.api.app import api
from petrosa.surfaces.api.serve import serving
from petrosa.surfaces.logs import configure

SETTINGS = (
    "simulation.enabled=false", "venue.environment=paper", f"feed.symbols={','.join(SYMBOLS)}",
    "risk.sizing=signal", "risk.max_trades_per_day=100000", "risk.max_open_positions=50",
    "risk.max_price_deviation_bps=500", "risk.max_daily_loss_fraction=0.5", "signals.conflict_window_seconds=0",
    "access.writes_per_key=10000", "http.port=0",
)  # fmt: skip
"""Limits out of the way, so that every signal is an order; journal, tape, audit and protection as always."""

_LEAVES: ContextVar[str] = ContextVar("leaves", default="")


class Way(NamedTuple):
    """One signal's way, in ns: made, told to the inbox, taken from it, on disk, handed to the socket; and its sync."""

    made: int
    told: int
    taken: int
    recorded: int
    written: int
    sync: int


class Notes:
    """Who passed where, and when."""

    def __init__(self) -> None:
        self.ways: list[Way] = []
        self.stops: list[int] = []
        """From when a fill was told to when the stop behind it was handed to the socket, in ns."""
        self.turned = 0
        self.synced = lambda: 0.0
        """Seconds of waiting for the disk so far."""
        self._told: dict[int, int] = {}
        self._taken: dict[int, tuple[int, float]] = {}
        self._turned: dict[str, tuple[int, int, int, float]] = {}
        self._orders: dict[str, tuple[int, int, int, int, int]] = {}
        self._fills: dict[str, int] = {}

    def told(self, event: Event) -> None:
        if isinstance(event, SignalReceived | OrderFilled):
            self._told[id(event)] = time.time_ns()

    def taken(self, events: Sequence[Event]) -> None:
        at = time.time_ns(), self.synced()
        self._taken |= {id(event): at for event in events if id(event) in self._told}

    def record(self, _sequence: int, _now: int, event: Event, decisions: Sequence[Decision]) -> None:
        """A turn is written, and waits for the disk with those of its group."""
        told = self._told.pop(id(event), 0)
        if not told:
            return
        taken, synced = self._taken.pop(id(event))
        placed = [one.intent for one in decisions if isinstance(one, Approved | Reducing)
                  and isinstance(one.intent.action, Place)]  # fmt: skip
        if isinstance(event, SignalReceived):
            self.turned += 1
            if placed:
                self._turned[placed[0].client_order_id] = event.signal.ts_event, told, taken, synced
        else:
            self._fills |= {one.client_order_id: told for one in placed if one.leg is Leg.STOP}

    def left(self, order: Approved | Reducing) -> None:
        """An order leaves: its turn is on disk."""
        if (noted := self._turned.pop(order.intent.client_order_id, None)) is not None:
            made, told, taken, synced = noted
            sync = round((self.synced() - synced) * 1e9)
            self._orders[order.intent.client_order_id] = made, told, taken, time.time_ns(), sync

    def written(self) -> None:
        """The request of the task in which this is called has been handed to its socket."""
        name, now = _LEAVES.get(), time.time_ns()
        if (noted := self._orders.pop(name, None)) is not None:
            made, told, taken, recorded, sync = noted
            self.ways.append(Way(made, told, taken, recorded, now, sync))
        elif (told := self._fills.pop(name, 0)) > 0:
            self.stops.append(now - told)


class NotedInbox:
    """An inbox that tells the notes what goes in and out."""

    def __init__(self, inbox: Inbox, notes: Notes) -> None:
        self._inbox, self._notes = inbox, notes

    def tell(self, event: Event) -> None:
        self._notes.told(event)
        self._inbox.tell(event)

    async def take(self, due: int) -> Taken | None:
        taken = await self._inbox.take(due)
        if taken is not None and taken.told:
            self._notes.taken(taken.told)
        return taken

    def close(self) -> None:
        self._inbox.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inbox, name)


class NamedRest:
    """A `Rest` whose `on_written` can know which order leaves."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    async def call(self, request: Request) -> bytes:
        _LEAVES.set(request.params.get("newClientOrderId", request.params.get("clientAlgoId", "")))
        return await self._rest.call(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rest, name)


class NotedGateway:
    """A gateway that tells the notes what leaves."""

    def __init__(self, gateway: BinanceGateway, notes: Notes) -> None:
        self._gateway, self._notes = gateway, notes

    def submit(self, order: Approved | Reducing, now: int) -> None:
        self._notes.left(order)
        self._gateway.submit(order, now)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)


class Running(NamedTuple):
    """A desk that is about to run: `process.run(venue, sides, report)`. `url` is its HTTP surface."""

    process: LiveProcess
    venue: LiveVenue
    sides: list[Side]
    url: str


@asynccontextmanager
async def live_desk(venue_url: str, home: Path, notes: Notes) -> AsyncIterator[Running]:
    """Everything that `petrosa trade` has around a desk on a venue, except NATS."""
    settings = configuration.load(sets=(*SETTINGS, f"venue.url={venue_url}"), home=str(home), environ={})
    async with AsyncExitStack() as stack:
        log = stack.enter_context((home / "log").open("w", encoding="utf-8"))
        configure(settings.log.level, "json", log)
        configured = await stack.enter_async_context(live_configuration(settings, settings.feed.symbols))
        settings = configured.settings
        control, status = DeskControl(settings, _silent), LiveStatus(settings, "trade")
        app = api(status, await parts_of(settings, configured, _silent, None, control))
        url = await stack.enter_async_context(serving(app, "127.0.0.1", 0))
        lease = await stack.enter_async_context(open_lease(settings, _silent))
        await lease.acquire()
        ready = await stack.enter_async_context(
            prepared(settings, VenueKey(DEMO_KEY, DEMO_SECRET), _silent, notes.written)
        )
        ready = ready._replace(rest=cast(Rest, NamedRest(ready.rest)))
        folder = settings.runs / "bench"
        process = LiveProcess(
            settings, build_trading(settings, ready.instruments, None), folder=folder,
            run_file=run_file(folder, "live", tape=TAPE), topic_of=topic, crash=None,
            latch=control.switch.latch, also=(configured.desk.record, control.record, notes.record),
        )  # fmt: skip
        process.inbox = cast(Any, NotedInbox(process.inbox, notes))
        process.loop.inbox = process.inbox
        notes.synced = lambda: process.observed.sync_time.total
        stack.callback(process.close)
        process.resume(_silent)
        await stack.enter_async_context(changing(process, configured, control))
        venue = LiveVenue(settings, ready, process, lease, None, _silent)
        venue.gateway = cast(Any, NotedGateway(venue.gateway, notes))
        auditing = auditing_of(settings, process.journal, _silent)
        sides = [*venue.sides(), decisions_of(process), *([] if auditing is None else auditing.sides())]
        yield Running(process, venue, sides, url)


def side(name: str, start: Any, *arguments: Any) -> Side:
    """A task beside a desk; it halts with it."""
    return (name, partial(start, *arguments), OnFailure.HALT)


def _silent(_text: str) -> None:
    """Nobody listens."""
