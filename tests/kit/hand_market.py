"""A market that a test moves: a book round a price, prints and marks, told as a venue's streams would tell them."""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from petrosa.adapters.venues.binance.paper.venue import PaperVenue
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BestQuote, BookDiff, BookSnapshot, Level, MarkPrice, Trade

FUNDING_NS = 8 * 3_600 * NS_PER_SECOND
EMPTY: tuple[dict[float, float], dict[float, float]] = ({}, {})


class HandMarket:
    """Symbols of one venue on all of its markets; what is said of one is said of it on each market that has it.

    The first quote of an instrument is a snapshot, the later ones are differences with update ids in a chain.
    """

    def __init__(self, venue: PaperVenue, rules: Sequence[Instrument], clock: Callable[[], int]) -> None:
        self._venue = venue
        self._rules = rules
        self._clock = clock
        self._books: dict[str, tuple[dict[float, float], dict[float, float]]] = {}
        self._said: dict[str, tuple[Decimal, float, int, Decimal]] = {}
        self._chain: dict[str, int] = {}
        self._trades: Counter[str] = Counter()

    @property
    def symbols(self) -> list[str]:
        return sorted({one.symbol for one in self._rules})

    def move(self, price: str, symbol: str = "BTCUSDT") -> None:
        """Everything at a price: the book round it, a print at it, the mark on it."""
        self.quote(price, symbol=symbol)
        self.trade(price, symbol=symbol)
        self.mark(price, symbol=symbol)

    def quote(
        self, price: str, symbol: str = "BTCUSDT", *, size: float = 5.0, levels: int = 5, gap: str | None = None
    ) -> None:  # fmt: skip
        """A book with the price in its middle: so many levels a side, `gap` apart (a ten-thousandth of the price)."""
        middle = Decimal(price)
        for rules in self._of(symbol):
            step = rules.price(float(middle / 10_000)) if gap is None else Decimal(gap)
            step = max(step, rules.tick)
            bids = {float(rules.price(float(middle - step * (n + Decimal("0.5"))))): size for n in range(levels)}
            asks = {float(rules.price(float(middle + step * (n + Decimal("0.5"))))): size for n in range(levels)}
            self._show(rules, bids, asks)
            self._said[symbol] = (middle, size, levels, step)

    def trade(self, price: str, quantity: float = 0.001, side: Side = Side.BUY, symbol: str = "BTCUSDT") -> None:
        """A print."""
        now = self._clock()
        for rules in self._of(symbol):
            self._trades[rules.id] += 1
            event = Trade(rules.id, now, now, float(price), quantity, side, self._trades[rules.id])
            self._venue.on_market(event, now)

    def mark(
        self, price: str, symbol: str = "BTCUSDT", *, rate: float = 0.0001, due_in_ns: int | None = None
    ) -> None:  # fmt: skip
        """A mark price; funding is due on the next full eight hours, or so soon."""
        now = self._clock()
        due = (now // FUNDING_NS + 1) * FUNDING_NS if due_in_ns is None else now + due_in_ns
        for rules in self._of(symbol):
            if rules.market != "spot":
                self._venue.on_market(MarkPrice(rules.id, now, now, float(price), float(price), rate, due), now)

    def coarser(self, tick: Decimal, market: str) -> None:
        """From now on the venue states another tick for what is traded on a market."""
        for one in self._venue.markets[market].values():
            one.instrument = msgspec.structs.replace(one.instrument, tick=tick)

    def beat(self) -> None:
        """Say the same again, so that nobody who listens takes the market for dead."""
        for symbol, (middle, size, levels, gap) in list(self._said.items()):
            self.quote(str(middle), symbol, size=size, levels=levels, gap=str(gap))
            self.trade(str(middle), symbol=symbol)
            self.mark(str(middle), symbol)

    def _of(self, symbol: str) -> list[Instrument]:
        return [one for one in self._rules if one.symbol == symbol]

    def _show(self, rules: Instrument, bids: dict[float, float], asks: dict[float, float]) -> None:
        now, before, last = self._clock(), self._books.get(rules.id, EMPTY), self._chain.get(rules.id, 0)
        self._books[rules.id] = (bids, asks)
        number = last + 1
        if before is EMPTY:
            snapshot = BookSnapshot(rules.id, now, now, number, tuple(bids.items()), tuple(asks.items()))
            self._venue.on_market(snapshot, now)
        else:
            changed = [_changed(old, new) for old, new in zip(before, (bids, asks), strict=True)]
            previous = None if rules.market == "spot" else last
            self._venue.on_market(BookDiff(rules.id, now, now, number, number, previous, *changed), now)
        self._chain[rules.id] = number
        (bid, size), (ask, ask_size) = next(iter(bids.items())), next(iter(asks.items()))
        self._venue.on_market(BestQuote(rules.id, now, now, number, bid, size, ask, ask_size), now)


def _changed(old: dict[float, float], new: dict[float, float]) -> tuple[Level, ...]:
    gone = {price: 0.0 for price in old if price not in new}
    return tuple((gone | new).items())
