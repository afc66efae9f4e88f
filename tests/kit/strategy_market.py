"""A small random market for strategies: trades, tickers, the top of a book, what others say of it, their mirror image,
and a loop to run it.

Prices are not on a tick, so that the mirror image (p to c²/p, sides swapped) is exact up to rounding of floats.
"""

import random
from collections.abc import Iterable, Mapping
from decimal import Decimal
from math import exp

import msgspec

from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.events import Decision
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Depth, MarketEvent, Reading, Ticker, Trade
from petrosa.core.strategies.base import StrategyParams
from petrosa.core.strategist import Strategist, StrategyPlan

BTC = Instrument(
    venue="binance",
    market="usdm",
    symbol="BTCUSDT",
    base="BTC",
    quote="USDT",
    settle="USDT",
    tick=Decimal("0.1"),
    step=Decimal("0.001"),
    min_quantity=Decimal("0.001"),
    max_quantity=Decimal(1000),
    min_notional=Decimal(5),
)
START = 1_700_000_000 * NS_PER_SECOND
CENTRE = 60_000.0

Timed = tuple[int, MarketEvent]


def seconds(value: float) -> int:
    """A time, so many seconds after the start of the market."""
    return START + round(value * NS_PER_SECOND)


def trade(at: float, price: float = CENTRE, quantity: float = 0.1, side: Side = Side.BUY) -> Trade:
    return Trade(BTC.id, seconds(at), seconds(at), price, quantity, side, round(at * 1000))


def ticker(at: float, last: float = CENTRE) -> Ticker:
    return Ticker(BTC.id, seconds(at), seconds(at), last, 1000.0, 6e7, 0.5)


def depth(
    at: float, bids: Iterable[float], asks: Iterable[float], bid: float = 59_999.5, ask: float = 60_000.5
) -> Depth:
    """A book with these quantities, best first, a level a unit of price."""
    bid_quantities, ask_quantities = tuple(bids), tuple(asks)
    return Depth(
        BTC.id,
        seconds(at),
        seconds(at),
        round(at * 10),
        tuple(bid - i for i in range(len(bid_quantities))),
        bid_quantities,
        tuple(ask + i for i in range(len(ask_quantities))),
        ask_quantities,
    )


def market() -> MarketState:
    return MarketState(BTC, Tape(10 * NS_PER_SECOND))


class _Episodes:
    """What happens to the book now and then: a side is torn away, or a hidden order holds a level.

    Chosen anew every ten seconds, by a chance of its own, so that the walk of the price is what it would be without.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"{seed} episodes")
        self.torn: Side | None = None
        self.held: Side | None = None
        self._pinned = 0.0

    def at(self, tenth: int, price: float) -> float:
        """The middle of the book: the walk's, or where the hidden order holds it."""
        if tenth % 100 == 0:
            self.torn, self.held = self._random.choice(
                [(None, None), (Side.BUY, None), (Side.SELL, None), (None, Side.BUY), (None, Side.SELL)]
            )
            self._pinned = price
        if tenth % 100 == 50:
            self.torn = None
        return self._pinned if self.held else price

    def book(self, at: float, middle: float, bids: list[float], asks: list[float]) -> list[MarketEvent]:
        """The trade that eats of the held level, and the book that shows it whole again."""
        half = 6.0 if self.torn else 0.5
        if self.torn:
            thin = bids if self.torn is Side.BUY else asks
            thin[:] = [quantity * 0.2 for quantity in thin]
        events: list[MarketEvent] = []
        if self.held:
            (bids if self.held is Side.BUY else asks)[0] = 1.0
            events.append(trade(at, middle - self.held.sign * half, 0.6, self.held.opposite))
        return [*events, depth(at, bids, asks, middle - half, middle + half)]


def random_market(seed: int, length_seconds: int = 600) -> list[Timed]:
    """Stretches of drift, ten books and about eight trades a second, takers that lean with the drift, a ticker.

    Half a minute each of drift, in which trades are larger; episodes of ten seconds in which a side of the book is thin
    and the spread wide for five, or in which the price stands because a level is filled up as often as it is eaten.
    Another venue quotes it in dollars, now and then far away; half an hour of Bitcoin's dominance passes in 10 seconds.
    """
    rng, episodes, others = random.Random(seed), _Episodes(seed), _Outside(seed)
    events: list[Timed] = []
    lean, log_price = 0.0, 0.0
    for tenth in range(length_seconds * 10):
        at = tenth / 10
        if tenth % 300 == 0:
            lean = rng.choice((-1.0, 0.0, 1.0))
        log_price += rng.gauss(lean * 2e-5, 3e-5)
        price = CENTRE * exp(log_price)
        for _ in range(rng.choice((0, 0, 1, 2))):
            side = Side.BUY if rng.random() < 0.5 + 0.3 * lean else Side.SELL
            push = side.sign * rng.choice((0.0, 0.0, 2e-5))
            event = trade(at, price * exp(push), 0.001 + rng.expovariate(5.0) * (1.0 + 2.0 * abs(lean)), side)
            events.append((seconds(at), event))
        bids = [rng.expovariate(1.0) * exp(lean * 0.3) for _ in range(20)]
        asks = [rng.expovariate(1.0) * exp(-lean * 0.3) for _ in range(20)]
        events += [(seconds(at), event) for event in episodes.book(at, episodes.at(tenth, price), bids, asks)]
        if tenth % 10 == 0:
            events.append((seconds(at), ticker(at, price)))
            events += [(seconds(at), one) for one in others.readings(round(at), price)]
    return events


class _Outside:
    """What sources outside the venue say, from dice of their own."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"outside {seed}")
        self._away = 0.0
        self._share = self._aim = 55.0

    def readings(self, at: int, price: float) -> list[Reading]:
        rng, said = self._rng, []
        if at % 20 == 0:
            self._away = rng.choice((0.0, 0.0, 0.02, -0.02))
        rate = 0.999 * exp(rng.gauss(0.0, 1e-4))
        theirs = price * rate * exp(self._away + rng.gauss(0.0, 1e-4))
        said.append(_reading(at, "quote", "USDT/USD", {"bid": rate - 1e-4, "ask": rate + 1e-4}))
        said.append(_reading(at, "quote", "BTC/USD", {"bid": theirs - 1.0, "ask": theirs + 1.0}))
        if at % 5 == 0:
            self._aim = rng.choice((36.0, 55.0, 74.0)) if at % 60 == 0 else self._aim
            self._share += 0.3 * (self._aim - self._share) + rng.gauss(0.0, 1.0)
            said.append(_reading(at, "dominance", "BTC", {"share_pct": self._share}, at * 180 - 108_000))
        return said


def _reading(at: int, topic: str, subject: str, values: dict[str, float], ts_event: float | None = None) -> Reading:
    return Reading("coinbase", topic, subject, seconds(at if ts_event is None else ts_event), seconds(at), values)


def mirrored(events: Iterable[Timed]) -> list[Timed]:
    """The market in which every price p is c²/p, who bought sold, and Bitcoin's share s is 110 − s."""
    return [(now, _mirror(event)) for now, event in events]


def _mirror(event: MarketEvent) -> MarketEvent:
    square = CENTRE * CENTRE
    match event:
        case Trade():
            return msgspec.structs.replace(event, price=square / event.price, aggressor=event.aggressor.opposite)
        case Ticker():
            return msgspec.structs.replace(event, last=square / event.last)
        case Depth():
            return msgspec.structs.replace(
                event,
                bid_prices=tuple(square / p for p in event.ask_prices),
                bid_quantities=event.ask_quantities,
                ask_prices=tuple(square / p for p in event.bid_prices),
                ask_quantities=event.bid_quantities,
            )
        case Reading(topic="dominance"):
            return msgspec.structs.replace(event, values={"share_pct": 110.0 - event.values["share_pct"]})
        case Reading(topic="quote"):
            over = square if event.subject == "BTC/USD" else 1.0
            values = {"bid": over / event.values["ask"], "ask": over / event.values["bid"]}
            return msgspec.structs.replace(event, values=values)
        case _:
            raise AssertionError(f"no mirror image of {event}")


def strategist_of(plans: Mapping[str, StrategyParams], state: MarketState) -> Strategist:
    """A strategist with these strategies on the one instrument of this market."""
    return Strategist(
        {BTC.id: BTC}, [StrategyPlan(name, BTC.id, params) for name, params in plans.items()], {BTC.id: state}
    )


def run(plans: Mapping[str, StrategyParams], events: Iterable[Timed]) -> list[Decision]:
    """What a fresh strategist decides about a market, fed the way a desk feeds it."""
    state = market()
    strategist = strategist_of(plans, state)
    decisions: list[Decision] = []
    for now, event in events:
        state.apply(event, now)
        decisions.extend(strategist.handle(event, now))
    return decisions
