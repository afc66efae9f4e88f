"""Market orders of a synthetic market: they come in clusters, lean to one side for a while, and differ much in size."""

import math
import random
from typing import Final, NamedTuple

from petrosa.core.model.base import Side

EXCITEMENT: Final = 0.55
"""Mean number of market orders that one draws after it (a Hawkes process with an exponential kernel)."""

CALM_SECONDS: Final = 4.0
"""Time in which that excitement falls to 1/e."""

REPEAT: Final = 0.55
"""Chance that a market order goes the way of the last one: large orders are split."""

SIZE_SPREAD: Final = 1.2
"""Standard deviation of the logarithm of order values."""


class Order(NamedTuple):
    """A market order `after_ms` into the step, worth `value` in quote currency."""

    after_ms: int
    side: Side
    value: float


class Flow:
    """Draws the market orders of one step after the other."""

    __slots__ = ("_chance", "_excitement", "_median", "_side")

    def __init__(self, chance: random.Random, median_value: float) -> None:
        self._chance = chance
        self._median = median_value
        self._excitement = 0.0
        self._side = Side.BUY

    def step(self, milliseconds: int, orders_per_second: float, bias: float) -> list[Order]:
        """The market orders of the next `milliseconds`, in order of time."""
        seconds = milliseconds / 1000
        chance = self._chance
        count = _poisson(chance, (orders_per_second + self._excitement) * seconds)
        self._excitement *= math.exp(-seconds / CALM_SECONDS)
        self._excitement += count * EXCITEMENT / CALM_SECONDS
        times = sorted(chance.randrange(milliseconds) for _ in range(count))
        return [Order(at, self._next_side(bias), self._median * math.exp(chance.gauss(0, SIZE_SPREAD))) for at in times]

    def _next_side(self, bias: float) -> Side:
        if self._chance.random() >= REPEAT:
            self._side = Side.BUY if self._chance.random() < 0.5 + 0.5 * bias else Side.SELL
        return self._side


def _poisson(chance: random.Random, mean: float) -> int:
    """A Poisson number by Knuth's product of uniforms; the means here are small."""
    limit, product, count = math.exp(-mean), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count
