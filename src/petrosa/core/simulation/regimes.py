"""What mood a synthetic market is in: quiet ranges, trends, and bursts, one after the other."""

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

PER_MINUTE: Final = 1 / 60


class Regime(NamedTuple):
    """`drift` is a fraction per second, `volatility` a fraction per root second, `pull` how fast a range draws back.

    `orders` is market orders per second that come by themselves (each draws others after it); `bias` in [-1, 1] leans
    both the flow and the book, positive to the buying side.
    """

    kind: str
    seconds: float
    drift: float
    volatility: float
    pull: float
    orders: float
    bias: float


def regimes(chance: random.Random) -> Iterator[Regime]:
    """Moods without end, a range first. About one in three changes is a burst."""
    regime = _range(chance)
    while True:
        yield regime
        draw = chance.random()
        if regime.kind == "burst" or (regime.kind == "trend" and draw > 0.35):
            regime = _range(chance)
        elif draw < 0.4:
            regime = _burst(chance)
        else:
            regime = _trend(chance)


def _range(chance: random.Random) -> Regime:
    return Regime("range", chance.uniform(20, 60), 0.0, 4e-5, 0.04, 1.6, 0.0)


def _trend(chance: random.Random) -> Regime:
    sign = chance.choice((-1, 1))
    drift = sign * chance.uniform(0.0008, 0.0025) * PER_MINUTE
    return Regime("trend", chance.uniform(40, 120), drift, 5e-5, 0.0, 2.4, 0.3 * sign)


def _burst(chance: random.Random) -> Regime:
    sign = chance.choice((-1, 1))
    drift = sign * chance.uniform(0.008, 0.014) * PER_MINUTE
    return Regime("burst", chance.uniform(30, 50), drift, 1.2e-4, 0.0, 5.0, 0.7 * sign)
