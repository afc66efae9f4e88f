"""Binance frames: what each stream becomes, what is skipped, and what is refused by name."""

import json
from typing import Any

import pytest

from petrosa.adapters.venues.binance.parse import INTERVALS, STREAMS, Parser
from petrosa.core.model.base import Side
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    Candle,
    Depth,
    InstrumentId,
    MarketEvent,
    MarkPrice,
    Ticker,
    Trade,
)
from petrosa.errors import FrameError

SPOT = InstrumentId("binance:spot:BTCUSDT")
USDM = InstrumentId("binance:usdm:BTCUSDT")
SEEN = 1_723_161_255_000_000_123
MS = 1_000_000

TRADE = {
    "e": "trade", "E": 1723161255343, "s": "BTCUSDT", "t": 3735683259, "p": "61837.63000000", "q": "0.02000000",
    "T": 1723161255342, "m": True, "M": True,
}  # fmt: skip
DIFF = {
    "e": "depthUpdate", "E": 1723161255208, "s": "BTCUSDT", "U": 189, "u": 202,
    "b": [["61737.63000000", "0.00000000"]], "a": [["61837.64000000", "1.54698000"]],
}  # fmt: skip
QUOTE = {"u": 212, "s": "BTCUSDT", "b": "61837.63", "B": "3.78826", "a": "61837.64", "A": "1.54698"}
BOOK = {"lastUpdateId": 218, "bids": [["10.5", "1"], ["10.4", "2"]], "asks": [["10.6", "3"]]}
KLINE = {
    "e": "kline", "E": 1653818820005, "s": "BTCUSDT",
    "k": {
        "t": 1653818760000, "T": 1653818819999, "s": "BTCUSDT", "i": "1m", "o": "29038.46", "c": "29038.47",
        "h": "29040.00", "l": "29030.00", "v": "0.20926", "n": 31, "x": True, "q": "6076.5", "V": "0.10436",
    },
}  # fmt: skip


def frame(stream: str, data: Any) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def parse(stream: str, data: Any, market: str = "spot") -> MarketEvent | None:
    return Parser("binance", market, None).parse(frame(stream, data), SEEN)


def refusal(stream: str, data: Any, market: str = "spot") -> str:
    with pytest.raises(FrameError) as raised:
        parse(stream, data, market)
    return raised.value.reason


def test_a_trade() -> None:
    """The buyer was the maker, so the seller was the aggressor; its time is the matching engine's."""
    expected = Trade(SPOT, 1723161255342 * MS, SEEN, 61837.63, 0.02, Side.SELL, 3735683259)
    assert expected == parse("btcusdt@trade", TRADE)


def test_an_aggregate_trade_counts_its_trades() -> None:
    """Ids 10 to 12 are three trades in one print."""
    data = {"e": "aggTrade", "E": 5, "s": "BTCUSDT", "a": 7, "p": "1.5", "q": "2", "f": 10, "l": 12, "T": 4, "m": False}
    assert Trade(USDM, 4 * MS, SEEN, 1.5, 2.0, Side.BUY, 7, 3) == parse("btcusdt@aggTrade", data, "usdm")


def test_a_futures_trade_off_the_market_is_skipped_and_counted() -> None:
    """An insurance fund's trade is no market trade, even with zeros in it."""
    parser = Parser("binance", "usdm", None)
    odd = TRADE | {"X": "INSURANCE_FUND", "p": "0", "q": "0"}
    assert parser.parse(frame("btcusdt@trade", odd), SEEN) is None
    assert {"trade_not_market": 1} == parser.skipped
    assert isinstance(parser.parse(frame("btcusdt@trade", TRADE | {"X": "MARKET"}), SEEN), Trade)


def test_a_spot_quote_takes_its_time_from_the_arrival() -> None:
    """Spot sends no time with the best bid and offer."""
    expected = BestQuote(SPOT, SEEN, SEEN, 212, 61837.63, 3.78826, 61837.64, 1.54698)
    assert expected == parse("btcusdt@bookTicker", QUOTE)


def test_a_futures_quote_has_its_own_time() -> None:
    """Futures send `T` with the best bid and offer, and a frame without it is not theirs."""
    event = parse("btcusdt@bookTicker", QUOTE | {"T": 9}, "usdm")
    assert BestQuote(USDM, 9 * MS, SEEN, 212, 61837.63, 3.78826, 61837.64, 1.54698) == event
    assert "malformed" == refusal("btcusdt@bookTicker", QUOTE, "usdm")


def test_differences_of_spot_and_futures() -> None:
    """Spot chains by first id and has `E` only; futures carry the previous id and `T`."""
    sides = (((61737.63, 0.0),), ((61837.64, 1.54698),))
    assert BookDiff(SPOT, 1723161255208 * MS, SEEN, 189, 202, None, *sides) == parse("btcusdt@depth@100ms", DIFF)
    futures = parse("btcusdt@depth@0ms", DIFF | {"T": 1723161255200, "pu": 180}, "usdm")
    assert BookDiff(USDM, 1723161255200 * MS, SEEN, 189, 202, 180, *sides) == futures


def test_depth_of_spot_has_neither_symbol_nor_time() -> None:
    """The stream's name and the arrival supply what the frame does not say."""
    expected = Depth(SPOT, SEEN, SEEN, 218, (10.5, 10.4), (1.0, 2.0), (10.6,), (3.0,))
    assert expected == parse("btcusdt@depth20", BOOK) == parse("btcusdt@depth20@100ms", BOOK)


def test_depth_of_futures_is_no_difference() -> None:
    """It has the shape of an update and is the whole truth about the best levels."""
    data = {"e": "depthUpdate", "E": 9, "T": 8, "s": "BTCUSDT", "U": 1, "u": 2, "pu": 0, "b": [["5", "1"]], "a": []}
    assert Depth(USDM, 8 * MS, SEEN, 2, (5.0,), (1.0,), (), ()) == parse("btcusdt@depth20@100ms", data, "usdm")
    assert isinstance(parse("btcusdt@depth@100ms", data, "usdm"), BookDiff)


def test_a_snapshot() -> None:
    """A REST answer in the stream is a snapshot, with the time of futures where it is sent."""
    levels = (((10.5, 1.0), (10.4, 2.0)), ((10.6, 3.0),))
    assert BookSnapshot(SPOT, SEEN, SEEN, 218, *levels) == parse("btcusdt@snapshot", BOOK)
    assert BookSnapshot(USDM, 7 * MS, SEEN, 218, *levels) == parse("btcusdt@snapshot", BOOK | {"T": 7}, "usdm")


def test_a_ticker() -> None:
    """Last price, volumes and change in percent of the last 24 hours."""
    data = {"e": "24hrTicker", "E": 3, "s": "BTCUSDT", "p": "1", "P": "-1.600", "c": "1792.84", "v": "4.5", "q": "8067"}
    assert Ticker(SPOT, 3 * MS, SEEN, 1792.84, 4.5, 8067.0, -1.6) == parse("btcusdt@ticker", data)


def test_a_mini_ticker_is_not_a_ticker() -> None:
    """Only the exact name of a stream counts."""
    parser = Parser("binance", "spot", None)
    assert parser.parse(frame("btcusdt@miniTicker", {"s": "BTCUSDT", "c": "1"}), SEEN) is None
    assert {"miniTicker": 1} == parser.skipped


def test_only_a_closed_kline_is_a_candle() -> None:
    """An open bar is skipped and counted."""
    expected = Candle(
        SPOT, 1653818820005 * MS, SEEN, 60_000 * MS, 1653818760000 * MS,
        29038.46, 29040.0, 29030.0, 29038.47, 0.20926, 6076.5, 31, 0.10436,
    )  # fmt: skip
    assert expected == parse("btcusdt@kline_1m", KLINE)
    assert parse("btcusdt@kline_1m", KLINE | {"k": KLINE["k"] | {"x": False}}) is None  # type: ignore[operator]


def test_a_kline_of_another_interval_is_refused() -> None:
    """What the frame says must be what the stream is."""
    assert "symbol_mismatch" == refusal("btcusdt@kline_5m", KLINE)


def test_a_mark_price() -> None:
    """Index and funding are 0 where the venue has none to send."""
    data = {"e": "markPriceUpdate", "E": 2, "s": "BTCUSDT", "p": "58940.15", "i": "58857.2", "r": "-0.0005", "T": 9}
    assert MarkPrice(USDM, 2 * MS, SEEN, 58940.15, 58857.2, -0.0005, 9 * MS) == parse(
        "btcusdt@markPrice@1s", data, "usdm"
    )
    bare = {"E": 2, "s": "BTCUSDT", "p": "58940.15", "r": "", "T": 0}
    assert MarkPrice(USDM, 2 * MS, SEEN, 58940.15, 0.0, 0.0, 0) == parse("btcusdt@markPrice", bare, "usdm")


def test_a_symbol_that_is_not_configured_is_counted() -> None:
    """It is neither parsed nor an error."""
    parser = Parser("binance", "spot", ["ETHUSDT"])
    assert parser.parse(frame("btcusdt@trade", TRADE), SEEN) is None
    assert {"symbol_not_configured": 1} == parser.skipped


def test_kinds_that_nobody_asked_for_pass_in_silence() -> None:
    """A reader of trades is not told how many quotes there were."""
    parser = Parser("binance", "spot", None, kinds=[Trade])
    assert parser.parse(frame("btcusdt@bookTicker", QUOTE), SEEN) is None
    assert isinstance(parser.parse(frame("btcusdt@trade", TRADE), SEEN), Trade)
    assert not parser.skipped


def test_of_two_streams_that_say_the_same_the_first_counts() -> None:
    """Trades recorded both single and aggregated are not counted twice."""
    parser = Parser("binance", "spot", None)
    both = TRADE | {"a": 1, "f": 3735683259, "l": 3735683259}
    assert isinstance(parser.parse(frame("btcusdt@trade", both), SEEN), Trade)
    assert parser.parse(frame("btcusdt@aggTrade", both), SEEN) is None
    assert isinstance(parser.parse(frame("btcusdt@trade", both), SEEN), Trade)
    assert {"second_stream_of_a_kind": 1} == parser.skipped


def test_klines_of_several_intervals_are_not_the_same() -> None:
    """Every interval is a stream of its own."""
    assert set(INTERVALS) == {name.removeprefix("kline_") for name in STREAMS if name.startswith("kline_")}
    parser = Parser("binance", "spot", None)
    five = KLINE | {"k": KLINE["k"] | {"i": "5m"}}  # type: ignore[operator]
    assert isinstance(parser.parse(frame("btcusdt@kline_1m", KLINE), SEEN), Candle)
    assert isinstance(parser.parse(frame("btcusdt@kline_5m", five), SEEN), Candle)


@pytest.mark.parametrize(
    ("reason", "payload"),
    [
        ("no_stream_name", b""),
        ("no_stream_name", b'{"result":null,"id":1}'),
        ("no_stream_name", b'{"data":{},"stream":"btcusdt@trade"}'),
        ("truncated", b'{"stream":"btcusdt@tra'),
        ("truncated", b'{"stream":"btcusdt@trade","data":{"s":"BTC'),
        ("unknown_stream", b'{"stream":"btcusdt@depth7","data":{}}'),
        ("unknown_stream", b'{"stream":"btcusdt@tickers","data":{}}'),
        ("unknown_stream", b'{"stream":"@trade","data":{}}'),
        ("unknown_stream", b'{"stream":"btc:usdt@trade","data":{}}'),
        ("not_json", b'{"stream":"btc\xffusdt@trade","data":{}}'),
        ("not_json", b'{"stream":"btcusdt@trade","data":{]}'),
        ("malformed", b'{"stream":"btcusdt@trade","data":{}}'),
        ("malformed", b'{"stream":"btcusdt@trade","data":[1]}'),
        ("malformed", b'{"stream":"btcusdt@trade"}'),
        ("malformed", b'{"stream":"btcusdt@trade","data":' + b"[" * 100_000),
    ],
)  # fmt: skip
def test_what_is_no_frame_is_refused_by_name(reason: str, payload: bytes) -> None:
    """Every refusal has a stable reason and a message short enough for a log line."""
    with pytest.raises(FrameError) as raised:
        Parser("binance", "spot", None).parse(payload, SEEN)
    assert reason == raised.value.reason
    assert len(str(raised.value)) < 400


@pytest.mark.parametrize(
    "change",
    [
        {"p": "0"}, {"p": "-1"}, {"p": "nan"}, {"p": "inf"}, {"p": "1e400"}, {"p": "1e13"}, {"p": "5e-324"}, {"q": "0"},
        {"q": "-2"}, {"q": "nan"}, {"T": 0}, {"T": 1723161255342123}, {"t": -1},
    ],
)  # fmt: skip
def test_an_absurd_trade_is_refused(change: dict[str, Any]) -> None:
    """No price, quantity or time that cannot be becomes a fact."""
    assert "absurd_value" == refusal("btcusdt@trade", TRADE | change)


@pytest.mark.parametrize(
    ("reason", "stream", "data"),
    [
        ("absurd_value", "btcusdt@depth@100ms", DIFF | {"b": [["0", "1"]]}),
        ("absurd_value", "btcusdt@depth@100ms", DIFF | {"b": [["nan", "1"]]}),
        ("absurd_value", "btcusdt@depth@100ms", DIFF | {"b": [["5e-324", "1"]]}),
        ("absurd_value", "btcusdt@depth@100ms", DIFF | {"a": [["1", "-1"]]}),
        ("absurd_value", "btcusdt@depth@100ms", DIFF | {"a": [["1", "nan"]]}),
        ("absurd_value", "btcusdt@depth@100ms", DIFF | {"U": 203}),
        ("malformed", "btcusdt@depth@100ms", DIFF | {"a": [["1"]]}),
        ("malformed", "btcusdt@depth@100ms", DIFF | {"a": [["1", "2", "3"]]}),
        ("symbol_mismatch", "btcusdt@depth@100ms", DIFF | {"s": "ETHUSDT"}),
        ("symbol_mismatch", "btcusdt@trade", TRADE | {"s": "ETHUSDT"}),
        ("symbol_mismatch", "btcusdt@bookTicker", QUOTE | {"s": "ETHUSDT"}),
        ("crossed_book", "btcusdt@bookTicker", QUOTE | {"b": "61837.64"}),
        ("crossed_book", "btcusdt@depth20", BOOK | {"bids": [["10.6", "1"]]}),
        ("crossed_book", "btcusdt@snapshot", BOOK | {"bids": [["10.6", "1"]]}),
        ("unsorted_book", "btcusdt@depth20", BOOK | {"bids": [["10.4", "1"], ["10.5", "1"]]}),
        ("unsorted_book", "btcusdt@snapshot", BOOK | {"asks": [["10.7", "1"], ["10.6", "1"]]}),
        ("absurd_value", "btcusdt@kline_1m", KLINE | {"k": KLINE["k"] | {"h": "1"}}),  # type: ignore[operator]
        ("absurd_value", "btcusdt@kline_1m", KLINE | {"k": KLINE["k"] | {"V": "9"}}),  # type: ignore[operator]
        ("absurd_value", "btcusdt@markPrice", {"E": 2, "s": "BTCUSDT", "p": "1", "r": "7"}),
        ("malformed", "btcusdt@markPrice", {"E": 2, "s": "BTCUSDT", "p": "1", "r": "much"}),
        ("absurd_value", "btcusdt@aggTrade", TRADE | {"a": 1, "f": 5, "l": 4}),
    ],
)  # fmt: skip
def test_absurd_books_and_mismatches_are_refused(reason: str, stream: str, data: Any) -> None:
    """A crossed or unsorted book, ids that run backwards, or another symbol's data never become facts."""
    assert reason == refusal(stream, data)


def test_streams_of_a_whole_market_are_skipped() -> None:
    """They are known, and counted under their own name."""
    parser = Parser("binance", "spot", None)
    assert parser.parse(frame("!ticker@arr", []), SEEN) is None
    assert {"!ticker@arr": 1} == parser.skipped


def test_garbage_names_do_not_fill_the_memory() -> None:
    """More streams than are remembered still parse."""
    parser = Parser("binance", "spot", None)
    for number in range(5_000):
        assert isinstance(parser.parse(frame(f"s{number}@snapshot", BOOK), SEEN), BookSnapshot)
    assert 4_096 == len(parser._routes)
