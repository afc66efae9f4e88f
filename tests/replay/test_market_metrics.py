"""Market metrics of whole recordings: what is summed as it comes is what is summed from a list of everything."""

import asyncio
from bisect import bisect_left
from math import sqrt
from pathlib import Path

import msgspec
import pytest

from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.replay.normalise import Normaliser
from petrosa.adapters.venues.replay.recording import Recording
from petrosa.apps.instruments import load_instruments
from petrosa.apps.run import open_recorded, run_recording
from petrosa.apps.settings import load
from petrosa.core.analytics.analyzer import TIMEFRAMES, DepthAnalyzer
from petrosa.core.analytics.order_flow import Quote, quote_flow
from petrosa.core.analytics.params import MetricsParams
from petrosa.core.desk import Desk
from petrosa.core.market.state import MarketState
from petrosa.core.market.tape import Tape
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import BestQuote, Depth, InstrumentId, MarketEvent, Trade
from tests.kit.recordings import ROOT, recording_dir
from tests.kit.small_recording import LIVELY, write_small_recording

TWINS = [ROOT / "recordings" / name for name in ("synthetic-usdm", "synthetic-spot")]


class Whole:
    """Everything of a recording, and an analyzer beside a desk that heard it."""

    def __init__(self, folder: Path) -> None:
        recording = Recording([folder])
        rules = load_instruments()
        self.facts: list[tuple[int, MarketEvent]] = []
        normaliser = Normaliser(Parser("binance", recording.product, recording.symbols), rules)
        for frames in recording.batches():
            self.facts.extend(normaliser.feed(frames))
        self.facts.extend(normaliser.flush())
        self.keys = sorted({event.instrument for _, event in self.facts})
        self.analyzer = DepthAnalyzer(MetricsParams(ttl_seconds=3600))
        markets = {key: MarketState(rules[key], Tape(10 * NS_PER_SECOND)) for key in self.keys}
        desk = Desk(markets, analyzer=self.analyzer)
        for now, event in self.facts:
            desk.handle(event, now)
        self.now = self.facts[-1][0]

    def of(self, key: InstrumentId, kind: type) -> list[tuple[int, MarketEvent]]:
        return [(now, event) for now, event in self.facts if event.instrument == key and type(event) is kind]


def imbalance(book: Depth) -> float:
    bids, asks = sum(book.bid_quantities), sum(book.ask_quantities)
    return (bids - asks) / (bids + asks)


def check(whole: Whole) -> None:
    """Samples, trades and order flow of every instrument and window, each from the list of facts."""
    assert whole.keys
    second = whole.now // NS_PER_SECOND
    for key in whole.keys:
        books = [(now, event) for now, event in whole.of(key, Depth) if isinstance(event, Depth)]
        began = books[0][0] // NS_PER_SECOND
        found = whole.analyzer.metrics(key, whole.now)
        assert found is not None
        assert found.book.imbalance == imbalance(books[-1][1])
        for name, seconds in TIMEFRAMES.items():
            samples = []
            for end in range(max(began, second - seconds) + 1, second + 1):
                standing = bisect_left(books, end * NS_PER_SECOND, key=lambda book: book[0]) - 1
                samples.append(imbalance(books[standing][1]))
            window = whole.analyzer.history(key, name, whole.now).window
            assert pytest.approx(samples) == window.imbalances
            check_trades(whole, key, name, second - seconds + 1)
            if name == "15m":
                assert pytest.approx(flow_of(whole, key), rel=1e-6, abs=1e-6) == found.order_flow[name]


def check_trades(whole: Whole, key: InstrumentId, name: str, since: int) -> None:
    first_book = whole.of(key, Depth)[0]
    after = whole.facts.index(first_book)
    trades = [
        event
        for now, event in whole.facts[after:]
        if isinstance(event, Trade) and event.instrument == key and now // NS_PER_SECOND >= since
    ]
    signed = sum(trade.quantity if trade.aggressor is Side.BUY else -trade.quantity for trade in trades)
    metrics = whole.analyzer.metrics(key, whole.now)
    assert metrics is not None
    found = metrics.trade_flow[name]
    assert sum(trade.count for trade in trades) == found.trades
    assert pytest.approx(signed / sum(trade.quantity for trade in trades)) == found.imbalance
    assert pytest.approx(signed / sqrt(sum(trade.quantity**2 for trade in trades))) == found.z


def flow_of(whole: Whole, key: InstrumentId) -> float:
    """The order flow since the first book, from best quotes, or from books before there are any."""
    flow, before, has_quotes, is_followed = 0.0, None, False, False
    for _, event in whole.facts:
        if event.instrument != key:
            continue
        quote: Quote | None = None
        if isinstance(event, BestQuote) and is_followed:
            before = before if has_quotes else None
            has_quotes = True
            quote = event.bid, event.bid_quantity, event.ask, event.ask_quantity
        elif isinstance(event, Depth):
            is_followed = True
            if not has_quotes:
                quote = event.bid_prices[0], event.bid_quantities[0], event.ask_prices[0], event.ask_quantities[0]
        if quote is not None:
            flow += quote_flow(before, quote) if before is not None else 0.0
            before = quote
    return flow


@pytest.mark.parametrize("folder", TWINS, ids=lambda folder: folder.name)
def test_metrics_of_a_twin_are_those_of_a_list_of_its_facts(folder: Path) -> None:
    """Second by second, on the recordings that come with the project."""
    check(Whole(folder))


@pytest.mark.recordings
@pytest.mark.parametrize("product", ["spot", "usdm"])
def test_metrics_of_a_real_recording_are_those_of_a_list_of_its_facts(product: str) -> None:
    """The same on real frames."""
    check(Whole(recording_dir(product)))


def test_metrics_change_no_decision(tmp_path: Path) -> None:
    """The same market, decided with an analyzer beside the desk and without: the same digests."""
    market = write_small_recording(tmp_path / "market.gz", 60)
    digests = set()
    for switch in ("true", "false"):
        sets = (*LIVELY, "http.enabled=true", "http.port=0", "feed.speed=0", f"metrics.enabled={switch}")
        loaded = load(sets=sets, environ={}, home=str(tmp_path / switch))
        summary = asyncio.run(run_recording([market], loaded, report=lambda _: None))
        assert summary.fills > 0
        digests.add((summary.journal.sha256, summary.journal.decisions_sha256))
    assert 1 == len(digests)


def test_a_served_desk_has_an_analyzer_and_one_that_is_not_has_none(tmp_path: Path) -> None:
    """What nobody can read is not kept; and no setting of metrics stands in a journal."""
    market = write_small_recording(tmp_path / "market.gz", 5)
    for number, (sets, there) in enumerate(
        [(("http.enabled=true",), True), (("http.enabled=false",), False), (("metrics.enabled=false",), False)]
    ):
        loaded = load(sets=sets, environ={}, home=str(tmp_path / str(number)))
        process = open_recorded([market], loaded)
        process.close()
        assert there is (process.parts.analyzer is not None)
        assert [] == [key for key in msgspec.json.decode(loaded.decisive()) if key.startswith("metrics.")]
