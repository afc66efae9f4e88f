"""`ticker_velocity`: the price has been moving in one direction, fast enough and steadily enough."""

from collections import deque
from itertools import islice
from math import inf, log, sqrt
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.market.state import MarketState
from petrosa.core.market.volume import VolumeWindow
from petrosa.core.model.base import NS_PER_SECOND
from petrosa.core.model.market import Ticker, Trade
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import Candidate, CatalogEntry, Quiet, ReplayHonesty, StrategyParams, score_of

POINTS_MAX: Final = 8_192
"""Most prices kept of one symbol, whatever the window; a ticker gives one or a few a second."""

_NS_PER_MINUTE: Final = 60 * NS_PER_SECOND
_AT_DOCUMENTED_THRESHOLD: Final = 0.05
"""What the documented formula adds to its 0.60 at the documented threshold of 0.5 % a minute."""


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

    acceleration_weight: Annotated[
        float, Meta(ge=0, le=1, description="Weight of the newer half of the window against the whole; 0 is off.")
    ] = 0.5
    volume_confirmation: Annotated[
        bool, Meta(description="Ask that more is traded while the price moves than was usual before.")
    ] = True
    min_volume_change: Annotated[
        float, Meta(ge=0.1, le=2, description="How much more, as a share of the usual volume of a window.")
    ] = 0.2
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence in a move of 0.5 % a minute; 1 % more a minute adds 0.1.")
    ] = 0.65

    def check(self) -> None:
        if self.buy_threshold <= self.sell_threshold:
            raise ValueError(f"buy_threshold {self.buy_threshold} must be above sell_threshold {self.sell_threshold}")


class TickerVelocity:
    """v = change in % over the window / minutes between its first and last price, in event time.

    u = (1 − w) · v + w · v½, where v½ is the velocity since half a window ago and w the `acceleration_weight`: above v
    when the move gains speed, below it when the move dies. The score is that of the one nearer to zero, so that a
    dying move needs more and none is found that v alone would not find; none at all when they have opposite signs.

    Confidence is min(0.95, `base_confidence` − 0.05 + |u| / 10): with w = 0 and by default the documented
    min(0.95, 0.60 + |v| / 10). Volume confirms when what was traded in the last window is more than
    1 + `min_volume_change` times the mean of the windows before (`VolumeWindow`).

    The guard against a random walk is Student's t of the mean of the n log returns between successive prices,
    t = r̄ / (s / √n): a fit of price on time would call most random walks a trend.

    Noise: independent normal returns pass |t| ≥ 2 with n = 60 in 0.050 of all tickers (Student, 59 degrees of
    freedom), however large they are; the other guards only take away from that.
    """

    __slots__ = ("_change", "_elapsed", "_forgotten", "_half_ns", "_leading", "_min_elapsed", "_newer", "_params",
                 "_points", "_recent", "_squares", "_t", "_velocity", "_volume", "_volume_ratio",
                 "_window_ns")  # fmt: skip

    def __init__(self, params: Params) -> None:
        self.retune(params)
        self._points: deque[tuple[int, float, float]] = deque()
        self._newer: deque[tuple[int, float]] = deque()  # from the last price of half a window ago or before
        self._volume = VolumeWindow(self._window_ns)
        self._squares = 0.0  # of the log returns into all points but the first
        self._forgotten = 0
        self._elapsed, self._change, self._velocity, self._t = 0, 0.0, 0.0, 0.0
        self._recent = self._leading = self._volume_ratio = 0.0

    def retune(self, params: Params) -> None:
        self._params = params
        self._window_ns = params.time_window * NS_PER_SECOND
        self._half_ns = self._window_ns // 2
        self._min_elapsed = max(1, round(self._window_ns * params.min_window_share))

    def note(self, event: Trade, market: MarketState, now: int) -> None:
        if 0.0 < event.quantity < inf:
            self._volume.add(event.ts_event, event.quantity)

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
        self._change = self._percent(first_price, price)
        self._velocity = self._change / (self._elapsed / _NS_PER_MINUTE)
        score = score_of(self._steady_velocity(ts, price), params.buy_threshold, params.sell_threshold)
        if -1.0 <= score <= 1.0:
            return score
        if abs(self._change) < params.min_price_change:
            return Quiet.TOO_SMALL
        self._t = self._t_of(move)
        if abs(self._t) < params.min_t_statistic:
            return Quiet.NOT_SIGNIFICANT
        return Quiet.NOT_CONFIRMED if params.volume_confirmation and not self._volume_confirms(ts) else score

    def candidate(self, event: Ticker, market: MarketState, now: int) -> Candidate:
        params = self._params
        base = params.base_confidence - _AT_DOCUMENTED_THRESHOLD
        volume = {"volume_ratio": self._volume_ratio} if params.volume_confirmation else {}
        return Candidate(
            action=Action.BUY if self._velocity > 0.0 else Action.SELL,
            confidence=min(0.95, base + abs(self._leading) / 10),
            price=event.last,
            current_price=event.last,
            ts_event=event.ts_event,
            indicators={
                "velocity": self._velocity,
                "recent_velocity": self._recent,
                "time_window": self._elapsed / NS_PER_SECOND,
                "price_change_percent": self._change,
                "t_statistic": self._t,
                "points": float(len(self._points)),
                **volume,
            },
            metadata={"strategy": "ticker_velocity"},
        )

    def warmup(self) -> tuple[int, int]:
        return (min(len(self._points), self._params.min_points), self._params.min_points)

    def _percent(self, old: float, price: float) -> float:
        return 100.0 * log(price / old) if self._params.log_returns else (price - old) / old * 100.0

    def _steady_velocity(self, ts: int, price: float) -> float:
        """The one of v and u that is nearer to zero; 0 when the newer half goes the other way enough."""
        velocity, weight = self._velocity, self._params.acceleration_weight
        since, old = self._newer[0]
        self._recent = self._percent(old, price) / ((ts - since) / _NS_PER_MINUTE) if ts > since else velocity
        self._leading = leading = (1.0 - weight) * velocity + weight * self._recent if weight else velocity
        if velocity > 0.0:
            return max(0.0, min(velocity, leading))
        return min(0.0, max(velocity, leading))

    def _volume_confirms(self, ts: int) -> bool:
        """Whether more is traded than usual; nobody knowing what is usual is a no."""
        figures = self._volume.figures(ts)
        if figures is None or figures[1] == 0.0:
            return False
        self._volume_ratio = figures[0] / figures[1]
        return self._volume_ratio > 1.0 + self._params.min_volume_change

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
        newer, half, first = self._newer, ts - self._half_ns, points[0][0]
        newer.append((ts, price))
        while len(newer) > 1 and (newer[1][0] <= half or newer[0][0] < first):
            newer.popleft()
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
    version=2,
    title="Ticker velocity",
    summary="A steady and fast change of the last price over a minute that goes on, on more volume than usual.",
    fails_when=(
        "The move is already over when it has been measured: it looks back by half a window at least.",
        "The market jumps on news: a jump is no trend.",
        "The ticker comes seldom: few points make any fit.",
        "Volume swings with the hour: what was usual ten minutes ago is no measure of what is much now.",
    ),
    listens_to=Ticker,
    notes=(Trade,),
    params=Params,
    build=TickerVelocity,
    replay_honesty=ReplayHonesty.YES,
    history="`min_points` tickers over `min_window_share` of `time_window`, and trades over two of it to confirm",
)
