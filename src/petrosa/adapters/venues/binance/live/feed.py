"""The market data of a live account: raw frames in order of arrival, and whether each symbol's data flows."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final, NamedTuple

import aiohttp
import msgspec

from petrosa.adapters.venues.binance.live.streams import PACE, End, Kept, LinkState, Pace, Socket, dial, together
from petrosa.adapters.venues.binance.parse import PREFIX, START
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import FeedState, InstrumentId, instrument_id, symbol_of
from petrosa.errors import InvariantError

STREAMS_MAX: Final = 200
"""Streams of one connection. The venue takes 1,024, and clients that last stay far below."""

SPOT: Final = {"spot": ("bookTicker", "depth20@100ms", "trade")}
USDM: Final = {"public": ("bookTicker", "depth20@100ms"), "market": ("aggTrade", "markPrice@1s")}
GROUPS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {"spot": SPOT, "usdm": USDM}
"""Streams by the group that has a socket of its own: on futures a stream is silent on any path but its own."""

TRADES: Final = frozenset({b"trade", b"aggTrade"})
REMEMBERED_MAX: Final = 200_000
"""Trades remembered while two connections are heard, so that none is told twice."""

Offer = Callable[[int, str, bytes], None]
"""Given (arrival in ns, `venue:market`, frame)."""

OnState = Callable[[InstrumentId, str, FeedState, str], None]
"""Told (instrument, group of streams, state, why)."""


class Ages(NamedTuple):
    """How old the newest frame of a symbol may be, in seconds, before its group is STALE, and DEAD."""

    stale_s: float = 10.0
    dead_s: float = 60.0


class _Pulse:
    """When a symbol's group of streams was heard last (ns), and what was said of it."""

    __slots__ = ("heard", "instrument", "state")

    def __init__(self, instrument: InstrumentId) -> None:
        self.instrument = instrument
        self.heard = 0
        self.state: FeedState | None = None


class _Id(msgspec.Struct):
    t: int | None = None
    a: int | None = None


class _Frame(msgspec.Struct):
    data: _Id


AGES: Final = Ages()


class _Wiring(NamedTuple):
    """What all connections of a feed have in common."""

    session: aiohttp.ClientSession
    tag: str
    offer: Offer
    on_state: OnState
    now: Callable[[], int]
    ages: Ages
    pace: Pace
    sleep: Callable[[float], Coroutine[Any, Any, None]]
    chance: Callable[[], float]


class _Shard:
    """One connection with the streams of some symbols. `group` and a number make its name."""

    def __init__(
        self, wiring: _Wiring, group: str, number: int, base: str, streams: Iterable[str],
        instruments: Iterable[InstrumentId],
    ) -> None:  # fmt: skip
        self.counts: Counter[str] = Counter()
        self.kept = Kept(
            f"{wiring.tag} {group} {number}", self._dial, self.hear, up=self._up, down=self._down, now=wiring.now,
            pace=wiring.pace, sleep=wiring.sleep, chance=wiring.chance,
        )  # fmt: skip
        self._wiring = wiring
        self._group = group
        self._pulses = {symbol_of(one).lower(): _Pulse(one) for one in instruments}
        self._by_stream = {
            f"{name}@{stream}".encode(): pulse for name, pulse in self._pulses.items() for stream in streams
        }  # fmt: skip
        self._url = f"{base}/stream?streams={'/'.join(name.decode() for name in self._by_stream)}"
        self._once: dict[tuple[bytes, int], None] = {}
        self._id = msgspec.json.Decoder(_Frame)

    def expect(self) -> None:
        """Frames are expected from now on."""
        now = self._wiring.now()
        for pulse in self._pulses.values():
            pulse.heard = now

    def hear(self, payload: bytes, arrival: int) -> End | None:
        name = payload[START : payload.find(b'"', START, START + 100)]
        pulse = self._by_stream.get(name) if payload[:START] == PREFIX else None
        if pulse is None:
            return self._other(payload)
        if self.kept.overlapping:
            if not self._is_new(name, payload):
                return None
        elif self._once:
            self._once.clear()
        pulse.heard = arrival
        if pulse.state is not FeedState.LIVE:
            self._say(pulse, FeedState.LIVE, "frames flow")
        self._wiring.offer(arrival, self._wiring.tag, payload)
        return None

    def look(self) -> None:
        """See whose frames are overdue."""
        now, (stale_s, dead_s) = self._wiring.now(), self._wiring.ages
        for pulse in self._pulses.values():
            age_s = (now - pulse.heard) / NS_PER_SECOND
            if age_s >= dead_s and pulse.state is not FeedState.DEAD:
                self._say(pulse, FeedState.DEAD, f"nothing for {age_s:.1f} s, more than {dead_s:g} s")
            elif age_s >= stale_s and pulse.state in (None, FeedState.LIVE):
                self._say(pulse, FeedState.STALE, f"nothing for {age_s:.1f} s, more than {stale_s:g} s")

    async def _dial(self) -> Socket:
        return await dial(self._wiring.session, self._url)

    def _up(self, is_first: bool) -> None:
        """Frames say for themselves that they flow."""

    def _down(self, reason: str) -> None:
        for pulse in self._pulses.values():
            if pulse.state is not FeedState.DEAD:
                self._say(pulse, FeedState.STALE, f"the connection is away: {reason}")

    def _say(self, pulse: _Pulse, state: FeedState, reason: str) -> None:
        pulse.state = state
        self._wiring.on_state(pulse.instrument, self._group, state, reason)

    def _other(self, payload: bytes) -> End | None:
        if b'"serverShutdown"' in payload[:200]:
            return End("the venue will end the connection (serverShutdown)", planned=True)
        self.counts["unknown frame"] += 1
        return None

    def _is_new(self, name: bytes, payload: bytes) -> bool:
        """Whether a frame is heard for the first time while two connections say the same; only trades are looked at."""
        if name.rpartition(b"@")[2] not in TRADES:
            return True
        try:
            data = self._id.decode(payload).data
        except msgspec.MsgspecError:
            return True  # whoever parses it will say what is wrong
        number = data.a if data.a is not None else data.t
        if number is None:
            return True
        if (name, number) in self._once:
            self.counts["trade heard twice"] += 1
            return False
        self._once[name, number] = None
        if len(self._once) > REMEMBERED_MAX:
            del self._once[next(iter(self._once))]
        return True


class MarketFeed:
    """Connections enough for all streams of the symbols, each kept by itself.

    `public` and `market` are the addresses in front of `/stream`; spot has one, and `market` is not looked at. `offer`
    is given every frame as it came; `on_state` when a connection is lost, when a symbol's frames are overdue, and when
    they flow again.
    """

    def __init__(
        self, session: aiohttp.ClientSession, market: str, symbols: Iterable[str], public: str, market_url: str,
        offer: Offer, on_state: OnState, *, now: Callable[[], int] = time.time_ns, ages: Ages = AGES,
        pace: Pace = PACE, sleep: Callable[[float], Coroutine[Any, Any, None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        if market not in GROUPS:
            raise InvariantError(f"market {market!r} has no streams; spot and usdm have")
        self._every_s = min(1.0, ages.stale_s / 4)
        wiring = _Wiring(session, f"binance:{market}", offer, on_state, now, ages, pace, sleep, chance)
        instruments = [instrument_id("binance", market, symbol) for symbol in dict.fromkeys(symbols)]
        self._shards: list[_Shard] = []
        for group, streams in GROUPS[market].items():
            base, size = market_url if group == "market" else public, STREAMS_MAX // len(streams)
            for number, start in enumerate(range(0, len(instruments), size), 1):
                shard = _Shard(wiring, group, number, base, streams, instruments[start : start + size])
                self._shards.append(shard)

    @property
    def links(self) -> dict[str, LinkState]:
        """Every connection's state by its name."""
        return {shard.kept.name: shard.kept.state for shard in self._shards}

    @property
    def counts(self) -> Counter[str]:
        """Frames that were not handed on, by name."""
        return sum((shard.counts for shard in self._shards), Counter())

    async def run(self) -> None:
        """Go on for ever."""
        for shard in self._shards:
            shard.expect()
        await together((*(shard.kept.run() for shard in self._shards), self._look()))

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self._every_s)
            for shard in self._shards:
                shard.look()
