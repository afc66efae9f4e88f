"""What Bybit's messages become, from its documented examples."""

import json
from typing import Any

import pytest

from petrosa.adapters.venues.bybit.parse import Parser
from petrosa.adapters.venues.bybit.symbols import INTERVALS
from petrosa.core.market.book import BookChange, OrderBook
from petrosa.core.model.base import NS_PER_MS, NS_PER_SECOND, Side
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookGap,
    BookSnapshot,
    Candle,
    MarketEvent,
    MarkPrice,
    Ticker,
    Trade,
)
from petrosa.errors import FrameError
from tests.kit.instruments import instrument

TS = 1_672_304_486_868
TRADE: dict[str, Any] = {
    "T": 1672304486865, "s": "BTCUSDT", "S": "Buy", "v": "0.001", "p": "16578.50", "L": "PlusTick",
    "i": "20f43950-d8dd-5b31-9112-a178eb6023af", "BT": False, "seq": 1783284617,
}  # fmt: skip
BOOK: dict[str, Any] = {
    "s": "BTCUSDT", "b": [["16493.50", "0.006"], ["16493.00", "0.100"]], "a": [["16611.00", "0.029"],
    ["16612.00", "0.213"]], "u": 18521288, "seq": 7961638724,
}  # fmt: skip
TICKER: dict[str, Any] = {
    "symbol": "BTCUSDT", "tickDirection": "PlusTick", "price24hPcnt": "0.017103", "lastPrice": "17216.00",
    "prevPrice24h": "16926.50", "highPrice24h": "17281.50", "lowPrice24h": "16915.00", "markPrice": "17217.33",
    "indexPrice": "17227.36", "openInterest": "68744.761", "turnover24h": "1570383121.943499",
    "volume24h": "91705.276", "nextFundingTime": "1673280000000", "fundingRate": "-0.000212", "bid1Price": "17215.50",
}  # fmt: skip
SPOT_TICKER: dict[str, Any] = {
    "symbol": "BTCUSDT", "lastPrice": "21109.77", "highPrice24h": "21426.99", "lowPrice24h": "20575",
    "prevPrice24h": "20704.93", "volume24h": "6780.866843", "turnover24h": "141946527.22907118",
    "price24hPcnt": "0.0196", "usdIndexPrice": "",
}  # fmt: skip
BAR: dict[str, Any] = {
    "start": 1672324800000, "end": 1672325099999, "interval": "5", "open": "16649.5", "close": "16677",
    "high": "16677", "low": "16608", "volume": "2.081", "turnover": "34666.4005", "confirm": True,
    "timestamp": 1672325100000,
}  # fmt: skip


def message(data: Any, kind: str = "snapshot", ts: int = TS, **more: Any) -> dict[str, Any]:
    return {"topic": "x", "type": kind, "ts": ts, "data": data, **more}


def frame(stream: str, data: Any) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


class Heard:
    """A parser that is told one message after the other."""

    def __init__(self, stream: str, market: str = "linear") -> None:
        self.parser = Parser("bybit", market, None)
        self._stream = f"btcusdt@{stream}"

    def __call__(self, data: Any, kind: str = "snapshot", **more: Any) -> MarketEvent | None:
        return self.parser.parse(frame(self._stream, message(data, kind, **more)), 5)


def test_a_trade_says_who_took_and_has_a_number_of_its_own() -> None:
    trade = Heard("publicTrade")([TRADE])
    number = 0x20F43950D8DD5B31 >> 1
    assert Trade("bybit:linear:BTCUSDT", 1672304486865 * NS_PER_MS, 5, 16578.5, 0.001, Side.BUY, number) == trade
    spot = Heard("publicTrade", "spot")([TRADE | {"i": "2290000000068683805", "S": "Sell"}])
    assert isinstance(spot, Trade)
    assert (2290000000068683805, Side.SELL) == (spot.trade_id, spot.aggressor)


def test_a_block_trade_is_counted_and_is_no_fact() -> None:
    heard = Heard("publicTrade")
    assert heard([TRADE | {"BT": True}]) is None
    assert {"trade_block": 1} == heard.parser.skipped


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"v": "0"}, "absurd_value"), ({"p": "nan"}, "absurd_value"), ({"S": "buy"}, "malformed"),
     ({"s": "ETHUSDT"}, "symbol_mismatch"), ({"i": "x y"}, "malformed"), ({"i": "9" * 30}, "absurd_value"),
     ({"T": 1672304486865000}, "absurd_value")],
)  # fmt: skip
def test_a_trade_that_cannot_be_is_refused_by_name(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(FrameError) as refused:
        Heard("publicTrade")([TRADE | change])
    assert reason == refused.value.reason


def test_a_book_is_a_snapshot_and_what_goes_on_from_it_by_the_engines_time() -> None:
    heard = Heard("orderbook.50")
    first = heard(BOOK, cts=TS - 4)
    second = heard(BOOK | {"u": 18521289, "b": [["16493.50", "0"]], "a": []}, "delta", cts=TS - 2)
    assert isinstance(first, BookSnapshot)
    assert ((TS - 4) * NS_PER_MS, 18521288) == (first.ts_event, first.update_id)
    assert isinstance(second, BookDiff)
    assert (18521289, None, ((16493.5, 0.0),)) == (second.first_update_id, second.previous_update_id, second.bids)


def test_a_service_that_begins_anew_replaces_a_readers_book() -> None:
    """Delta with a `u` of 1, or a snapshot of a lower `u`: either is newer than everything before."""
    for kind in ("snapshot", "delta"):
        heard, book = Heard("orderbook.50", "spot"), OrderBook(instrument(tick="0.01"))
        rows = [(BOOK, "snapshot"), (BOOK | {"u": 1, "b": [["1.00", "2"]], "a": []}, kind),
                (BOOK | {"u": 2, "b": [["1.01", "3"]], "a": []}, "delta")]  # fmt: skip
        for data, said in rows:
            event = heard(data, said)
            assert isinstance(event, BookSnapshot | BookDiff)
            assert BookChange.APPLIED is book.apply(event)
        assert [(1.01, 3.0), (1.0, 2.0)] == book.top(Side.BUY, 5)
        event = heard(BOOK | {"u": 9}, "delta")
        assert isinstance(event, BookDiff)
        assert isinstance(book.apply(event), BookGap)


def test_a_best_quote_is_merged_and_not_guessed_after_a_gap() -> None:
    heard = Heard("orderbook.1", "spot")
    one = BOOK | {"b": [["100", "1"]], "a": [["101", "2"]]}
    assert heard(one | {"u": 5}, "delta") is None
    heard(one | {"u": 5})
    quote = heard(one | {"u": 6, "b": [["100", "0"], ["99", "3"]], "a": []}, "delta")
    assert isinstance(quote, BestQuote)
    assert (99.0, 3.0, 101.0, 2.0, 6) == (quote.bid, quote.bid_quantity, quote.ask, quote.ask_quantity, quote.update_id)
    assert heard(one | {"u": 8}, "delta") is None
    assert heard(one | {"u": 9}, "delta") is None
    assert isinstance(heard(one | {"u": 20}), BestQuote)
    assert heard(one | {"u": 20}, "delta") is None
    assert {"quote_out_of_sync": 3, "quote_old": 1} == heard.parser.skipped


def test_tickers_are_merged_from_a_snapshot_on() -> None:
    heard = Heard("tickers")
    assert heard({"symbol": "BTCUSDT", "lastPrice": "1"}, "delta") is None
    heard(TICKER)
    ticker = heard({"symbol": "BTCUSDT", "lastPrice": "17300"}, "delta", ts=TS + 1)
    assert isinstance(ticker, Ticker)
    assert ((TS + 1) * NS_PER_MS, 17300.0, 91705.276) == (ticker.ts_event, ticker.last, ticker.volume)
    assert abs(ticker.change_pct - 1.7103) < 1e-9
    assert heard({"symbol": "BTCUSDT", "openInterest": "1"}, "delta") is None
    assert {"ticker_without_news": 2} == heard.parser.skipped


def test_mark_and_funding_are_told_on_linear_and_not_on_spot() -> None:
    mark = Heard("tickers.mark")(TICKER)
    assert isinstance(mark, MarkPrice)
    assert (17217.33, 17227.36, -0.000212, 1673280000000 * NS_PER_MS) == (
        mark.mark, mark.index, mark.funding_rate, mark.ts_next_funding,
    )  # fmt: skip
    spot = Heard("tickers.mark", "spot")
    assert spot(SPOT_TICKER) is None
    assert isinstance(Heard("tickers", "spot")(SPOT_TICKER), Ticker)


def test_only_a_closed_bar_is_a_fact() -> None:
    heard = Heard("kline.5")
    candle = heard([BAR])
    assert isinstance(candle, Candle)
    assert (300 * NS_PER_SECOND, 16649.5, 16677.0, 34666.4005) == (
        candle.interval_ns, candle.open, candle.close, candle.quote_volume,
    )  # fmt: skip
    assert heard([BAR | {"confirm": False}]) is None
    with pytest.raises(FrameError, match="absurd_value"):
        heard([BAR | {"low": "16700"}])


def test_streams_are_known_by_their_exact_name() -> None:
    parser = Parser("bybit", "linear", ["BTCUSDT"])
    for stream in ("btcusdt@trade", "btcusdt@orderbook.2", "btcusdt@kline.7", "@tickers"):
        with pytest.raises(FrameError, match="unknown_stream"):
            parser.parse(frame(stream, message([])), 5)
    assert parser.parse(frame("btcusdt@kline.M", message([])), 5) is None
    assert parser.parse(frame("ethusdt@tickers", message([])), 5) is None
    assert {"kline.M": 1, "symbol_not_configured": 1} == parser.skipped
    assert 12 == len(INTERVALS)
