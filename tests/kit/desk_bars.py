"""A market with bars for a desk in one process: a recording of some minutes, and a store that knows those before it."""

import asyncio
import gzip
import random
from collections.abc import Sequence
from decimal import Decimal
from math import exp
from pathlib import Path
from typing import Final

from petrosa.apps.settings import Settings, load
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND
from petrosa.core.model.history import Kline
from petrosa.core.strategies.catalog import CANDLE
from tests.kit.analysis import store_bars
from tests.kit.small_recording import LIVELY, RECORDER_LATE_NS, START_MS

START: Final = START_MS * NS_PER_MS
"""When the recording begins, which is when a minute begins."""
MINUTE: Final = 60 * NS_PER_SECOND
PRICES: Final = {"BTCUSDT": 64_000.0, "ETHUSDT": 3_400.0}
BARS: Final = 200
MINUTES: Final = (
    *LIVELY, f"desk.strategies={','.join(name for name, one in CANDLE.items() if not one.timeframes)}",
    "ta.timeframes=1m",
)  # fmt: skip
"""Every strategy of bars that works on minutes, and nothing else."""


def settings(home: Path, *sets: str) -> Settings:
    return load(sets=[*MINUTES, *sets], environ={}, home=str(home))


def minutes(symbol: str, bars: int = BARS, after: int = 1, interval: str = "1m", start: int = START) -> list[Kline]:
    """A walk of so many bars before a time that ends near the price of the recording, and some `after` it."""
    rng, rows, price = random.Random(f"history {symbol}"), [], PRICES[symbol]
    for back in range(after - 1, -1 - bars, -1):
        opened = price * exp(rng.gauss(0.0, 0.0005))
        high = max(opened, price) * (1.0 + abs(rng.gauss(0.0, 0.0002)))
        low = min(opened, price) * (1.0 - abs(rng.gauss(0.0, 0.0002)))
        volume = rng.expovariate(0.05) + 1.0
        numbers = [Decimal(f"{one:.2f}") for one in (opened, high, low, price)]
        traded = [Decimal(f"{one:.3f}") for one in (volume, volume * price)]
        half = [one / 2 for one in traded]
        ts = start + back * MINUTE
        rows.append(Kline("usdm", symbol, interval, ts, ts + MINUTE, *numbers, *traded, 10, *half))
        price = opened
    return rows[::-1]


def store(home: Path, *series: Sequence[Kline]) -> Path:
    """A data directory whose store has these bars, or those before the recording and the one in which it begins."""
    asyncio.run(store_bars(settings(home), *(series or [minutes(symbol) for symbol in PRICES])))
    return home


def with_klines(recording: Path, to: Path, bars: Sequence[Kline]) -> Path:
    """The recording with the venue's own bars in it, each heard 20 ms after it closed."""
    with gzip.open(recording, "rt") as lines:
        rows = list(lines)
    for bar in bars:
        heard = bar.ts_close + 20 * NS_PER_MS + RECORDER_LATE_NS
        rows.append(f"{heard} {kline_frame(bar)}\n")
    rows.sort(key=lambda row: int(row.partition(" ")[0]))
    with gzip.open(to, "wt") as file:
        file.writelines(rows)
    return to


def kline_frame(bar: Kline, *, closed: bool = True) -> str:
    """A bar as the venue streams it."""
    ms, end = bar.ts_open // NS_PER_MS, bar.ts_close // NS_PER_MS
    said = "true" if closed else "false"
    k = (
        f'{{"t":{ms},"T":{end - 1},"s":"{bar.symbol}","i":"{bar.interval}","f":1,"L":2,"o":"{bar.open}",'
        f'"c":"{bar.close}","h":"{bar.high}","l":"{bar.low}","v":"{bar.volume}","n":{bar.trades},"x":{said},'
        f'"q":"{bar.quote_volume}","V":"{bar.taker_volume}","Q":"{bar.taker_quote_volume}","B":"0"}}'
    )
    data = f'{{"e":"kline","E":{end},"s":"{bar.symbol}","k":{k}}}'
    return f'{{"stream":"{bar.symbol.lower()}@kline_{bar.interval}","data":{data}}}'
