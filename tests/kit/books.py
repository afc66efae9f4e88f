"""Order books for tests of market metrics, and an analyzer that hears them the way a desk's does."""

from collections.abc import Iterable, Sequence

from petrosa.core.analytics.analyzer import DepthAnalyzer
from petrosa.core.analytics.params import MetricsParams
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import (
    BestQuote,
    BookGap,
    Depth,
    FeedState,
    FeedStateChanged,
    Level,
    Liquidation,
    MarketEvent,
    Trade,
)
from tests.kit.instruments import instrument

START = 1_700_000_000
"""A whole second; times in these tests are seconds after it."""
BTC = instrument("BTCUSDT")


def at(seconds: float) -> int:
    """Desk time so many seconds after the start."""
    return START * NS_PER_SECOND + round(seconds * NS_PER_SECOND)


def depth(bids: Sequence[Level], asks: Sequence[Level], rules: Instrument = BTC, seconds: float = 0.0) -> Depth:
    """A book of these levels, best first."""
    return Depth(
        rules.id, at(seconds), at(seconds), 1,
        tuple(price for price, _ in bids), tuple(quantity for _, quantity in bids),
        tuple(price for price, _ in asks), tuple(quantity for _, quantity in asks),
    )  # fmt: skip


def leaning(percent: float, rules: Instrument = BTC, seconds: float = 0.0) -> Depth:
    """One level a side round 100, with an imbalance of so many percent."""
    return depth([(99.5, 1.0 + percent / 100.0)], [(100.5, 1.0 - percent / 100.0)], rules, seconds)


def liquidation(
    side: Side, quantity: float, price: float, rules: Instrument = BTC, seconds: float = 0.0, *, filled_at: float = 0.0
) -> Liquidation:
    """An order of this side that closed a position. Without `filled_at` as Bybit tells it."""
    return Liquidation(rules.id, at(seconds), at(seconds), side, quantity, price, filled_at)


LIQUIDATIONS = "forceOrder"


class Heard:
    """An analyzer and the markets of some instruments; tells it what happens at a time in seconds."""

    def __init__(self, rules: Iterable[Instrument] = (BTC,), **params: float) -> None:
        self.instruments = {one.id: one for one in rules}
        self.analyzer = DepthAnalyzer(MetricsParams(**params))  # type: ignore[arg-type]
        self.markets = {
            key: MarketState(one, Tape(10 * NS_PER_SECOND), (LIQUIDATIONS,)) for key, one in self.instruments.items()
        }
        self.now = at(0)

    def tell(self, event: MarketEvent, seconds: float) -> None:
        self.now = at(seconds)
        market = self.markets[event.instrument]
        market.apply(event, self.now)
        if isinstance(event, Trade):
            self.analyzer.trade(event, self.now)
        else:
            self.analyzer.hear(event, market, self.now)

    def book(self, percent: float, seconds: float, rules: Instrument = BTC) -> None:
        self.tell(leaning(percent, rules, seconds), seconds)

    def trade(self, quantity: float, seconds: float, side: Side = Side.BUY, rules: Instrument = BTC) -> None:
        self.tell(Trade(rules.id, at(seconds), at(seconds), 100.0, quantity, side, 1), seconds)

    def quote(self, bid: float, bid_quantity: float, ask: float, ask_quantity: float, seconds: float) -> None:
        self.tell(BestQuote(BTC.id, at(seconds), at(seconds), 1, bid, bid_quantity, ask, ask_quantity), seconds)

    def feed(self, state: FeedState, seconds: float, stream: str = "depth20") -> None:
        self.tell(FeedStateChanged(BTC.id, at(seconds), at(seconds), stream, state, "test"), seconds)

    def gap(self, seconds: float) -> None:
        self.tell(BookGap(BTC.id, at(seconds), at(seconds), 2, 5), seconds)
