"""The processes of the chain from tick to fill: `python -m benchmarks.chain_workers ROLE …`, one JSON line each.

The parts are those of the package's own services, joined as they join them; only the source of frames and the clocks
around them are the benchmark's. The desk's time is the due time of the frame, so that a fill knows when its tick was.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import uvloop

from benchmarks.measure import latency
from benchmarks.strategies import BTCUSDT, others_off
from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.wire.codec import encode_signal, receive_signal
from petrosa.adapters.wire.envelope import Wrapper, unwrap
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.subjects import MARKET, SIGNALS, SIGNALS_STREAM
from petrosa.apps import settings as configuration
from petrosa.apps.backtest import rare_collection
from petrosa.apps.journaling import open_journal, provenance_of, run_file
from petrosa.apps.wiring import build_exchange, build_markets, build_strategist, build_trader
from petrosa.core.desk import Desk
from petrosa.core.model.events import Decision, Event, SignalMade, SignalReceived
from petrosa.core.model.orders import Approved, OrderFilled, Reducing
from petrosa.core.model.signals import Signal
from petrosa.core.turns import Send, Turns

SETTINGS = (
    "strategies.orderbook_skew.cooldown_seconds=0",
    "strategies.orderbook_skew.persistence_seconds=0",
    "strategies.orderbook_skew.flow_guard=false",
    "strategies.trade_momentum.enabled=false",
    "strategies.ticker_velocity.enabled=false",
    "simulation.fill_model=instant",
    *others_off(),
)
INSTRUMENTS = {BTCUSDT.id: BTCUSDT}
LAST = b"last"
FIRST_FILLS = 10
"""Left out: the first ones pay for imports and caches."""


class Frames(asyncio.Protocol):
    """Hears lines of `<due> <frame>`."""

    def __init__(self, take: Callable[[RawFrame], None], finished: asyncio.Event) -> None:
        self._take = take
        self._finished = finished
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            due, _, payload = line.partition(b" ")
            self._take(RawFrame(int(due), payload))

    def connection_lost(self, _error: Exception | None) -> None:
        self._finished.set()


class Fills:
    """How late each order and each fill is, from when its tick was due."""

    def __init__(self) -> None:
        self.filled: list[int] = []
        self.sent: list[int] = []
        self._tick = 0
        self._awaits_order = False

    def began(self, tick: int) -> None:
        """A signal was made, or came, of a tick that was due at `tick`."""
        self._tick = tick
        self._awaits_order = True

    def take(self, event: Event) -> None:
        """A turn was told `event`."""
        if isinstance(event, OrderFilled):
            self.filled.append(time.time_ns() - self._tick)

    def send(self, submit: Send) -> Send:
        """The same, noting when the first order of a tick leaves."""

        def sending(order: Approved | Reducing, now: int) -> None:
            if self._awaits_order:
                self._awaits_order = False
                self.sent.append(time.time_ns() - self._tick)
            submit(order, now)

        return sending

    def report(self) -> None:
        """One line of JSON; what is needed to compare runs."""
        found: dict[str, object] = {"fills": len(self.filled)}
        if len(self.filled) > FIRST_FILLS:
            found |= latency(self.filled[FIRST_FILLS:])
            found["sent_p50_us"] = latency(self.sent[FIRST_FILLS:])["p50_us"]
        sys.stdout.write(json.dumps(found) + "\n")


@contextlib.contextmanager
def desk_turns(fills: Fills, *, durable: bool, strategies: bool) -> Iterator[Turns]:
    """Turns of a desk with a trader, a simulated exchange and a journal; with strategies too when it is alone."""
    settings = configuration.load(sets=SETTINGS, environ={})
    markets = build_markets(INSTRUMENTS)
    strategist = build_strategist(settings, INSTRUMENTS, markets) if strategies else None
    trader = build_trader(settings, INSTRUMENTS, markets)
    exchange = build_exchange(settings, INSTRUMENTS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        journal = open_journal(
            settings, path, provenance_of(settings, INSTRUMENTS), run_file(path, "bench"), durable=durable
        )

        def record(sequence: int, now: int, event: Event, decisions: Sequence[Decision]) -> None:
            fills.take(event)
            for decision in decisions:
                if isinstance(decision, SignalMade):
                    fills.began(now)
            journal.record(sequence, now, event, decisions)

        journal.rotate(0, 0, b"{}")
        with rare_collection():
            yield Turns(Desk(markets, strategist, trader), record, fills.send(exchange.submit), exchange)
        journal.close()


async def desk(port: int, count: int, durable: bool) -> None:
    """All in one process: frame, parse, turn, fill."""
    fills, parser, finished = Fills(), Parser("binance", "spot", {"BTCUSDT"}), asyncio.Event()
    seen = 0
    with desk_turns(fills, durable=durable, strategies=True) as turns:

        def take(frame: RawFrame) -> None:
            nonlocal seen
            event = parser.parse(frame.payload, frame.arrival)
            if event is not None:
                turns.market(event, frame.arrival)
                turns.advance(frame.arrival)
            seen += 1
            if seen == count:
                finished.set()

        await _connected(port, take, finished)
    fills.report()


async def feed(url: str, port: int, count: int) -> None:
    """Frames from the source onto the market subject."""
    bus, wrapper, finished = await NatsBus.connect(url), Wrapper("binance", "spot"), asyncio.Event()
    out: asyncio.Queue[bytes] = asyncio.Queue()

    async def publish() -> None:
        for _ in range(count):
            await bus.publish(MARKET, await out.get())
        finished.set()

    publisher = asyncio.create_task(publish())
    await _connected(port, lambda frame: out.put_nowait(wrapper.wrap(frame)), finished)
    await publisher
    await bus.close()


async def strategies(url: str, count: int) -> None:
    """Market data in, signals out, each acknowledged by the stream that keeps it."""
    bus, parser, finished = await NatsBus.connect(url), Parser("binance", "spot", {"BTCUSDT"}), asyncio.Event()
    out: asyncio.Queue[Signal | None] = asyncio.Queue()
    settings = configuration.load(sets=SETTINGS, environ={})
    markets = build_markets(INSTRUMENTS)
    seen = 0

    def record(_sequence: int, _now: int, _event: Event, decisions: Sequence[Decision]) -> None:
        for decision in decisions:
            if isinstance(decision, SignalMade):
                out.put_nowait(decision.signal)

    turns = Turns(Desk(markets, build_strategist(settings, INSTRUMENTS, markets)), record, lambda _order, _now: None)

    def take(_subject: str, data: bytes) -> None:
        nonlocal seen
        frame = unwrap(data).frame
        event = parser.parse(frame.payload, frame.arrival)
        if event is not None:
            turns.market(event, frame.arrival)
        seen += 1
        if seen == count:
            out.put_nowait(None)

    await bus.ensure_stream(SIGNALS_STREAM, [SIGNALS])
    await bus.subscribe(MARKET, take)
    _ready()
    while (signal := await out.get()) is not None:
        await bus.publish_durable(SIGNALS, encode_signal(signal), signal.signal_id)
    await bus.publish_durable(SIGNALS, LAST, "last")
    finished.set()
    await bus.close()


async def trade(url: str, durable: bool) -> None:
    """Signals in, orders to the simulated exchange, fills heard."""
    bus, parser, fills = await NatsBus.connect(url), Parser("binance", "spot", {"BTCUSDT"}), Fills()
    await bus.ensure_stream(SIGNALS_STREAM, [SIGNALS])
    with desk_turns(fills, durable=durable, strategies=False) as turns:

        def market(_subject: str, data: bytes) -> None:
            frame = unwrap(data).frame
            event = parser.parse(frame.payload, frame.arrival)
            if event is not None:
                turns.market(event, frame.arrival)

        await bus.subscribe(MARKET, market)
        _ready()
        async for message in bus.consume(SIGNALS_STREAM):
            if message.data == LAST:
                break
            signal = receive_signal(message.data, turns.now).signal
            fills.began(signal.ts_event)
            turns.other(SignalReceived(signal, message.sequence), turns.now)
            turns.advance(turns.now)
    fills.report()
    await bus.close()


async def _connected(port: int, take: Callable[[RawFrame], None], finished: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(lambda: Frames(take, finished), "127.0.0.1", port)
    await finished.wait()
    transport.close()


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["desk", "feed", "strategies", "trade"])
    parser.add_argument("--url", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--durable", action="store_true")
    given = parser.parse_args()
    match given.role:
        case "desk":
            uvloop.run(desk(given.port, given.count, given.durable))
        case "feed":
            uvloop.run(feed(given.url, given.port, given.count))
        case "strategies":
            uvloop.run(strategies(given.url, given.count))
        case _:
            uvloop.run(trade(given.url, given.durable))


if __name__ == "__main__":
    main()
