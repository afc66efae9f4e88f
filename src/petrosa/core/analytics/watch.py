"""What is kept of one symbol: its last book, sums of the running second, and a slot a second of fifteen minutes."""

from math import nan
from typing import Final

from petrosa.core.analytics.depth import imbalance
from petrosa.core.analytics.order_flow import Quote, TradeFlow, quote_flow, trade_flow
from petrosa.core.analytics.pressure import Window, decayed
from petrosa.core.analytics.seconds import LONGEST, Samples, Sums
from petrosa.core.market.liquidations import Liquidations
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BestQuote, Depth

PERCENT: Final = 100.0


class Watch:
    """One symbol, from its first book on. Times are the desk's; a second begins at a whole second of it.

    `second` is the running one, which `ends` before that nanosecond; `listed` the one in which the symbol's place among
    others was last looked at; `changes` counts what changed besides trades.

    Order flow comes from best quotes where there are any, else from the best level of each book: never from both, which
    arrive by different ways and would each undo what the other said.
    """

    __slots__ = (
        "_bought_by_second", "_flow_by_second", "_half_life", "_imbalances", "_pressure", "_pressures", "_quote",
        "_sold_by_second", "_squares_by_second", "_trades_by_second", "bought", "changes", "depth", "ends", "flow",
        "has_quotes", "heard", "instrument", "is_live", "liquidations", "listed", "second", "sold", "squares", "trades",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, now: int, half_life: float, liquidations: Liquidations) -> None:
        self.instrument = instrument
        self.liquidations = liquidations
        self.depth: Depth | None = None
        self.heard = now
        self.second = self.listed = now // NS_PER_SECOND
        self.ends = (self.second + 1) * NS_PER_SECOND
        self.changes = 0
        self.is_live = True
        self.has_quotes = False
        self.bought = self.sold = self.squares = self.flow = 0.0
        self.trades = 0
        self._half_life = half_life
        self._quote: Quote | None = None
        self._pressure = nan
        self._pressures, self._imbalances = Samples(), Samples()
        self._flow_by_second, self._bought_by_second, self._sold_by_second = Sums(), Sums(), Sums()
        self._squares_by_second, self._trades_by_second = Sums(), Sums()

    def follow(self, depth: Depth) -> None:
        """Take the best level of a new book for the best quotes, where nothing else tells them."""
        if not depth.bid_prices or not depth.ask_prices:
            self._quote = None
            return
        quote = depth.bid_prices[0], depth.bid_quantities[0], depth.ask_prices[0], depth.ask_quantities[0]
        before = self._quote
        if before is not None:
            self.flow += quote_flow(before, quote)
        self._quote = quote

    def quote(self, event: BestQuote) -> None:
        """New best quotes."""
        if not self.has_quotes:
            self.has_quotes, self._quote = True, None
        self.changes += 1
        quote, before = (event.bid, event.bid_quantity, event.ask, event.ask_quantity), self._quote
        if before is not None:
            self.flow += quote_flow(before, quote)
        self._quote = quote

    def lose(self) -> None:
        """The book is not to be believed until the next one."""
        self.depth = None
        self.interrupt(is_live=False)

    def interrupt(self, *, is_live: bool) -> None:
        """A stream broke off, or came back: what changed meanwhile is not order flow."""
        self.is_live = is_live
        self._quote = None
        self.changes += 1

    def advance(self, second: int) -> None:
        """Close the seconds before `second`. A second without news repeats the book, which has not changed since.

        A second at whose end the book was not known, or its stream not alive, has no sample, and pressure begins anew.
        """
        percent = self._percent() if self.is_live else nan
        for number in range(self.second, second):
            slot = number % LONGEST
            self._close_flows(slot)
            self._pressure = decayed(self._pressure, percent, 1.0, self._half_life)
            self._pressures.ring[slot] = self._pressure
            self._imbalances.ring[slot] = percent / PERCENT
        self.second = second
        self.ends = (second + 1) * NS_PER_SECOND

    def pressure(self) -> float | None:
        """Net pressure, from -100 to 100, when the last book came or the running second began, whichever is later."""
        percent = self._percent()
        if percent != percent:
            return None
        passed = max(0.0, self.heard / NS_PER_SECOND - self.second)
        return decayed(self._pressure, percent, passed, self._half_life)

    def window(self, seconds: int) -> Window:
        """The samples of the last so many seconds."""
        pressures = self._pressures.last(seconds, self.second)
        imbalances = self._imbalances.last(seconds, self.second)
        times = range(self.second - seconds + 1, self.second + 1)
        if sum(imbalances) == sum(imbalances):  # as usual: no second is missing
            return Window(tuple(times), tuple(pressures), tuple(imbalances))
        known = [n for n, value in enumerate(imbalances) if value == value]
        return Window(
            tuple(times[n] for n in known), tuple(pressures[n] for n in known), tuple(imbalances[n] for n in known)
        )

    def order_flow(self, seconds: int) -> float:
        """Order-flow imbalance of the running second and those before it, so many in all."""
        return self._flow_by_second.last(seconds - 1, self.second) + self.flow

    def trade_flow(self, seconds: int) -> TradeFlow:
        """Trades of the running second and those before it, so many in all."""
        before, second = seconds - 1, self.second
        return trade_flow(
            self._bought_by_second.last(before, second) + self.bought,
            self._sold_by_second.last(before, second) + self.sold,
            self._squares_by_second.last(before, second) + self.squares,
            round(self._trades_by_second.last(before, second)) + self.trades,
        )

    def _percent(self) -> float:
        """The imbalance of the book; NaN where it has none."""
        ratio = None if self.depth is None else imbalance(self.depth)
        return nan if ratio is None else ratio * PERCENT

    def _close_flows(self, slot: int) -> None:
        """What came in a second goes to its slot; the next begins with nothing."""
        self._flow_by_second.ring[slot] = self.flow
        self._bought_by_second.ring[slot] = self.bought
        self._sold_by_second.ring[slot] = self.sold
        self._squares_by_second.ring[slot] = self.squares
        self._trades_by_second.ring[slot] = self.trades
        self.bought = self.sold = self.squares = self.flow = 0.0
        self.trades = 0
