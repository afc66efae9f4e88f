"""`range_break_pop`: a bar longer than usual leaves the range of the bars before it upwards."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.atr import Atr
from petrosa.core.analytics.indicators.extremes import Highest, Lowest
from petrosa.core.analytics.indicators.rsi import Rsi
from petrosa.core.analytics.indicators.volume_average import VolumeAverage
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, reward


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"atr_period", "range_period", "rsi_period", "volume_sma_period"})

    atr_period: Annotated[int, Meta(ge=2, le=100, description="Length of the average true range, in bars.")] = 14
    atr_multiplier: Annotated[
        float, Meta(ge=0, le=10, description="The bar is longer than so many average true ranges; 0 is off.")
    ] = 1.5
    range_period: Annotated[int, Meta(ge=2, le=200, description="How many bars the range is of.")] = 10
    breakout: Annotated[bool, Meta(description="Ask that the close is above the highest high of the bars before.")] = (
        True
    )
    max_range_pct: Annotated[
        float, Meta(gt=0, le=100, description="A wider range, in % of its low, is none (document: 2.5); 100 is off.")
    ] = 100.0
    volume_sma_period: Annotated[int, Meta(ge=2, le=200, description="How many bars the usual volume is of.")] = 20
    volume_multiplier_threshold: Annotated[
        float, Meta(ge=0, le=10, description="Volume is above so many times the usual (document: 1.5); 0: any.")
    ] = 0.0
    rsi_period: Annotated[int, Meta(ge=2, le=50, description="Length of the RSI, in bars.")] = 14
    rsi_min: Annotated[float, Meta(ge=0, le=100, description="Least RSI before the bar (document: 45); 0 is off.")] = (
        0.0
    )
    rsi_max: Annotated[float, Meta(ge=0, le=100, description="Most RSI before the bar (document: 55); 100 is off.")] = (
        100.0
    )
    stop_buffer_pct: Annotated[
        float, Meta(ge=0, le=10, description="How far below the range the stop is, in % of its low.")
    ] = 1.0
    risk_reward_ratio: Annotated[float, Meta(ge=0.5, le=10, description="Target in multiples of the risk.")] = 2.0
    base_confidence: Annotated[float, Meta(ge=0.5, le=0.95, description="Confidence in every setup.")] = 0.68

    def check(self) -> None:
        if self.rsi_min > self.rsi_max:
            raise ValueError(f"rsi_min {self.rsi_min} must not be above rsi_max {self.rsi_max}")


class RangeBreakPop(CandleStrategy):
    """Buys when a bar is longer than `atr_multiplier` average true ranges, traded, and closes higher for the second
    time in a row. Stop `stop_buffer_pct` below the lowest low of `range_period` bars, this one included; target
    `risk_reward_ratio` times the risk.

    Follows the coded behaviour. Mended: no range was broken; with `breakout` the close must be above the high of the
    `range_period` bars before. Usual volume and usual length include the bar itself, as they always did. Of the
    document, a narrow range, volume and the RSI (of the bar before: a break that leaves it in the middle is none) can
    be asked; that the ATR falls while a bar is half as long again cannot be.
    """

    NAME = "range_break_pop"
    KEPT = 3

    params: Params

    def restart(self) -> None:
        params = self.params
        self._atr, self._rsi = Atr(params.atr_period), Rsi(params.rsi_period)
        self._volume = VolumeAverage(params.volume_sma_period)
        self._highest, self._lowest = Highest(params.range_period), Lowest(params.range_period)
        self._usual: float | None = None
        self._traded: float | None = None
        self._top: float | None = None
        self._bottom: float | None = None
        self._top_before: float | None = None
        self._bottom_before: float | None = None
        self._strength: float | None = None
        self._strength_before: float | None = None

    @property
    def needed(self) -> int:
        return max(self._atr.warmup, self._rsi.warmup + 1, self._volume.warmup, self._highest.warmup + 1, self.KEPT)

    def take(self, bar: Candle) -> None:
        self._usual, self._traded = self._atr.update(bar.high, bar.low, bar.close), self._volume.update(bar.volume)
        self._strength_before, self._strength = self._strength, self._rsi.update(bar.close)
        self._top_before, self._top = self._top, self._highest.update(bar.high)
        self._bottom_before, self._bottom = self._bottom, self._lowest.update(bar.low)

    def look(self, bar: Candle) -> Setup | None:
        params, close = self.params, bar.close
        usual, traded, bottom, rsi = self._usual, self._traded, self._bottom, self._strength_before
        high, low = self._top_before, self._bottom_before
        if usual is None or traded is None or bottom is None or rsi is None or high is None or low is None:
            return None
        if bar.high - bar.low <= params.atr_multiplier * usual or not close > self.back(1).close > self.back(2).close:
            return None
        if params.breakout and close <= high:
            return None
        if (high - low) / low * 100.0 > params.max_range_pct or not params.rsi_min <= rsi <= params.rsi_max:
            return None
        if bar.volume <= params.volume_multiplier_threshold * traded or traded == 0.0:
            return None
        stop = bottom * (1.0 - params.stop_buffer_pct / 100.0)
        if stop >= close:
            return None
        seen = {
            "atr": usual,
            "range_high": high,
            "range_low": low,
            "rsi_before": rsi,
            "volume_ratio": bar.volume / traded,
        }
        return Setup(
            Action.BUY, close, stop, reward(close, stop, params.risk_reward_ratio), params.base_confidence, seen
        )


ENTRY: Final = CatalogEntry(
    strategy_id="range_break_pop",
    version=1,
    title="Range break pop",
    summary="A bar half as long again as usual closes above the range of the ten bars before, after one that rose too.",
    fails_when=(
        "The break is false: the price is back in the range a few bars later.",
        "The range is wide: its low is the stop, and the target more than the market moves.",
        "News made the bar: by its close most of the way is done.",
    ),
    listens_to=Candle,
    params=Params,
    build=RangeBreakPop,
    replay_honesty=ReplayHonesty.YES,
    history="20 bars: of the usual volume, the range and one more, the ATR, the RSI and one more, whichever is longest",
)
