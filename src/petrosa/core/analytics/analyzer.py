"""Market metrics of every symbol, from what the desk hears: cheap to keep, and worked out when somebody reads them."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

import msgspec

from petrosa.core.analytics.depth import BookMetrics, book_metrics, imbalance, mid, notional, spread_bps
from petrosa.core.analytics.order_flow import TradeFlow
from petrosa.core.analytics.params import MetricsParams
from petrosa.core.analytics.pressure import Lean, Trend, Window, lean, trend
from petrosa.core.analytics.watch import PERCENT, Watch
from petrosa.core.market.liquidations import Liquidated, Liquidations
from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND, Side
from petrosa.core.model.market import (
    BestQuote,
    BookGap,
    Depth,
    FeedState,
    FeedStateChanged,
    InstrumentId,
    Liquidation,
    MarketEvent,
    Trade,
)

TIMEFRAMES: Final[Mapping[str, int]] = {"1m": 60, "5m": 300, "15m": 900}
"""Windows by name, in seconds."""

_BUY: Final = Side.BUY
_HEARD: Final = frozenset({BestQuote, BookGap, FeedStateChanged, Liquidation})


class Liquidating(msgspec.Struct, frozen=True, gc=False):
    """What the venue liquidated, by name of the window; `since` as `Liquidations` has it."""

    since: int
    windows: dict[str, Liquidated]


class DepthMetrics(msgspec.Struct, frozen=True, gc=False):
    """One symbol now. `heard` is when its book came (desk time); flows are by name of the window.

    `liquidated` is None while nobody tells, for the first time or (`liquidations_lost`) not any more.
    """

    heard: int
    book: BookMetrics
    pressure: float | None
    lean: Lean | None
    order_flow: dict[str, float]
    order_flow_of_quotes: bool
    trade_flow: dict[str, TradeFlow]
    liquidated: Liquidating | None
    liquidations_lost: bool


class PressureHistory(msgspec.Struct, frozen=True, gc=False):
    """A window of pressure; `level` is where its average stands, none without a sample."""

    window: Window
    trend: Trend
    level: Lean | None


class Brief(msgspec.Struct, frozen=True, gc=False):
    """One symbol in a table; `notional` in quote currency. None where a side of the book is missing."""

    heard: int
    pressure: float | None
    lean: Lean | None
    imbalance: float | None
    spread_bps: float | None
    mid: float | None
    notional: float | None


class DepthAnalyzer:
    """Keeps the last book of each symbol and a slot a second of what led to it; memory is bounded by `max_symbols`.

    A symbol is followed from its first book on, until it was not heard of for `ttl_seconds` or, with too many others,
    longest: its history goes with it. Readers come between turns and say what time it is for the desk. Decides
    nothing, and nothing that decides reads it. `evicted` counts symbols that had to make room.
    """

    __slots__ = ("_ttl", "_watches", "ever_heard", "evicted", "params")

    def __init__(self, params: MetricsParams) -> None:
        self.params = params
        self.evicted = 0
        self.ever_heard = False
        self._ttl = round(params.ttl_seconds * NS_PER_SECOND)
        self._watches: OrderedDict[InstrumentId, Watch] = OrderedDict()
        """In the order of the second of their last book."""

    def trade(self, event: Trade, now: int) -> None:
        """A print, which is most of what is heard."""
        watch = self._watches.get(event.instrument)
        if watch is None:
            return
        if now >= watch.ends:
            watch.advance(now // NS_PER_SECOND)
        quantity = event.quantity
        if event.aggressor is _BUY:
            watch.bought += quantity
        else:
            watch.sold += quantity
        watch.squares += quantity * quantity
        watch.trades += event.count

    def hear(self, event: MarketEvent, market: MarketState, now: int) -> None:
        """Any other market fact, after it was applied to `market`."""
        if type(event) is Depth:  # the most frequent first, told apart in the fastest way
            watch = self._watches.get(event.instrument)
            if watch is None or now >= watch.ends or watch.listed != watch.second:
                watch = self._turn_second(event.instrument, watch, market, now)
            watch.depth = event
            watch.heard = now
            watch.changes += 1
            watch.is_live = True
            if not watch.has_quotes:
                watch.follow(event)
        elif type(event) in _HEARD:
            self._hear_rarer(event, market, now)

    def _hear_rarer(self, event: MarketEvent, market: MarketState, now: int) -> None:
        watch = self._watches.get(event.instrument)
        if watch is None:
            return
        if now >= watch.ends:
            watch.advance(now // NS_PER_SECOND)
        if type(event) is BestQuote:
            watch.quote(event)
        elif type(event) is Liquidation:
            watch.changes += 1  # `market` keeps it
        elif type(event) is BookGap:
            watch.lose()
        else:
            watch.interrupt(is_live=market.feed_state is FeedState.LIVE)

    def forget(self) -> None:
        """Begin again, as a started process does."""
        self._watches.clear()

    def heard(self) -> dict[InstrumentId, int]:
        """When the last book of each symbol came, whose book can be believed, in desk time."""
        return {key: watch.heard for key, watch in self._watches.items() if watch.depth is not None}

    def revision(self, key: InstrumentId, now: int) -> tuple[int, int, int]:
        """A value that is another one when any metric of a symbol may be; `metrics` raises `KeyError` alike."""
        watch = self._at(key, now)
        return watch.changes, watch.trades, watch.second

    def metrics(self, key: InstrumentId, now: int) -> DepthMetrics | None:
        """Everything about one symbol; none while its book is not to be believed. Raises `KeyError` for a stranger."""
        watch = self._at(key, now)
        if watch.depth is None:
            return None
        pressure = watch.pressure()
        return DepthMetrics(
            watch.heard,
            book_metrics(watch.depth, watch.instrument),
            pressure,
            self.lean(pressure),
            {name: watch.order_flow(seconds) for name, seconds in TIMEFRAMES.items()},
            watch.has_quotes,
            {name: watch.trade_flow(seconds) for name, seconds in TIMEFRAMES.items()},
            _liquidating(watch.liquidations, now),
            watch.liquidations.is_lost,
        )

    def brief(self, key: InstrumentId, now: int) -> Brief | None:
        """One line about one symbol; none and raises as `metrics` does."""
        watch = self._at(key, now)
        depth = watch.depth
        if depth is None:
            return None
        pressure = watch.pressure()
        return Brief(
            watch.heard,
            pressure,
            self.lean(pressure),
            imbalance(depth),
            spread_bps(depth),
            mid(depth),
            notional(depth, watch.instrument),
        )

    def history(self, key: InstrumentId, timeframe: str, now: int) -> PressureHistory:
        """Pressure over a window of `TIMEFRAMES`, and where it goes. The trend is that of the imbalance, in percent:
        pressure is smooth by making and would look surer than it is. Raises `KeyError` for a stranger."""
        seconds = TIMEFRAMES[timeframe]
        window = self._at(key, now).window(seconds)
        percents = [ratio * PERCENT for ratio in window.imbalances]
        found = trend(window.seconds, percents, seconds, self.params.trend_t_score)
        return PressureHistory(window, found, self.lean(window.average if window.pressures else None))

    def lean(self, pressure: float | None) -> Lean | None:
        """The word for a pressure."""
        params = self.params
        return None if pressure is None else lean(pressure, params.bullish_threshold, params.bearish_threshold)

    def _at(self, key: InstrumentId, now: int) -> Watch:
        watch = self._watches[key]
        if now >= watch.ends:
            watch.advance(now // NS_PER_SECOND)
        return watch

    def _turn_second(self, key: InstrumentId, watch: Watch | None, market: MarketState, now: int) -> Watch:
        """The first book of a symbol in a second: time for what is done once a second."""
        if watch is None or now - watch.heard > self._ttl:
            return self._follow(key, market, now)
        if now >= watch.ends:
            watch.advance(now // NS_PER_SECOND)
        watch.listed = watch.second
        self._watches.move_to_end(key)
        self._expire(now)
        return watch

    def _follow(self, key: InstrumentId, market: MarketState, now: int) -> Watch:
        """A symbol that is new, or whose history is too old to be continued."""
        self._expire(now)
        watch = Watch(market.instrument, now, self.params.half_life_seconds, market.liquidations)
        self._watches[key] = watch
        self._watches.move_to_end(key)
        self.ever_heard = True
        if len(self._watches) > self.params.max_symbols:
            self._watches.popitem(last=False)
            self.evicted += 1
        return watch

    def _expire(self, now: int) -> None:
        """Drop what is stale. The order of seconds is enough: within one they are stale by less than a second."""
        while self._watches:
            key = next(iter(self._watches))
            if now - self._watches[key].heard <= self._ttl:
                return
            del self._watches[key]


def _liquidating(heard: Liquidations, now: int) -> Liquidating | None:
    if heard.since is None:
        return None
    return Liquidating(heard.since, {name: heard.over(seconds, now) for name, seconds in TIMEFRAMES.items()})
