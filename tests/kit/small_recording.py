"""A small perpetual market of our own, as recorded frames: waves of one-sided books and the trades that agree."""

import gzip
import json
import math
import random
from pathlib import Path

from petrosa.core.model.base import NS_PER_MS

START_MS = 1_721_347_020_000
LEVELS = 20
RECORDER_LATE_NS = -1_500_000_000
"""The recorder's clock runs behind the venue's, as in the real recordings."""

LIVELY = (
    "strategies.orderbook_skew.cooldown_seconds=5",
    "strategies.orderbook_skew.persistence_seconds=0.5",
    "strategies.trade_momentum.cooldown_seconds=5",
    "http.enabled=false",
    "log.heartbeat_enabled=false",
)
"""Settings with which this market makes signals, orders and fills within a minute, and no service is up."""


class _Symbol:
    """One symbol's walk: a slow wave pushes the price and leans the book."""

    def __init__(self, name: str, price: float, tick: float, seed: int) -> None:
        self.name = name
        self.tick = tick
        self.mid_ticks = round(price / tick)
        self.random = random.Random(f"{seed}{name}")
        self.trades = 0
        self.updates = 0

    def frames(self, ms: int) -> list[str]:
        """What is sent in one slot of 100 ms: a depth of 20 levels, a best quote, and some trades."""
        wave = math.sin(ms / 7_000.0 + len(self.name) + ord(self.name[0]))
        self.mid_ticks += self.random.choice((-1, 0, 1)) + round(2 * wave)
        bid, ask = self.mid_ticks, self.mid_ticks + 1
        bids = [[self._price(bid - n), self._quantity(1.0 + wave)] for n in range(LEVELS)]
        asks = [[self._price(ask + n), self._quantity(1.0 - wave)] for n in range(LEVELS)]
        self.updates += 1
        stream = self.name.lower()
        stamp = {"E": ms, "T": ms, "s": self.name}
        depth = {"e": "depthUpdate", **stamp, "U": self.updates, "u": self.updates, "pu": self.updates - 1}
        quote = {"e": "bookTicker", **stamp, "u": self.updates, "b": bids[0][0], "B": bids[0][1]}
        found = [
            _frame(f"{stream}@depth20@100ms", {**depth, "b": bids, "a": asks}),
            _frame(f"{stream}@bookTicker", {**quote, "a": asks[0][0], "A": asks[0][1]}),
        ]
        for _ in range(self.random.randrange(4)):
            self.trades += 1
            is_sell = self.random.random() > 0.5 + 0.4 * wave
            trade = {"e": "trade", **stamp, "t": self.trades, "p": self._price(bid if is_sell else ask)}
            found.append(_frame(f"{stream}@trade", {**trade, "q": self._quantity(0.2), "X": "MARKET", "m": is_sell}))
        return found

    def _price(self, ticks: int) -> str:
        return f"{ticks * self.tick:.2f}"

    def _quantity(self, weight: float) -> str:
        return f"{max(0.001, weight * self.random.uniform(0.5, 1.5)):.3f}"


def _frame(stream: str, data: dict[str, object]) -> str:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":"))


def write_small_recording(path: Path, seconds: int, *, seed: int = 7) -> Path:
    """A gzip file of frames of BTCUSDT and ETHUSDT, `seconds` long; a shorter one is the beginning of a longer one."""
    symbols = (_Symbol("BTCUSDT", 64_000.0, 0.1, seed), _Symbol("ETHUSDT", 3_400.0, 0.01, seed))
    noise = random.Random(seed)
    with gzip.open(path, "wt") as file:
        for slot in range(seconds * 10):
            ms = START_MS + slot * 100
            arrival = ms * NS_PER_MS + RECORDER_LATE_NS + noise.randrange(5 * NS_PER_MS)
            for number, frame in enumerate(frame for symbol in symbols for frame in symbol.frames(ms)):
                file.write(f"{arrival + number} {frame}\n")
    return path
