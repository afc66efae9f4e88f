"""Readers of market streams: `python -m benchmarks.market_workers ours|aiohttp|reference|raw PORT COUNT`.

Each hears the frames of a local venue, makes facts of them and envelopes to publish, and prints one JSON line at its
end. `ours` is the live feed's own way, with picows or, as `aiohttp`, with its fallback; `reference` is `websockets`
and `json`; `raw` is `ours` without facts and envelopes, which shows what the connection costs.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from benchmarks.workers import Meter

WANTED = ("btcusdt@depth20@100ms", "btcusdt@trade", "btcusdt@ticker")
MARKET = "binance.websocket.data"


async def ours(port: int, count: int, dial: Callable[[str], Any], *, is_raw: bool = False) -> None:
    """Connection, subscription, one parse, one envelope."""
    from petrosa.adapters.venues.binance.live.environments import Urls
    from petrosa.adapters.venues.binance.live.streams import Streams
    from petrosa.adapters.venues.binance.parse import Parser
    from petrosa.adapters.wire.envelope import Wrapper
    from petrosa.adapters.wire.frame import RawFrame

    parser, wrapper, meter, finished = (
        Parser("binance", "spot", None),
        Wrapper("binance", "spot"),
        Meter(count),
        asyncio.Event(),
    )
    parse, wrap = parser.parse, wrapper.wrap

    def hear(_stream: str, payload: bytes, arrival: int) -> None:
        if not is_raw:
            parse(payload, arrival)
            wrap(RawFrame(arrival, payload))
        meter.took(arrival)
        if meter.seen == count:
            finished.set()

    url = f"ws://127.0.0.1:{port}"
    streams = Streams(Urls("", url, url, "", ""), "spot", WANTED, hear, _unheard, dial=dial)
    running = asyncio.create_task(streams.run())
    await _until(finished)
    meter.report()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def reference(port: int, count: int) -> None:
    """The plain way, frozen: `websockets`, `json`, `float()`, dictionaries."""
    import time

    from websockets.asyncio.client import connect

    meter = Meter(count)
    async with connect(f"ws://127.0.0.1:{port}/stream?streams={'/'.join(WANTED)}", max_queue=None) as socket:
        async for message in socket:
            arrival = time.time_ns()
            frame = json.loads(message)
            plain(frame["data"])
            envelope = {
                **frame, "timestamp": datetime.now(UTC).isoformat(), "message_id": f"{frame['stream']}:{meter.seen}",
                "source": "binance-websocket", "version": "1.0",
            }  # fmt: skip
            json.dumps(envelope).encode()
            meter.took(arrival)
            if meter.seen == count:
                break
        meter.report()


def plain(data: dict[str, Any]) -> Any:
    """The numbers of a frame."""
    if "bids" in data:
        return {
            "bids": [(float(price), float(quantity)) for price, quantity in data["bids"]],
            "asks": [(float(price), float(quantity)) for price, quantity in data["asks"]],
        }
    if data["e"] == "trade":
        return {"price": float(data["p"]), "quantity": float(data["q"]), "time": data["T"], "sell": data["m"]}
    return {name: float(data[name]) for name in ("c", "v", "q", "P")}


def _unheard(_stream: str, _is_up: bool, _why: str) -> None:
    """A flood begins with the first acknowledgement."""


async def _until(finished: asyncio.Event) -> None:
    async with asyncio.timeout(120):
        await finished.wait()


def main() -> None:
    name, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    if name == "reference":
        asyncio.run(reference(port, count))
        return
    import uvloop

    from petrosa.adapters.net import aiohttp_socket, market_socket

    dial = aiohttp_socket.dial_alone if name == "aiohttp" else market_socket.dial
    uvloop.run(ours(port, count, dial, is_raw=name == "raw"))


if __name__ == "__main__":
    main()
