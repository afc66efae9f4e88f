"""A year of 15-minute bars through every strategy of technical analysis: all together, and what each takes of a bar.

The bars are real ones where PETROSA_TEST_DATA names the folder of the recordings, else a seeded random walk.
"""

import csv
import gzip
import os
import random
import time
from collections.abc import Iterable, Iterator
from math import exp
from pathlib import Path

from benchmarks.measure import Figure, Goal, figure
from benchmarks.strategies import BTCUSDT
from petrosa.core.market.candles import interval_ns
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import SignalMade
from petrosa.core.model.market import Candle
from petrosa.core.strategies.catalog import CANDLE
from petrosa.core.strategist import Strategist, StrategyPlan

INTERVAL = "15m"
LENGTH_NS = interval_ns(INTERVAL)
YEAR = 364 * 96
START = 1_699_920_000 * NS_PER_SECOND
"""A midnight UTC: sessions begin with it."""
FILE = Path("klines") / "BTCUSDT_15m_364d.csv.gz"

COLUMNS = ("open", "high", "low", "close", "volume")
Row = tuple[float, float, float, float, float]


def run(rounds: int) -> list[Figure]:
    """Seconds of the year for all strategies at once, as one strategist turns them, then microseconds a bar of each.

    At most three rounds: each is the whole year, twice.
    """
    folder = Path(os.environ.get("PETROSA_TEST_DATA", ""))
    real = bool(os.environ.get("PETROSA_TEST_DATA")) and (folder / FILE).is_file()
    year = list(_bars(_recorded(folder / FILE) if real else _walk()))
    rounds = min(rounds, 3)
    whole = [_turned(year, tuple(CANDLE)) for _ in range(rounds)]
    what = "real" if real else "made"
    found = [
        figure(
            "", f"a year of {INTERVAL} bars ({what}), {len(CANDLE)} strategies", [seconds for seconds, _ in whole], "s",
            aim=Goal(10.0), bars=len(year), signals=whole[0][1],
        )
    ]  # fmt: skip
    each: dict[str, list[float]] = {name: [] for name in CANDLE}
    for _ in range(rounds):
        for name in CANDLE:
            each[name].append(_turned(year, (name,))[0] / len(year) * 1e6)
    return found + [figure("", f"{name} on a bar", times, "us") for name, times in each.items()]


def _turned(year: Iterable[Candle], names: tuple[str, ...]) -> tuple[float, int]:
    """CPU seconds and signals of these strategies on default settings."""
    markets = {BTCUSDT.id: MarketState(BTCUSDT, Tape(10 * NS_PER_SECOND))}
    plans = [StrategyPlan(name, BTCUSDT.id, CANDLE[name].params(), True, (INTERVAL,)) for name in names]
    strategist = Strategist({BTCUSDT.id: BTCUSDT}, plans, markets)
    signals, before = 0, time.process_time()
    for bar in year:
        for decision in strategist.handle(bar, bar.ts_seen):
            signals += isinstance(decision, SignalMade)
    return time.process_time() - before, signals


def _bars(rows: Iterable[Row]) -> Iterator[Candle]:
    for n, row in enumerate(rows):
        ts = START + n * LENGTH_NS
        volume = row[4]
        yield Candle(
            BTCUSDT.id, ts + LENGTH_NS, ts + LENGTH_NS, LENGTH_NS, ts, *row, row[3] * volume, 1_000, volume / 2
        )


def _recorded(path: Path) -> Iterator[Row]:
    with gzip.open(path, "rt") as lines:
        for line in csv.DictReader(lines):
            opened, high, low, close, volume = (float(line[name]) for name in COLUMNS)
            yield opened, high, low, close, volume


def _walk() -> Iterator[Row]:
    """0.4 % a bar, which is what Bitcoin moves in a quarter of an hour of a lively day."""
    rng, price = random.Random("a year of bars"), 60_000.0
    for _ in range(YEAR):
        close = price * exp(rng.gauss(0.0, 0.004))
        high = max(price, close) * exp(rng.expovariate(500.0))
        low = min(price, close) * exp(-rng.expovariate(500.0))
        yield price, high, low, close, rng.expovariate(0.01)
        price = close
