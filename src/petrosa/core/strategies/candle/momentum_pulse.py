"""`momentum_pulse`: momentum turns up in a market that already has a direction and is not yet overbought."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.adx import Adx, AdxValue
from petrosa.core.analytics.indicators.ema import Ema
from petrosa.core.analytics.indicators.macd import Macd, MacdValue
from petrosa.core.analytics.indicators.rsi import Rsi
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, reward


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset(
        {"macd_fast", "macd_slow", "macd_signal", "rsi_period", "adx_period", "ema_fast", "ema_slow"}
    )

    macd_fast: Annotated[int, Meta(ge=2, le=100, description="Span of the fast average of the MACD, in bars.")] = 12
    macd_slow: Annotated[int, Meta(ge=3, le=200, description="Span of the slow average of the MACD, in bars.")] = 26
    macd_signal: Annotated[int, Meta(ge=2, le=100, description="Span of the MACD's signal line, in bars.")] = 9
    rsi_period: Annotated[int, Meta(ge=2, le=50, description="Length of the RSI, in bars.")] = 14
    rsi_min: Annotated[float, Meta(ge=0, le=100, description="A lower RSI is no momentum; 0 is off.")] = 50.0
    rsi_max: Annotated[float, Meta(ge=0, le=100, description="A higher RSI is late; 100 is off.")] = 65.0
    adx_period: Annotated[int, Meta(ge=2, le=50, description="Length of the ADX, in bars.")] = 14
    min_adx: Annotated[float, Meta(ge=0, le=100, description="The ADX must be above this; 0 is off.")] = 20.0
    ema_fast: Annotated[int, Meta(ge=2, le=200, description="Span of the average the close must be above.")] = 21
    ema_slow: Annotated[int, Meta(ge=3, le=400, description="Span of the average that is the stop, in bars.")] = 50
    ema_alignment: Annotated[
        bool, Meta(description="Ask that the fast average is above the slow one too, as the document does.")
    ] = False
    stop_pct: Annotated[
        float, Meta(ge=0, le=20, description="Stop so many % below the entry (documented: 2); 0: at the slow average.")
    ] = 0.0
    risk_reward_ratio: Annotated[float, Meta(ge=0.5, le=10, description="Target in multiples of the risk.")] = 2.5
    base_confidence: Annotated[float, Meta(ge=0.5, le=0.95, description="Confidence in every setup.")] = 0.74

    def check(self) -> None:
        if self.macd_fast >= self.macd_slow:
            raise ValueError(f"macd_fast {self.macd_fast} must be below macd_slow {self.macd_slow}")
        if self.ema_fast >= self.ema_slow:
            raise ValueError(f"ema_fast {self.ema_fast} must be below ema_slow {self.ema_slow}")
        if self.rsi_min > self.rsi_max:
            raise ValueError(f"rsi_min {self.rsi_min} must not be above rsi_max {self.rsi_max}")


class MomentumPulse(CandleStrategy):
    """Buys when the MACD's histogram comes above zero with this bar, and: `rsi_min` <= RSI <= `rsi_max`, ADX above
    `min_adx`, the close above both averages.

    Stop at the slow average, target `risk_reward_ratio` times the risk. Follows the coded behaviour; the document's
    alignment of the averages and its stop of 2 % are parameters, its time stop is a matter of exits. Mended: the
    histogram's turn is one of closed bars, so it is told once.
    """

    NAME = "momentum_pulse"

    params: Params

    def restart(self) -> None:
        params = self.params
        self._macd = Macd(params.macd_fast, params.macd_slow, params.macd_signal)
        self._rsi, self._adx = Rsi(params.rsi_period), Adx(params.adx_period)
        self._fast, self._slow = Ema(params.ema_fast), Ema(params.ema_slow)
        self._pulse: MacdValue | None = None
        self._before: MacdValue | None = None
        self._strength: float | None = None
        self._trend: AdxValue | None = None
        self._near: float | None = None
        self._far: float | None = None

    @property
    def needed(self) -> int:
        return max(
            self._macd.warmup + 1, self._rsi.warmup, self._adx.warmup, self._fast.warmup, self._slow.warmup
        )  # fmt: skip

    def take(self, bar: Candle) -> None:
        close = bar.close
        self._before, self._pulse = self._pulse, self._macd.update(close)
        self._strength, self._trend = self._rsi.update(close), self._adx.update(bar.high, bar.low, close)
        self._near, self._far = self._fast.update(close), self._slow.update(close)

    def look(self, bar: Candle) -> Setup | None:
        params, close = self.params, bar.close
        pulse, before, rsi, trend, near, far = (
            self._pulse, self._before, self._strength, self._trend, self._near, self._far
        )  # fmt: skip
        if pulse is None or before is None or rsi is None or trend is None or near is None or far is None:
            return None
        if before.histogram > 0.0 or pulse.histogram <= 0.0:
            return None
        if not params.rsi_min <= rsi <= params.rsi_max or trend.adx <= params.min_adx:
            return None
        if close <= near or close <= far or (params.ema_alignment and near <= far):
            return None
        stop = close * (1.0 - params.stop_pct / 100.0) if params.stop_pct else far
        seen = {
            "macd_hist": pulse.histogram,
            "macd_signal": pulse.signal,
            "rsi": rsi,
            "adx": trend.adx,
            "ema_fast": near,
            "ema_slow": far,
            "volume": bar.volume,
            "risk_reward_ratio": params.risk_reward_ratio,
        }
        target = reward(close, stop, params.risk_reward_ratio)
        return Setup(Action.BUY, close, stop, target, params.base_confidence, seen)


ENTRY: Final = CatalogEntry(
    strategy_id="momentum_pulse",
    version=1,
    title="Momentum pulse",
    summary="The MACD's histogram turns positive in a market with a direction, above its averages, not overbought.",
    fails_when=(
        "The market goes sideways: the histogram turns every few bars, and the ADX is late to say so.",
        "The price has run far from the slow average: the stop is far and the target farther.",
        "The direction the ADX measures is down: it does not know which way it is strong.",
    ),
    listens_to=Candle,
    params=Params,
    build=MomentumPulse,
    replay_honesty=ReplayHonesty.YES,
    history="50 bars: of the slow average, the MACD and one more, the ADX, whichever is longest",
)
