"""`golden_trend_sync`: an uptrend begins, or goes on after a pullback to its fast average."""

from math import inf
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.ema import Ema
from petrosa.core.analytics.indicators.macd import Macd, MacdValue
from petrosa.core.analytics.indicators.rsi import Rsi
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, reward


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"ema_fast", "ema_slow", "rsi_period"})

    ema_fast: Annotated[int, Meta(ge=2, le=200, description="Span of the average that is pulled back to.")] = 21
    ema_slow: Annotated[int, Meta(ge=3, le=400, description="Span of the average that is the stop, in bars.")] = 50
    pullback_threshold: Annotated[
        float, Meta(ge=0.0005, le=0.2, description="Most distance of close and fast average, a share of the average.")
    ] = 0.02
    cross_bars: Annotated[
        int, Meta(ge=0, le=50, description="So many bars after the averages crossed it may enter; 0: pullbacks only.")
    ] = 3
    rsi_period: Annotated[int, Meta(ge=2, le=50, description="Length of the RSI, in bars.")] = 14
    rsi_min: Annotated[float, Meta(ge=0, le=100, description="Least RSI (document: 45); 0 is off.")] = 0.0
    rsi_max: Annotated[float, Meta(ge=0, le=100, description="Most RSI (document: 55); 100 is off.")] = 100.0
    macd_confirmation: Annotated[
        bool, Meta(description="Ask that the histogram of the MACD (12, 26, 9) is above zero, as the document does.")
    ] = False
    risk_reward_ratio: Annotated[float, Meta(ge=0.5, le=10, description="Target in multiples of the risk.")] = 2.0
    base_confidence: Annotated[float, Meta(ge=0.5, le=0.95, description="Confidence in every setup.")] = 0.70

    def check(self) -> None:
        if self.ema_fast >= self.ema_slow:
            raise ValueError(f"ema_fast {self.ema_fast} must be below ema_slow {self.ema_slow}")
        if self.rsi_min > self.rsi_max:
            raise ValueError(f"rsi_min {self.rsi_min} must not be above rsi_max {self.rsi_max}")


class GoldenTrendSync(CandleStrategy):
    """Buys a rising bar (close above open) while the fast average is above the slow one and the close near the fast.

    Something must have happened: the averages crossed within the last `cross_bars` bars, or this bar closes above the
    fast average after one that closed at or below it. Stop at the slow average, target `risk_reward_ratio` times the
    risk. Follows the coded behaviour. Mended: it needed neither and fired on every rising bar of an uptrend; the close
    could be below the slow average, and the stop above the entry: it must be above. Of the document RSI and MACD can be
    asked; its third average of 200 bars is left to a longer timeframe.
    """

    NAME = "golden_trend_sync"

    params: Params

    def restart(self) -> None:
        params = self.params
        self._fast, self._slow = Ema(params.ema_fast), Ema(params.ema_slow)
        self._rsi, self._macd = Rsi(params.rsi_period), Macd()
        self._near: float | None = None
        self._near_before: float | None = None
        self._far: float | None = None
        self._strength: float | None = None
        self._pulse: MacdValue | None = None
        self._was_above = True  # no cross is seen in what was there from the beginning
        self._since_cross = inf

    @property
    def needed(self) -> int:
        return max(self._slow.warmup + 1, self._rsi.warmup, self._macd.warmup)

    def take(self, bar: Candle) -> None:
        close = bar.close
        self._near_before, self._near, self._far = self._near, self._fast.update(close), self._slow.update(close)
        self._strength, self._pulse = self._rsi.update(close), self._macd.update(close)
        if self._near is None or self._far is None:
            return
        above = self._near > self._far
        self._since_cross = 0.0 if above and not self._was_above else self._since_cross + 1.0
        self._was_above = above

    def look(self, bar: Candle) -> Setup | None:
        params, close = self.params, bar.close
        near, far, rsi, pulse = self._near, self._far, self._strength, self._pulse
        if near is None or far is None or self._near_before is None or rsi is None or pulse is None:
            return None
        crossed = self._since_cross < params.cross_bars
        resumed = close > near and self.back(1).close <= self._near_before
        if not (crossed or resumed) or near <= far or close <= far or close <= bar.open:
            return None
        distance = abs(close - near) / near
        if distance > params.pullback_threshold or not params.rsi_min <= rsi <= params.rsi_max:
            return None
        if params.macd_confirmation and pulse.histogram <= 0.0:
            return None
        seen = {
            "ema_fast": near,
            "ema_slow": far,
            "distance": distance,
            "rsi": rsi,
            "macd_hist": pulse.histogram,
            "after_cross": float(crossed),
        }
        return Setup(Action.BUY, close, far, reward(close, far, params.risk_reward_ratio), params.base_confidence, seen)


ENTRY: Final = CatalogEntry(
    strategy_id="golden_trend_sync",
    version=1,
    title="Golden trend sync",
    summary="In an uptrend of two averages, at its cross or after a pullback to the fast one, a rising bar.",
    fails_when=(
        "The market goes sideways: the averages lie together and cross every day.",
        "The averages have just crossed: the stop is then hardly below the entry.",
        "The pullback is the beginning of the end: it looks the same until the slow average breaks.",
    ),
    listens_to=Candle,
    params=Params,
    build=GoldenTrendSync,
    replay_honesty=ReplayHonesty.YES,
    history="51 bars: of the slow average and one more, or of the RSI or MACD where they are longer",
)
