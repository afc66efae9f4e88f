"""A Bybit market of our own as a recorder would have left it: the server's market through the feed, at a clock by hand.

The frames are those that `LiveFeed` hands on, the folder is what `RecordingWriter` writes: no socket, no waiting.
"""

import asyncio
import math
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from petrosa import __version__
from petrosa.adapters.feeds.face import Hear, OnLink
from petrosa.adapters.net.websocket import LinkState
from petrosa.adapters.stores.recording.manifest import Manifest
from petrosa.adapters.stores.recording.writer import RecordingWriter
from petrosa.adapters.venues.bybit.live.live_feed import KINDS, LiveFeed
from petrosa.apps.instruments import load_instruments
from petrosa.core.model.base import NS_PER_MS
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import instrument_id
from tests.kit.bybit_server import Bybit

START_MS = 1_721_347_020_000
LEVELS = 25
SLOT_MS = 100
LATE_NS = 20 * NS_PER_MS
EIGHT_HOURS_MS = 8 * 3_600_000


class Heard(Bybit):
    """A market whose every message is heard at once: it stands where the connections stand."""

    def __init__(self, symbol: str, market: str) -> None:
        super().__init__(symbol, market, lambda: self.now_ms)
        self.now_ms = START_MS
        self.links: Mapping[str, LinkState] = {}
        self.counts: Counter[str] = Counter()
        self._hear: Hear
        self._heard: tuple[str, ...] = ()

    def dial(self, topics: Sequence[str], hear: Hear, on_link: OnLink) -> "Heard":
        self._heard, self._hear = tuple(topics), hear
        for topic in topics:
            on_link(topic, True, "")
        return self

    async def run(self) -> None:
        await asyncio.Event().wait()

    def renew(self, streams: Iterable[str]) -> None:
        for topic in streams:
            if topic.startswith("orderbook."):
                self.push(topic, self._book(int(topic.split(".")[1])))

    def push_raw(self, topic: str, text: str) -> None:
        if topic in self._heard:
            self._hear(topic, text.encode(), self.now_ms * NS_PER_MS + LATE_NS)


class _Walk:
    """A slow wave pushes the price and leans the book; trades agree with it."""

    def __init__(self, market: Heard, rules: Instrument, price: float, seed: int) -> None:
        self.market = market
        self.tick = float(rules.tick)
        self.mid = round(price / self.tick)
        self.step = max(1, self.mid // 100_000)
        self.random = random.Random(f"{seed}{rules.id}")
        self.offset = len(rules.symbol) + ord(rules.symbol[0])

    def slot(self, ms: int) -> None:
        """100 ms of it."""
        market, chance = self.market, self.random
        market.now_ms = ms
        wave = math.sin(ms / 7_000.0 + self.offset)
        self.mid += self.step * (chance.choice((-1, 0, 1)) + round(2 * wave))
        bids = {self._price(self.mid - n): self._quantity(1.0 + wave) for n in range(LEVELS)}
        asks = {self._price(self.mid + 1 + n): self._quantity(1.0 - wave) for n in range(LEVELS)}
        market.change(
            [*[(price, "0") for price in market.bids if price not in bids], *bids.items()],
            [*[(price, "0") for price in market.asks if price not in asks], *asks.items()],
        )
        for _ in range(chance.randrange(3)):
            side = "Sell" if chance.random() > 0.5 + 0.4 * wave else "Buy"
            market.trade(self._price(self.mid if side == "Sell" else self.mid + 1), side=side, quantity="0.2")
        if market.market == "linear" and not (ms // SLOT_MS) % 10:
            price = self._price(self.mid)
            following = str(ms // EIGHT_HOURS_MS * EIGHT_HOURS_MS + EIGHT_HOURS_MS)
            mark = {"markPrice": price, "indexPrice": price, "fundingRate": "0.0001", "nextFundingTime": following}
            market.ticker("snapshot", lastPrice=price, **mark)

    def _price(self, ticks: int) -> str:
        return f"{ticks * self.tick:.2f}"

    def _quantity(self, weight: float) -> str:
        return f"{max(0.001, weight * self.random.uniform(0.5, 1.5)):.3f}"


async def unasked(path: str, _query: Mapping[str, str]) -> bytes:
    """Nothing is missing here, so nothing is asked for."""
    raise AssertionError(path)


def write_bybit_recording(
    folder: Path, market: str, seconds: int, *, prices: Mapping[str, float] | None = None, seed: int = 7,
    segment_seconds: int = 20,
) -> Path:  # fmt: skip
    """A folder with a manifest, `seconds` long, of the symbols in `prices`; a new segment begins now and then."""
    known = load_instruments()
    wanted = {"BTCUSDT": 64_000.0, "ETHUSDT": 3_400.0} if prices is None else prices
    rules = {symbol: known[instrument_id("bybit", market, symbol)] for symbol in wanted}
    walks = [_Walk(Heard(symbol, market), rules[symbol], price, seed) for symbol, price in wanted.items()]
    about = Manifest(
        version=__version__, venue="bybit", market=market, environment="live", symbols=tuple(sorted(wanted)),
        streams=KINDS[market], begun_ns=START_MS * NS_PER_MS, instruments=tuple(rules.values()),
    )  # fmt: skip
    writer = RecordingWriter(folder, about, segment_bytes=10**9, segment_ns=10**18)

    def offer(arrival: int, _stream: str, frame: bytes) -> None:
        writer.append(arrival, frame)

    feeds: list[Any] = []
    for walk in walks:
        one = {rules[walk.market.symbol].id: rules[walk.market.symbol]}
        clock = walk.market
        feeds.append(
            LiveFeed(
                market, one, KINDS[market], walk.market.dial, unasked, offer, lambda _news: None,
                now=lambda clock=clock: clock.now_ms * NS_PER_MS + LATE_NS,
            )
        )  # fmt: skip
        walk.slot(START_MS)
        feeds[-1].ask_books([walk.market.symbol], "it begins")
    for slot in range(1, seconds * 1_000 // SLOT_MS):
        ms = START_MS + slot * SLOT_MS
        if not (ms - START_MS) % (segment_seconds * 1_000):
            writer.close_segment("time")
            for feed, walk in zip(feeds, walks, strict=True):
                walk.market.now_ms = ms
                feed.ask_books([walk.market.symbol], "a segment begins")
        for walk in walks:
            walk.slot(ms)
    writer.close((START_MS + seconds * 1_000) * NS_PER_MS)
    return folder
