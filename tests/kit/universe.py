"""Daily bars of many symbols at once, for what compares one with the others."""

import random
from collections.abc import Iterable, Mapping
from itertools import chain
from math import exp
from typing import Any

import msgspec

from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.events import Decision
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Candle, InstrumentId
from petrosa.core.strategies.base import CatalogEntry
from petrosa.core.strategist import Strategist, StrategyPlan
from tests.kit.bars import Row, bars
from tests.kit.strategy_market import BTC

DAY = "1d"
Universe = dict[Instrument, list[Candle]]


def symbol(number: int) -> Instrument:
    """`S07USDT`, against the same asset and on the same market as all of them."""
    return msgspec.structs.replace(BTC, symbol=f"S{number:02}USDT", base=f"S{number:02}")


def universe(rows: Iterable[Iterable[float | Row]]) -> Universe:
    """Symbols with a series each, from the same day on."""
    made: Universe = {}
    for number, series in enumerate(rows):
        one = symbol(number)
        made[one] = [msgspec.structs.replace(bar, instrument=one.id) for bar in bars(series, DAY)]
    return made


def rising(symbols: int = 20, days: int = 270, step: float = 0.0005) -> Universe:
    """Prices that grow or shrink evenly: the higher its number, the more a symbol rises; number 9 does not move."""
    return universe([100.0 * exp(step * (number - 9) * day) for day in range(days)] for number in range(symbols))


def wandering(symbols: int = 20, days: int = 730) -> Universe:
    """Two years of seeded random walks of 2.5 % a day, whose drifts go from falling to doubling in a year."""
    return universe(_walk(number, symbols, days) for number in range(symbols))


def _walk(number: int, symbols: int, days: int) -> Iterable[Row]:
    rng, price = random.Random(f"universe {number}"), 100.0
    drift = 0.003 * number / (symbols - 1) - 0.001
    for _ in range(days):
        close = price * exp(rng.gauss(drift, 0.025))
        high = max(price, close) * exp(rng.expovariate(120.0))
        low = min(price, close) * exp(-rng.expovariate(120.0))
        yield price, high, low, close, 1.0
        price = close


def by_day(all_of_them: Universe, *, backwards: bool = False) -> list[Candle]:
    """The bars of all in the order of time; those of a day in the order of the symbols, or the other way round."""
    series = list(all_of_them.values())
    return sorted(chain.from_iterable(series[::-1] if backwards else series), key=lambda bar: bar.ts_open)


def strategist_of(entry: CatalogEntry, instruments: Iterable[Instrument], **params: Any) -> Strategist:
    """The strategy on the days of each symbol, every one of them seeing the others."""
    known: Mapping[InstrumentId, Instrument] = {one.id: one for one in instruments}
    wanted = msgspec.convert(params, entry.params)
    plans = [StrategyPlan(entry.strategy_id, key, wanted, timeframes=(DAY,)) for key in known]
    return Strategist(known, plans, {key: MarketState(one, Tape(10 * NS_PER_SECOND)) for key, one in known.items()})


def decided(strategist: Strategist, facts: Iterable[Candle]) -> list[Decision]:
    return [decision for bar in facts for decision in strategist.handle(bar, bar.ts_seen)]
