"""A recorded venue that is only listened to: its best quotes as readings, as its source tells them to a live desk."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from petrosa.adapters.feeds.parser import Parser
from petrosa.adapters.venues.replay.lines import Faults
from petrosa.adapters.venues.replay.recording import Telling, Told
from petrosa.adapters.wire.frame import RawFrame
from petrosa.adapters.wire.readings import encode_reading
from petrosa.apps.parsing import market_parser
from petrosa.apps.readings import STREAMED_S, TOPIC, source_of
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import BestQuote, InstrumentId, Reading
from petrosa.errors import FrameError

EVERY_NS: Final = round(STREAMED_S * NS_PER_SECOND)
"""A source is asked so often where nothing else is said; of each pair it tells one quote then."""


def quotes_of(venue: str, market: str, instruments: Mapping[InstrumentId, Instrument]) -> Telling:
    """Tells of these instruments the first quote of every second, under the name and the pairs of the live source."""
    return partial(_Quotes, venue, market, instruments)


class _Quotes:
    """The frames of a place, file after file."""

    def __init__(self, venue: str, market: str, instruments: Mapping[InstrumentId, Instrument], faults: Faults) -> None:
        self._source = source_of(venue, market)
        self._pairs = {key: f"{one.base}/{one.quote}" for key, one in instruments.items()}
        symbols = [one.symbol for one in instruments.values()]
        self._parser: Parser = market_parser(venue, market, symbols, (BestQuote,))
        self._faults = faults
        self._told_in: dict[InstrumentId, int] = {}
        """The second in which one was told last."""

    def __call__(self, blocks: Told) -> Told:
        for block in blocks:
            yield [reading for frame in block if (reading := self._told(frame)) is not None]

    def _told(self, frame: RawFrame) -> RawFrame | None:
        arrival = frame.arrival
        try:
            quote = self._parser.parse(frame.payload, arrival)
        except FrameError as error:
            self._faults.add(error.reason, f"{self._source}: {error}")
            return None
        if not isinstance(quote, BestQuote) or self._told_in.get(quote.instrument) == (turn := arrival // EVERY_NS):
            return None
        self._told_in[quote.instrument] = turn
        values = {"bid": quote.bid, "ask": quote.ask}
        reading = Reading(self._source, TOPIC, self._pairs[quote.instrument], quote.ts_event, arrival, values)
        return RawFrame(arrival, encode_reading(reading))
