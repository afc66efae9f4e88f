"""A synthetic market: several instruments, each with moods, a book, clustering order flow, and the facts it publishes.

Seeded and pure: the same instruments, seed and start give the same facts, and an instrument's facts do not depend on
which others there are. It looks like a market and promises nothing about one. Times are whole milliseconds.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    InstrumentId,
    Level,
    MarketEvent,
    MarkPrice,
    Ticker,
    Trade,
)
from petrosa.core.simulation.flow import Flow
from petrosa.core.simulation.ladder import Half, Ladder
from petrosa.core.simulation.regimes import Regime, regimes

START: Final = 1_704_067_200 * NS_PER_SECOND
"""2024-01-01 00:00 UTC, when synthetic time begins unless told otherwise."""

STEP_MS: Final = 100
FEED_LATENCY_NS: Final = 5 * NS_PER_MS
FUNDING_NS: Final = 8 * 3_600 * NS_PER_SECOND
FUNDING_RATE: Final = 0.0001

PRICES: Final[Mapping[str, float]] = {
    "BTC": 60_000.0, "ETH": 3_000.0, "BNB": 550.0, "SOL": 150.0, "XRP": 0.55, "DOGE": 0.12, "ADA": 0.45,
}  # fmt: skip
"""Where prices begin, by base asset; anything else begins at 100."""

LEVEL_VALUE: Final = 60_000.0
"""Usual value of a level near the best price, in quote currency."""

ORDER_VALUE: Final = 3_000.0
"""Median value of a market order, in quote currency."""

IMPACT: Final = 3e-6
"""How far a market order as large as a level moves the fair price, as a fraction."""

LEAN_SECONDS: Final = 12.0
"""Time in which the lean of flow and book follows a new mood."""

Heard = tuple[int, MarketEvent]
"""(when it is heard, what)."""


class SyntheticMarket:
    """All instruments of a run. `events` goes on without end unless told how long; call it once."""

    def __init__(
        self, instruments: Sequence[Instrument], seed: int, *, start: int = START, latency_ns: int = FEED_LATENCY_NS,
        prices: Mapping[str, float] | None = None,
    ) -> None:  # fmt: skip
        """`prices` is where symbols begin exactly; the others begin near what is usual for them."""
        if start % (STEP_MS * NS_PER_MS):
            raise ValueError(f"start {start} must be a multiple of {STEP_MS} ms, in nanoseconds")
        self._symbols = [
            _Symbol(instrument, seed, start, latency_ns, (prices or {}).get(instrument.symbol))
            for instrument in instruments
        ]

    def events(self, seconds: float | None = None) -> Iterator[Heard]:
        """(heard, fact) in order of time over all instruments; heard a constant latency after it happened."""
        for symbol in self._symbols:
            yield symbol.snapshot()
        steps = 0
        while seconds is None or steps * STEP_MS < seconds * 1000:
            steps += 1
            heard: list[Heard] = []
            for symbol in self._symbols:
                heard += symbol.step()
            heard.sort(key=_when)
            yield from heard


def _when(heard: Heard) -> int:
    return heard[0]


class _Symbol:
    """One instrument: its price, book, flow, and the state of its streams. Prices in ticks, quantities in steps."""

    def __init__(
        self, instrument: Instrument, seed: int, start: int, latency_ns: int, price: float | None
    ) -> None:  # fmt: skip
        self._chance = chance = random.Random(f"{seed}:{instrument.id}")
        self._id: InstrumentId = instrument.id
        self._is_spot = instrument.market == "spot"
        self._tick = instrument.tick.as_integer_ratio()
        self._step = instrument.step.as_integer_ratio()
        self._now = start
        self._latency = latency_ns
        usual = PRICES.get(instrument.base, 100.0) * chance.uniform(0.97, 1.03)
        price = usual if price is None else price
        self._fair = price / float(instrument.tick)
        self._anchor = self._fair
        self._lean = 0.0
        self._steps_per_value = 1 / (price * float(instrument.step))
        basis_point = max(1.0, self._fair * 1e-4)
        self._ladder = Ladder(
            chance, self._fair, max(1, round(basis_point * 0.25)), max(1, round(basis_point * 0.1)),
            LEVEL_VALUE * self._steps_per_value,
        )  # fmt: skip
        self._flow = Flow(chance, ORDER_VALUE)
        self._regimes = regimes(chance)
        self._regime = next(self._regimes)
        self._regime_left_ms = round(self._regime.seconds * 1000)
        self._last_id = self._ladder.update_id
        self._quoted: tuple[int, int, int, int] = (0, 0, 0, 0)
        self._trade_id = chance.randrange(10**6, 10**9)
        self._last = round(self._fair)
        self._open = self._fair * chance.uniform(0.97, 1.03)
        self._volume = round(4e9 * self._steps_per_value)
        self._turnover = 4e9
        self._count = 0

    def snapshot(self) -> Heard:
        """The whole book, before the first step."""
        ladder = self._ladder
        bids, asks = self._levels(ladder.bids), self._levels(ladder.asks)
        ladder.bids.take_changes()
        ladder.asks.take_changes()
        heard = self._now + self._latency
        return heard, BookSnapshot(self._id, self._now, heard, self._last_id, bids, asks)

    def step(self) -> list[Heard]:
        """What happens in the next 100 ms."""
        self._count += 1
        heard: list[Heard] = []
        regime = self._advance()
        for order in self._flow.step(STEP_MS, regime.orders, self._lean):
            self._trade(heard, self._now + order.after_ms * NS_PER_MS, order.side, order.value)
        self._now += STEP_MS * NS_PER_MS
        self._ladder.quote(self._fair, self._lean)
        self._quote(heard, self._now)
        self._difference(heard)
        if self._count % 10 == 0:
            self._tell(heard, self._ticker())
            if not self._is_spot and self._count % 30 == 0:
                self._tell(heard, self._mark())
        return heard

    def _advance(self) -> Regime:
        """Move the fair price by one step of the mood, changing the mood when its time is over."""
        if self._regime_left_ms <= 0:
            self._regime = next(self._regimes)
            self._regime_left_ms = round(self._regime.seconds * 1000)
            self._anchor = self._fair
        self._regime_left_ms -= STEP_MS
        regime, chance, seconds = self._regime, self._chance, STEP_MS / 1000
        self._lean += (regime.bias - self._lean) * seconds / LEAN_SECONDS + chance.gauss(0, 0.05 * math.sqrt(seconds))
        self._lean = max(-0.9, min(0.9, self._lean))
        move = regime.drift * seconds + chance.gauss(0, regime.volatility * math.sqrt(seconds))
        move += regime.pull * seconds * (self._anchor / self._fair - 1)
        self._fair *= 1 + move
        return regime

    def _trade(self, heard: list[Heard], now: int, side: Side, value: float) -> None:
        """A market order eats levels: one print for each, then the new best quote."""
        steps = max(1, round(value * self._steps_per_value))
        for ticks, taken in self._ladder.hit(side, steps):
            self._trade_id += 1
            self._last = ticks
            price, quantity = self._price(ticks), self._quantity(taken)
            self._volume += taken
            self._turnover += price * quantity
            self._tell(heard, Trade(self._id, now, now + self._latency, price, quantity, side, self._trade_id))
        self._fair *= 1 + side.sign * IMPACT * min(3.0, value / LEVEL_VALUE)
        self._quote(heard, now)

    def _quote(self, heard: list[Heard], now: int) -> None:
        """Say the best quote if it is another one than last time."""
        bids, asks = self._ladder.bids, self._ladder.asks
        best = (bids.best, bids.levels[bids.best], asks.best, asks.levels[asks.best])
        if best == self._quoted:
            return
        self._quoted = best
        quote = BestQuote(
            self._id, now, now + self._latency, self._ladder.update_id,
            self._price(best[0]), self._quantity(best[1]), self._price(best[2]), self._quantity(best[3]),
        )  # fmt: skip
        self._tell(heard, quote)

    def _difference(self, heard: list[Heard]) -> None:
        """Say which levels changed since the last difference."""
        ladder = self._ladder
        bids, asks = ladder.bids.take_changes(), ladder.asks.take_changes()
        if not bids and not asks:
            return
        diff = BookDiff(
            self._id, self._now, self._now + self._latency, self._last_id + 1, ladder.update_id,
            None if self._is_spot else self._last_id, self._pairs(bids), self._pairs(asks),
        )  # fmt: skip
        self._last_id = ladder.update_id
        self._tell(heard, diff)

    def _ticker(self) -> Ticker:
        change = round((self._last / self._open - 1) * 100, 3)
        last, volume, turnover = self._price(self._last), self._quantity(self._volume), round(self._turnover, 2)
        return Ticker(self._id, self._now, self._now + self._latency, last, volume, turnover, change)

    def _mark(self) -> MarkPrice:
        price = self._fair * self._tick[0] / self._tick[1]
        due = (self._now // FUNDING_NS + 1) * FUNDING_NS
        mark, index = round(price, 8), round(price * 0.9999, 8)
        return MarkPrice(self._id, self._now, self._now + self._latency, mark, index, FUNDING_RATE, due)

    def _tell(self, heard: list[Heard], event: MarketEvent) -> None:
        heard.append((event.ts_seen, event))

    def _levels(self, half: Half) -> tuple[Level, ...]:
        return self._pairs(dict(sorted(half.levels.items(), reverse=half.sign > 0)))

    def _pairs(self, levels: dict[int, int]) -> tuple[Level, ...]:
        return tuple((self._price(ticks), self._quantity(steps)) for ticks, steps in levels.items())

    def _price(self, ticks: int) -> float:
        """The float nearest to the exact price: what a parser makes of its decimal text."""
        return ticks * self._tick[0] / self._tick[1]

    def _quantity(self, steps: int) -> float:
        return steps * self._step[0] / self._step[1]
