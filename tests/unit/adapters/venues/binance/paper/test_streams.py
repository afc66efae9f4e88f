"""How often the paper exchange's streams speak, and what is told together."""

from typing import Any

import msgspec
import pytest

from petrosa.adapters.venues.binance.paper.accounts import DEMO_KEY
from petrosa.adapters.venues.binance.paper.bars import Bars, ended, opened
from petrosa.adapters.venues.binance.paper.market import Manner
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import BookDiff, InstrumentId, Trade
from tests.kit.paper_venue import SPOT, START, USDM, PaperBench

PACED = Manner(paced=True)
MINUTE = 60 * NS_PER_SECOND


class Hearer:
    """Everything that some streams of a market say."""

    def __init__(self, bench: PaperBench, market: str, *streams: str) -> None:
        self.all: list[tuple[str, Any]] = []
        for stream in streams:
            bench.venue.hubs[market].add(stream, self._hear)

    def _hear(self, stream: str, event: bytes) -> None:
        self.all.append((stream, msgspec.json.decode(event)))

    def of(self, stream: str) -> list[Any]:
        """What a stream has said since it was asked last."""
        said = [event for name, event in self.all if name == stream]
        self.all = [one for one in self.all if one[0] != stream]
        return said


def differ(bench: PaperBench, bid: float, quantity: float, key: InstrumentId = USDM) -> None:
    """One change of the book."""
    market = bench.venue.markets["spot" if key == SPOT else "usdm"]["BTCUSDT"]
    last = market.update_id
    previous = None if key == SPOT else last
    diff = BookDiff(key, bench.now, bench.now, last + 1, last + 2, previous, ((bid, quantity),), ())
    bench.venue.on_market(diff, bench.now)


def test_differences_of_a_moment_are_told_as_one_with_the_whole_chain() -> None:
    """Each stream of differences is a chain by itself; the exact one tells each as it comes."""
    bench = PaperBench(manner=PACED)
    streams = ["btcusdt@depth@0ms", "btcusdt@depth@100ms", "btcusdt@depth"]
    heard = Hearer(bench, "usdm", *streams)
    for number in range(12):
        bench.wait(0.05)
        differ(bench, 98.0 + number % 2, float(number + 1))
    bench.wait(0.3)
    counts = {}
    for stream in streams:
        said = heard.of(stream)
        counts[stream] = len(said)
        assert [one["u"] for one in said[:-1]] == [one["pu"] for one in said[1:]]
        assert all(one["U"] <= one["u"] for one in said)
        assert said[-1]["u"] == bench.venue.markets["usdm"]["BTCUSDT"].update_id
    assert {"btcusdt@depth@0ms": 12, "btcusdt@depth@100ms": 7, "btcusdt@depth": 4} == counts


def test_the_last_quantity_of_a_price_is_what_a_merged_difference_tells() -> None:
    bench = PaperBench(manner=PACED)
    heard = Hearer(bench, "usdm", "btcusdt@depth@500ms")
    differ(bench, 98.0, 1.0)
    for quantity in (2.0, 3.0, 0.0):
        differ(bench, 98.0, quantity)
    assert 1 == len(heard.of("btcusdt@depth@500ms"))
    bench.wait(0.5)
    (said,) = heard.of("btcusdt@depth@500ms")
    assert [["98.00", "0.000"]] == said["b"]


@pytest.mark.parametrize(("market", "together"), [("spot", [1, 2, 1]), ("usdm", [4, 1])])
def test_trades_of_one_price_and_side_are_one_aggregate(market: str, together: list[int]) -> None:
    """Of the same moment on spot, of 100 ms on futures; ids of aggregates go on by one, and join the trades' ids."""
    bench = PaperBench(manner=PACED)
    heard = Hearer(bench, market, "btcusdt@aggTrade")
    table = bench.venue.markets[market]["BTCUSDT"]
    for price, pause in (("100.00", 0.0), ("100.00", 0.05), ("100.00", 0.0), ("101.00", 0.2)):
        bench.wait(0.0001 + pause)
        for key in (SPOT, USDM):
            bench.trades[key] += 1
            bench.venue.on_market(trade_of(bench, key, price), bench.now)
    bench.wait(0.2)
    said = heard.of("btcusdt@aggTrade")
    assert together == [one["l"] - one["f"] + 1 for one in said]
    assert [one["a"] for one in said] == list(range(said[0]["a"], said[0]["a"] + len(said)))
    rows = bench.public(f"/{'api/v3' if market == 'spot' else 'fapi/v1'}/aggTrades", symbol="BTCUSDT", fromId=1)
    assert [one["a"] for one in said] == [one["a"] for one in rows][-len(said) :]
    assert len(table.aggregates.tape) == len(rows)


def trade_of(bench: PaperBench, key: InstrumentId, price: str) -> Trade:
    return Trade(key, bench.now, bench.now, float(price), 1.0, Side.BUY, bench.trades[key])


def test_a_kline_grows_and_is_closed_when_its_time_is_over_even_if_nobody_trades() -> None:
    """One update at once, one when its time has come, the closed one, and a flat one that is closed too."""
    bench = PaperBench(manner=PACED)
    bench.wait(60 - (bench.now - START) / NS_PER_SECOND % 60)
    bench.wait(0.2)
    heard = Hearer(bench, "spot", "btcusdt@kline_1m", "btcusdt@kline_1s")
    bench.trade("102.00", quantity="2")
    bench.trade("103.00", quantity="1")
    bench.wait(3.0)
    grown = [one["k"] for one in heard.of("btcusdt@kline_1m")]
    assert [("102.00000000", False), ("103.00000000", False)] == [(one["c"], one["x"]) for one in grown]
    bench.wait(60.0)
    (closed,) = [one["k"] for one in heard.of("btcusdt@kline_1m")]
    assert (True, "103.00000000", 2, "3.00000000") == (closed["x"], closed["c"], closed["n"], closed["v"])
    bench.wait(60.0)
    (flat,) = [one["k"] for one in heard.of("btcusdt@kline_1m")]
    assert (True, "103.00000000", 0, closed["t"] + 60_000) == (flat["x"], flat["o"], flat["n"], flat["t"])
    assert 100 < len(heard.of("btcusdt@kline_1s"))


def test_tickers_come_once_a_second_and_tell_of_all_that_changed() -> None:
    """Two seconds on futures; the array has every symbol that changed since the last one."""
    bench = PaperBench(manner=PACED)
    spot = Hearer(bench, "spot", "btcusdt@ticker", "!miniTicker@arr", "!ticker@arr")
    usdm = Hearer(bench, "usdm", "btcusdt@ticker", "!ticker@arr")
    for _ in range(40):
        bench.wait(0.1)
        bench.trade("100.00", quantity="0.1")
    assert (4, 4, 0) == tuple(len(spot.of(one)) for one in ("btcusdt@ticker", "!miniTicker@arr", "!ticker@arr"))
    assert (2, 4) == tuple(len(usdm.of(one)) for one in ("btcusdt@ticker", "!ticker@arr"))


def test_a_relayed_stream_tells_nothing_else() -> None:
    """What was recorded is told as it is, and what would be made of the facts is not."""
    bench = PaperBench()
    heard = Hearer(bench, "spot", "btcusdt@trade", "btcusdt@aggTrade")
    bench.venue.relay("spot", "btcusdt@trade", b'{"e":"trade","t":1}')
    bench.trade("100.00")
    assert [{"e": "trade", "t": 1}] == heard.of("btcusdt@trade")
    assert 1 == len(heard.of("btcusdt@aggTrade"))


def test_bars_begin_where_the_venue_begins_them() -> None:
    """Weeks on Monday, months on their first."""
    assert START == 1_800_000_000 * NS_PER_SECOND  # Friday, 15 January 2027, 08:00 UTC
    day = 86_400 * NS_PER_SECOND
    midnight = START - START % day
    assert midnight - 4 * day == opened(START, "1w")
    assert (midnight - 14 * day, midnight + 17 * day) == (opened(START, "1M"), ended(midnight - 14 * day, "1M"))


def test_a_minute_without_a_trade_has_a_bar() -> None:
    bars = Bars()
    begin = START - START % MINUTE
    bars.add(begin, 100, 1, 1, bought=True)
    bars.add(begin + 3 * MINUTE, 110, 1, 2, bought=True)
    assert [(100, 1), (100, 0), (100, 0), (110, 1)] == [(one.close, one.count) for one in bars.of("1m")]
    assert [(110, 110)] == [(one.open, one.close) for one in bars.of("1m", limit=1)]


def test_there_is_history_before_the_first_trade_where_it_is_wanted() -> None:
    """By seed, without a hole, and it ends where the first trade begins; longer bars are made of the same minutes."""
    bench = PaperBench(manner=Manner(history_days=3, seed=7))
    asked = {"symbol": "BTCUSDT", "limit": 1_000}
    minutes = bench.public("/api/v3/klines", interval="1m", **asked)
    assert [one[0] for one in minutes] == list(range(minutes[0][0], minutes[0][0] + 60_000_000, 60_000))
    assert minutes[-2][4] == "100.00000000"
    hours = bench.public("/fapi/v1/klines", interval="1h", **asked)
    assert 73 == len(hours)
    again = PaperBench(manner=Manner(history_days=3, seed=7))
    assert minutes == again.public("/api/v3/klines", interval="1m", **asked)
    rates = bench.public("/fapi/v1/fundingRate", symbol="BTCUSDT")
    assert 9 == len(rates)
    first = bench.public("/fapi/v1/fundingRate", symbol="BTCUSDT", startTime=rates[2]["fundingTime"], limit=2)
    assert rates[2:4] == first


def test_trades_are_found_by_id_long_after_they_were_made() -> None:
    """From an id on, in pages; the last ones when nothing is said."""
    bench = PaperBench()
    for _ in range(2_500):
        bench.trade("100.00", quantity="0.1")
    rows = bench.public("/api/v3/historicalTrades", symbol="BTCUSDT", fromId=1_001, limit=1_000)
    assert 1_000 == len(rows)
    assert rows[0]["id"] >= 1_001
    assert rows[-1]["id"] < bench.public("/api/v3/trades", symbol="BTCUSDT", limit=1)[0]["id"]


def test_single_trades_of_futures_by_id_are_told_to_holders_of_a_key_only() -> None:
    """A header, no signature; on spot everybody is told."""
    bench = PaperBench()
    query = "symbol=BTCUSDT&fromId=1&limit=5"
    path = "/fapi/v1/historicalTrades"
    assert [401, 401, 200] == [bench.raw("GET", path, query, key=key).status for key in (None, "a-stranger", DEMO_KEY)]
    assert 200 == bench.raw("GET", "/api/v3/historicalTrades", query, key=None).status


WEIGHTS = [
    ("/api/v3/depth", {"limit": 100}, 5), ("/api/v3/depth", {"limit": 1_000}, 50),
    ("/api/v3/depth", {"limit": 5_000}, 250), ("/fapi/v1/premiumIndex", {}, 1),
    ("/fapi/v1/depth", {"limit": 50}, 2), ("/fapi/v1/depth", {"limit": 1_000}, 20), ("/fapi/v1/depth", {}, 10),
    ("/fapi/v1/klines", {"limit": 99, "interval": "1m"}, 1),
    ("/fapi/v1/klines", {"limit": 1_500, "interval": "1m"}, 10),
    ("/fapi/v1/aggTrades", {}, 20), ("/api/v3/aggTrades", {}, 4), ("/fapi/v1/historicalTrades", {}, 20),
    ("/api/v3/depth", {"limit": "x"}, 5),
]  # fmt: skip


@pytest.mark.parametrize(("path", "params", "weight"), WEIGHTS)
def test_a_request_costs_what_the_venue_says(path: str, params: dict[str, Any], weight: int) -> None:
    query = "&".join(f"{name}={value}" for name, value in {"symbol": "BTCUSDT", **params}.items())
    answer = PaperBench().raw("GET", path, query, key=None)
    assert str(weight) == answer.headers["X-MBX-USED-WEIGHT-1M"]
