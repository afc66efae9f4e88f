"""What the venue shows of one instrument: the best source there is, in whole ticks and steps.

Best first: a whole book (a snapshot and its differences), `Depth` of the best levels, best quotes, trades alone. A best
quote that is newer than the book trims it, so that no order meets a level that is known to be gone.

Differences are not applied while nobody looks. They are merged, level by level, in dictionaries of the venue's own
floats, which costs a tenth of applying them; the merged one is applied when an order needs the book.
"""

from collections.abc import Iterator
from enum import IntEnum
from typing import Final

import msgspec

from petrosa.core.market.book import CRUMB, OrderBook, place_of
from petrosa.core.model.base import Side
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BestQuote, BookDiff, BookGap, BookSnapshot, Depth, Level, Trade

MERGED_MAX: Final = 4_096
"""Levels merged before they are applied even though nobody looks."""

HELD_MAX: Final = 4_096
"""Differences kept until there is a snapshot to put them on."""

BUY: Final = Side.BUY


class Source(IntEnum):
    """Where displayed sizes come from, worst first."""

    NOTHING = 0
    TRADES = 1
    QUOTES = 2
    DEPTH = 3
    BOOK = 4


class Displayed:
    """The market of one instrument as last shown."""

    __slots__ = (
        "_asks", "_bids", "_book", "_depth", "_first", "_held", "_last", "_per_step", "_per_tick", "_previous",
        "_quote", "_ts", "last_trade", "mark",
    )  # fmt: skip

    def __init__(self, instrument: Instrument) -> None:
        self._per_tick = float(1 / instrument.tick)
        self._per_step = float(1 / instrument.step)
        self._book = OrderBook(instrument)
        self._held: list[BookDiff] = []
        self._bids: dict[float, float] = {}
        self._asks: dict[float, float] = {}
        self._first = self._last = self._ts = 0
        self._previous: int | None = None
        self._depth: Depth | None = None
        self._quote: BestQuote | None = None
        self.last_trade: Trade | None = None
        self.mark = 0.0

    # what is told

    def difference(self, diff: BookDiff) -> None:
        """Take in changed levels. Hot: with no order open this runs for every difference of the market."""
        last = self._last
        if last == 0 or (last != diff.previous_update_id and last + 1 != diff.first_update_id):
            self.difference_at_once(diff)
            return
        if last == self._book.last_update_id:
            self._first, self._previous = diff.first_update_id, diff.previous_update_id
        self._bids.update(diff.bids)
        self._asks.update(diff.asks)
        self._last, self._ts = diff.last_update_id, diff.ts_event
        if len(self._bids) + len(self._asks) > MERGED_MAX:
            self._apply()

    def difference_at_once(self, diff: BookDiff) -> None:
        """Take in changed levels that are looked at right away, or that do not simply go on from the last ones."""
        if not self._last:
            self._held.append(diff)
            del self._held[:-HELD_MAX]
            return
        self._apply()
        if isinstance(self._book.apply(diff), BookGap):
            self._held = [diff]
        self._follow()

    def snapshot(self, snapshot: BookSnapshot) -> None:
        """Start a whole book, with the differences that had to wait for one."""
        self._apply()
        held, self._held = self._held, []
        self._book.apply(snapshot)
        self._follow()
        for diff in held:
            self.difference_at_once(diff)

    def gap(self, _gap: BookGap) -> None:
        """Believe the book no longer; an order meets what other streams show until the next snapshot."""
        if self._last:
            self._apply()
            self._book.forget()
            self._follow()

    def depth(self, depth: Depth) -> None:
        self._depth = depth

    def quote(self, quote: BestQuote) -> None:
        self._quote = quote

    def ticks(self, price: float) -> int:
        """A price of a market event in ticks."""
        return round(price * self._per_tick)

    def place(self, price: float) -> float:
        """Where a price stands in ticks: an `int` on the tick, a `float` between two, where no order of ours can be."""
        return place_of(price, self._per_tick)

    def steps(self, quantity: float) -> int:
        """A quantity of a market event in whole steps."""
        return int(quantity * self._per_step + CRUMB)

    # what is shown

    @property
    def source(self) -> Source:
        """The best source seen."""
        if self._last:
            return Source.BOOK
        if self._depth is not None:
            return Source.DEPTH
        if self._quote is not None:
            return Source.QUOTES
        return Source.NOTHING if self.last_trade is None else Source.TRADES

    @property
    def as_of(self) -> int:
        """The venue's time of the fact that says what the best prices are; 0 when there is none."""
        quote = self._newer_quote()
        if quote is not None:
            return quote.ts_event
        if self._last:
            return self._ts
        if self._depth is not None:
            return self._depth.ts_event
        return 0 if self.last_trade is None else self.last_trade.ts_event

    @property
    def last_ticks(self) -> int:
        """The last trade's price; 0 before the first."""
        return 0 if self.last_trade is None else self.ticks(self.last_trade.price)

    def best(self, side: Side) -> int:
        """The best price of a side (BUY: bids) in ticks; 0 when none is shown."""
        return next((ticks for ticks, _ in self.levels(side)), 0)

    def levels(self, side: Side) -> Iterator[tuple[int, int]]:
        """(ticks, steps) of a side from the best price on; nothing when trades are all there is."""
        quote = self._newer_quote()
        if quote is None:
            yield from self._below(side)
            return
        price, quantity = (quote.bid, quote.bid_quantity) if side is BUY else (quote.ask, quote.ask_quantity)
        best = self.place(price)
        if type(best) is int and best > 0:
            yield best, self.steps(quantity)
        sign = side.sign
        for ticks, steps in self._below(side):
            if sign * ticks < sign * best:
                yield ticks, steps

    def resting(self, side: Side) -> Iterator[tuple[int, int]]:
        """(ticks, steps) of a side as the book or the depth has them, whatever a newer quote knows; without either of
        them, of the quote."""
        if self._last or self._depth is not None:
            yield from self._below(side)
        else:
            yield from self.levels(side)

    def size_at(self, side: Side, ticks: int) -> int | None:
        """Steps shown at a price of a side; None where nobody shows what rests there."""
        quote = self._newer_quote()
        if quote is not None:
            price, quantity = (quote.bid, quote.bid_quantity) if side is BUY else (quote.ask, quote.ask_quantity)
            beyond = side.sign * (ticks - self.place(price))
            if beyond == 0:
                return self.steps(quantity)
            if beyond > 0:
                return 0
        if self._last:
            self._apply()
            return self._book.quantity_at(side, ticks)
        for shown, steps in self._below(side):
            if shown == ticks:
                return steps
            if side.sign * (ticks - shown) > 0:
                return 0
        return None

    def _below(self, side: Side) -> Iterator[tuple[int, int]]:
        """Levels of the book or of the depth, without the quote."""
        if self._last:
            self._apply()
            yield from self._book.levels(side)
        elif self._depth is not None:
            depth = self._depth
            prices, sizes = (
                (depth.bid_prices, depth.bid_quantities) if side is BUY else (depth.ask_prices, depth.ask_quantities)
            )
            for price, size in zip(prices, sizes, strict=True):
                ticks = self.place(price)
                if type(ticks) is int:
                    yield ticks, self.steps(size)

    def _newer_quote(self) -> BestQuote | None:
        """The best quote where it knows better than the book or depth. Both count changes by the same update ids."""
        quote = self._quote
        if quote is None:
            return None
        if self._last:
            newer = quote.update_id > self._last if quote.update_id else quote.ts_event > self._ts
        elif self._depth is not None:
            depth = self._depth
            both = quote.update_id and depth.update_id
            newer = quote.update_id > depth.update_id if both else quote.ts_event > depth.ts_event
        else:
            newer = True
        return quote if newer else None

    # the book

    def _apply(self) -> None:
        """Put the merged differences on the book."""
        if self._last != self._book.last_update_id:
            merged = BookDiff(
                self._book.instrument, self._ts, self._ts, self._first, self._last, self._previous,
                tuple(self._bids.items()), tuple(self._asks.items()),
            )  # fmt: skip
            self._bids, self._asks = {}, {}
            self._book.apply(merged)
            self._follow()

    def _follow(self) -> None:
        """Take over where the book stands; 0 as last id means that it is not whole."""
        book = self._book
        self._last, self._ts = (book.last_update_id, book.ts_event) if book.whole else (0, 0)

    # stopping and going on

    def save(self) -> "DisplayedState":
        """Everything shown and held, merged differences apart as they are, so that nothing changes by saving."""
        book = self._book
        return DisplayedState(
            bids=tuple(book.top(Side.BUY, book.depth(Side.BUY))),
            asks=tuple(book.top(Side.SELL, book.depth(Side.SELL))),
            book_id=book.last_update_id, book_ts=book.ts_event, whole=book.whole,
            merged_bids=tuple(self._bids.items()), merged_asks=tuple(self._asks.items()),
            first=self._first, last=self._last, ts=self._ts, previous=self._previous,
            held=tuple(self._held), depth=self._depth, quote=self._quote, last_trade=self.last_trade, mark=self.mark,
        )  # fmt: skip

    def load(self, state: "DisplayedState") -> None:
        """Go on from what was saved."""
        self._book.forget()
        if state.whole:
            self._book.load(state.bids, state.asks, state.book_id, state.book_ts)
        self._bids, self._asks = dict(state.merged_bids), dict(state.merged_asks)
        self._first, self._last, self._ts, self._previous = state.first, state.last, state.ts, state.previous
        self._held = list(state.held)
        self._depth, self._quote = state.depth, state.quote
        self.last_trade, self.mark = state.last_trade, state.mark


class DisplayedState(msgspec.Struct, frozen=True, kw_only=True):
    """A `Displayed` at rest. Levels are floats as the venue wrote them."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    book_id: int
    book_ts: int
    whole: bool
    merged_bids: tuple[Level, ...]
    merged_asks: tuple[Level, ...]
    first: int
    last: int
    ts: int
    previous: int | None
    held: tuple[BookDiff, ...]
    depth: Depth | None
    quote: BestQuote | None
    last_trade: Trade | None
    mark: float
