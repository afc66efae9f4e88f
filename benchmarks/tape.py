"""A day of a million trades, made from a seed one after the other, with a best quote for every fiftieth."""

from collections.abc import Iterator
from random import Random

from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import BestQuote, InstrumentId, MarketEvent, Trade

BITCOIN = InstrumentId("binance:usdm:BTCUSDT")
START = 1_721_260_800 * NS_PER_SECOND
DAY_NS = 86_400 * NS_PER_SECOND
QUOTE_EVERY = 50
LATENCY_NS = 10_000_000

PlainTrade = tuple[int, float, float, bool]
"""(time in ns, price, quantity, buyer was the aggressor)."""


def trades(count: int, seed: int = 7) -> Iterator[PlainTrade]:
    """A market that trends and reverts a little. Three trades in four are at the price before.

    Most are small. Prices are on a tick of 0.1, quantities on a step of 0.001.
    """
    random = Random(seed)
    gauss, uniform = random.gauss, random.random
    price, drift = 64_000.0, 0.0
    step = DAY_NS / count
    for number in range(count):
        if number % 5_000 == 0:
            drift = gauss(0.0, 0.1)
        if uniform() < 0.25:
            price = round(price + drift + gauss(0.0, 1.5), 1)
        bought = uniform() < (0.55 if drift > 0 else 0.45)
        yield START + int(number * step), price, round(0.001 + uniform() ** 8, 3), bought


def heard(count: int, seed: int = 7) -> Iterator[tuple[int, MarketEvent]]:
    """(now, event) of the same trades, as a backtest takes them."""
    for number, (at, price, quantity, bought) in enumerate(trades(count, seed)):
        now = at + LATENCY_NS
        if number % QUOTE_EVERY == 0:
            yield now, BestQuote(BITCOIN, at, now, number, price - 0.1, 5.0, price + 0.1, 5.0)
        yield now, Trade(BITCOIN, at, now, price, quantity, Side.BUY if bought else Side.SELL, number)
