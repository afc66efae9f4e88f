"""`ema_momentum_reversal`: the short average turns up, or the fall under it is about to be over."""

from collections import deque
from itertools import pairwise
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.ema import Ema, Seeding
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, at_extreme

_CONFIDENCE_LEAST: Final = 0.60
_CONFIDENCE_MAX: Final = 0.88
_LOOKED_AT: Final = 7
"""Bars whose average is kept: the setup that looks back farthest asks for that of six bars ago."""


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"ema_period"})

    cooldown_bars: Annotated[
        int, Meta(ge=0, le=500, description="Least bars between two signals; the longer of the two cooldowns holds.")
    ] = 9
    ema_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the average.")] = 9
    falling_slopes_min: Annotated[
        int, Meta(ge=1, le=5, description="Of the last five steps of the average, those that fell in setup 9.3.")
    ] = 3
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence in setup 9.3; 9.1 has 0.02 more, 9.2 0.04, 9.4 0.06.")
    ] = 0.74


class EmaMomentumReversal(CandleStrategy):
    """With E_k the EMA9 of the closes k bars ago (weights divided by their sum) and slope_k = E_k − E_{k+1}, a buy in
    the first of these setups that is there:

    * 9.4: the average turns up (slope_1 < 0 < slope_0), on a higher low, after a low at or under its average among the
      bars 2 to 6 ago;
    * 9.1: the average turns up. That is a close above it after one below it;
    * 9.2, capitulation: none of the last five lows above its average, none of the last five slopes up, and a close
      below the low of the bar before;
    * 9.3: at least `falling_slopes_min` of the last five slopes fall, not all of the last three lows are above their
      averages, and the last two closes are below the third.

    The entry waits at the bar's high, the stop is its low, the target `risk_reward_ratio` times as far. Confidence is
    `base_confidence` with 0.06, 0.02, 0.04, 0 more in this order, + min(0.05, 100 · slope_0 / close) where that is
    above zero, − min(0.08, 10 · |close − E_0| / E_0), within 0.60 to 0.88.

    As the existing strategy is coded, with three defects mended. Setup 9.4 came last and could never be: whenever the
    average turns up the close is above it, so that 9.1 was found first; now the stricter is asked for first, without
    its two conditions that follow from the turn. The slope was added to the confidence in units of price, which gave
    every dear coin the whole 0.05; now it is a share of the price. And the bar's high was named as the entry and the
    market bought at once. One of its setups begins on every fifth bar or so, whatever the market does: the cooldown is
    as many bars as the average has, within which a second turn is the same turn.
    """

    params: Params

    NAME = "ema_momentum_reversal"
    BARS = 60
    KEPT = _LOOKED_AT

    def restart(self) -> None:
        self._ema = Ema(self.params.ema_period, seeding=Seeding.WEIGHTED)
        self._averages: deque[float] = deque(maxlen=_LOOKED_AT)  # the last one first

    @property
    def needed(self) -> int:
        return max(self.BARS, self._ema.warmup + _LOOKED_AT - 1)

    def take(self, bar: Candle) -> None:
        average = self._ema.update(bar.close)
        if average is not None:
            self._averages.appendleft(average)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        params, averages = self.params, list(self._averages)
        slopes = [after - before for after, before in pairwise(averages)]
        found = self._found(bar, averages, slopes)
        if found is None:
            return None
        setup, surer = found
        average, slope = averages[0], slopes[0]
        confidence = params.base_confidence + surer + min(0.05, 100.0 * max(0.0, slope) / bar.close)
        confidence -= min(0.08, 10.0 * abs(bar.close - average) / average)
        confidence = min(_CONFIDENCE_MAX, max(_CONFIDENCE_LEAST, confidence))
        seen = {"ema": average, "slope": slope, "setup": setup}
        return at_extreme(Action.BUY, bar, params.risk_reward_ratio, confidence, seen)

    def _found(self, bar: Candle, averages: list[float], slopes: list[float]) -> tuple[float, float] | None:
        """Which setup is there, and how much surer it is than 9.3."""
        above = [self.back(k).low > averages[k] for k in range(_LOOKED_AT)]
        before = self.back(1)
        if slopes[1] < 0.0 < slopes[0]:
            return (9.4, 0.06) if not all(above[2:]) and bar.low > before.low else (9.1, 0.02)
        if not any(above[:5]) and max(slopes[:5]) <= 0.0 and bar.close < before.low:
            return 9.2, 0.04
        falling = sum(slope < 0.0 for slope in slopes[:5]) >= self.params.falling_slopes_min
        lower = max(bar.close, before.close) < self.back(2).close
        return (9.3, 0.0) if falling and lower and not all(above[:3]) else None


ENTRY: Final = CatalogEntry(
    strategy_id="ema_momentum_reversal",
    version=1,
    title="EMA momentum reversal",
    summary="The short average turns up, or the price has fallen under it for long: buy when the bar's high is passed.",
    fails_when=(
        "The market goes sideways: the average turns every few bars, and each turn up looks the same.",
        "The fall goes on: two of the four setups buy into it, and only the wait for the bar's high holds them back.",
        "It only buys: in a falling market all that it finds is a pause.",
    ),
    listens_to=Candle,
    params=Params,
    build=EmaMomentumReversal,
    replay_honesty=ReplayHonesty.YES,
    history="60 bars, or `ema_period` and six more",
)
