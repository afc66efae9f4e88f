"""`liquidity_grab_reversal`: the stops beyond an extreme were taken, and the price came back at once and stayed."""

from collections import deque
from collections.abc import Sequence
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.rsi import Rsi
from petrosa.core.analytics.indicators.volume_average import VolumeAverage
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CONFIDENCE_MAX, CandleParams, CandleStrategy, Setup, reward

_SURER: Final = 0.05
_DIVERGENCE_BARS: Final = 4
"""Close and RSI are compared with those of so many bars ago."""


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"rsi_period", "volume_sma_period"})

    lookback_periods: Annotated[
        int, Meta(ge=5, le=100, description="Bars before the recent ones whose extreme is the level.")
    ] = 15
    sweep_bars: Annotated[int, Meta(ge=1, le=10, description="Recent bars of which one may be the sweep.")] = 3
    confirmation_bars: Annotated[
        int, Meta(ge=1, le=5, description="Bars that must have closed inside the level since, at least.")
    ] = 2
    price_rejection_threshold: Annotated[
        float, Meta(ge=0, le=1, description="How far back from its extreme the sweep closes, as a share of its range.")
    ] = 0.30
    volume_spike_multiplier: Annotated[
        float, Meta(ge=0, le=20, description="Volume of the sweep over the mean of the bars that made the level.")
    ] = 1.5
    stop_pct: Annotated[float, Meta(gt=0, le=10, description="How far beyond the level the stop lies, in %.")] = 0.5
    rsi_period: Annotated[int, Meta(ge=2, le=50, description="Bars of the RSI, for the divergence.")] = 14
    volume_sma_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the usual volume.")] = 20
    volume_multiplier_threshold: Annotated[
        float, Meta(ge=0, le=20, description="More than so many times the usual volume on the last bar makes it surer.")
    ] = 2.0
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence before anything that makes it surer.")
    ] = 0.75


class LiquidityGrabReversal(CandleStrategy):
    """S is the lowest low of the 15 bars before the last 5. Buy when one of the first 3 of those 5 swept it:

    * its low is below S and its close above: stops were taken, and that was all;
    * it closed above its open, more than `price_rejection_threshold` of its range above its low;
    * its volume was more than 1.5 times the mean of those 15 bars;
    * every bar since closed above S.

    Sell is the mirror image with the highest high. The stop is `stop_pct` beyond S, or the extreme of the sweep where
    that lies farther; the target `risk_reward_ratio` times as far. Confidence is `base_confidence` (0.75), + 0.05 on a
    last bar of twice the usual volume, + 0.05 when close and RSI diverge over 4 bars (a lower close with a higher RSI
    for a buy); at most 0.95.

    As the existing strategy is coded, with three defects mended. A low within 0.5 % of S was enough, swept or not. Only
    the two closes after the sweep were looked at, so that the last one could be beyond the level again, and beyond the
    stop. And the stop could lie inside of what the sweep had reached already.
    """

    NAME = "liquidity_grab_reversal"
    BARS = 30
    KEPT = 115

    params: Params

    def restart(self) -> None:
        self._rsi = Rsi(self.params.rsi_period)
        self._average = VolumeAverage(self.params.volume_sma_period)
        self._strengths: deque[float | None] = deque(maxlen=_DIVERGENCE_BARS + 1)
        self._usual: float | None = None

    @property
    def needed(self) -> int:
        params = self.params
        window = params.lookback_periods + params.sweep_bars + params.confirmation_bars
        return max(self.BARS, window, self._rsi.warmup + _DIVERGENCE_BARS, self._average.warmup)

    def take(self, bar: Candle) -> None:
        self._strengths.append(self._rsi.update(bar.close))
        self._usual = self._average.update(bar.volume)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """A buy after a sweep of the lowest low; failing that, a sell after one of the highest high."""
        params = self.params
        bars, recent = list(self.bars), params.sweep_bars + params.confirmation_bars
        earlier, later = bars[-recent - params.lookback_periods : -recent], bars[-recent:]
        volume = sum(one.volume for one in earlier) / len(earlier)
        for action, sign, level in (
            (Action.BUY, 1.0, min(one.low for one in earlier)),
            (Action.SELL, -1.0, max(one.high for one in earlier)),
        ):
            reached = self._sweep(later, sign, level, volume)
            if reached is not None:
                return self._opinion(bar, action, sign, level, reached)
        return None

    def _sweep(self, later: Sequence[Candle], sign: float, level: float, volume: float) -> float | None:
        """How far the price got beyond the level in a sweep that held, if there was one."""
        params = self.params
        for at, bar in enumerate(later[: params.sweep_bars]):
            reached = bar.low if sign > 0.0 else bar.high
            if (
                sign * (level - reached) > 0.0
                and sign * (bar.close - bar.open) > 0.0
                and sign * (bar.close - reached) > params.price_rejection_threshold * (bar.high - bar.low)
                and bar.volume > params.volume_spike_multiplier * volume
                and all(sign * (one.close - level) > 0.0 for one in later[at:])
            ):
                return reached
        return None

    def _opinion(self, bar: Candle, action: Action, sign: float, level: float, reached: float) -> Setup:
        params, close = self.params, bar.close
        stop = level * (1.0 - sign * params.stop_pct / 100.0)
        if sign * (reached - stop) < 0.0:
            stop = reached
        usual, strength, before = self._usual, self._strengths[-1], self._strengths[0]
        assert usual is not None, "asked after the warm-up"
        assert strength is not None, "asked after the warm-up"
        assert before is not None, "asked after the warm-up"
        loud = bar.volume > params.volume_multiplier_threshold * usual
        diverges = sign * (close - self.back(_DIVERGENCE_BARS).close) < 0.0 < sign * (strength - before)
        confidence = min(CONFIDENCE_MAX, params.base_confidence + _SURER * (loud + diverges))
        seen = {"level": level, "sweep": reached, "rsi": strength, "usual_volume": usual}
        return Setup(action, close, stop, reward(close, stop, params.risk_reward_ratio), confidence, seen)


ENTRY: Final = CatalogEntry(
    strategy_id="liquidity_grab_reversal",
    version=1,
    title="Liquidity grab reversal",
    summary="An extreme of the last bars was swept on high volume, and the price came back and stayed.",
    fails_when=(
        "The sweep was the beginning of a breakout that only paused.",
        "The extreme is one that nobody watches: no stops were there to be taken.",
        "Bars are so long that the sweep and the return from it are one wick among many.",
    ),
    listens_to=Candle,
    params=Params,
    build=LiquidityGrabReversal,
    replay_honesty=ReplayHonesty.YES,
    history="30 bars, or as many as the level, the sweep and its confirmation take",
)
