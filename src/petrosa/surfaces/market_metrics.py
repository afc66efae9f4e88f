"""What the market-metrics routes answer, field by field: the descriptions are the contract. And whom they ask."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Protocol

import msgspec
from msgspec import Meta

from petrosa.core.analytics.analyzer import Brief
from petrosa.core.analytics.pressure import Lean
from petrosa.core.model.market import InstrumentId

Volume = Annotated[
    float | None, Meta(description="In base units (contracts where the venue counts so); null when that side is empty.")
]
Price = Annotated[float | None, Meta(description="In quote currency; null when a side it needs is empty.")]
Percent = Annotated[float | None, Meta(description="From -100 (asks) to 100 (bids); null when a side is empty.")]
Stamp = Annotated[datetime, Meta(description="UTC, in the time of the run: when the book was heard, or sampled.")]
Word = Annotated[
    Lean | None,
    Meta(description="Where the pressure stands: bullish above the upper threshold (20), bearish below the lower."),
]
Symbol = Annotated[str, Meta(description="For example BTCUSDT.")]


class ImbalanceFigures(msgspec.Struct, frozen=True):
    """All levels that the feed carries (20 a side at most), of the last book alone. Orders far from the price weigh as
    much as near ones and are easily taken back: a large figure that does not last means little; see pressure."""

    ratio: Annotated[float | None, Meta(description="(bid - ask) / (bid + ask) volume, from -1 to 1.")]
    percent: Percent
    bid_volume: Volume
    ask_volume: Volume


class PressureFigures(msgspec.Struct, frozen=True):
    """The imbalance as it lasted: its exponential average over time, 10 s half-life by default."""

    buy_pressure: Annotated[float | None, Meta(description="From 0 to 100; 50 is balance; with sell_pressure 100.")]
    sell_pressure: Annotated[float | None, Meta(description="100 - buy_pressure.")]
    net_pressure: Percent
    interpretation: Word


class LiquidityFigures(msgspec.Struct, frozen=True):
    """What rests in the book; what could be traded at these prices now if nobody took an order back."""

    total: Volume
    bid_depth_5: Volume
    ask_depth_5: Volume
    bid_depth_10: Volume
    ask_depth_10: Volume
    total_notional: Annotated[
        float | None, Meta(description="Value of both sides in quote currency; comparable between symbols.")
    ]


class SpreadFigures(msgspec.Struct, frozen=True):
    """The best level. A spread below zero is a crossed book: wait for the next."""

    best_bid: Price
    best_ask: Price
    spread_abs: Price
    spread_bps: Annotated[float | None, Meta(description="In basis points (0.01 %) of the mid.")]
    mid_price: Price


class DepthWeighted(msgspec.Struct, frozen=True):
    """Prices of each side weighted by what rests there. The key is `vwap` for compatibility: nothing was traded."""

    bid: Price
    ask: Price
    spread: Annotated[float | None, Meta(description="ask - bid; wide when the book is deep away from the price.")]


class BookQuality(msgspec.Struct, frozen=True):
    """How many levels the figures are made of; the feed sends at most 20 a side."""

    bid_levels: int
    ask_levels: int
    total_levels: int


class StrongLevel(msgspec.Struct, frozen=True):
    """The level of a side with the most volume: a possible support or resistance, or bait."""

    price: float
    volume: float


class StrongestLevels(msgspec.Struct, frozen=True):
    """One a side; null for an empty side."""

    bid: StrongLevel | None
    ask: StrongLevel | None


class MicroPrice(msgspec.Struct, frozen=True):
    """Where the next price is likelier, judged by the best level alone."""

    price: Annotated[
        float | None,
        Meta(description="Weighted mid (ask * bid volume + bid * ask volume) / both; nearer to the thinner side."),
    ]
    from_mid_bps: Annotated[float | None, Meta(description="Its distance from the mid in basis points; above is up.")]


class OrderFlowFigures(msgspec.Struct, frozen=True):
    """Order-flow imbalance (Cont, Kukanov, Stoikov 2014): what was added to demand minus supply at the best quotes."""

    ofi: Annotated[
        dict[str, float],
        Meta(description="By window (1m, 5m, 15m), in base units; above 0 bids grew or asks went. No common scale."),
    ]
    source: Annotated[
        str, Meta(description="best_quote: every change. depth: only what changed from book to book, much less.")
    ]


class TradeFlowFigures(msgspec.Struct, frozen=True):
    """Trades by who took. z and p_value judge against fair coin tosses; real trades cluster, so demand more of z."""

    imbalance: Annotated[dict[str, float | None], Meta(description="(bought - sold) / both, from -1 to 1, by window.")]
    z: Annotated[dict[str, float | None], Meta(description="(bought - sold) / sqrt(sum of squared volumes).")]
    p_value: Annotated[dict[str, float | None], Meta(description="Two-sided: how often chance alone goes so far.")]
    trades: Annotated[dict[str, int], Meta(description="How many; below 20 or so the rest means nothing.")]


Notional = Annotated[
    dict[str, float] | None,
    Meta(description="By window (1m, 5m, 15m), in quote currency; null while nobody tells, which is not 0."),
]
Closed = Annotated[dict[str, int] | None, Meta(description="How many, by window; null while nobody tells.")]


class LiquidationFigures(msgspec.Struct, frozen=True):
    """Positions that the venue closed because their margin was used up. Binance tells the last one of each second and
    nothing of the others: there every figure is a least one."""

    long_notional: Notional
    short_notional: Notional
    longs: Closed
    shorts: Closed
    heard_seconds: Annotated[
        float | None,
        Meta(description="For how long they have been told without a break; a longer window is not whole."),
    ]
    reason: Annotated[str | None, Meta(description="Why the others are null.")]


class DepthReport(msgspec.Struct, frozen=True):
    """Everything about one symbol's book now, and the flows that led to it."""

    symbol: Symbol
    timestamp: Stamp
    imbalance: ImbalanceFigures
    pressure: PressureFigures
    liquidity: LiquidityFigures
    spread: SpreadFigures
    vwap: DepthWeighted
    order_book_quality: BookQuality
    strongest_levels: StrongestLevels
    micro_price: MicroPrice
    order_flow: OrderFlowFigures
    trade_flow: TradeFlowFigures
    liquidations: LiquidationFigures


class PressureSummary(msgspec.Struct, frozen=True):
    """`level` says where the pressure stood in the window, `trend` where it went: high and falling is bearish."""

    avg_pressure: Percent
    max_pressure: Percent
    min_pressure: Percent
    level: Annotated[Lean | None, Meta(description="What avg_pressure is called by the thresholds of pressure.")]
    trend: Annotated[
        Lean,
        Meta(description="bullish for a slope above 2 standard errors (trend_t_score), bearish below, or neutral."),
    ]
    trend_strength: Annotated[
        float,
        Meta(ge=0, le=1, description="|t| / (1 + |t|): 0 is no slope, 0.5 a slope of one standard error, 0.75 of 3."),
    ]
    slope_per_minute: Annotated[
        float, Meta(description="Of the imbalance, in percent points a minute; new weighs more.")
    ]
    t_score: Annotated[float, Meta(ge=-1000, le=1000, description="Slope over its standard error.")]


class PressurePoint(msgspec.Struct, frozen=True):
    """Pressure at the end of a second."""

    timestamp: Stamp
    pressure: float


class ImbalancePoint(msgspec.Struct, frozen=True):
    """The imbalance ratio of the book that stood at the end of a second."""

    timestamp: Stamp
    imbalance: float


class PressureReport(msgspec.Struct, frozen=True):
    """Pressure over a window of time, a point a second. Seconds in which the book was not known have none."""

    symbol: Symbol
    timeframe: Annotated[str, Meta(description="1m, 5m or 15m.")]
    summary: PressureSummary
    pressure_history: tuple[PressurePoint, ...]
    imbalance_history: tuple[ImbalancePoint, ...]
    total_data_points: Annotated[int, Meta(description="In the window and in the summary: 60, 300 or 900 when whole.")]
    returned_data_points: Annotated[int, Meta(ge=0, le=100, description="In the histories: the last 100 at most.")]


class Sentiment(msgspec.Struct, frozen=True):
    """Each symbol counts once, however large; symbols move together, so a count is no vote of independents."""

    bullish_symbols: int
    bearish_symbols: int
    neutral_symbols: int
    avg_net_pressure: Percent
    avg_imbalance_ratio: Annotated[float | None, Meta(description="From -1 to 1.")]


class MarketLiquidity(msgspec.Struct, frozen=True):
    """Across symbols, in quote currency."""

    avg_spread_bps: Annotated[float | None, Meta(description="Mean of the symbols' spreads in basis points.")]
    total_liquidity: Annotated[
        float | None, Meta(description="Value of all books; null when symbols are quoted in several currencies.")
    ]
    total_liquidity_by_quote: Annotated[dict[str, float], Meta(description="The same, by quote currency.")]


class TopPressure(msgspec.Struct, frozen=True):
    """Five symbols at most, strongest first; near balance this says nothing."""

    highest_buy_pressure: tuple[str, ...]
    highest_sell_pressure: tuple[str, ...]


class MarketSummary(msgspec.Struct, frozen=True):
    """All symbols with a fresh book, together."""

    timestamp: Annotated[datetime, Meta(description="UTC, in the time of the run: when this was worked out.")]
    symbols_tracked: int
    market_sentiment: Sentiment
    liquidity: MarketLiquidity
    top_pressure_symbols: TopPressure
    symbols_evicted: Annotated[
        int, Meta(description="Dropped for want of room since the start; above 0: raise metrics.max_symbols.")
    ]


class MetricsRow(msgspec.Struct, frozen=True):
    """One symbol in the table."""

    symbol: Symbol
    timestamp: Stamp
    net_pressure: Percent
    interpretation: Word
    imbalance_percent: Percent
    spread_bps: Annotated[float | None, Meta(description="In basis points of the mid.")]
    mid_price: Price
    total_liquidity: Annotated[float | None, Meta(description="Value of both sides of the book in quote currency.")]


class Standing(msgspec.Struct, frozen=True, gc=False):
    """A symbol as it is filtered and sorted, before anything is rounded."""

    key: InstrumentId
    symbol: str
    quote: str
    brief: Brief


class Absence(msgspec.Struct, frozen=True):
    """Why there is no answer about a symbol: the HTTP status, a stable word, a complete sentence."""

    status: int
    code: str
    message: str


class MarketMetrics(Protocol):
    """Market metrics as a surface reads them, between turns.

    `absent` says why there is nothing at all, none when there is. `find` turns what a person typed into the key that
    the others take, or says why not. A `revision` that has not changed means that no answer about the symbol has.
    `refresh` brings the table up to date a few rows at a time: let others run after each step. `standings` is the
    table, `row` one line of it as it is shown, `summary` all of it together.
    """

    def absent(self) -> Absence | None: ...
    def find(self, symbol: str) -> InstrumentId | Absence: ...
    def revision(self, key: InstrumentId) -> tuple[int, int, int]: ...
    def depth(self, key: InstrumentId) -> DepthReport: ...
    def pressure(self, key: InstrumentId, timeframe: str) -> PressureReport: ...
    def refresh(self) -> Iterator[None]: ...
    def standings(self) -> Sequence[Standing]: ...
    def row(self, standing: Standing) -> MetricsRow: ...
    def summary(self) -> MarketSummary: ...
