"""The whole bars of a stream of facts, made of its trades where the venue's own are not in it, and put among the facts.

A bar is whole when every trade of it was heard: it opens after the first fact of its instrument, and the ids of its
trades and of the first one after it follow one another. Any other bar is left out, as is a stretch without a trade:
whoever reads bars finds a hole there. A bar closes with the first trade after it and stands before that trade.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from petrosa.core.market.candles import CandleBuilder
from petrosa.core.model.base import NEVER
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import Candle, InstrumentId, MarketEvent, Trade

Heard = tuple[int, MarketEvent]
"""(now, event): a market fact and the desk's time for it."""

UNHEARD_MOST: Final = {"spot": 0}
OTHERS_MOST: Final = 10
"""Ids between two trades of a market of futures that may be missing: insurance and settlement are no market trades."""


class TradeBars:
    """Bars of these lengths (ns) of every instrument. A length of which the stream has a venue's bar is left to it.

    `made` counts the bars by instrument.
    """

    def __init__(self, instruments: Mapping[InstrumentId, Instrument], lengths: Iterable[int]) -> None:
        ordered = sorted(set(lengths))
        self.made: Counter[InstrumentId] = Counter()
        self._lines = {key: _Line(one, ordered) for key, one in instruments.items()}

    def feed(self, heard: Sequence[Heard]) -> list[Heard]:
        """The same facts with the bars among them; what comes next is given next."""
        out: list[Heard] = []
        for fact in heard:
            now, event = fact
            line = self._lines.get(event.instrument)
            if line is not None:
                if line.whole_from == NEVER:
                    line.whole_from = now
                if type(event) is Trade:
                    bars = line.add(event)
                    if bars:
                        self.made[event.instrument] += len(bars)
                        out.extend((now, bar) for bar in bars)
                elif type(event) is Candle:
                    line.leave(event.interval_ns)
            out.append(fact)
        return out


class _Line:
    """The trades of one instrument. A bar that opens after `whole_from` is whole."""

    __slots__ = ("_builders", "_last_id", "_others", "whole_from")

    def __init__(self, instrument: Instrument, lengths: Sequence[int]) -> None:
        self.whole_from = NEVER
        self._builders = {length: CandleBuilder(instrument, length) for length in lengths}
        self._last_id = -1
        self._others = UNHEARD_MOST.get(instrument.market, OTHERS_MOST)

    def add(self, trade: Trade) -> list[Candle]:
        """The whole bars that a trade closes, shorter ones first."""
        if self._last_id >= 0 and not 1 <= trade.trade_id - self._last_id <= 1 + self._others:
            self.whole_from = max(self.whole_from, trade.ts_event)
        self._last_id = trade.trade_id
        closed: list[Candle] = []
        for builder in self._builders.values():
            if bars := builder.add(trade):
                closed.extend(bar for bar in bars if bar.ts_open > self.whole_from)
        return closed

    def leave(self, length: int) -> None:
        """The venue says these bars itself."""
        self._builders.pop(length, None)
