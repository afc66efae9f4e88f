"""What a stream's name says: its path, and what numbers its frames."""

import pytest

from petrosa.adapters.feeds.dialect import Key
from petrosa.adapters.venues.binance.live.stream_kinds import key_of, path_of

FRAMES: dict[str, tuple[bytes, Key]] = {
    "trade": (b'{"e":"trade","E":9,"t":12,"p":"1"}', (12,)),
    "aggTrade": (b'{"e":"aggTrade","E":9,"a":13,"f":1,"l":2}', (13,)),
    "bookTicker": (b'{"u":14,"s":"BTCUSDT","b":"1"}', (14,)),
    "depth": (b'{"e":"depthUpdate","E":9,"U":10,"u":15,"b":[],"a":[]}', (15,)),
    "depth@100ms": (b'{"e":"depthUpdate","E":9,"U":10,"u":15,"pu":9,"b":[],"a":[]}', (15,)),
    "depth20@100ms": (b'{"lastUpdateId":16,"bids":[],"asks":[]}', (16,)),
    "depth5": (b'{"e":"depthUpdate","E":9,"u":17,"b":[],"a":[]}', (17,)),
    "ticker": (b'{"e":"24hrTicker","E":18,"a":"1.5"}', (18, 0, 0)),
    "kline_1m": (b'{"e":"kline","E":19,"k":{"t":60,"L":7,"x":false}}', (19, 60, 7)),
    "markPrice@1s": (b'{"e":"markPriceUpdate","E":20,"p":"1"}', (20, 0, 0)),
    "forceOrder": (b'{"e":"forceOrder","E":21,"o":{}}', (21, 0, 0)),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_every_kind_has_a_number(kind: str) -> None:
    data, key = FRAMES[kind]
    frame = b'{"stream":"btcusdt@%b","data":%b}' % (kind.encode(), data)
    assert key == key_of(f"btcusdt@{kind}", frame)


@pytest.mark.parametrize("data", [b"{}", b'{"t":"x"}', b"[]", b"", b'{"t":1,'])
def test_what_cannot_be_read_has_none(data: bytes) -> None:
    for kind in FRAMES:
        assert key_of(f"a@{kind}", b'{"stream":"a","data":%b}' % data) is None


def test_a_bar_that_closes_comes_before_the_next_one_of_the_same_moment() -> None:
    closed = b'{"stream":"a@kline_1m","data":{"E":60,"k":{"t":0,"L":7,"x":true}}}'
    opened = b'{"stream":"a@kline_1m","data":{"E":60,"k":{"t":60,"L":8,"x":false}}}'
    before, after = key_of("a@kline_1m", closed), key_of("a@kline_1m", opened)
    assert before is not None
    assert after is not None
    assert before < after


def test_futures_have_two_paths_and_spot_has_one() -> None:
    for kind in ("depth20@100ms", "depth@100ms", "bookTicker", "trade", "rpiDepth@500ms"):
        assert "public" == path_of("usdm", f"btcusdt@{kind}")
    for kind in ("aggTrade", "ticker", "kline_5m", "markPrice@1s", "forceOrder", "miniTicker"):
        assert "market" == path_of("usdm", f"btcusdt@{kind}")
    assert "public" == path_of("usdm", "!bookTicker")
    assert "spot" == path_of("spot", "btcusdt@depth20@100ms")
    assert {""} == {path_of("spot", f"btcusdt@{kind}") for kind in ("markPrice@1s", "forceOrder")}
