"""Trades over REST become the frames that the stream would have sent."""

import json

import pytest

from petrosa.adapters.venues.binance.live.trade_frames import SOURCES, read_rows, reader, trades_from
from petrosa.adapters.venues.binance.parse import Parser
from petrosa.core.model.base import Side
from petrosa.core.model.market import Trade
from petrosa.errors import DataError

ROWS = {
    "trade": [
        {
            "id": 28_458, "price": "4.00000100", "qty": "12.00000000", "quoteQty": "48.000012", "time": 1499865549590,
            "isBuyerMaker": True, "isBestMatch": True,
        },
        {"id": 28_457, "price": "4.5", "qty": "1", "quoteQty": "4.5", "time": 1499865549500, "isBuyerMaker": False},
    ],
    "aggTrade": [
        {"a": 28_457, "p": "4.5", "q": "1", "f": 100, "l": 101, "T": 1499865549500, "m": False, "M": True},
        {
            "a": 28_458, "p": "4.00000100", "q": "12.00000000", "f": 102, "l": 102, "T": 1499865549590, "m": True,
            "nq": "12",
        },
    ],
}  # fmt: skip


@pytest.mark.parametrize(("market", "kind"), SOURCES)
def test_rows_read_back_as_the_trades_they_are(market: str, kind: str) -> None:
    """In the order of their ids, with the venue's own digits."""
    prints = read_rows(market, kind, "BTCUSDT", json.dumps(ROWS[kind]).encode())
    assert [28_457, 28_458] == [one.number for one in prints]
    assert prints == [reader(kind)(one.frame) for one in prints]
    parser = Parser("binance", market, ["BTCUSDT"])
    first, second = (parser.parse(one.frame, 5) for one in prints)
    assert isinstance(first, Trade)
    assert isinstance(second, Trade)
    assert (4.5, 1.0, Side.BUY, 28_457) == (first.price, first.quantity, first.aggressor, first.trade_id)
    assert (4.000001, 12.0, Side.SELL, 1) == (second.price, second.quantity, second.aggressor, second.count)
    assert (1499865549590 * 10**6, 5) == (second.ts_event, second.ts_seen)
    assert b'"p":"4.00000100"' in prints[1].frame
    assert {} == parser.skipped


@pytest.mark.parametrize("body", [b"", b"{}", b'[{"id":"x"}]', b'[{"a":1}]', b"null"])
@pytest.mark.parametrize("kind", ["trade", "aggTrade"])
def test_an_answer_that_is_no_trades_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(DataError, match="BTCUSDT: not trades"):
        read_rows("spot", kind, "BTCUSDT", body)


def test_no_more_is_asked_for_than_one_answer_may_hold() -> None:
    many, few = trades_from("usdm", "trade", "BTCUSDT", 7, 10_000), trades_from("spot", "aggTrade", "BTCUSDT", 7, 3)
    assert ("/fapi/v1/historicalTrades", {"symbol": "BTCUSDT", "fromId": "7", "limit": "500"}) == many[1:3]
    assert ("/api/v3/aggTrades", {"symbol": "BTCUSDT", "fromId": "7", "limit": "3"}) == few[1:3]
    assert (20, 4, False) == (many.weight, few.weight, few.signed)
