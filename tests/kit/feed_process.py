"""The feeds of a campaign as a process of their own, so that what it holds is theirs.

`python -m tests.kit.feed_process URL FD` is given the address of an exchange and the number of a socket. On that it
says what it hears and how it is, and is told when to be slow; when the socket closes it ends. A message is its length
in four bytes and a pickle.
"""

import asyncio
import pickle
import resource
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from petrosa.adapters.feeds.face import BookHealth, StreamHealth
from petrosa.adapters.feeds.outlet import News
from petrosa.adapters.feeds.subscriptions import Control
from petrosa.adapters.net.rate_limit import Ledger
from petrosa.adapters.net.websocket import Pace, together
from petrosa.adapters.venues.binance.live.environments import urls
from petrosa.adapters.venues.binance.live.feed_params import FeedParams
from petrosa.adapters.venues.binance.live.limits import DEFAULTS
from petrosa.adapters.venues.binance.live.live_feed import LiveFeed
from petrosa.adapters.venues.binance.live.rest import Rest
from petrosa.adapters.venues.binance.live.server_clock import ServerClock
from petrosa.adapters.venues.binance.live.streams import Streams
from petrosa.adapters.wire.envelope import Wrapper
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId
from petrosa.runtime.conflating import Topic
from petrosa.runtime.outgoing import Outgoing
from tests.kit.soak import sample

KINDS: Final = {"spot": ("trade", "bookTicker", "depth@100ms"), "usdm": ("aggTrade", "bookTicker", "depth@100ms")}
PACE: Final = Pace(open=2.0, ping=1.0, silence=4.0, overlap=0.3, pause_least=0.05, pause_most=0.5, steady=5.0)
CONTROL: Final = Control(ack_s=1.0, list_every_s=5.0, again_s=0.5, again_most_s=2.0)
PARAMS: Final = FeedParams(hold_seconds=60.0, grace_seconds=0.1, books_per_second=sample(10, 1))
SAID_S: Final = 0.02
AT_ONCE: Final = 128
LENGTH: Final = 4


class Seen(NamedTuple):
    """A market's feed as it is: what has piled up is in `held` (trades held back) and `waiting` (frames)."""

    states: Mapping[str, StreamHealth]
    books: Mapping[str, BookHealth]
    counts: Mapping[str, int]
    held: int
    waiting: int


class Size(NamedTuple):
    """How large the process is: resident bytes, and blocks of memory that Python has handed out."""

    resident: int
    blocks: int


class Hears(NamedTuple):
    """An envelope as it would be published."""

    market: str
    envelope: bytes


class Says(NamedTuple):
    """What a feed said beside its frames, and when (`time.monotonic`, the same for all processes)."""

    market: str
    at: float
    news: News


class Is(NamedTuple):
    """How everything is at this time."""

    at: float
    seen: Mapping[str, Seen]
    size: Size


Said = Hears | Says | Is
Rules = Mapping[InstrumentId, Instrument]


def packed(message: object) -> bytes:
    data = pickle.dumps(message)
    return len(data).to_bytes(LENGTH) + data


async def unpacked(reader: asyncio.StreamReader) -> Any:
    """The next message. Raises `IncompleteReadError` when there is none any more."""
    return pickle.loads(await reader.readexactly(int.from_bytes(await reader.readexactly(LENGTH))))


class Feeding:
    """One market: a feed, what waits to be published, and who publishes it."""

    def __init__(self, market: str, url: str, rules: Rules, rest: Rest, writer: asyncio.StreamWriter) -> None:
        self._market = market
        self._writer = writer
        self._wrapper = Wrapper("binance", market)
        self._outgoing = Outgoing(f"binance:{market}", _topic, time.time_ns, self._tell, _lost)
        dial = partial(Streams, urls("paper", market, url), market, pace=PACE, control=CONTROL)
        self.feed = LiveFeed(
            market, rules, KINDS[market], dial, rest.call, self._outgoing.offer, self._tell, params=PARAMS
        )

    @property
    def seen(self) -> Seen:
        feed = self.feed
        held = sum(line.chain.held for line in feed._making._trades._lines.values())  # type: ignore[attr-defined]
        return Seen(dict(feed.states), dict(feed.books), dict(feed.counts), held, len(self._outgoing))

    async def publish(self) -> None:
        while frames := await self._outgoing.take(AT_ONCE):
            for frame in frames:
                self._writer.write(packed(Hears(self._market, self._wrapper.put_round(frame.arrival, frame.payload))))
            await self._writer.drain()

    def _tell(self, news: News) -> None:
        self._writer.write(packed(Says(self._market, time.monotonic(), news)))


async def serve(url: str, connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    rules: Mapping[str, Rules] = await unpacked(reader)
    async with AsyncExitStack() as stack:
        feeds: dict[str, Feeding] = {}
        for market in KINDS:
            clock = ServerClock()
            ledger = Ledger(DEFAULTS[market], clock.now)
            rest = await stack.enter_async_context(Rest(market, urls("paper", market, url), "", None, clock, ledger))
            feeds[market] = Feeding(market, url, rules[market], rest, writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await together(
                [
                    *(one.feed.run() for one in feeds.values()),
                    *(one.publish() for one in feeds.values()),
                    _obey(reader),
                    _say(feeds, writer),
                ]
            )


async def _obey(reader: asyncio.StreamReader) -> None:
    """Be slow when it is asked for: nothing is read, nothing is published."""
    while True:
        time.sleep(await unpacked(reader))


async def _say(feeds: Mapping[str, Feeding], writer: asyncio.StreamWriter) -> None:
    statm = Path("/proc/self/statm")
    while True:
        size = Size(int(statm.read_text().split()[1]) * resource.getpagesize(), sys.getallocatedblocks())
        writer.write(packed(Is(time.monotonic(), {market: one.seen for market, one in feeds.items()}, size)))
        await asyncio.sleep(SAID_S)


def _topic(frame: object) -> Topic:
    raise AssertionError("there is room for everything")


def _lost(topic: Topic) -> None:
    raise AssertionError(f"{topic} lost something")


if __name__ == "__main__":
    from tests.kit import feed_process  # so that what is pickled has a name that others know

    asyncio.run(feed_process.serve(sys.argv[1], socket.socket(fileno=int(sys.argv[2]))))
