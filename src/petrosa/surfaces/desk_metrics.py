"""A running desk's `MarketMetrics`: names and freshness around an analyzer, and numbers as people read them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from math import floor, fsum, isfinite, log10
from typing import Final, overload

from petrosa.core.analytics.analyzer import DepthAnalyzer, DepthMetrics, PressureHistory
from petrosa.core.analytics.depth import BASIS_POINTS, BookMetrics
from petrosa.core.analytics.pressure import Lean
from petrosa.core.analytics.watch import PERCENT
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.instruments import Instrument
from petrosa.core.model.market import InstrumentId, Level
from petrosa.core.signals.symbols import plain_symbol
from petrosa.surfaces.market_metrics import (
    Absence,
    BookQuality,
    DepthReport,
    DepthWeighted,
    ImbalanceFigures,
    ImbalancePoint,
    LiquidationFigures,
    LiquidityFigures,
    MarketLiquidity,
    MarketSummary,
    MetricsRow,
    MicroPrice,
    OrderFlowFigures,
    PressureFigures,
    PressurePoint,
    PressureReport,
    PressureSummary,
    Sentiment,
    SpreadFigures,
    Standing,
    StrongestLevels,
    StrongLevel,
    TopPressure,
    TradeFlowFigures,
)

RATIO_PLACES: Final = 4
PERCENT_PLACES: Final = 2
SIGNIFICANT: Final = 4
"""Digits that are shown at least: a spread of 0.0000012 is not nothing."""
POINTS_MAX: Final = 100
TOP: Final = 5
NOT_HEARD: Final = (
    "no stream of liquidations is heard: spot has none, elsewhere add liquidation (Bybit: allLiquidation) to "
    "feed.streams"
)
LOST: Final = "the stream of liquidations is not live; /ready says how the feed is"
ROWS_AT_ONCE: Final = 64
"""Rows that are worked out before others may run: some half of a millisecond."""


class DeskMetrics:
    """Reads an analyzer between turns.

    `now` is the desk's time, by which books age; it stands still when nothing is heard any more, so `silence` says for
    how many seconds of run time that has lasted.
    """

    def __init__(
        self,
        analyzer: DepthAnalyzer,
        instruments: Mapping[InstrumentId, Instrument],
        now: Callable[[], int],
        silence: Callable[[], float],
    ) -> None:
        self._analyzer = analyzer
        self._instruments = instruments
        self._now = now
        self._silence = silence
        self._named: dict[str, InstrumentId] = {}
        for key, rules in instruments.items():
            for name in (key.upper(), rules.ccxt_symbol.upper(), rules.symbol.upper()):
                self._named.setdefault(name, key)
        self._rows: dict[InstrumentId, tuple[tuple[int, int, int], Standing]] = {}
        self._reports = {key: Reporter(rules) for key, rules in instruments.items()}

    def absent(self) -> Absence | None:
        heard = self._analyzer.heard()
        if any(self._is_fresh(at) for at in heard.values()):
            return None
        if not self._analyzer.ever_heard:
            return Absence(
                503, "NO_DATA_YET",
                f"no book has been heard yet of any of {len(self._instruments)} symbols; wait for the feed, "
                "/ready says how it is",
            )  # fmt: skip
        limit = self._analyzer.params.ttl_seconds
        youngest = f"the youngest is {min(map(self._age_s, heard.values())):.1f} s old" if heard else "there is none"
        return Absence(
            503, "NO_FRESH_DATA",
            f"no symbol has a book younger than {limit:g} s (metrics.ttl_seconds): {youngest}; check the feed, /ready",
        )  # fmt: skip

    def find(self, symbol: str) -> InstrumentId | Absence:
        typed = symbol.strip().upper()
        key = self._named.get(typed) or self._named.get(plain_symbol(typed))
        heard = self._analyzer.heard()
        if key is None:
            fresh = sum(map(self._is_fresh, heard.values()))
            return Absence(
                404, "SYMBOL_UNKNOWN",
                f"{symbol[:40]!r} is not followed; {fresh} symbols are, and /api/v1/metrics/all lists them",
            )  # fmt: skip
        at = heard.get(key)
        if at is not None and self._is_fresh(at):
            return key
        limit = self._analyzer.params.ttl_seconds
        found = "no book that can be believed" if at is None else f"its last book is {self._age_s(at):.1f} s old"
        return Absence(
            404, "METRICS_STALE",
            f"{self._instruments[key].symbol}: {found}, limit {limit:g} s (metrics.ttl_seconds); "
            f"{sum(map(self._is_fresh, heard.values()))} symbols are fresh, /ready says how the feed is",
        )  # fmt: skip

    def revision(self, key: InstrumentId) -> tuple[int, int, int]:
        return self._analyzer.revision(key, self._now())

    def depth(self, key: InstrumentId) -> DepthReport:
        now = self._now()
        metrics = self._analyzer.metrics(key, now)
        assert metrics is not None, f"{key}: found fresh, and without a book in the same turn"
        return self._reports[key].depth(metrics, now)

    def pressure(self, key: InstrumentId, timeframe: str) -> PressureReport:
        history = self._analyzer.history(key, timeframe, self._now())
        return self._reports[key].pressure(history, timeframe)

    def refresh(self) -> Iterator[None]:
        fresh = [key for key, at in self._analyzer.heard().items() if self._is_fresh(at)]
        for start in range(0, len(fresh), ROWS_AT_ONCE):
            now = self._now()
            for key in fresh[start : start + ROWS_AT_ONCE]:
                self._refresh(key, now)
            yield
        for key in self._rows.keys() - set(fresh):
            del self._rows[key]

    def standings(self) -> Sequence[Standing]:
        return [standing for _, standing in self._rows.values()]

    def row(self, standing: Standing) -> MetricsRow:
        return self._reports[standing.key].row(standing)

    def summary(self) -> MarketSummary:
        return summarise(self.standings(), moment(self._now()), self._analyzer.evicted)

    def _refresh(self, key: InstrumentId, now: int) -> None:
        """Work a row out anew where anything has changed."""
        try:
            revision = self._analyzer.revision(key, now)
            known = self._rows.get(key)
            if known is not None and known[0] == revision:
                return
            brief = self._analyzer.brief(key, now)
        except KeyError:  # dropped since the refresh began
            brief = None
        if brief is None:
            self._rows.pop(key, None)
        else:
            rules = self._instruments[key]
            self._rows[key] = revision, Standing(key, rules.symbol, rules.quote, brief)

    def _age_s(self, heard: int) -> float:
        return max(0, self._now() - heard) / NS_PER_SECOND + self._silence()

    def _is_fresh(self, heard: int) -> bool:
        return self._age_s(heard) <= self._analyzer.params.ttl_seconds


class Reporter:
    """Numbers of one instrument as they are shown: prices on its tick, volumes on its step, never cut to nothing."""

    def __init__(self, rules: Instrument) -> None:
        self.symbol = rules.symbol
        self._price = _places(rules.tick)
        self._volume = _places(rules.step)

    def depth(self, metrics: DepthMetrics, now: int) -> DepthReport:
        """Everything about the symbol at a time of the desk."""
        book = metrics.book
        flows = metrics.trade_flow
        return DepthReport(
            symbol=self.symbol,
            timestamp=moment(metrics.heard),
            imbalance=ImbalanceFigures(
                rounded(book.imbalance, RATIO_PLACES),
                rounded(_times(book.imbalance, PERCENT), PERCENT_PLACES),
                shown(book.bid_volume, self._volume),
                shown(book.ask_volume, self._volume),
            ),
            pressure=_pressure(metrics.pressure, metrics.lean),
            liquidity=self._liquidity(book),
            spread=self._spread(book),
            vwap=self._weighted(book),
            order_book_quality=BookQuality(book.bid_levels, book.ask_levels, book.bid_levels + book.ask_levels),
            strongest_levels=StrongestLevels(_strong(book.strongest_bid), _strong(book.strongest_ask)),
            micro_price=self._micro(book),
            order_flow=OrderFlowFigures(
                {name: shown(flow, self._volume) for name, flow in metrics.order_flow.items()},
                "best_quote" if metrics.order_flow_of_quotes else "depth",
            ),
            trade_flow=TradeFlowFigures(
                {name: rounded(flow.imbalance, RATIO_PLACES) for name, flow in flows.items()},
                {name: rounded(flow.z, PERCENT_PLACES) for name, flow in flows.items()},
                {name: shown(flow.p_value, RATIO_PLACES) for name, flow in flows.items()},
                {name: flow.trades for name, flow in flows.items()},
            ),
            liquidations=_liquidations(metrics, now),
        )

    def pressure(self, history: PressureHistory, timeframe: str) -> PressureReport:
        """A window, with its last hundred points."""
        window, trend = history.window, history.trend
        values = window.pressures
        last = slice(-POINTS_MAX, None)
        times = [moment(second * NS_PER_SECOND) for second in window.seconds[last]]
        pressures = [rounded(value, PERCENT_PLACES) for value in values[last]]
        imbalances = [rounded(value, RATIO_PLACES) for value in window.imbalances[last]]
        return PressureReport(
            symbol=self.symbol,
            timeframe=timeframe,
            summary=PressureSummary(
                rounded(window.average, PERCENT_PLACES) if values else None,
                rounded(max(values, default=None), PERCENT_PLACES),
                rounded(min(values, default=None), PERCENT_PLACES),
                history.level,
                trend.direction,
                rounded(trend.strength, RATIO_PLACES),
                rounded(trend.slope_per_minute, PERCENT_PLACES),
                rounded(trend.t_score, PERCENT_PLACES),
            ),
            pressure_history=tuple(map(PressurePoint, times, pressures)),
            imbalance_history=tuple(map(ImbalancePoint, times, imbalances)),
            total_data_points=len(values),
            returned_data_points=len(times),
        )

    def row(self, standing: Standing) -> MetricsRow:
        """One line of the table."""
        brief = standing.brief
        return MetricsRow(
            self.symbol,
            moment(brief.heard),
            _pressure(brief.pressure, brief.lean).net_pressure,
            brief.lean,
            rounded(_times(brief.imbalance, PERCENT), PERCENT_PLACES),
            shown(brief.spread_bps, PERCENT_PLACES),
            shown(brief.mid, self._price + 1),
            shown(brief.notional, PERCENT_PLACES),
        )

    def _liquidity(self, book: BookMetrics) -> LiquidityFigures:
        total = None if book.bid_volume is None or book.ask_volume is None else book.bid_volume + book.ask_volume
        return LiquidityFigures(
            shown(total, self._volume),
            shown(book.bid_depth_5, self._volume),
            shown(book.ask_depth_5, self._volume),
            shown(book.bid_depth_10, self._volume),
            shown(book.ask_depth_10, self._volume),
            shown(book.notional, PERCENT_PLACES),
        )

    def _spread(self, book: BookMetrics) -> SpreadFigures:
        return SpreadFigures(
            book.best_bid,
            book.best_ask,
            shown(book.spread, self._price),
            shown(book.spread_bps, PERCENT_PLACES),
            shown(book.mid, self._price + 1),
        )

    def _weighted(self, book: BookMetrics) -> DepthWeighted:
        bid, ask = book.weighted_bid, book.weighted_ask
        spread = None if bid is None or ask is None else ask - bid
        places = self._price + 2
        return DepthWeighted(shown(bid, places), shown(ask, places), shown(spread, places))

    def _micro(self, book: BookMetrics) -> MicroPrice:
        price, mid = book.micro_price, book.mid
        away = None if price is None or not mid else (price - mid) / mid * BASIS_POINTS
        return MicroPrice(shown(price, self._price + 3), shown(away, RATIO_PLACES))


def summarise(standings: Sequence[Standing], now: datetime, evicted: int) -> MarketSummary:
    """All symbols together; symbols without a figure do not count in its mean."""
    leans = [standing.brief.lean for standing in standings]
    by_quote: dict[str, float] = {}
    for standing in standings:
        if standing.brief.notional is not None:
            by_quote[standing.quote] = by_quote.get(standing.quote, 0.0) + standing.brief.notional
    by_currency = {quote: shown(value, PERCENT_PLACES) for quote, value in sorted(by_quote.items())}
    ranked = sorted((s.brief.pressure, s.symbol) for s in standings if s.brief.pressure is not None)
    return MarketSummary(
        timestamp=now,
        symbols_tracked=len(standings),
        market_sentiment=Sentiment(
            leans.count(Lean.BULLISH),
            leans.count(Lean.BEARISH),
            leans.count(Lean.NEUTRAL),
            rounded(_mean([s.brief.pressure for s in standings]), PERCENT_PLACES),
            rounded(_mean([s.brief.imbalance for s in standings]), RATIO_PLACES),
        ),
        liquidity=MarketLiquidity(
            shown(_mean([s.brief.spread_bps for s in standings]), PERCENT_PLACES),
            next(iter(by_currency.values())) if len(by_currency) == 1 else None,
            by_currency,
        ),
        top_pressure_symbols=TopPressure(
            tuple(symbol for _, symbol in reversed(ranked[-TOP:])), tuple(symbol for _, symbol in ranked[:TOP])
        ),
        symbols_evicted=evicted,
    )


@overload
def rounded(value: float, places: int) -> float: ...
@overload
def rounded(value: float | None, places: int) -> float | None: ...
def rounded(value: float | None, places: int) -> float | None:
    """A figure of a known scale to so many decimals; zero has no sign."""
    return None if value is None else round(value, places) + 0.0


@overload
def shown(value: float, places: int) -> float: ...
@overload
def shown(value: float | None, places: int) -> float | None: ...
def shown(value: float | None, places: int) -> float | None:
    """A figure of any scale to so many decimals, and to more where fewer than four significant digits were left."""
    if value is None or value == 0.0 or not isfinite(value):
        return value
    return round(value, max(places, SIGNIFICANT - 1 - floor(log10(abs(value)))))


def moment(nanoseconds: int) -> datetime:
    """A time of the desk as people and JSON have it."""
    return datetime.fromtimestamp(nanoseconds // 1_000 / 1_000_000, UTC)


def _pressure(net: float | None, lean: Lean | None) -> PressureFigures:
    if net is None:
        return PressureFigures(None, None, None, None)
    buy = round(50.0 + net / 2.0, PERCENT_PLACES)
    sell = round(100.0 - buy, PERCENT_PLACES)
    return PressureFigures(buy, sell, rounded(buy - sell, PERCENT_PLACES), lean)


def _liquidations(metrics: DepthMetrics, now: int) -> LiquidationFigures:
    told = metrics.liquidated
    if told is None:
        return LiquidationFigures(None, None, None, None, None, LOST if metrics.liquidations_lost else NOT_HEARD)
    windows = told.windows.items()
    return LiquidationFigures(
        {name: shown(one.long_notional, PERCENT_PLACES) for name, one in windows},
        {name: shown(one.short_notional, PERCENT_PLACES) for name, one in windows},
        {name: one.longs for name, one in windows},
        {name: one.shorts for name, one in windows},
        rounded((now - told.since) / NS_PER_SECOND, 0),
        None,
    )


def _strong(level: Level | None) -> StrongLevel | None:
    return None if level is None else StrongLevel(*level)


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known else None


def _places(unit: Decimal) -> int:
    """Decimals of a tick or step."""
    exponent = unit.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
