"""Rendered frames are what Binance would have sent, and read back as the facts they were made of."""

import json

import msgspec
import pytest

from petrosa.adapters.venues.binance.parse import Parser
from petrosa.adapters.venues.binance.render import Renderer, bare_snapshot
from petrosa.apps.instruments import load_instruments
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookGap,
    BookSnapshot,
    Depth,
    MarkPrice,
    Ticker,
    Trade,
    instrument_id,
)
from petrosa.core.simulation.market import SyntheticMarket
from petrosa.errors import InvariantError

INSTRUMENTS = load_instruments()
BTC, SPOT = instrument_id("binance", "usdm", "BTCUSDT"), instrument_id("binance", "spot", "BTCUSDT")
TS, SEEN = 1_721_347_022_504 * NS_PER_MS, 1_721_347_022_509 * NS_PER_MS


@pytest.mark.parametrize("market", ["usdm", "spot"])
def test_every_synthetic_fact_reads_back_as_itself(market: str) -> None:
    """Text in between loses nothing, but for a spot quote's and a spot snapshot's time, which Binance does not send."""
    chosen = [one for one in INSTRUMENTS.values() if (one.venue, one.market) == ("binance", market)]
    render = Renderer({one.id: one for one in chosen}).render
    parser = Parser("binance", market, None)
    kinds = set()
    for heard, event in SyntheticMarket(chosen, 8).events(8):
        expected = event
        if market == "spot" and isinstance(event, BestQuote | BookSnapshot):
            expected = msgspec.structs.replace(event, ts_event=heard)
        assert expected == parser.parse(render(event), heard)
        kinds.add(type(event))
    assert {Trade, BestQuote, BookDiff, BookSnapshot} < kinds
    assert not parser.skipped


@pytest.mark.parametrize("price", [64000.1, 64000.05, 64000.125, 1e-12])
def test_a_level_off_the_tick_is_not_rounded(price: float) -> None:
    """Depth that is made of a book with an old order in it has that order at its price."""
    depth = Depth(BTC, TS, SEEN, 7, (price,), (1.0,), (64000.2,), (2.0,))
    parsed = Parser("binance", "usdm", None).parse(Renderer(INSTRUMENTS).render(depth), SEEN)
    assert isinstance(parsed, Depth)
    assert (price,) == parsed.bid_prices


@pytest.mark.parametrize("instrument", [BTC, SPOT])
def test_a_depth_reads_back_as_itself(instrument: str) -> None:
    """The best levels, too, though a synthetic market leaves them to be sampled."""
    seen = SEEN if instrument == SPOT else TS
    depth = Depth(instrument, seen, SEEN, 7, (100.1, 100.0), (1.5, 2.0), (100.2,), (0.001,))  # type: ignore[arg-type]
    parser = Parser("binance", instrument.split(":")[1], None)
    assert depth == parser.parse(Renderer(INSTRUMENTS).render(depth), SEEN)


def test_a_futures_trade_is_written_as_binance_writes_it() -> None:
    """Compared with a real frame, field by field and byte by byte."""
    real = (
        b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1721347022504,"T":1721347022504,"s":"BTCUSDT",'
        b'"t":5182005737,"p":"63943.90","q":"0.003","X":"MARKET","m":true}}'
    )
    trade = Trade(BTC, TS, SEEN, 63943.9, 0.003, Side.SELL, 5182005737)
    assert real == Renderer(INSTRUMENTS).render(trade)


def test_a_spot_trade_is_written_with_eight_decimals() -> None:
    """As spot writes every number."""
    trade = Trade(SPOT, TS, SEEN, 61837.63, 0.02, Side.BUY, 3735683259)
    data = json.loads(Renderer(INSTRUMENTS).render(trade))["data"]
    assert ("61837.63000000", "0.02000000", False, True) == (data["p"], data["q"], data["m"], data["M"])


def test_a_difference_that_removes_a_level_says_zero() -> None:
    """A quantity of zero is written, not left out."""
    diff = BookDiff(BTC, TS, SEEN, 5, 9, 4, ((100.0, 0.0),), ())
    data = json.loads(Renderer(INSTRUMENTS).render(diff))["data"]
    assert ([["100.00", "0.000"]], [], 5, 9, 4) == (data["b"], data["a"], data["U"], data["u"], data["pu"])


def test_a_ticker_and_a_mark_price_read_back_as_themselves() -> None:
    """With their decimals."""
    parser = Parser("binance", "usdm", None)
    for event in (
        Ticker(BTC, TS, SEEN, 63943.9, 123.456, 7_900_000.25, -1.234),
        MarkPrice(BTC, TS, SEEN, 63943.12345678, 63940.5, -0.0001, 1_721_376_000_000 * NS_PER_MS),
    ):
        assert event == parser.parse(Renderer(INSTRUMENTS).render(event), SEEN)


def test_only_a_snapshot_is_written_down_bare() -> None:
    """A recorder keeps the REST answer without a stream's name."""
    render = Renderer(INSTRUMENTS).render
    bare = bare_snapshot(render(BookSnapshot(BTC, TS, SEEN, 9, ((100.0, 1.0),), ((100.1, 1.0),))))
    assert bare is not None
    assert ["lastUpdateId", "E", "T", "bids", "asks"] == list(json.loads(bare))
    assert bare_snapshot(render(Trade(BTC, TS, SEEN, 1.0, 1.0, Side.BUY, 1))) is None


def test_a_fact_that_no_stream_carries_is_refused() -> None:
    """A gap is something we conclude, not something Binance says."""
    with pytest.raises(InvariantError, match="BookGap of binance:usdm:BTCUSDT"):
        Renderer(INSTRUMENTS).render(BookGap(BTC, TS, SEEN, 1, 2))
