"""`volume_surge_breakout`: the price leaves the range of the last bars on several times the usual volume."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.extremes import Highest, Lowest
from petrosa.core.analytics.indicators.macd import Macd, MacdValue
from petrosa.core.analytics.indicators.rsi import Rsi
from petrosa.core.analytics.indicators.volume_average import VolumeAverage
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, reward


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset(
        {"volume_sma_period", "lookback_periods", "rsi_period", "macd_fast", "macd_slow", "macd_signal"}
    )

    volume_sma_period: Annotated[int, Meta(ge=2, le=200, description="How many bars the usual volume is of.")] = 20
    volume_surge_multiplier: Annotated[
        float, Meta(ge=0, le=20, description="Volume is above so many times the usual; 0: any.")
    ] = 3.0
    lookback_periods: Annotated[int, Meta(ge=2, le=200, description="How many bars before this one are the range.")] = (
        19
    )
    breakout_tolerance: Annotated[
        float, Meta(ge=0, le=0.05, description="How far back in the range the close may be, as a share of its edge.")
    ] = 0.002
    rsi_period: Annotated[int, Meta(ge=2, le=50, description="Length of the RSI, in bars.")] = 14
    rsi_oversold: Annotated[float, Meta(ge=0, le=100, description="At a lower RSI it is too late to sell.")] = 25.0
    rsi_overbought: Annotated[float, Meta(ge=0, le=100, description="At a higher RSI it is too late to buy.")] = 75.0
    macd_fast: Annotated[int, Meta(ge=2, le=100, description="Span of the fast average of the MACD, in bars.")] = 12
    macd_slow: Annotated[int, Meta(ge=3, le=200, description="Span of the slow average of the MACD, in bars.")] = 26
    macd_signal: Annotated[int, Meta(ge=2, le=100, description="Span of the MACD's signal line, in bars.")] = 9
    stop_pct: Annotated[
        float, Meta(ge=0.1, le=20, description="How far back in the range the stop is, in % of its edge.")
    ] = 2.0
    risk_reward_ratio: Annotated[float, Meta(ge=0.5, le=10, description="Target in multiples of the risk.")] = 2.5
    base_confidence: Annotated[float, Meta(ge=0.5, le=0.95, description="Confidence before the boosts.")] = 0.75
    strong_surge: Annotated[float, Meta(ge=0, le=20, description="Times the usual volume that earn the boost.")] = 5.0
    extreme_surge: Annotated[float, Meta(ge=0, le=20, description="Times the usual volume that earn it twice.")] = 7.0
    volume_confidence_boost: Annotated[
        float, Meta(ge=0, le=0.2, description="What a strong surge adds to the confidence.")
    ] = 0.05

    def check(self) -> None:
        if self.macd_fast >= self.macd_slow:
            raise ValueError(f"macd_fast {self.macd_fast} must be below macd_slow {self.macd_slow}")
        if self.rsi_oversold >= self.rsi_overbought:
            raise ValueError(f"rsi_oversold {self.rsi_oversold} must be below rsi_overbought {self.rsi_overbought}")
        if self.breakout_tolerance * 100.0 >= self.stop_pct:
            raise ValueError(
                f"breakout_tolerance {self.breakout_tolerance} must be nearer than stop_pct {self.stop_pct} %, "
                "or the stop is where the entry may be"
            )


class VolumeSurgeBreakout(CandleStrategy):
    """Asks for volume above `volume_surge_multiplier` times the usual, an RSI from `rsi_oversold` to `rsi_overbought`.

    H and L are the highest high and lowest low of the `lookback_periods` bars before. Buys when the high is above H,
    the close above (1 - `breakout_tolerance`) H, and the MACD above its signal; sells when the low is below L, the
    close below (1 + `breakout_tolerance`) L, and the MACD below its signal. Stop `stop_pct` inside the range, target
    `risk_reward_ratio` times the risk. Confidence: `base_confidence`, and the boost once above `strong_surge`, twice
    above `extreme_surge`. The usual volume is of `volume_sma_period` bars, this one included.

    Follows the coded behaviour. Mended: sells asked that the MACD is above its signal as buys do. So a bar that leaves
    the range on both sides has one meaning, and no side comes first.
    """

    NAME = "volume_surge_breakout"

    params: Params

    def restart(self) -> None:
        params = self.params
        self._average, self._rsi = VolumeAverage(params.volume_sma_period), Rsi(params.rsi_period)
        self._macd = Macd(params.macd_fast, params.macd_slow, params.macd_signal)
        self._highest, self._lowest = Highest(params.lookback_periods), Lowest(params.lookback_periods)
        self._usual: float | None = None
        self._strength: float | None = None
        self._pulse: MacdValue | None = None
        self._top: float | None = None
        self._bottom: float | None = None
        self._top_before: float | None = None
        self._bottom_before: float | None = None

    @property
    def needed(self) -> int:
        return max(self._average.warmup, self._rsi.warmup, self._macd.warmup, self._highest.warmup + 1)

    def take(self, bar: Candle) -> None:
        self._usual, self._strength = self._average.update(bar.volume), self._rsi.update(bar.close)
        self._pulse = self._macd.update(bar.close)
        self._top_before, self._top = self._top, self._highest.update(bar.high)
        self._bottom_before, self._bottom = self._bottom, self._lowest.update(bar.low)

    def look(self, bar: Candle) -> Setup | None:
        params, usual, rsi, pulse = self.params, self._usual, self._strength, self._pulse
        high, low = self._top_before, self._bottom_before
        if usual is None or rsi is None or pulse is None or high is None or low is None:
            return None
        if bar.volume <= params.volume_surge_multiplier * usual or usual == 0.0:
            return None
        if not params.rsi_oversold <= rsi <= params.rsi_overbought:
            return None
        back, inside = params.breakout_tolerance, params.stop_pct / 100.0
        if bar.high > high and bar.close > high * (1.0 - back) and pulse.line > pulse.signal:
            action, edge, stop = Action.BUY, high, high * (1.0 - inside)
        elif bar.low < low and bar.close < low * (1.0 + back) and pulse.line < pulse.signal:
            action, edge, stop = Action.SELL, low, low * (1.0 + inside)
        else:
            return None
        target = reward(bar.close, stop, params.risk_reward_ratio)
        if target <= 0.0:
            return None
        surge = bar.volume / usual
        boosts = (surge > params.strong_surge) + (surge > params.extreme_surge)
        seen = {
            "volume_ratio": surge,
            "rsi": rsi,
            "macd": pulse.line,
            "macd_signal": pulse.signal,
            "range_edge": edge,
        }
        confidence = params.base_confidence + boosts * params.volume_confidence_boost
        return Setup(action, bar.close, stop, target, confidence, seen)


ENTRY: Final = CatalogEntry(
    strategy_id="volume_surge_breakout",
    version=1,
    title="Volume surge breakout",
    summary="On three times the usual volume the price leaves the range of the last twenty bars, momentum with it.",
    fails_when=(
        "The volume is that of an end: everybody who wanted to buy has bought in this bar.",
        "The hour is a busy one: three times the volume of the night is nothing in the afternoon.",
        "The surge is a chain of liquidations: the price comes back when it is over.",
    ),
    listens_to=Candle,
    params=Params,
    build=VolumeSurgeBreakout,
    replay_honesty=ReplayHonesty.YES,
    history="34 bars: of the MACD, the usual volume, the range and one more, whichever is longest",
)
