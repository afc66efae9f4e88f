"""Every real frame that was kept: each is a fact, is skipped by name, or is refused by name; the counts are exact."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from petrosa.adapters.venues.binance.live.limits import read_limits
from petrosa.adapters.venues.binance.live.rules import read_rules
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.core.market.book import OrderBook
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import BookDiff, BookGap, BookSnapshot, MarketEvent
from petrosa.errors import FrameError
from tests.kit.recordings import recordings_dir, single_frames

pytestmark = pytest.mark.recordings
SESSIONS = {"spot": "BINANCE", "usdm": "BINANCE_FUTURES"}


def outcome(market: str, payload: bytes) -> str:
    """What a frame becomes, by name."""
    parser = Parser("binance", market, None)
    try:
        event = parser.parse(payload, 5)
    except FrameError as error:
        return f"refused: {error.reason}"
    return type(event).__name__ if event is not None else f"skipped: {next(iter(parser.skipped))}"


def named(payload: bytes) -> bytes:
    """A REST snapshot as recordings have it; everything else as it is."""
    is_snapshot = b'"lastUpdateId"' in payload[:64] and b'"stream"' not in payload[:64]
    return b'{"stream":"btcusdt@snapshot","data":%b}' % payload if is_snapshot else payload


def test_single_frames_of_every_kind_of_stream() -> None:
    """Spot, both futures, options: what is not traded here is refused by its name, not taken for something else."""
    counts = Counter(outcome(market, named(payload)) for market, payload in single_frames())
    assert {
        "Trade": 3, "MarkPrice": 1, "BookDiff": 3, "Depth": 3, "BestQuote": 3, "Ticker": 3, "BookSnapshot": 5,
        "refused: coin_margined": 14, "refused: option": 2, "refused: no_stream_name": 4,
        "skipped: kline_open": 2, "skipped: kline_1M": 1,
        "skipped: !markPrice@arr": 2, "skipped: !ticker@arr": 5,
    } == counts  # fmt: skip


class Session:
    """A session of a client with the venue: rules, snapshots and frames in the order in which they came."""

    def __init__(self, market: str) -> None:
        self.market = market
        path = recordings_dir() / "sessions" / f"{SESSIONS[market]}.jsonl.gz"
        with gzip.open(path) as file:
            self.lines: list[dict[str, Any]] = [json.loads(line) for line in file]

    def bodies(self, endpoint: str) -> list[bytes]:
        return [str(one["data"]).encode() for one in self.of("http") if urlsplit(one["url"]).path.endswith(endpoint)]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [one for one in self.lines if one["t"] == kind]

    def frames(self) -> Iterator[tuple[int, bytes]]:
        """Frames and snapshots as they were heard."""
        heard = [one for one in self.lines if one["t"] == "recv" or "/depth" in one.get("url", "")]
        for one in sorted(heard, key=lambda line: float(line["ts"])):
            payload = str(one["data"]).encode()
            if one["t"] == "http":
                symbol = parse_qs(urlsplit(one["url"]).query)["symbol"][0].lower()
                payload = b'{"stream":"%b@snapshot","data":%b}' % (symbol.encode(), payload)
            yield round(float(one["ts"]) * NS_PER_SECOND), payload


SKIPPED_NAME = "skipped: kline_open"
COUNTS = {
    "spot": {"BookDiff": 177, "BestQuote": 84, "Trade": 2, "BookSnapshot": 4, SKIPPED_NAME: 2},
    "usdm": {"BookDiff": 764, "BestQuote": 613, "Trade": 91, "Candle": 4, "BookSnapshot": 4, SKIPPED_NAME: 63},
}
KINDS = {"header", "http", "connect", "recv"}


@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_whole_sessions(market: str) -> None:
    """Every line is accounted for: requests, the rules, frames; and the books that come of them are whole."""
    session = Session(market)
    assert {one["t"] for one in session.lines} == KINDS
    assert (1, 4) == (len(session.bodies("/exchangeInfo")), len(session.bodies("/depth")))
    counts: Counter[str] = Counter(outcome(market, payload) for _, payload in session.frames())
    assert COUNTS[market] == counts
    assert len(session.of("recv")) + 4 == counts.total()


OFF_TICK = {"spot": {"binance:spot:NKNUSDT": 34}, "usdm": {"binance:usdm:CTKUSDT": 131}}
"""Levels of orders that are older than a coarser tick of their symbol."""


@pytest.mark.parametrize("market", ["spot", "usdm"])
def test_the_books_of_a_session_are_whole(market: str) -> None:
    """By the venue's own rules of that day snapshots join the differences, also where levels are off the tick."""
    session = Session(market)
    (info,) = session.bodies("/exchangeInfo")
    assert read_limits(info)
    rules = read_rules(market, info)
    parser = Parser("binance", market, None)
    books: dict[str, OrderBook] = {}
    gaps: Counter[str] = Counter()
    for arrival, payload in session.frames():
        event: MarketEvent | None = parser.parse(payload, arrival)
        if isinstance(event, BookDiff | BookSnapshot):
            book = books.setdefault(event.instrument, OrderBook(rules[event.instrument]))
            gaps[event.instrument] += isinstance(book.apply(event), BookGap)
    assert OFF_TICK[market] == {name: one.off_tick for name, one in books.items() if one.off_tick}
    assert 0 == gaps.total()
    assert [(True, False)] * 4 == [(one.whole, one.crossed) for one in books.values()]
