"""How often a strategy may speak of nothing: independent ticks, and the bound of a binomial count."""

import random
from collections.abc import Iterable, Iterator
from math import sqrt

from petrosa.core.model.market import Depth, MarketEvent
from petrosa.core.strategies.base import Noting, Strategy
from tests.kit.strategy_market import depth, market


def most_of(count: int, probability: float) -> float:
    """What a binomial count of independent events stays below but for one time in thirty thousand."""
    return count * probability + 4.0 * sqrt(count * probability * (1.0 - probability))


def independent_books(rng: random.Random, count: int, mean_half_spread: float = 0.0) -> Iterator[Depth]:
    """Ten books a second round one price: exponential sizes of mean 1, and spreads, unless they are all one."""
    for number in range(count):
        half = rng.expovariate(1.0 / mean_half_spread) + 1e-6 if mean_half_spread else 0.5
        bids, asks = ([rng.expovariate(1.0) for _ in range(20)] for _ in range(2))
        yield depth(number / 10, bids, asks, 60_000.0 - half, 60_000.0 + half)


def beyond(strategy: Strategy[MarketEvent], events: Iterable[MarketEvent], kind: type = Depth) -> tuple[int, int]:
    """(how many events of the kind were scored beyond the threshold, how many were scored at all)."""
    state, said, scored = market(), 0, 0
    for event in events:
        state.apply(event, event.ts_seen)
        if isinstance(event, kind):
            answer = strategy.evaluate(event, state, event.ts_seen)
            scored += not isinstance(answer, str)
            said += not isinstance(answer, str) and abs(answer) > 1.0
        elif isinstance(strategy, Noting):
            strategy.note(event, state, event.ts_seen)
    return said, scored
