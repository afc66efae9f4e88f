"""Bytes and an arrival time in, market facts out; pure but for its counters and for what a stream has said before.

A frame is `{"stream":"btcusdt@trade","data":{…}}`, as Binance's combined streams send it and as feeds of other venues
name theirs. The stream's exact name decides what it is.
"""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from petrosa.adapters.wire.refusals import refused, shown
from petrosa.core.model.market import Candle, InstrumentId, MarketEvent, instrument_id
from petrosa.errors import FrameError

PREFIX: Final = b'{"stream":"'
START: Final = len(PREFIX)
ROUTES_MAX: Final = 4_096
"""Streams remembered; the next ones are still parsed, only slower, so that garbage cannot fill the memory."""

Route = Callable[[bytes, int], MarketEvent | None]


class Stream(NamedTuple):
    """What a maker is told: whose stream it is, and where to count the frames that are no facts."""

    instrument: InstrumentId
    symbol: str
    skipped: Counter[str]


Maker = Callable[[Stream], Route]


class Kind(NamedTuple):
    """What a stream's frames become, and by what."""

    event: type[MarketEvent]
    spot: Maker
    futures: Maker


class Shared(NamedTuple):
    """A stream of all symbols of a market each of whose frames is about one, which `symbol_in` reads.

    `suffix` names the stream of a symbol that says the same.
    """

    suffix: str
    symbol_in: Callable[[bytes], str]


class Foreign(NamedTuple):
    """Frames in the stream that no venue sent: what they become, and what makes a route from the stream's first part.

    `make` raises `FrameError` for a first part that there is not.
    """

    event: type[MarketEvent]
    make: Callable[[str], Route]


NO_FOREIGN: Final[Mapping[str, Foreign]] = MappingProxyType({})
NO_SHARED: Final[Mapping[str, Shared]] = MappingProxyType({})


class Table:
    """The streams of a symbol that a venue has, by everything after the first `@` of their names.

    `skipped` are those that say nothing we use, `all_market` whole names of streams of a whole market that are left
    aside, `shared` of those that are read; `marks` may stand in a symbol beside letters and digits. `not_traded`
    refuses, by (symbol, suffix), what is of another market.
    """

    def __init__(
        self, venue: str, streams: Mapping[str, Kind], skipped: Collection[str], all_market: Collection[str],
        marks: str, not_traded: Callable[[str, str], FrameError | None] = lambda _symbol, _suffix: None,
        shared: Mapping[str, Shared] = NO_SHARED,
    ) -> None:  # fmt: skip
        self.venue = venue
        self.streams = streams
        self.skipped = skipped
        self.all_market = all_market
        self.not_traded = not_traded
        self.shared = shared
        self.marks = str.maketrans("", "", marks)


class Parser:
    """Parses the frames of one market. `skipped` counts known frames that are not facts for us, by reason.

    `first_skipped` has in words the first of those that a person may not have meant to skip.

    Of two streams that say the same of a symbol (`trade` and `aggTrade`, `depth@0ms` and `depth@100ms`) the first one
    heard counts and the other is skipped, so that nothing is counted twice.
    """

    def __init__(
        self, table: Table, venue: str, market: str, symbols: Collection[str] | None,
        kinds: Collection[type[MarketEvent]] | None = None, foreign: Mapping[str, Foreign] = NO_FOREIGN,
    ) -> None:  # fmt: skip
        """`symbols` and `kinds` limit what is parsed; None takes everything.

        `foreign` has, by the suffix of their stream, the frames that are in the stream and not of the venue.
        """
        self.venue = venue
        self._table = table
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
            raise refused(error, payload) from None

    def _route(self, payload: bytes) -> Route:
        if payload[:START] != PREFIX:
            raise FrameError("no_stream_name", f"a frame must begin with {PREFIX.decode()}, got {shown(payload)}")
        name = payload[START : payload.index(b'"', START)]
        stream = name.decode()
        route = self._make(stream)
        if len(self._routes) < ROUTES_MAX:
            self._routes[name] = route
        return route

    def _make(self, stream: str) -> Route:
        if stream in self._table.all_market:
            return self._skip(stream)
        if stream in self._table.shared:
            return self._make_shared(stream, self._table.shared[stream])
        lower, _, suffix = stream.partition("@")
        if suffix in self._foreign:
            return self._make_foreign(lower, self._foreign[suffix])
        symbol = lower.upper()
        self._check(stream, symbol, suffix)
        if self._symbols is not None and symbol not in self._symbols:
            self.first_skipped.setdefault(
                "symbol_not_configured",
                f"stream {stream[:60]!r}: {symbol[:40]} is not among the symbols of this run; add it to feed.symbols",
            )
            return self._skip("symbol_not_configured")
        kind = self._table.streams.get(suffix)
        return self._skip(suffix) if kind is None else self._make_known(symbol, kind, suffix, suffix)

    def _check(self, stream: str, symbol: str, suffix: str) -> None:
        """Raises `FrameError` for a stream that there is not, or that is of another market."""
        table = self._table
        elsewhere = table.not_traded(symbol, suffix)
        if elsewhere is not None:
            raise elsewhere
        is_known = suffix in table.streams or suffix in table.skipped
        if not symbol.translate(table.marks).isalnum() or not is_known:
            raise FrameError("unknown_stream", f"stream {stream[:60]!r} is not one that {table.venue} documents")

    def _make_known(self, symbol: str, kind: Kind, suffix: str, source: str) -> Route:
        """`source` is the stream that says it, by which a second one is told from the first."""
        if self._kinds is not None and kind.event not in self._kinds:
            return _nothing
        key = (symbol, kind.event, suffix if kind.event is Candle else "")
        if self._claimed.setdefault(key, source) != source:
            return self._skip("second_stream_of_a_kind")
        maker = kind.spot if self.market == "spot" else kind.futures
        return maker(Stream(instrument_id(self.venue, self.market, symbol), symbol, self.skipped))

    def _make_shared(self, stream: str, shared: Shared) -> Route:
        """Each symbol has a route of its own behind it. Symbols that nobody asked for are counted, and no fault."""
        kind, symbols = self._table.streams[shared.suffix], self._symbols
        routes: dict[str, Route] = {}

        def route(payload: bytes, ts_seen: int) -> MarketEvent | None:
            symbol = shared.symbol_in(payload)
            of_symbol = routes.get(symbol)
            if of_symbol is None:
                self._check(stream, symbol, shared.suffix)
                is_wanted = symbols is None or symbol in symbols
                of_symbol = (
                    self._make_known(symbol, kind, shared.suffix, stream) if is_wanted else self._skip("other_symbol")
                )
                if len(routes) < ROUTES_MAX:
                    routes[symbol] = of_symbol
            return of_symbol(payload, ts_seen)

        return route

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
