"""Makes what a venue would have sent as a top-20 stream out of a built book.

Depth is due at the first multiple of 100 ms of the desk's time after a change, so it knows everything before that
instant and nothing of it. A book that did not change, has a gap or is crossed makes none.
"""

from typing import Final

from petrosa.core.market.book import OrderBook
from petrosa.core.model.base import NEVER, NS_PER_MS, Side
from petrosa.core.model.market import Depth, Level

GRID_NS: Final = 100 * NS_PER_MS
LEVELS: Final = 20


class DepthSampler:
    """Watches one book. Call `changed` after each change and `sample` once the time `due` has come."""

    __slots__ = ("book", "crossed", "due")

    def __init__(self, book: OrderBook) -> None:
        self.book = book
        self.due = NEVER
        self.crossed = 0

    def changed(self, now: int) -> None:
        """The book changed at `now`."""
        if self.due == NEVER:
            self.due = now - now % GRID_NS + GRID_NS

    def cancel(self) -> None:
        """There is nothing to show any more."""
        self.due = NEVER

    def sample(self) -> Depth | None:
        """The twenty best levels a side as of `due`; None, and counted, while the book is crossed."""
        at, self.due = self.due, NEVER
        book = self.book
        if not book.whole:
            return None
        if book.crossed:
            self.crossed += 1
            return None
        bid_prices, bid_quantities = _columns(book.top(Side.BUY, LEVELS))
        ask_prices, ask_quantities = _columns(book.top(Side.SELL, LEVELS))
        return Depth(
            book.instrument, book.ts_event, at, book.last_update_id,
            bid_prices, bid_quantities, ask_prices, ask_quantities,
        )  # fmt: skip


def _columns(levels: list[Level]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if not levels:
        return (), ()
    prices, quantities = zip(*levels, strict=True)
    return prices, quantities
