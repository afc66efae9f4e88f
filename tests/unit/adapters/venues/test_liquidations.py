"""Liquidations as Binance and Bybit tell them, and the one fact that they become."""

import json
from typing import Any

import pytest

from petrosa.adapters.feeds.parser import Parser
from petrosa.adapters.venues.binance import parse as binance
from petrosa.adapters.venues.binance.render import Renderer
from petrosa.adapters.venues.bybit import parse as bybit
from petrosa.core.model.base import NS_PER_MS, Side
from petrosa.core.model.market import BestQuote, InstrumentId, Liquidation, MarkPrice, Trade
from petrosa.errors import FrameError
from tests.kit.instruments import instrument

SEEN = 1_568_014_460_900 * NS_PER_MS
FORCED: dict[str, Any] = {
    "s": "BTCUSDT", "S": "SELL", "o": "LIMIT", "f": "IOC", "q": "0.014", "p": "9910", "ap": "9920.5", "X": "FILLED",
    "l": "0.014", "z": "0.014", "T": 1568014460893,
}  # fmt: skip
CLOSED: dict[str, Any] = {"T": 1568014460893, "s": "BTCUSDT", "S": "Buy", "v": "0.014", "p": "9910"}
MINE, ARRAY, BYBIT = "btcusdt@forceOrder", "!forceOrder@arr", "btcusdt@allLiquidation"


def frame(stream: str, data: Any) -> bytes:
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def forced(stream: str = MINE, **change: Any) -> bytes:
    return frame(stream, {"e": "forceOrder", "E": 1568014460894, "o": FORCED | change})


def closed(*rows: dict[str, Any]) -> bytes:
    return frame(BYBIT, {"topic": "allLiquidation.BTCUSDT", "type": "snapshot", "ts": 1568014460900, "data": rows})


def of_binance(*symbols: str) -> Parser:
    return binance.Parser("binance", "usdm", symbols or None)


def of_bybit() -> Parser:
    return bybit.Parser("bybit", "linear", None)


def fact(venue: str, side: Side, average: float) -> Liquidation:
    key = InstrumentId(f"{venue}:BTCUSDT")
    return Liquidation(key, 1568014460893 * NS_PER_MS, SEEN, side, 0.014, 9910.0, average)


def test_a_closed_long_is_a_sell_of_either_venue() -> None:
    """Binance names the side of the order that closes it, Bybit that of the position."""
    assert fact("binance:usdm", Side.SELL, 9920.5) == of_binance().parse(forced(), SEEN)
    assert fact("bybit:linear", Side.SELL, 0.0) == of_bybit().parse(closed(CLOSED), SEEN)


def test_a_closed_short_is_a_buy_of_either_venue() -> None:
    assert fact("binance:usdm", Side.BUY, 9920.5) == of_binance().parse(forced(S="BUY"), SEEN)
    assert fact("bybit:linear", Side.BUY, 0.0) == of_bybit().parse(closed(CLOSED | {"S": "Sell"}), SEEN)


def test_what_was_filled_counts_and_nothing_else() -> None:
    """Of an order that expires the rest has closed nothing; one without a fill is counted and is no fact."""
    parser = of_binance()
    part = parser.parse(forced(X="EXPIRED", z="0.004"), SEEN)
    assert isinstance(part, Liquidation)
    assert 0.004 == part.quantity
    assert parser.parse(forced(X="EXPIRED", ap="0", z="0"), SEEN) is None
    assert {"liquidation_unfilled": 1} == parser.skipped


def test_the_stream_of_all_symbols_is_read_for_those_that_are_asked_for() -> None:
    """One liquidation a frame, whatever its name says; others are counted, and nobody is to be warned of them."""
    parser = of_binance("BTCUSDT")
    assert fact("binance:usdm", Side.SELL, 9920.5) == parser.parse(forced(ARRAY), SEEN)
    assert parser.parse(forced(ARRAY, s="ETHUSDT"), SEEN) is None
    assert ({"other_symbol": 1}, {}) == (parser.skipped, parser.first_skipped)


def test_what_two_streams_say_is_heard_once() -> None:
    """The first that is heard of a symbol counts; the other one may be the first of another symbol."""
    parser = of_binance()
    assert isinstance(parser.parse(forced(ARRAY), SEEN), Liquidation)
    assert parser.parse(forced(), SEEN) is None
    assert isinstance(parser.parse(forced("ethusdt@forceOrder", s="ETHUSDT"), SEEN), Liquidation)
    assert parser.parse(forced(ARRAY, s="ETHUSDT"), SEEN) is None
    assert {"second_stream_of_a_kind": 2} == parser.skipped


def test_best_quotes_of_all_symbols_are_read_too() -> None:
    quote = {"e": "bookTicker", "u": 7, "s": "ETHUSDT", "b": "1.5", "B": "2", "a": "1.6", "A": "3", "T": 9, "E": 10}
    key = InstrumentId("binance:usdm:ETHUSDT")
    expected = BestQuote(key, 9 * NS_PER_MS, SEEN, 7, 1.5, 2.0, 1.6, 3.0)
    assert expected == of_binance().parse(frame("!bookTicker", quote), SEEN)


def test_kinds_that_nobody_asked_for_are_not_made() -> None:
    parser = binance.Parser("binance", "usdm", None, (Trade,))
    assert [None, None] == [parser.parse(forced(stream), SEEN) for stream in (MINE, ARRAY)]
    assert not parser.skipped


@pytest.mark.parametrize("stream", ["!markPrice@arr", "!markPrice@arr@1s", "!ticker@arr", "!miniTicker@arr"])
def test_a_frame_of_many_symbols_is_left_aside_by_name(stream: str) -> None:
    parser = of_binance()
    assert parser.parse(frame(stream, [{"s": "BTCUSDT"}]), SEEN) is None
    assert {stream: 1} == parser.skipped


@pytest.mark.parametrize("stream", [MINE, ARRAY])
@pytest.mark.parametrize(
    ("change", "reason"),
    [({"p": "0"}, "absurd_value"), ({"ap": "-1"}, "absurd_value"), ({"z": "nan"}, "absurd_value"),
     ({"T": 1568014460893000}, "absurd_value"), ({"S": "Sell"}, "malformed"), ({"s": "BTC-USDT"}, "unknown_stream"),
     ({"s": "BTCUSD_PERP"}, "coin_margined"), ({"s": 5}, "malformed")],
)  # fmt: skip
def test_one_that_cannot_be_is_refused_by_name(stream: str, change: dict[str, Any], reason: str) -> None:
    """The stream of one symbol says so of every other one."""
    mismatch = stream == MINE and isinstance(change.get("s"), str)
    with pytest.raises(FrameError) as refused:
        of_binance().parse(forced(stream, **change), SEEN)
    assert ("symbol_mismatch" if mismatch else reason) == refused.value.reason


@pytest.mark.parametrize(
    ("rows", "reason"),
    [([CLOSED | {"v": "0"}], "absurd_value"), ([CLOSED | {"p": "0"}], "absurd_value"), ([], "malformed"),
     ([CLOSED, CLOSED], "malformed"), ([CLOSED | {"S": "SELL"}], "malformed"),
     ([CLOSED | {"s": "ETHUSDT"}], "symbol_mismatch")],
)  # fmt: skip
def test_a_message_of_bybit_that_cannot_be_is_refused_by_name(rows: list[dict[str, Any]], reason: str) -> None:
    """A feed hands on one liquidation a frame."""
    with pytest.raises(FrameError) as refused:
        of_bybit().parse(closed(*rows), SEEN)
    assert reason == refused.value.reason


def test_it_is_rendered_as_binance_sends_it() -> None:
    rules = instrument(market="usdm", tick="0.10", step="0.001")
    told = fact("binance:usdm", Side.BUY, 9920.5)
    assert told == of_binance().parse(Renderer({rules.id: rules}).render(told), SEEN)


def test_spot_has_none() -> None:
    """Nor marks: what a market cannot say is not rendered for it."""
    rules = instrument(market="spot")
    writers = Renderer({rules.id: rules})._streams[rules.id].writers
    assert {Liquidation, MarkPrice}.isdisjoint(writers)
