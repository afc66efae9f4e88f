"""The book of a synthetic market: quotes round a fair price, eaten by market orders, made anew by market makers.

Levels stand at the best prices and, behind them, on a lattice of `gap` ticks. Sizes differ by chance, last until they
are refreshed, and lean to the side that the market leans to.
"""

import math
import random
from typing import Final

from petrosa.core.model.base import Side

DEPTH: Final = 30
"""Lattice levels a side."""

PRINTS_MAX: Final = 4
"""Levels that one market order eats at most; the rest of it is not sent."""

LEAN: Final = 0.9
"""Logarithm of how much larger one side gets at a bias of 1 (and the other side smaller)."""

BUY: Final = Side.BUY


class Half:
    """One side: sizes in steps by ticks, and what changed since the last difference."""

    __slots__ = ("best", "changed", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.best = 0
        self.levels: dict[int, int] = {}
        self.changed: dict[int, int] = {}

    def put(self, ticks: int, steps: int) -> None:
        """Show a size at a price; 0 takes the level away."""
        if steps > 0:
            self.levels[ticks] = steps
        elif self.levels.pop(ticks, 0) == 0:
            return
        self.changed[ticks] = steps

    def recount(self) -> None:
        self.best = (max if self.sign > 0 else min)(self.levels, default=0)

    def take_changes(self) -> dict[int, int]:
        changed, self.changed = self.changed, {}
        return changed


class Ladder:
    """`gap` is the lattice in ticks, `unit` the natural spread in ticks, `size` the usual size of a level in steps."""

    __slots__ = ("_chance", "_gap", "_size", "_spread", "_unit", "asks", "bids", "update_id")

    def __init__(self, chance: random.Random, fair: float, gap: int, unit: int, size: float) -> None:
        self._chance = chance
        self._gap = gap
        self._unit = unit
        self._size = size
        self._spread = unit
        self.bids = Half(1)
        self.asks = Half(-1)
        self.update_id = 1_000 + chance.randrange(1_000_000)
        self.quote(fair, 0.0)

    def hit(self, side: Side, steps: int) -> list[tuple[int, int]]:
        """Let a market order of `side` eat levels; (ticks, steps) of each print."""
        half = self.asks if side is BUY else self.bids
        prints: list[tuple[int, int]] = []
        while steps > 0 and len(prints) < PRINTS_MAX and len(half.levels) > 2:
            best, shown = half.best, half.levels[half.best]
            taken = min(steps, shown)
            prints.append((best, taken))
            steps -= taken
            half.put(best, shown - taken)
            self.update_id += 1
            if taken == shown:
                half.recount()
        return prints

    def quote(self, fair: float, bias: float) -> None:
        """Let market makers follow the fair price (in ticks) and refresh a few sizes."""
        chance = self._chance
        if chance.random() < 0.08:
            self._spread = self._unit * chance.choice((1, 1, 1, 2, 3))
        middle = (self.bids.best + self.asks.best) / 2
        spread = self.asks.best - self.bids.best
        if abs(fair - middle) > self._unit or spread != self._spread:
            bid = math.floor(fair - self._spread / 2)
            self._move(self.bids, bid, bias)
            self._move(self.asks, bid + self._spread, bias)
        for half in (self.bids, self.asks):
            for _ in range(2):
                self._refresh(half, int(chance.random() ** 2 * DEPTH), bias)
        self.update_id += len(self.bids.changed) + len(self.asks.changed)

    def _move(self, half: Half, best: int, bias: float) -> None:
        """Stand at a new best price, with a full lattice behind it and nothing before it or beyond."""
        sign, gap = half.sign, self._gap
        first = (best - 1) // gap * gap if sign > 0 else -((-best - 1) // gap) * gap
        wanted = {best: 0, **{first - sign * gap * i: i + 1 for i in range(DEPTH)}}
        for ticks in [ticks for ticks in half.levels if ticks not in wanted]:
            half.put(ticks, 0)
        for ticks, place in wanted.items():
            if ticks not in half.levels and ticks > 0:
                half.put(ticks, self._fresh(half, place, bias))
        half.best = best

    def _refresh(self, half: Half, place: int, bias: float) -> None:
        gap = self._gap
        ticks = half.best
        if place:
            first = (ticks - 1) // gap * gap if half.sign > 0 else -((-ticks - 1) // gap) * gap
            ticks = first - half.sign * gap * (place - 1)
        if ticks in half.levels:
            half.put(ticks, self._fresh(half, place, bias))

    def _fresh(self, half: Half, place: int, bias: float) -> int:
        """A new size: larger farther from the best price, and on the side that the market leans to."""
        lean = math.exp(half.sign * bias * LEAN + self._chance.gauss(0, 0.5))
        return max(1, round(self._size * (0.7 + 0.12 * place) * lean))
