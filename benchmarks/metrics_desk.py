"""A desk of strategies on many symbols, with and without market metrics beside it: messages in, decisions counted."""

from collections.abc import Iterator
from random import Random

import msgspec

from benchmarks.frames import MAKERS, MIX
from benchmarks.strategies import BTCUSDT
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.wire.envelope import Wrapper, unwrap
from petrosa.adapters.wire.frame import RawFrame
from petrosa.core.analytics.analyzer import DepthAnalyzer
from petrosa.core.analytics.params import MetricsParams
from petrosa.core.desk import Desk
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.strategies.catalog import TICK
from petrosa.core.strategist import Strategist, StrategyPlan

SYMBOLS = 150
BOOKS_PER_SECOND = 10
START_NS = 1_721_260_800 * NS_PER_SECOND


class MetricsDesk:
    """Parser, markets, three strategies a symbol and, when wanted, the analyzer that the routes read."""

    def __init__(self, *, with_metrics: bool, symbols: int = SYMBOLS) -> None:
        rules = [
            msgspec.structs.replace(BTCUSDT, symbol=f"C{number:03}USDT", base=f"C{number:03}")
            for number in range(symbols)
        ]
        self.instruments = {one.id: one for one in rules}
        self.symbols = [one.symbol for one in rules]
        self.markets = {key: MarketState(one, Tape(10 * NS_PER_SECOND)) for key, one in self.instruments.items()}
        self.analyzer = DepthAnalyzer(MetricsParams()) if with_metrics else None
        plans = [StrategyPlan(name, key, entry.params()) for name, entry in TICK.items() for key in self.instruments]
        strategist = Strategist(self.instruments, plans, self.markets)
        self.desk = Desk(self.markets, strategist, analyzer=self.analyzer)
        self.parser = Parser("binance", "spot", set(self.symbols))
        self.now = START_NS
        self.decisions = 0

    def handle(self, message: bytes, now: int) -> None:
        """One message as a strategies service takes it from its subject, heard at `now`."""
        self.now = now
        event = self.parser.parse(unwrap(message).frame.payload, now)
        if event is not None:
            self.decisions += len(self.desk.handle(event, now))


def mixed(symbols: list[str], count: int, seed: int = 7) -> list[bytes]:
    """Books, trades and tickers in the proportions of a feed, of all symbols in turn."""
    random, wrapper = Random(seed), Wrapper("binance", "spot")
    names, shares = zip(*MIX, strict=True)
    found = []
    for number in range(count):
        frame = MAKERS[random.choices(names, shares)[0]](number, random, symbols[number % len(symbols)])
        found.append(wrapper.wrap(RawFrame(START_NS + number, frame)))
    return found


def books(symbols: list[str], seed: int = 7, different: int = 4) -> Iterator[bytes]:
    """A book of each symbol in turn, for ever; each has a few that come again."""
    random, wrapper = Random(seed), Wrapper("binance", "spot")
    frames = [MAKERS["depth20"](number, random, symbol) for number in range(different) for symbol in symbols]
    made = [wrapper.wrap(RawFrame(START_NS, frame)) for frame in frames]
    while True:
        yield from made


def filled(desk: MetricsDesk, seconds: int, per_second: int = 1) -> None:
    """So many seconds of the desk's time, with so many books a second of each symbol."""
    source, symbols = books(desk.symbols), len(desk.symbols)
    for number in range(seconds * per_second):
        now = START_NS + number * NS_PER_SECOND // per_second
        for _ in range(symbols):
            desk.handle(next(source), now)
