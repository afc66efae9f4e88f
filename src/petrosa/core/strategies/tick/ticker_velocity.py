"""`ticker_velocity`: the price has been moving in one direction, fast enough and steadily enough."""

from collections import deque
from itertools import islice
from math import inf, log, sqrt
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.market.state import MarketState
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Ticker
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Candidate, CatalogEntry, Quiet, ReplayHonesty, StrategyParams, score_of

POINTS_MAX: Final = 8_192
"""Most prices kept of one symbol, whatever the window; a ticker gives one or a few a second."""

_NS_PER_MINUTE: Final = 60 * NS_PER_SECOND


class Params(StrategyParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"time_window"})

    time_window: Annotated[int, Meta(ge=30, le=300, description="Seconds over which the velocity is measured.")] = 60
    buy_threshold: Annotated[float, Meta(ge=0.1, le=2, description="Buy above this velocity, in % a minute.")] = 0.5
    sell_threshold: Annotated[
        float, Meta(ge=-2, le=-0.1, description="Sell below this velocity, in % a minute.")
    ] = -0.5
    min_price_change: Annotated[
        float, Meta(ge=0, le=1, description="A smaller change over the window, in %, is no movement; 0 is off.")
    ] = 0.1
    min_window_share: Annotated[
        float, Meta(ge=0, le=1, description="Share of the window that must have been seen before it counts; 0 is off.")
    ] = 0.5
    min_points: Annotated[int, Meta(ge=2, le=1_000, description="Prices needed in the window; 2 is off.")] = 10
    min_t_statistic: Annotated[
        float, Meta(ge=0, le=10, description="How many standard errors the mean return must be from 0; 0 is off.")
    ] = 2.0
    log_returns: Annotated[
        bool,
        Meta(description="Measure by 100 ln(p / old p), alike up and down; off: by the percentage of the old price."),
    ] = True

    def check(self) -> None:
        if self.buy_threshold <= self.sell_threshold:
            raise ValueError(f"buy_threshold {self.buy_threshold} must be above sell_threshold {self.sell_threshold}")


class TickerVelocity:
    """v = change in % over the window / minutes between its first and last price, in event time.

    Confidence is min(0.95, 0.60 + |v| / 10). The guard against a random walk is Student's t of the mean of the n log
    returns between successive prices, t = r̄ / (s / √n): a fit of price on time would call most random walks a trend.
    """

    __slots__ = ("_change", "_elapsed", "_forgotten", "_min_elapsed", "_params", "_points", "_squares", "_t",
                 "_velocity", "_window_ns")  # fmt: skip

    def __init__(self, params: Params) -> None:
        self.retune(params)
        self._points: deque[tuple[int, float, float]] = deque()
        self._squares = 0.0  # of the log returns into all points but the first
        self._forgotten = 0
        self._elapsed, self._change, self._velocity, self._t = 0, 0.0, 0.0, 0.0

    def retune(self, params: Params) -> None:
        self._params = params
        self._window_ns = params.time_window * NS_PER_SECOND
        self._min_elapsed = max(1, round(self._window_ns * params.min_window_share))

    def evaluate(self, event: Ticker, market: MarketState, now: int) -> float | Quiet:
        price, ts, params = event.last, event.ts_event, self._params
        if not 0.0 < price < inf:
            return Quiet.BAD_NUMBER
        if self._points and ts < self._points[-1][0]:
            return Quiet.OUT_OF_ORDER
        self._remember(ts, price)
        first_ts, first_price, _ = self._points[0]
        self._elapsed = ts - first_ts
        if self._elapsed < self._min_elapsed or len(self._points) < params.min_points:
            return Quiet.WARMING_UP
        move = log(price / first_price)
        self._change = 100.0 * move if params.log_returns else (price - first_price) / first_price * 100.0
        self._velocity = self._change / (self._elapsed / _NS_PER_MINUTE)
        score = score_of(self._velocity, params.buy_threshold, params.sell_threshold)
        if -1.0 <= score <= 1.0:
            return score
        if abs(self._change) < params.min_price_change:
            return Quiet.TOO_SMALL
        self._t = self._t_of(move)
        return score if abs(self._t) >= params.min_t_statistic else Quiet.NOT_SIGNIFICANT

    def candidate(self, event: Ticker, market: MarketState, now: int) -> Candidate:
        return Candidate(
            action=Action.BUY if self._velocity > 0.0 else Action.SELL,
            confidence=min(0.95, 0.60 + abs(self._velocity) / 10),
            price=event.last,
            current_price=event.last,
            ts_event=event.ts_event,
            indicators={
                "velocity": self._velocity,
                "time_window": self._elapsed / NS_PER_SECOND,
                "price_change_percent": self._change,
                "t_statistic": self._t,
                "points": float(len(self._points)),
            },
            metadata={"strategy": "ticker_velocity"},
        )

    def warmup(self) -> tuple[int, int]:
        return (min(len(self._points), self._params.min_points), self._params.min_points)

    def _remember(self, ts: int, price: float) -> None:
        points = self._points
        square = 0.0
        if points:
            move = log(price / points[-1][1])
            square = move * move
            self._squares += square
        points.append((ts, price, square))
        oldest = ts - self._window_ns
        while points[0][0] < oldest or len(points) > POINTS_MAX:
            points.popleft()
            self._squares -= points[0][2]
            self._forgotten += 1
        if self._forgotten > len(points):  # once a window: rounding errors of subtracting do not pile up
            self._squares = sum(square for _, _, square in islice(points, 1, None))
            self._forgotten = 0

    def _t_of(self, move: float) -> float:
        """Student's t of the mean log return; ±1e9 when all returns were equal, 0 for a single one."""
        n = len(self._points) - 1
        if n < 2:
            return 0.0
        variance = (self._squares - move * move / n) / (n - 1)
        if variance <= 1e-12 * self._squares:
            return 1e9 if move > 0.0 else -1e9
        return move / sqrt(variance * n)


ENTRY: Final = CatalogEntry(
    strategy_id="ticker_velocity",
    version=1,
    title="Ticker velocity",
    summary="A steady and fast change of the last price over a minute.",
    fails_when=(
        "The move is already over when it has been measured: it looks back by half a window at least.",
        "The market jumps on news: a jump is no trend.",
        "The ticker comes seldom: few points make any fit.",
    ),
    listens_to=Ticker,
    params=Params,
    build=TickerVelocity,
    replay_honesty=ReplayHonesty.YES,
    history="`min_points` tickers over `min_window_share` of `time_window`",
)
