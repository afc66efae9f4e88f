"""Connections for market streams: their subscriptions, their limits, their life, and the faults that strike them."""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import msgspec
from starlette.websockets import WebSocket

from petrosa.adapters.venues.binance.paper import control
from petrosa.adapters.venues.binance.paper.faults import Fault, FaultKind, Faults
from petrosa.adapters.venues.binance.paper.numbers import ms
from petrosa.adapters.venues.binance.paper.outlet import GOING_AWAY, How, Outlet, break_off, converse
from petrosa.adapters.venues.binance.paper.streams import STREAMS_MAX, Hub, path_of
from petrosa.adapters.venues.binance.paper.venue import PaperVenue
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND

MESSAGES_MAX: Final = {"spot": 5, "usdm": 10}
"""Messages a client may send in a second on a stream connection."""

LIFE_S: Final = 86_400.0
"""How long a connection lasts."""

NOTICE_S: Final = 10.0
"""How long before its end a connection is told so, at most a tenth of its life."""

PIECES_MAX: Final = 4
PAUSE_MAX_MS: Final = 100.0
MILLIS: Final = re.compile(rb'"([ETtOC])":(\d{13})(?=[,}])')
"""Times in the events of market streams; every other number of theirs is shorter."""

Serve = Callable[[WebSocket], Awaitable[None]]
Clock = Callable[[], int]


class Terms(NamedTuple):
    """On what terms the connections of a market are held. `group` is the path of USD-M's streams; spot has none."""

    market: str
    combined: bool
    group: str = ""
    life_s: float = LIFE_S


class _Line:
    """One connection: which streams it has, and what becomes of each of their frames."""

    def __init__(self, terms: Terms, hub: Hub, faults: Faults, socket: WebSocket, clock: Clock) -> None:
        self.outlet = Outlet(self._cuts)
        self._hub = hub
        self._faults = faults
        self._socket = socket
        self._path = socket.url.path
        self._clock = clock
        self._group = terms.group
        self._combined = terms.combined
        self._micros = socket.query_params.get("timeUnit", "").upper() == "MICROSECOND"
        self._names: dict[str, None] = {}
        self._heard: deque[int] = deque(maxlen=MESSAGES_MAX[terms.market])
        self._silent_until = 0
        self._overtaken: tuple[str, bytes] | None = None
        self._timers: list[asyncio.TimerHandle] = []
        notice_s = min(NOTICE_S, terms.life_s / 10)
        self._after(terms.life_s - notice_s, self._shut_down, notice_s)

    # subscriptions

    def add(self, names: list[str]) -> None:
        """Streams of another path's group are taken and stay silent, as they do at the venue."""
        for name in names:
            if len(self._names) >= STREAMS_MAX and name not in self._names:
                self.outlet.end()
                return
            self._names[name] = None
            if self._group in ("", path_of(name)):
                self._hub.add(name, self._tell)

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._remove(list(self._names))

    def _remove(self, names: list[str]) -> None:
        for name in names:
            self._names.pop(name, None)
            self._hub.remove(name, self._tell)

    async def hear(self, message: str) -> None:
        """A control message. Too many in a second end the connection."""
        now = self._clock()
        if len(self._heard) == self._heard.maxlen and now - self._heard[0] < NS_PER_SECOND:
            self.outlet.end()
            return
        self._heard.append(now)
        try:
            asked = control.read(message)
            if self._faults.on_request(FaultKind.REFUSED_SUBSCRIPTION, asked.method, self._path) is not None:
                raise control.Refused(2, "Invalid request: the server cannot take it now", asked.id)
            answer = {"result": self._done(asked), "id": asked.id}
        except control.Refused as refused:
            self.outlet.send(refused.answer)
            return
        if self._faults.on_request(FaultKind.LOST_ACK, asked.method, self._path) is None:
            self.outlet.send(answer)

    def _done(self, asked: control.Control) -> Any:
        match asked.method:
            case "SUBSCRIBE":
                self.add(list(asked.names))
            case "UNSUBSCRIBE":
                self._remove(list(asked.names))
            case "LIST_SUBSCRIPTIONS":
                return list(self._names)
            case "GET_PROPERTY":
                return self._combined
            case _:
                self._combined = asked.combined
        return None

    # frames

    def _tell(self, stream: str, event: bytes) -> None:
        if self._micros:
            event = MILLIS.sub(rb'"\1":\g<2>000', event)
        message = b'{"stream":"%b","data":%b}' % (stream.encode(), event) if self._combined else event
        if self._silent_until and self._clock() < self._silent_until:
            return
        waits, self._overtaken = self._overtaken, None
        if waits is not None and waits[0] == stream:  # nothing is overtaken by its own stream
            self.outlet.put(waits[1])
            waits = None
        fault = self._faults.on_frame(self._path, stream)
        if fault is None:
            self.outlet.put(message)
        else:
            self._strike(fault, stream, message)
        if waits is not None:
            self.outlet.put(waits[1])

    def _strike(self, fault: Fault, stream: str, message: bytes) -> None:
        match fault.kind:
            case FaultKind.CLOSE_SOCKET:
                self.outlet.end(GOING_AWAY)
            case FaultKind.BREAK_SOCKET:
                break_off(self._socket, message, self._cuts)
            case FaultKind.SILENT_SOCKET:
                self._silent_until = self._clock() + round(fault.delay_ms * NS_PER_MS)
            case FaultKind.LOST_FRAME:
                pass
            case FaultKind.OVERTAKEN:
                self._overtaken = stream, message
            case FaultKind.HALF_FRAME:
                self.outlet.put(message, How.HALVES, min(fault.delay_ms, PAUSE_MAX_MS) / 1_000)
            case FaultKind.FRAGMENTS:
                self.outlet.put(message, How.FRAGMENTS)
            case FaultKind.SHUTDOWN:
                self._shut_down(fault.delay_ms / 1_000)
                self.outlet.put(message)
            case _:
                self.outlet.put(message)
                if fault.kind is FaultKind.TWICE:
                    self.outlet.put(message)

    def _shut_down(self, seconds: float) -> None:
        """Say that the connection will end, and end it."""
        self.outlet.put(msgspec.json.encode({"e": "serverShutdown", "E": ms(self._clock())}))
        self._after(seconds, self.outlet.end, GOING_AWAY)

    def _after(self, seconds: float, do: Callable[..., None], *given: Any) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, do, *given))

    def _cuts(self, size: int) -> list[int]:
        """Where to cut so many bytes: anywhere."""
        chance = self._faults.chance
        return [chance.randrange(1, max(2, size)) for _ in range(chance.randint(1, PIECES_MAX - 1))]


def market_socket(venue: PaperVenue, terms: Terms, clock: Clock) -> Serve:
    """A connection for market streams, named in the path or in `streams=`."""

    async def serve(socket: WebSocket) -> None:
        await socket.accept()
        line = _Line(terms, venue.hubs[terms.market], venue.faults, socket, clock)
        named = socket.query_params.get("streams", "") or socket.path_params.get("streams", "")
        line.add([name for name in named.split("/") if name])
        try:
            await converse(socket, line.outlet, line.hear)
        finally:
            line.close()

    return serve
