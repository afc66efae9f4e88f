"""The processes of the benchmark of the order path: `python -m benchmarks.order_workers ROLE …`, JSON on output."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import aiohttp
import uvloop

from benchmarks.order_desk import Notes, Running, live_desk, side
from benchmarks.order_signals import RATE, SYMBOLS, due_times, signal
from petrosa.adapters.bus.nats import NatsBus
from petrosa.adapters.venues.binance.paper.accounts import demo_account
from petrosa.adapters.venues.binance.paper.connections import Connections
from petrosa.adapters.venues.binance.paper.faults import Faults
from petrosa.adapters.venues.binance.paper.server import paper_app
from petrosa.adapters.venues.binance.paper.venue import PaperVenue
from petrosa.adapters.wire.codec import encode_signal
from petrosa.adapters.wire.subjects import SIGNALS, SIGNALS_STREAM
from petrosa.apps import settings as configuration
from petrosa.apps.paper_exchange import MarketDrive, offer_synthetic
from petrosa.apps.signal_stream import SignalStream
from petrosa.core.model.events import SignalReceived
from petrosa.core.model.market import symbol_of
from petrosa.runtime.clocks import WallClock
from petrosa.runtime.loop import tell_or_halt
from petrosa.surfaces.api.serve import serving

NO_LIMIT = 1_000_000
LOOK_S = 0.02
LATE_S = 5.0
"""How long the last orders may take."""
JSON = {"Content-Type": "application/json"}


async def venue() -> None:
    """The paper exchange, with room for more orders than Binance allows an account."""
    settings = configuration.load(sets=[f"feed.symbols={','.join(SYMBOLS)}"], environ={})
    clock, offer = WallClock(), offer_synthetic(settings, ["usdm"])
    exchange = PaperVenue(offer.instruments, [demo_account()], settings.simulation, Faults(()), clock.now)
    for product in exchange.gate.products.values():
        for limit in product.orders.values():
            for window in limit.windows:
                window.limit = NO_LIMIT
    drive = MarketDrive(exchange, offer, 1.0, clock)
    drive.catch_up()
    connections = Connections()
    app = paper_app(exchange, clock.now, connections.abort)
    async with serving(app, "127.0.0.1", 0, protocol=connections.protocol(), websockets=True, idle_s=60) as url:
        _say(url)
        await drive.run(_say)


async def desk(venue_url: str, home: Path, way: str, count: int) -> None:
    """Trade until as many signals were turned as there are, then say what was noted."""
    notes = Notes()
    async with live_desk(venue_url, home, notes) as running:
        sides = [*running.sides, side("the end", _until_turned, running, notes, way, count)]
        if way.startswith("nats://"):
            bus = await NatsBus.connect(way)
            await bus.ensure_stream(SIGNALS_STREAM, [SIGNALS])
            stream = SignalStream(bus, SIGNALS, "", 0, running.process.clock.now, _say)
            stream.tell = partial(tell_or_halt, running.process.loop)
            sides.append(side("signals", stream.read))
        await running.process.run(running.venue, sides, lambda _text: None)
    refused = dict(running.process.tally.refusals)
    _say(json.dumps({"ways": notes.ways, "stops": notes.stops, "turned": notes.turned, "refused": refused}))


async def _until_turned(running: Running, notes: Notes, way: str, count: int) -> None:
    prices = await _prices(running)
    _say(json.dumps({"url": running.url, "prices": prices}))
    if way == "own":
        for number, due in enumerate(due_times(count)):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            tell_or_halt(running.process.loop, SignalReceived(signal(number, prices)))
    until = time.monotonic() + LATE_S + count / RATE
    while notes.turned < count and time.monotonic() < until:
        await asyncio.sleep(LOOK_S)
    await asyncio.sleep(0.5)
    running.process.loop.stop("measured")
    await asyncio.Event().wait()


async def _prices(running: Running) -> dict[str, float]:
    """Of all symbols, once each is quoted and the account has been compared."""
    process = running.process
    while process.parts.trader.closed or not all(market.mid > 0.0 for market in process.parts.markets.values()):
        await asyncio.sleep(LOOK_S)
    return {symbol_of(key): market.mid for key, market in process.parts.markets.items()}


async def by_http(url: str, prices: Mapping[str, float], count: int) -> None:
    """Each signal at its due time, whatever became of those before."""
    async with (
        aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=64)) as session,
        asyncio.TaskGroup() as group,
    ):
        for number, due in enumerate(due_times(count)):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            group.create_task(_post(session, encode_signal(signal(number, prices))))


async def _post(session: aiohttp.ClientSession, body: bytes) -> None:
    async with session.post("/trade", data=body, headers=JSON) as answer:
        await answer.read()
        if answer.status not in {200, 202}:
            raise RuntimeError(f"/trade answers {answer.status}")


async def by_nats(url: str, prices: Mapping[str, float], count: int) -> None:
    """The same over JetStream."""
    bus = await NatsBus.connect(url)
    async with asyncio.TaskGroup() as group:
        for number, due in enumerate(due_times(count)):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            one = signal(number, prices)
            group.create_task(bus.publish_durable(SIGNALS, encode_signal(one), one.signal_id))
    await bus.close()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("role", choices=["venue", "desk", "http", "nats"])
    parser.add_argument("--url", default="", help="the exchange, the desk, or the server of NATS")
    parser.add_argument("--home", type=Path, default=Path())
    parser.add_argument("--way", default="own", help="of a desk: own, http, or the server of NATS")
    parser.add_argument("--prices", type=json.loads, default={})
    parser.add_argument("--count", type=int, default=0)
    given = parser.parse_args()
    match given.role:
        case "venue":
            uvloop.run(venue())
        case "desk":
            uvloop.run(desk(given.url, given.home, given.way, given.count))
        case "http":
            uvloop.run(by_http(given.url, given.prices, given.count))
        case _:
            uvloop.run(by_nats(given.url, given.prices, given.count))


if __name__ == "__main__":
    main()
