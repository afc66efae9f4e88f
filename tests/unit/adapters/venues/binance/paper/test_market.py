"""What the paper exchange shows of its markets."""

import pytest

from petrosa.adapters.venues.binance.paper.bars import MINUTE_NS, Bars
from petrosa.adapters.venues.binance.paper.streams import path_of
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import BestQuote, BookDiff, Ticker
from tests.kit.paper_venue import SPOT, START, USDM, PaperBench

HOUR = 60 * MINUTE_NS
BEGIN = START - START % (24 * HOUR)


def test_bars_are_exact_and_longer_ones_are_made_of_minutes() -> None:
    """Open of the first, extremes of all, close of the last; what takers bought is counted apart."""
    bars = Bars()
    for minute, (ticks, steps, bought) in enumerate([(100, 2, True), (130, 1, False), (90, 4, True)]):
        bars.add(BEGIN + minute * MINUTE_NS, ticks, steps, minute + 1, bought=bought)
    assert [1, 1, 1] == [bar.count for bar in bars.of("1m")]
    (bar,) = bars.of("5m")
    assert (100, 130, 90, 90) == (bar.open, bar.high, bar.low, bar.close)
    assert (7, 690, 6, 560) == (bar.volume, bar.quote, bar.buy_volume, bar.buy_quote)
    assert (1, 3) == (bar.first, bar.last)
    assert [BEGIN + MINUTE_NS] == [one.ts for one in bars.of("1m", start=BEGIN + MINUTE_NS, limit=1)]
    assert [BEGIN + 2 * MINUTE_NS] == [one.ts for one in bars.of("1m", limit=1)]


def test_klines_trades_and_tickers_tell_the_same_story() -> None:
    """Two prints more: their price, volume and count everywhere."""
    bench = PaperBench()
    bench.trade("102.00", quantity="2")
    bench.trade("99.00", quantity="1", side=Side.SELL)
    (row,) = bench.public("/api/v3/klines", symbol="BTCUSDT", interval="1h")
    assert ["100.00000000", "102.00000000", "99.00000000", "99.00000000", "3.50000000"] == row[1:6]
    assert (3, "2.50000000") == (row[8], row[9])
    ticker = bench.public("/api/v3/ticker/24hr", symbol="BTCUSDT")
    assert ("-1.00000000", "-1.000", "3.50000000") == (
        ticker["priceChange"], ticker["priceChangePercent"], ticker["volume"]
    )  # fmt: skip
    assert "99.00000000" == bench.public("/api/v3/ticker/price", symbol="BTCUSDT")["price"]
    trades = bench.public("/api/v3/trades", symbol="BTCUSDT", limit=2)
    assert [("102.00000000", False), ("99.00000000", True)] == [(one["price"], one["isBuyerMaker"]) for one in trades]
    aggregates = bench.public("/fapi/v1/aggTrades", symbol="BTCUSDT", limit=1)
    assert [("99.00", "1.000")] == [(one["p"], one["q"]) for one in aggregates]


def test_the_book_is_the_one_that_orders_meet() -> None:
    """Best first, as text of the market's own decimals; limits are checked as the products do."""
    bench = PaperBench()
    spot, usdm = (bench.public(f"/{root}/depth", symbol="BTCUSDT", limit=5) for root in ("api/v3", "fapi/v1"))
    assert [["99.00000000", "50.00000000"], ["98.50000000", "50.00000000"]] == spot["bids"][:2]
    assert [["101.00", "50.000"], ["101.50", "50.000"]] == usdm["asks"][:2]
    assert {"E", "T"} <= set(usdm)
    assert -4021 == bench.public("/fapi/v1/depth", symbol="BTCUSDT", limit=7)["code"]


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [("/api/v3/klines", {"symbol": "BTCUSDT", "interval": "7m"}, -1120),
     ("/api/v3/klines", {"symbol": "BTCUSDT"}, -1102), ("/api/v3/depth", {}, -1102),
     ("/api/v3/depth", {"symbol": "btcusdt"}, -1121), ("/fapi/v1/premiumIndex", {"symbol": "NOPE"}, -1121),
     ("/api/v3/exchangeInfo", {"symbol": "NOPE"}, -1121),
     ("/api/v3/depth", {"symbol": "BTCUSDT", "limit": "x"}, -1100)],
)  # fmt: skip
def test_public_requests_are_checked(path: str, params: dict[str, str], code: int) -> None:
    assert code == PaperBench().public(path, **params)["code"]


def test_every_stream_speaks_with_its_symbol() -> None:
    """What a fact makes reaches exactly the streams that tell of it."""
    bench = PaperBench()
    heard: list[tuple[str, bytes]] = []
    for hub in bench.venue.hubs.values():
        for name in (
            "btcusdt@trade", "btcusdt@aggTrade", "btcusdt@bookTicker", "btcusdt@depth@100ms", "btcusdt@depth5@100ms",
            "btcusdt@kline_1m", "btcusdt@ticker", "btcusdt@miniTicker", "btcusdt@markPrice", "!bookTicker",
        ):  # fmt: skip
            hub.add(name, lambda stream, event: heard.append((stream, event)))
    now = bench.now + NS_PER_SECOND
    for key in (SPOT, USDM):
        last = bench.venue.markets["spot" if key == SPOT else "usdm"]["BTCUSDT"].update_id
        previous = None if key == SPOT else last
        diff = BookDiff(key, now, now, last + 1, last + 1, previous, ((99.0, 7.0),), ())
        quote = BestQuote(key, now, now, last + 2, 99.0, 7.0, 101.0, 50.0)
        for event in (diff, quote, Ticker(key, now, now, 100.0, 1.0, 100.0, 0.0)):
            bench.venue.on_market(event, now)
    bench.trade("100.50", quantity="1")
    bench.mark("100.40")
    spot = {stream for stream, event in heard if b'"st"' not in event}
    assert {
        "btcusdt@trade", "btcusdt@aggTrade", "btcusdt@bookTicker", "btcusdt@depth@100ms", "btcusdt@depth5@100ms",
        "btcusdt@kline_1m", "btcusdt@ticker", "btcusdt@miniTicker", "!bookTicker",
    } == spot  # fmt: skip
    assert "btcusdt@markPrice" in {stream for stream, _ in heard}
    assert [b"btcusdt".upper() in event or b"lastUpdateId" in event for _, event in heard] == [True] * len(heard)


@pytest.mark.parametrize(
    ("stream", "path"),
    [("btcusdt@depth20@100ms", "public"), ("btcusdt@bookTicker", "public"), ("!bookTicker", "public"),
     ("btcusdt@aggTrade", "market"), ("btcusdt@kline_1m", "market"), ("!ticker@arr", "market")],
)  # fmt: skip
def test_usdm_streams_have_their_path(stream: str, path: str) -> None:
    assert path == path_of(stream)
