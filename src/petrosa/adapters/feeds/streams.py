"""The streams of one market that are wanted, heard each once and in order over as many connections as they need."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, NamedTuple

from petrosa.adapters.feeds.dialect import Dialect
from petrosa.adapters.feeds.face import Hear, OnLink
from petrosa.adapters.feeds.shard import STREAMS_MAX, Dial, Shard, Wiring
from petrosa.adapters.feeds.subscriptions import CONTROL, Control
from petrosa.adapters.net import market_socket
from petrosa.adapters.net.attempts import Attempts
from petrosa.adapters.net.websocket import PACE, LinkState, Pace


class Place(NamedTuple):
    """Where a stream is heard: `path` names the connection, `url` is its address; and streams that go together."""

    path: str
    url: str
    together: str


class Streams:
    """Hears what is wanted for ever. Streams are named as the venue names them: `btcusdt@depth20@100ms`.

    `place_of` says where a stream is heard, None where the market has no such stream.

    `hear` is told every frame once, in order for each stream, also while one connection takes over from another.
    `on_link` is told that a stream is up when the venue has acknowledged it, and that it is not when its connection is
    lost, when it was refused, or when the venue does not answer. Those of one process share `attempts`.
    """

    def __init__(
        self, market: str, dialect: Dialect, place_of: Callable[[str], Place | None], wanted: Iterable[str], hear: Hear,
        on_link: OnLink, *,
        attempts: Attempts | None = None, control: Control = CONTROL, dial: Dial = market_socket.dial,
        now: Callable[[], int] = time.time_ns, pace: Pace = PACE,
        sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        """`market` as `binance:spot`."""
        self._market = market
        self._place_of = place_of
        self._on_link = on_link
        self._wiring = Wiring(dial, dialect, attempts or Attempts(), hear, on_link, control, now, pace, sleep, chance)
        self._shards: dict[str, list[Shard]] = {}
        self._made: Counter[str] = Counter()
        self._unserved: dict[str, str] = {}
        self._gone: Counter[str] = Counter()
        self._tasks: dict[Shard, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self.want(wanted)

    def want(self, streams: Iterable[str]) -> None:
        """From now on exactly these; what is wanted already goes on without a break. Raises `InvariantError`."""
        by_path: dict[str, dict[str, Place]] = {}
        unserved: dict[str, None] = {}
        for stream in streams:
            place = self._place_of(stream)
            if place is None:
                unserved[stream] = None
            else:
                by_path.setdefault(place.path, {})[stream] = place
        self._leave_out(unserved)
        for path in {**self._shards, **by_path}:
            self._want(path, by_path.get(path, {}))
        self._changed.set()

    def renew(self, streams: Iterable[str]) -> None:
        """Have these subscribed to once more, for what the venue says first on a subscription."""
        wanted = list(streams)
        for shard in self._all():
            shard.renew(wanted)

    @property
    def links(self) -> Mapping[str, LinkState]:
        """Every connection's state by its name."""
        return {shard.kept.name: shard.kept.state for shard in self._all()}

    @property
    def refused(self) -> Mapping[str, str]:
        """Streams that the venue does not give, and why; they are asked for again now and then."""
        found = {stream: refusal.reason for shard in self._all() for stream, refusal in shard.wanted.refused.items()}
        return found | self._unserved

    @property
    def counts(self) -> Counter[str]:
        """What was not handed on and what went wrong, by name."""
        return sum((shard.wanted.counts for shard in self._all()), self._gone)

    async def run(self) -> None:
        """Go on for ever. Raises `VenueClosed` when only a person can help."""
        try:
            while True:
                self._changed.clear()
                await self._end_empty()
                for shard in self._all():
                    if shard not in self._tasks:
                        self._tasks[shard] = asyncio.create_task(shard.kept.run())
                await self._wait()
        finally:
            await _cancel(self._tasks.values())
            self._tasks.clear()

    def _all(self) -> list[Shard]:
        return [shard for shards in self._shards.values() for shard in shards]

    def _leave_out(self, streams: Iterable[str]) -> None:
        """What the market does not have is said at once, and does not keep the others from being heard."""
        unserved = dict.fromkeys(streams, f"{self._market} has no such stream")
        for stream in sorted(unserved.keys() - self._unserved.keys()):
            self._on_link(stream, False, f"the venue refuses it: {unserved[stream]}")
        self._unserved = unserved

    def _want(self, path: str, streams: Mapping[str, Place]) -> None:
        """Streams that go together go to one connection where there is room."""
        shards = self._shards.setdefault(path, [])
        known: dict[str, Shard] = {}
        for shard in shards:
            shard.remove([stream for stream in shard.wanted.names if stream not in streams])
            known |= dict.fromkeys(shard.wanted.names, shard)
        homes = {streams[stream].together: shard for stream, shard in known.items()}
        blocks: dict[str, list[str]] = {}
        for stream in streams:
            if stream not in known:
                blocks.setdefault(streams[stream].together, []).append(stream)
        for name, block in blocks.items():
            for start in range(0, len(block), STREAMS_MAX):
                url = streams[block[start]].url
                self._put(path, url, block[start : start + STREAMS_MAX], homes.get(name))

    def _put(self, path: str, url: str, block: list[str], home: Shard | None) -> None:
        shards = self._shards[path]
        with_room = (shard for shard in (home, *reversed(shards)) if shard is not None and shard.room >= len(block))
        shard = next(with_room, None)
        if shard is None:
            self._made[path] += 1
            shard = Shard(self._wiring, f"{self._market} {path} {self._made[path]}", url)
            shards.append(shard)
        shard.add(block)

    async def _end_empty(self) -> None:
        """Connections on which nothing is wanted any more."""
        empty = [shard for shard in self._all() if not shard.wanted.names]
        for shards in self._shards.values():
            shards[:] = [shard for shard in shards if shard.wanted.names]
        for shard in empty:
            self._gone += shard.wanted.counts
        await _cancel([self._tasks.pop(shard) for shard in empty if shard in self._tasks])

    async def _wait(self) -> None:
        """Until something else is wanted, or one of the connections is beyond keeping."""
        changed = asyncio.create_task(self._changed.wait())
        try:
            await asyncio.wait({changed, *self._tasks.values()}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel([changed])
        for task in self._tasks.values():
            if task.done():
                task.result()


async def _cancel(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    ended = list(tasks)
    for task in ended:
        task.cancel()
    await asyncio.gather(*ended, return_exceptions=True)
