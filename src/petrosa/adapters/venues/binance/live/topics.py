"""What a raw market frame is about, seen from outside: by its stream's name, without decoding it."""

from functools import lru_cache
from typing import Final, NamedTuple

from petrosa.adapters.feeds.parser import PREFIX, START

NAMES_KEPT: Final = 8_192
NEWEST_ONLY: Final = ("bookTicker", "depth5", "depth10", "depth20", "ticker", "miniTicker")
"""Streams of which only the newest frame matters. Trades, differences of a book, bars, liquidations and mark prices,
in which funding is told, are not among them."""


class Topic(NamedTuple):
    """`conflate` when a newer frame of the same stream makes this one pointless."""

    symbol: str
    stream: str
    conflate: bool


NO_TOPIC: Final = Topic("", "", False)


def topic_of(payload: bytes) -> Topic:
    """`BTCUSDT`, `depth20@100ms`, True of `{"stream":"btcusdt@depth20@100ms",…`; `NO_TOPIC` for any other message."""
    if payload[:START] != PREFIX:
        return NO_TOPIC
    end = payload.find(b'"', START, START + 100)
    return _named(payload[START:end]) if end > START else NO_TOPIC


@lru_cache(NAMES_KEPT)
def _named(name: bytes) -> Topic:
    symbol, mark, stream = name.decode(errors="replace").partition("@")
    if not mark or symbol.startswith("!"):
        return NO_TOPIC
    return Topic(symbol.upper(), stream, stream.partition("@")[0] in NEWEST_ONLY)
