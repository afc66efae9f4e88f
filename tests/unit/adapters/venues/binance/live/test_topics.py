"""What a raw frame is about, by its stream's name."""

import pytest

from petrosa.adapters.venues.binance.live.topics import NO_TOPIC, topic_of


@pytest.mark.parametrize(
    ("stream", "conflate"),
    [
        ("bookTicker", True), ("depth20@100ms", True), ("markPrice@1s", False), ("markPrice", False), ("ticker", True),
        ("trade", False), ("aggTrade", False), ("depth@100ms", False), ("depth", False), ("kline_1m", False),
        ("forceOrder", False), ("tickerX", False),
    ],
)  # fmt: skip
def test_quotes_and_books_may_be_conflated_and_trades_never(stream: str, conflate: bool) -> None:
    frame = b'{"stream":"btcusdt@%b","data":{"s":"BTCUSDT"}}' % stream.encode()
    assert ("BTCUSDT", stream, conflate) == topic_of(frame)


@pytest.mark.parametrize(
    "frame",
    [
        b"", b"{}", b'{"e":"serverShutdown"}', b'{"stream":"!bookTicker","data":{}}', b'{"stream":"key","data":{}}',
        b'{"stream":"' + b"a" * 200 + b'@trade"', b'{"stream":"btcusdt@trade', b'{"stream": "btcusdt@trade"}',
    ],
)  # fmt: skip
def test_other_messages_have_no_topic_and_are_not_conflated(frame: bytes) -> None:
    assert NO_TOPIC is topic_of(frame)


def test_names_that_are_not_text_harm_nothing() -> None:
    assert not topic_of(b'{"stream":"\xff\xfe@trade","data":{}}').conflate
