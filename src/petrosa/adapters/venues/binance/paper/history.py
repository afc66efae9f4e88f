"""Bars and funding from before the exchange opened: made up, by seed, so that they end where its first trade begins.

They are a walk with the swings of a market in the small, so that charts, indicators and whoever fills gaps in a store
have something to read; they say nothing about any real market. The same seed, symbol and minute make the same bars.
"""

import random
from decimal import Decimal
from typing import Final

from petrosa.adapters.venues.binance.paper.bars import MINUTE_NS, Bar
from petrosa.core.market.candles import open_time

SWING: Final = 0.0006
"""Standard deviation of a minute's return: about 2.3 % a day."""

LEAST_TICKS: Final = 10
FUNDING_NS: Final = 480 * MINUTE_NS
"""How often funding was settled."""

SETTLED_A_DAY: Final = 3
RATE: Final = Decimal("1E-8")


def bars_before(ts: int, ticks: int, minutes: int, seed: str, steps: int = 1_000) -> list[Bar]:
    """So many whole minutes up to the one that holds `ts`, whose price is `ticks`; `steps` is a usual volume."""
    chance = random.Random(seed)
    end = open_time(ts, MINUTE_NS)
    close = float(ticks)
    made: list[Bar] = []
    for back in range(1, minutes + 1):
        opened = max(LEAST_TICKS, close * (1.0 - chance.gauss(0.0, SWING)))
        high, low = max(opened, close), min(opened, close)
        first, last = round(opened), round(close)
        volume = max(2, round(steps * chance.expovariate(1.0)))
        bought = round(volume * chance.uniform(0.3, 0.7))
        middle = round((opened + close) / 2)
        made.append(
            Bar(
                ts=end - back * MINUTE_NS, open=first, close=last,
                high=max(first, last, round(high * (1.0 + abs(chance.gauss(0.0, SWING / 2))))),
                low=min(first, last, round(low * (1.0 - abs(chance.gauss(0.0, SWING / 2))))),
                volume=volume, quote=volume * middle, buy_volume=bought, buy_quote=bought * middle,
                count=chance.randint(1, 200),
            )
        )  # fmt: skip
        close = opened
    made.reverse()
    return made


def funding_before(due: int, mark: Decimal, days: int, seed: str) -> list[tuple[int, Decimal, Decimal]]:
    """Settlements every eight hours before the one that is due: (when, rate, mark price)."""
    chance = random.Random(f"{seed}:funding")
    return [
        (due - back * FUNDING_NS, Decimal(round(chance.gauss(1e-4, 5e-5), 8)).quantize(RATE), mark)
        for back in range(days * SETTLED_A_DAY, 0, -1)
    ]
