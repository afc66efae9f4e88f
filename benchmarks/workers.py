"""The processes that are measured: `python -m benchmarks.workers NAME URL COUNT`. Each prints one JSON line at its end.

`ours` is bus, parser, market state, strategies and signals of this package; `reference` is nats-py on asyncio, `json`
and dictionaries; `raw` only cuts the byte stream into messages, which is the floor of the latency through NATS.
A signal is published for one message in a hundred, whatever the market says, so that all do the same work.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from benchmarks.load import ACK_EVERY, ACKS, STAMP, STAMP_DIGITS, Connection
from benchmarks.measure import latency, rounded

SIGNAL_EVERY = 100


class Meter:
    """CPU and latency of a worker, from its first message to its last."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.seen = 0
        self.late: list[int] = []
        self._cpu = self._wall = 0

    def began(self) -> None:
        """From here on CPU and time count."""
        self._cpu, self._wall = time.process_time_ns(), time.monotonic_ns()

    def took(self, due: int) -> None:
        """A message that was due at `due` has been dealt with."""
        if self.seen == 0:
            self.began()
        self.seen += 1
        self.late.append(time.time_ns() - due)

    def report(self, **more: Any) -> None:
        """Say everything that was measured, as one line of JSON."""
        cpu, wall = time.process_time_ns() - self._cpu, time.monotonic_ns() - self._wall
        steady = self.late[min(len(self.late) // 10, 2_000) :]
        found = {
            "received": self.seen,
            "cpu_us": rounded(cpu / 1e3 / max(1, self.seen)),
            "per_core": rounded(self.seen / (cpu / 1e9)),
            "wall_per_s": rounded(self.seen / (wall / 1e9)),
            "cpu_share": rounded(cpu / wall),
            **(latency(steady) if steady else {}),
        }
        sys.stdout.write(json.dumps({**found, **more}) + "\n")


def due_of(data: bytes) -> int:
    """The time that the sender stamped."""
    at = data.rfind(STAMP) + len(STAMP)
    return int(data[at : at + STAMP_DIGITS])


async def ours(url: str, count: int) -> None:
    """The package's own way: one callback, one parse, one turn."""
    from benchmarks.strategies import OurStrategies
    from petrosa.adapters.bus.nats import NatsBus
    from petrosa.adapters.wire.codec import encode_signal
    from petrosa.adapters.wire.subjects import MARKET, SIGNALS

    bus = await NatsBus.connect(url, allow_core_signals=True)
    strategies, meter, finished = OurStrategies(), Meter(count), asyncio.Event()
    out: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    def on_message(_subject: str, data: bytes) -> None:
        arrival = strategies.handle(data)
        meter.took(arrival)
        if meter.seen % SIGNAL_EVERY == 0:
            out.put_nowait((SIGNALS, encode_signal(strategies.example)))
        if meter.seen % ACK_EVERY == 0:
            out.put_nowait((ACKS, b""))
        if meter.seen == count:
            finished.set()

    subscription = await bus.subscribe(MARKET, on_message, pending_max=4_000_000)
    _ready()
    publisher = asyncio.create_task(_publish(bus.publish, out))
    await _until(finished)
    meter.report(dropped=subscription.dropped, signals=strategies.signals)
    publisher.cancel()
    await bus.close()


async def reference(url: str, count: int) -> None:
    """The plain way, frozen: nats-py on asyncio, `json`, `float()`, dictionaries."""
    import nats

    from benchmarks.reference import PlainStrategies

    client = await nats.connect(url)
    strategies, meter, finished = PlainStrategies(), Meter(count), asyncio.Event()
    signal = {"strategy_id": "plain", "symbol": "BTCUSDT", "action": "buy", "confidence": 0.7, "price": 64_000.0}

    async def on_message(message: Any) -> None:
        strategies.handle(message.data)
        meter.took(due_of(message.data))
        if meter.seen % SIGNAL_EVERY == 0:
            await client.publish("signals.trading", json.dumps(signal).encode())
        if meter.seen % ACK_EVERY == 0:
            await client.publish(ACKS, b"")
        if meter.seen == count:
            finished.set()

    await client.subscribe(
        "binance.websocket.data", cb=on_message, pending_msgs_limit=4_000_000, pending_bytes_limit=4_000_000_000
    )
    await client.flush()
    _ready()
    await _until(finished)
    meter.report(dropped=0)
    await client.close()


def raw(url: str, count: int) -> None:
    """The floor: a blocking socket, and no more than cutting messages apart."""
    connection, meter = Connection(url, "binance.websocket.data"), Meter(count)
    _ready()
    while meter.seen < count:
        for data in connection.messages():
            meter.took(due_of(data))
    meter.report(dropped=0)


async def _publish(publish: Callable[[str, bytes], Any], out: "asyncio.Queue[tuple[str, bytes]]") -> None:
    while True:
        await publish(*await out.get())


async def _until(finished: asyncio.Event) -> None:
    """Wait for the last message; a run in which messages were lost ends too, and reports how many came."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(finished.wait(), 120)


def _ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def main() -> None:
    name, url, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if name == "raw":
        raw(url, count)
    elif name == "reference":
        asyncio.run(reference(url, count))
    else:
        import uvloop

        uvloop.run(ours(url, count))


if __name__ == "__main__":
    main()
