"""What one instrument looks like now. The desk applies each market event once; everybody else reads."""

from collections.abc import Collection
from typing import Final

from petrosa.core.market.liquidations import Liquidations
from petrosa.core.market.tape import Tape
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import (
    BestQuote,
    BookGap,
    Depth,
    FeedState,
    FeedStateChanged,
    Liquidation,
    MarketEvent,
    MarkPrice,
    Ticker,
    Trade,
)

_LIVE: Final = FeedState.LIVE


class MarketState:
    """Last trade, best quote, depth, mark, recent trades and liquidations of one instrument. Zero: not seen yet."""

    __slots__ = (
        "_liquidation_streams", "ask", "ask_quantity", "bid", "bid_quantity", "book_is_whole", "depth", "instrument",
        "last", "liquidations", "mark", "streams", "tape", "ticker", "ts_last", "ts_quote",
    )  # fmt: skip

    def __init__(self, instrument: Instrument, tape: Tape, liquidation_streams: Collection[str] = ()) -> None:
        """`liquidation_streams` are the venue's names of streams whose silence says that nothing was liquidated."""
        self.instrument = instrument
        self.tape = tape
        self.liquidations = Liquidations()
        self._liquidation_streams = frozenset(liquidation_streams)
        self.forget()

    def forget(self) -> None:
        """Back to knowing nothing, as after a start."""
        self.last = self.mark = 0.0
        self.bid = self.ask = self.bid_quantity = self.ask_quantity = 0.0
        self.ts_last = self.ts_quote = 0
        self.depth: Depth | None = None
        self.ticker: Ticker | None = None
        self.streams: dict[str, FeedState] = {}
        self.book_is_whole = True
        self.tape.clear()
        self.liquidations.clear()

    @property
    def mid(self) -> float:
        """Middle of the best quote; the last trade where there is no quote; zero when nothing is known."""
        if self.bid > 0.0 and self.ask > 0.0:
            return (self.bid + self.ask) / 2.0
        return self.last

    @property
    def feed_state(self) -> FeedState:
        """The worst state of its streams: one that is live does not make up for one that is not."""
        if not self.streams:
            return _LIVE
        states = self.streams.values()
        if FeedState.DEAD in states:
            return FeedState.DEAD
        return FeedState.STALE if FeedState.STALE in states else FeedState.LIVE

    def apply(self, event: MarketEvent, now: int) -> None:
        """Take in one fact; `now` is the desk's time, by which ages are measured."""
        match event:
            case Trade():
                self.trade(event, now)
            case Depth():
                self.depth = event
                self.book_is_whole = True
                if event.bid_prices and event.ask_prices:
                    self._quote(
                        event.bid_prices[0], event.bid_quantities[0], event.ask_prices[0], event.ask_quantities[0], now
                    )
            case BestQuote():
                self._quote(event.bid, event.bid_quantity, event.ask, event.ask_quantity, now)
            case Ticker():
                self.ticker = event
            case MarkPrice():
                self.mark = event.mark
            case FeedStateChanged():
                self.streams[event.stream] = event.state
                if event.stream in self._liquidation_streams:
                    self.liquidations.told(is_live=event.state is _LIVE, now=now)
            case Liquidation():
                self.liquidations.add(event, self.instrument, now)
            case BookGap():
                self.book_is_whole = False
                self.depth = None
            case _:
                pass

    def trade(self, event: Trade, now: int) -> None:
        """`apply` for a print, which is what most facts are."""
        self.last = event.price
        self.ts_last = now
        self.tape.append(event, now)

    def _quote(self, bid: float, bid_quantity: float, ask: float, ask_quantity: float, now: int) -> None:
        self.bid, self.bid_quantity, self.ask, self.ask_quantity = bid, bid_quantity, ask, ask_quantity
        self.ts_quote = now
