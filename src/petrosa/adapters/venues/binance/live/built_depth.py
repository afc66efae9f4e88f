"""`depth20@100ms` made of synchronised books, for readers that want it where only differences are heard."""

from collections.abc import Mapping
from typing import Final

from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.binance.render import Renderer
from petrosa.core.market.book import BookChange, OrderBook
from petrosa.core.market.depth20 import DepthSampler
from petrosa.core.model.base import NEVER
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BookDiff, BookGap, BookSnapshot, InstrumentId, symbol_of
from petrosa.errors import FrameError

STREAM: Final = "depth20@100ms"


class BuiltDepth:
    """The books of a market and what is due of them. `due` is when the next depth is (ns)."""

    def __init__(self, market: str, instruments: Mapping[InstrumentId, Instrument]) -> None:
        self.due = NEVER
        symbols = [symbol_of(key) for key in instruments]
        self._parser = Parser("binance", market, symbols, (BookDiff, BookSnapshot))
        self._renderer = Renderer(instruments)
        self._samplers = {symbol_of(key): DepthSampler(OrderBook(one)) for key, one in instruments.items()}

    def hear(self, symbol: str, _stream: str, frame: bytes, arrival: int) -> BookGap | None:
        """Take in a difference or a snapshot. A frame that cannot be read is a gap when the next one comes."""
        sampler = self._samplers[symbol]
        try:
            event = self._parser.parse(frame, arrival)
        except FrameError:
            return None
        if not isinstance(event, BookDiff | BookSnapshot):
            return None
        result = sampler.book.apply(event)
        if isinstance(result, BookGap):
            sampler.cancel()
            return result
        if result is BookChange.APPLIED:
            sampler.changed(arrival)
            self.due = min(self.due, sampler.due)
        return None

    def sample(self, now: int) -> list[tuple[int, str, bytes]]:
        """(time, stream, frame) of each book that is due, earliest first; a crossed one shows nothing."""
        found = sorted((one.due, symbol, one) for symbol, one in self._samplers.items() if one.due <= now)
        made = [(due, symbol, one.sample()) for due, symbol, one in found]
        self.due = min((one.due for one in self._samplers.values()), default=NEVER)
        return [
            (due, f"{symbol.lower()}@{STREAM}", self._renderer.render(depth))
            for due, symbol, depth in made
            if depth is not None
        ]
