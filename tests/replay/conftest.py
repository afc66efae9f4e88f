"""One pass over each real recording, shared by everything that is asserted about it."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.instruments import load_instruments
from petrosa.core.market.book import OrderBook
from petrosa.core.model.base import Side
from petrosa.core.model.market import BestQuote, BookDiff, BookSnapshot, Depth, InstrumentId, MarketEvent, Trade
from tests.kit.recordings import recording_dir

Best = tuple[float, float, float, float]


class Meeting(NamedTuple):
    """A quote and a difference that end at the same update id."""

    instrument: InstrumentId
    update_id: int
    quoted: Best
    built: Best


class Pass(NamedTuple):
    """What was seen on the way through a recording."""

    product: str
    recording: Recording
    normaliser: Normaliser
    times: list[int]
    trades: list[Trade]
    depths: list[tuple[int, Depth]]
    meetings: list[Meeting]
    books: dict[InstrumentId, OrderBook]


class _Meetings:
    """Finds quotes and differences of one id, whichever comes first."""

    def __init__(self) -> None:
        self.found: list[Meeting] = []
        self._quoted: dict[tuple[InstrumentId, int], Best] = {}
        self._built: dict[tuple[InstrumentId, int], Best] = {}

    def quote(self, event: BestQuote) -> None:
        key = event.instrument, event.update_id
        self._quoted[key] = (event.bid, event.bid_quantity, event.ask, event.ask_quantity)
        self._compare(key)

    def difference(self, event: BookDiff, book: OrderBook) -> None:
        if book.whole:
            key = event.instrument, event.last_update_id
            self._built[key] = (*book.top(Side.BUY, 1)[0], *book.top(Side.SELL, 1)[0])
            self._compare(key)

    def _compare(self, key: tuple[InstrumentId, int]) -> None:
        if key in self._quoted and key in self._built:
            self.found.append(Meeting(*key, self._quoted[key], self._built[key]))


def _run(product: str) -> Pass:
    recording = Recording([recording_dir(product)])
    rules = load_instruments()
    normaliser = Normaliser(Parser("binance", recording.product, recording.symbols), rules)
    made = Pass(recording.product, recording, normaliser, [], [], [], [], {})
    meetings = _Meetings()
    for now, event in _facts(recording, normaliser):
        made.times.append(now)
        match event:
            case Trade():
                made.trades.append(event)
            case BestQuote():
                meetings.quote(event)
            case Depth():
                made.depths.append((now, event))
            case BookDiff() | BookSnapshot():
                book = made.books.setdefault(event.instrument, OrderBook(rules[event.instrument]))
                book.apply(event)
                if isinstance(event, BookDiff):
                    meetings.difference(event, book)
            case _:
                pass
    made.meetings.extend(meetings.found)
    return made


def _facts(recording: Recording, normaliser: Normaliser) -> Iterator[tuple[int, MarketEvent]]:
    for frames in recording.batches():
        yield from normaliser.feed(frames)
    yield from normaliser.flush()


@pytest.fixture(scope="session", params=["spot", "usdm"])
def passed(request: pytest.FixtureRequest) -> Pass:
    """The whole of a real recording, read once."""
    return _run(request.param)
