"""Which streams are listened to: the kinds that a person names, and what the venue calls them."""

import difflib
from collections.abc import Mapping, Sequence
from typing import Final

from petrosa.adapters.venues.binance.parse import INTERVALS
from petrosa.apps.settings import Settings
from petrosa.errors import ConfigError

KLINE: Final = "kline"
STREAM_OF: Final[Mapping[str, str]] = {
    "trade": "trade",
    "agg_trade": "aggTrade",
    "ticker": "ticker",
    "depth20": "depth20@100ms",
    "depth": "depth@100ms",
    "book_ticker": "bookTicker",
    "mark_price": "markPrice@1s",
    "liquidation": "forceOrder",
}
FUTURES_ONLY: Final = ("mark_price", "liquidation")
DEFAULT: Final[Mapping[str, Sequence[str]]] = {
    "spot": ("trade", "ticker", "depth20", "book_ticker"),
    "usdm": ("agg_trade", "ticker", "depth20", "book_ticker", "mark_price"),
}


def streams_of(settings: Settings) -> tuple[str, ...]:
    """The venue's names of the configured kinds, each once, as `LiveFeed` takes them. Raises `ConfigError`."""
    market = settings.feed.market
    found: dict[str, None] = {}
    for kind in settings.feed.streams or DEFAULT[market]:
        if kind == KLINE:
            found |= dict.fromkeys(f"kline_{_interval(text)}" for text in settings.feed.kline_intervals)
        elif kind not in STREAM_OF:
            raise ConfigError(_unknown("feed.streams", kind, [*STREAM_OF, KLINE]))
        elif market == "spot" and kind in FUTURES_ONLY:
            raise ConfigError(f"feed.streams: {kind} is a stream of futures, and feed.market is spot; leave it out")
        else:
            found[STREAM_OF[kind]] = None
    if not found:
        raise ConfigError("feed.kline_intervals is empty, and feed.streams asks for kline alone; name one, as 1m")
    return tuple(found)


def _interval(text: str) -> str:
    if text not in INTERVALS:
        raise ConfigError(_unknown("feed.kline_intervals", text, INTERVALS))
    return text


def _unknown(key: str, text: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(text, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{key}: {text!r} is none; {hint}There are {', '.join(known)}"
