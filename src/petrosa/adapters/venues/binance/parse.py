"""Bytes and an arrival time in, market facts out; pure but for its counters.

A frame is what a combined stream sends: `{"stream":"btcusdt@trade","data":{…}}`. The stream's exact name decides what
it is: `@miniTicker` is not `@ticker`, and differences (`@depth@100ms`) are not depth (`@depth20@100ms`).
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.venues.binance import routes
from petrosa.adapters.venues.binance.routes import Maker, Route, Stream
from petrosa.core.model.market import (
    BestQuote,
    BookDiff,
    BookSnapshot,
    Candle,
    Depth,
    MarketEvent,
    MarkPrice,
    Ticker,
    Trade,
    instrument_id,
)
from petrosa.errors import FrameError

PREFIX: Final = b'{"stream":"'
START: Final = len(PREFIX)
ROUTES_MAX: Final = 4_096
"""Streams remembered; the next ones are still parsed, only slower, so that garbage cannot fill the memory."""

INTERVALS: Final = ("1s", "1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w")
SKIPPED: Final = frozenset(
    {
        "miniTicker", "forceOrder", "avgPrice", "kline_1M", "referencePrice", "blockTrade", "rpiDepth@500ms",
        *(f"depth{levels}{speed}" for levels in (5, 10) for speed in ("", "@100ms", "@250ms", "@500ms", "@1000ms")),
        *(f"ticker_{window}" for window in ("1h", "4h", "1d")),
    }
)  # fmt: skip
"""Streams of a symbol that exist and say nothing we use."""

ALL_MARKET: Final = frozenset(
    {
        "!ticker@arr", "!miniTicker@arr", "!bookTicker", "!markPrice@arr", "!markPrice@arr@1s", "!forceOrder@arr",
        "!contractInfo", "!assetIndex@arr",
    }
)  # fmt: skip
"""Streams of a whole market: subscribe per symbol instead, so that state has one owner per symbol."""

COIN_MARGINED: Final = re.compile(r"[A-Z0-9]+USD_(PERP|[0-9]{6})")
"""Symbols of COIN-M: quantities are contracts of so many dollars, which no field of a frame says."""

OPTION: Final = re.compile(r"[A-Z0-9]+-[0-9]{6}-[0-9.]+-[CP]|[A-Z0-9]+_[CP]")
OPTION_STREAMS: Final = frozenset({"TRADE_ALL", "TICKER_ALL"})

_RANGE: Final = re.compile(r"Expected `(float|int)` [<>]|out of range")


class Kind(NamedTuple):
    """What a stream's frames become, and by what."""

    event: type[MarketEvent]
    spot: Maker
    futures: Maker


class Foreign(NamedTuple):
    """Frames in the stream that no venue sent: what they become, and what makes a route from the stream's first part.

    `make` raises `FrameError` for a first part that there is not.
    """

    event: type[MarketEvent]
    make: Callable[[str], Route]


NO_FOREIGN: Final[Mapping[str, Foreign]] = MappingProxyType({})

TRADE: Final = Kind(Trade, routes.trade, routes.trade)
AGG_TRADE: Final = Kind(Trade, routes.agg_trade, routes.agg_trade)
QUOTE: Final = Kind(BestQuote, routes.spot_quote, routes.futures_quote)
DIFF: Final = Kind(BookDiff, routes.spot_diff, routes.futures_diff)
DEPTH: Final = Kind(Depth, routes.spot_depth, routes.futures_depth)
SNAPSHOT: Final = Kind(BookSnapshot, routes.snapshot, routes.snapshot)
TICKER: Final = Kind(Ticker, routes.ticker, routes.ticker)
MARK: Final = Kind(MarkPrice, routes.mark_price, routes.mark_price)

STREAMS: Final[Mapping[str, Kind]] = {
    "trade": TRADE,
    "aggTrade": AGG_TRADE,
    "bookTicker": QUOTE,
    "ticker": TICKER,
    "snapshot": SNAPSHOT,
    **dict.fromkeys(("markPrice", "markPrice@1s"), MARK),
    **dict.fromkeys(("depth", "depth@0ms", "depth@100ms", "depth@250ms", "depth@500ms", "depth@1000ms"), DIFF),
    **dict.fromkeys(("depth20", "depth20@100ms", "depth20@250ms", "depth20@500ms", "depth20@1000ms"), DEPTH),
    **{f"kline_{text}": Kind(Candle, routes.kline(text), routes.kline(text)) for text in INTERVALS},
}
"""Everything after the first `@` of a stream's name, exactly, and what it is."""


class Parser:
    """Parses the frames of one market. `skipped` counts known frames that are not facts for us, by reason.

    `first_skipped` has in words the first of those that a person may not have meant to skip.

    Of two streams that say the same of a symbol (`trade` and `aggTrade`, `depth@0ms` and `depth@100ms`) the first one
    heard counts and the other is skipped, so that nothing is counted twice.
    """

    def __init__(
        self, venue: str, market: str, symbols: Collection[str] | None,
        kinds: Collection[type[MarketEvent]] | None = None, foreign: Mapping[str, Foreign] = NO_FOREIGN,
    ) -> None:  # fmt: skip
        """`symbols` and `kinds` limit what is parsed; None takes everything.

        `foreign` has, by the suffix of their stream, the frames that are in the stream and not of the venue.
        """
        self.venue = venue
        self.market = market
        self.skipped: Counter[str] = Counter()
        self.first_skipped: dict[str, str] = {}
        self._symbols = None if symbols is None else frozenset(symbols)
        self._kinds = None if kinds is None else frozenset(kinds)
        self._foreign = foreign
        self._routes: dict[bytes, Route] = {}
        self._claimed: dict[tuple[str, type[MarketEvent], str], str] = {}

    def parse(self, payload: bytes, ts_seen: int) -> MarketEvent | None:
        """The fact in a frame; None for a known frame that is skipped. Raises `FrameError` and nothing else."""
        try:
            route = self._routes.get(payload[START : payload.index(b'"', START)]) if payload[:START] == PREFIX else None
            return (route or self._route(payload))(payload, ts_seen)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise _refused(error, payload) from None

    def _route(self, payload: bytes) -> Route:
        if payload[:START] != PREFIX:
            raise FrameError("no_stream_name", f"a frame must begin with {PREFIX.decode()}, got {_shown(payload)}")
        name = payload[START : payload.index(b'"', START)]
        stream = name.decode()
        route = self._make(stream)
        if len(self._routes) < ROUTES_MAX:
            self._routes[name] = route
        return route

    def _make(self, stream: str) -> Route:
        if stream in ALL_MARKET:
            return self._skip(stream)
        lower, _, suffix = stream.partition("@")
        if suffix in self._foreign:
            return self._make_foreign(lower, self._foreign[suffix])
        symbol = lower.upper()
        kind = STREAMS.get(suffix)
        if COIN_MARGINED.fullmatch(symbol):
            raise FrameError("coin_margined", f"stream {stream[:60]!r} is of COIN-M, which is not traded here")
        if OPTION.fullmatch(symbol) or suffix in OPTION_STREAMS:
            raise FrameError("option", f"stream {stream[:60]!r} is of options, which are not traded here")
        if not symbol.replace("_", "").isalnum() or (kind is None and suffix not in SKIPPED):
            raise FrameError("unknown_stream", f"stream {stream[:60]!r} is not one that Binance documents")
        if self._symbols is not None and symbol not in self._symbols:
            self.first_skipped.setdefault(
                "symbol_not_configured",
                f"stream {stream[:60]!r}: {symbol[:40]} is not among the symbols of this run; add it to feed.symbols",
            )
            return self._skip("symbol_not_configured")
        if kind is None:
            return self._skip(suffix)
        if self._kinds is not None and kind.event not in self._kinds:
            return _nothing
        key = (symbol, kind.event, suffix if kind.event is Candle else "")
        if self._claimed.setdefault(key, suffix) != suffix:
            return self._skip("second_stream_of_a_kind")
        maker = kind.spot if self.market == "spot" else kind.futures
        return maker(Stream(instrument_id(self.venue, self.market, symbol), symbol, self.skipped))

    def _make_foreign(self, source: str, foreign: Foreign) -> Route:
        route = foreign.make(source)  # before anything is left aside: what names no source is a fault
        return route if self._kinds is None or foreign.event in self._kinds else _nothing

    def _skip(self, reason: str) -> Route:
        skipped = self.skipped

        def route(_payload: bytes, _ts_seen: int) -> None:
            skipped[reason] += 1

        return route


def _nothing(_payload: bytes, _ts_seen: int) -> None:
    """A stream nobody asked for."""


def _refused(error: Exception, payload: bytes) -> FrameError:
    message = str(error)
    if isinstance(error, msgspec.ValidationError):
        reason = "absurd_value" if _RANGE.search(message) else "malformed"
    elif isinstance(error, msgspec.DecodeError):
        reason = "truncated" if "truncated" in message else "not_json"
    elif isinstance(error, UnicodeDecodeError):
        reason, message = "not_json", "not UTF-8"
    elif isinstance(error, RecursionError):
        reason, message = "malformed", "nested too deeply"
    else:
        reason, message = "truncated", "the stream's name does not end"
    return FrameError(reason, f"{message}; frame {_shown(payload)}")


def _shown(payload: bytes) -> str:
    """The beginning of a frame, short enough for a log line."""
    return repr(payload[:80].decode(errors="replace")) + ("…" if len(payload) > 80 else "")
