"""`rsi_extreme_reversal`: an RSI of two bars at its lower end, which most often does not stay there."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.rsi import Rsi
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, reward

_CONFIDENCE_MAX: Final = 0.90


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"rsi_period", "min_data_points"})

    rsi_period: Annotated[int, Meta(ge=2, le=50, description="Bars of the RSI.")] = 2
    oversold_threshold: Annotated[
        float, Meta(ge=1, le=40, description="Buy below this RSI; not above `extreme_threshold`: extremes alone.")
    ] = 25.0
    extreme_threshold: Annotated[float, Meta(ge=1, le=10, description="Below this RSI it is surer.")] = 2.0
    min_data_points: Annotated[int, Meta(ge=50, le=200, description="Bars it wants to have seen.")] = 78
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence is never less than this; above 0.9 it is always 0.9.")
    ] = 0.55
    extreme_confidence: Annotated[float, Meta(ge=0.5, le=1, description="Confidence in an extreme RSI.")] = 0.82
    oversold_confidence: Annotated[float, Meta(ge=0.5, le=1, description="Confidence in an oversold one.")] = 0.72
    momentum_adjustment_factor: Annotated[
        float, Meta(ge=0, le=0.5, description="What each point adds that the RSI has risen on this bar.")
    ] = 0.02
    momentum_boost: Annotated[float, Meta(ge=0, le=0.4, description="What a rise adds at most.")] = 0.08
    momentum_threshold: Annotated[
        float, Meta(ge=-100, le=0, description="A fall of the RSI beyond this, in points, makes it less sure.")
    ] = -2.0
    momentum_penalty: Annotated[float, Meta(ge=-0.4, le=0, description="What such a fall adds.")] = -0.05
    stop_pct: Annotated[float, Meta(gt=0, le=20, description="Least distance of the stop, in % of the close.")] = 1.0
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0


class RsiExtremeReversal(CandleStrategy):
    """Buy when the RSI of 2 bars (α = ½) is below `oversold_threshold`. The stop is the lowest low of 5 bars, or 1 %
    below the close where that is lower; the target `risk_reward_ratio` times as far.

    Confidence begins at `extreme_confidence` below `extreme_threshold`, else at `oversold_confidence`. A rise of the
    RSI by Δ adds min(`momentum_boost`, `momentum_adjustment_factor` · Δ), a fall beyond `momentum_threshold` adds the
    (negative) penalty. It stays between `base_confidence` and 0.90.

    As the existing strategy is coded, with two defects mended. Its eleven parameters were never handed to it, and its
    schema refused six of them: here all are read, and `base_confidence`, which nothing used, is the least confidence
    (it was a constant of 0.55). It was told on every oversold bar; it counts on the first, so that an extreme which
    follows an oversold bar is no news; who wants the extremes alone sets `oversold_threshold` to 2. Not on bars of 1, 3
    and 5 minutes, as before.
    """

    NAME = "rsi_extreme_reversal"
    BARS = 78
    KEPT = 5

    params: Params

    def restart(self) -> None:
        self._rsi = Rsi(self.params.rsi_period)
        self._strength: float | None = None
        self._before: float | None = None

    @property
    def needed(self) -> int:
        params = self.params
        return max(params.min_data_points, self._rsi.warmup + 1)

    def take(self, bar: Candle) -> None:
        self._before, self._strength = self._strength, self._rsi.update(bar.close)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """A buy while the RSI is oversold; the edge of it is the strategist's."""
        params, strength, before, close = self.params, self._strength, self._before, bar.close
        if strength is None or before is None:
            return Quiet.WARMING_UP
        if strength >= params.oversold_threshold:
            return None
        stop = min(min(one.low for one in self.bars), close * (1.0 - params.stop_pct / 100.0))
        seen = {"rsi": strength, "rsi_change": strength - before}
        target = reward(close, stop, params.risk_reward_ratio)
        return Setup(Action.BUY, close, stop, target, self._confidence(strength, strength - before), seen)

    def _confidence(self, strength: float, change: float) -> float:
        params = self.params
        extreme = strength < params.extreme_threshold
        confidence = params.extreme_confidence if extreme else params.oversold_confidence
        if change > 0.0:
            confidence += min(params.momentum_boost, params.momentum_adjustment_factor * change)
        elif change < params.momentum_threshold:
            confidence += params.momentum_penalty
        return min(_CONFIDENCE_MAX, max(params.base_confidence, confidence))


ENTRY: Final = CatalogEntry(
    strategy_id="rsi_extreme_reversal",
    version=1,
    title="RSI extreme reversal",
    summary="The RSI of two bars is oversold: buy, with the stop below the last lows.",
    fails_when=(
        "The market falls: a short RSI is oversold all the way down.",
        "Few bars make the RSI: a single one decides it, and a single trade may decide that bar.",
    ),
    listens_to=Candle,
    params=Params,
    build=RsiExtremeReversal,
    replay_honesty=ReplayHonesty.YES,
    history="`min_data_points` bars, 78",
    timeframes=("15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "3d", "1w"),
)
