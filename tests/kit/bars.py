"""Bars for strategies of technical analysis: by hand, by chance, real ones, their mirror image, and a run over them."""

import csv
import gzip
import random
from collections.abc import Iterable, Sequence
from math import exp
from typing import Any

import msgspec

from petrosa.core.market.candles import interval_ns
from petrosa.core.model.events import Decision, SignalMade
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Signal
from petrosa.core.strategies.base import CatalogEntry
from petrosa.core.strategist import Strategist, StrategyPlan
from tests.kit.recordings import recordings_dir
from tests.kit.strategy_market import BTC, market

START = 1_699_920_000 * 10**9
"""A midnight UTC, so that a session begins with the first bar."""

Row = tuple[float, float, float, float, float]
"""Open, high, low, close, volume."""


def bars(rows: Iterable[float | Row], interval: str = "15m", start: int = START) -> list[Candle]:
    """Bars that follow one another. A close alone opens where the last closed, without wicks, on a volume of 1."""
    length, made, last = interval_ns(interval), [], None
    for n, row in enumerate(rows):
        if not isinstance(row, tuple):
            begun = float(row if last is None else last)
            row = (begun, max(begun, row), min(begun, row), float(row), 1.0)
        ts, last = start + n * length, row[3]
        made.append(Candle(BTC.id, ts + length, ts + length, length, ts, *row, row[3] * row[4], 1, row[4] / 2))
    return made


def interval_of(series: Sequence[Candle]) -> str:
    """`15m` of bars of a quarter of an hour."""
    return f"{series[0].interval_ns // interval_ns('1m')}m"


def decisions_of(entry: CatalogEntry, series: Sequence[Candle], **params: Any) -> list[Decision]:
    """What a real strategist decides about bars, signals and refusals, as a desk would feed them to it."""
    state, wanted = market(), msgspec.convert(params, entry.params)
    plan = StrategyPlan(entry.strategy_id, BTC.id, wanted, timeframes=(interval_of(series),))
    strategist = Strategist({BTC.id: BTC}, [plan], {BTC.id: state})
    decided: list[Decision] = []
    for bar in series:
        state.apply(bar, bar.ts_seen)
        decided.extend(strategist.handle(bar, bar.ts_seen))
    return decided


def signals_of(entry: CatalogEntry, series: Sequence[Candle], **params: Any) -> list[Signal]:
    """The signals among them. The entry must be in the catalogue; unknown or impossible parameters raise."""
    return [one.signal for one in decisions_of(entry, series, **params) if isinstance(one, SignalMade)]


def at(series: Sequence[Candle], signals: Iterable[Signal]) -> list[int]:
    """Which bars, by position, the signals were made of."""
    return [(one.ts_event - series[0].ts_open) // series[0].interval_ns - 1 for one in signals]


def mirrored(series: Sequence[Candle], *, by_ratio: bool = False) -> list[Candle]:
    """The market upside down, in the same range: each price p is highest + lowest - p, or highest · lowest / p.

    Differences are kept by the first, ratios by the second.
    """
    top, bottom = max(bar.high for bar in series), min(bar.low for bar in series)

    def turned(price: float) -> float:
        return top * bottom / price if by_ratio else top + bottom - price

    return [
        msgspec.structs.replace(
            bar,
            open=turned(bar.open),
            high=turned(bar.low),
            low=turned(bar.high),
            close=turned(bar.close),
            quote_volume=turned(bar.close) * bar.volume,
            buy_volume=bar.volume - bar.buy_volume,
        )
        for bar in series
    ]


def walk(seed: int, length: int, interval: str = "15m", volatility: float = 0.004) -> list[Candle]:
    """A seeded random walk with drifts of 40 bars that come and go, wicks, and bars of much volume now and then."""
    rng, rows, price, lean = random.Random(f"bars {seed}"), [], 60_000.0, 0.0
    for n in range(length):
        if n % 40 == 0:
            lean = rng.choice((-0.4, 0.0, 0.4))
        close = price * exp(volatility * rng.gauss(lean, 1.0))
        high = max(price, close) * exp(volatility * rng.expovariate(2.0))
        low = min(price, close) * exp(-volatility * rng.expovariate(2.0))
        rows.append((price, high, low, close, rng.expovariate(1.0) * (6.0 if rng.random() < 0.05 else 1.0)))
        price = close
    return bars(rows, interval)


def real_bars(name: str = "BTCUSDT_15m_364d", length: int | None = None) -> list[Candle]:
    """Real klines, from the beginning of the file; the test is skipped where there are no recordings.

    They are laid out from `START` on, one after another: the files have no gap, and their day is as long as ours.
    """
    names, rows = ("open", "high", "low", "close", "volume"), []
    with gzip.open(recordings_dir() / "klines" / f"{name}.csv.gz", "rt") as lines:
        for line in csv.DictReader(lines):
            if length is not None and len(rows) == length:
                break
            rows.append(tuple(float(line[column]) for column in names))
    return bars(rows, name.split("_")[1])
