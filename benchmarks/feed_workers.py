"""Bridges from market streams to NATS: `python -m benchmarks.feed_workers feed|plain PORT NATS COUNT`.

Each hears the frames of a local venue and publishes every one in its envelope; it prints one JSON line at its end.
`feed` is what `petrosa feed` puts together: connection, health and order of the streams, the queue in which frames
wait, envelopes, and NATS. `plain` is the same duty as a normal program does it: `websockets`, `json`, nats-py.
"""

import asyncio
import json
import sys
import tempfile
import uuid
from datetime import UTC, datetime
from functools import partial
from typing import Any

from benchmarks.market_workers import WANTED
from benchmarks.workers import Meter

MARKET = "binance.websocket.data"
LOOK_S = 0.05


class Feed:
    """`petrosa feed` without what it asks of the venue before it begins."""

    def __init__(self, port: int, home: str) -> None:
        from petrosa.adapters.venues.binance.live.environments import Urls
        from petrosa.adapters.venues.binance.live.live_feed import LiveFeed
        from petrosa.adapters.venues.binance.live.streams import Streams
        from petrosa.apps.instruments import load_instruments
        from petrosa.apps.listening.venue import Listening
        from petrosa.apps.settings import load

        kinds = [stream.partition("@")[2] for stream in WANTED]
        self.settings = load(sets=("feed.market=spot", "feed.symbols=BTCUSDT"), environ={}, home=home)
        self.heard = Listening(self.settings, _quiet)
        url, rules = f"ws://127.0.0.1:{port}", load_instruments()
        self.heard.instruments = {key: one for key, one in rules.items() if key == "binance:spot:BTCUSDT"}
        self.heard.feed = LiveFeed(
            "spot", self.heard.instruments, kinds, partial(Streams, Urls("", url, url, "", ""), "spot"), _nothing,
            self.heard.offer, self.heard.hear, now=self.heard.clock.now,
        )  # fmt: skip


async def feed(port: int, nats: str, count: int) -> None:
    """Measured is from the first frame heard to the last one written to NATS."""
    from petrosa.adapters.bus.nats import NatsBus
    from petrosa.apps.listening.publishing import Publisher

    with tempfile.TemporaryDirectory() as home:
        made, meter = Feed(port, home), Meter(count)
        bus = await NatsBus.connect(nats, allow_core_signals=True)
        publisher = Publisher(made.settings, bus, made.heard, "bench", _quiet)
        await publisher.prepare(fresh=False)
        tasks = [asyncio.create_task(made.heard.feed.run()), asyncio.create_task(publisher.run())]
        while not sum(made.heard.heard.values()):
            await asyncio.sleep(0)
        meter.began()
        while sum(made.heard.heard.values()) < count or len(made.heard.outgoing):
            await asyncio.sleep(LOOK_S)
        meter.seen = sum(made.heard.heard.values()) - sum(made.heard.outgoing.drops.values())
        meter.report(published=publisher.published, events=dict(made.heard.feed.counts))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await bus.close()


async def plain(port: int, nats: str, count: int) -> None:
    """The plain way, frozen: a queue in bounds between the socket and NATS, and an eye on the order of each stream."""
    import nats as nats_py
    from websockets.asyncio.client import connect

    client, meter, finished = await nats_py.connect(nats), Meter(count), asyncio.Event()
    frames: asyncio.Queue[dict[str, Any]] = asyncio.Queue(5_000)
    newest: dict[str, tuple[int, datetime]] = {}

    async def hear() -> None:
        async with connect(f"ws://127.0.0.1:{port}/stream?streams={'/'.join(WANTED)}", max_queue=None) as socket:
            async for message in socket:
                if not newest:
                    meter.began()
                frame = json.loads(message)
                stream, data = frame["stream"], frame["data"]
                last, number = newest.get(stream, (0, None))[0], data.get("t", 0)
                newest[stream] = (number, datetime.now(UTC))
                if not number or number > last:  # every trade once
                    await frames.put(frame)

    async def publish() -> None:
        while meter.seen < count:
            frame = await frames.get()
            envelope = {
                **frame, "timestamp": newest[frame["stream"]][1].isoformat(), "message_id": str(uuid.uuid4()),
                "source": "binance-websocket", "version": "1.0",
            }  # fmt: skip
            await client.publish(MARKET, json.dumps(envelope).encode())
            meter.seen += 1
        finished.set()

    tasks = [asyncio.create_task(hear()), asyncio.create_task(publish())]
    await finished.wait()
    await client.flush()
    meter.report()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await client.close()


async def _nothing(_request: object) -> bytes:
    raise RuntimeError("nothing is missing, so nothing is asked for")


def _quiet(_text: str) -> None:
    """Nobody reads along."""


def main() -> None:
    name, port, nats, count = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    if name == "plain":
        asyncio.run(plain(port, nats, count))
        return
    import uvloop

    uvloop.run(feed(port, nats, count))


if __name__ == "__main__":
    main()
