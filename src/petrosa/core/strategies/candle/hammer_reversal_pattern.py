"""`hammer_reversal_pattern`: the price fell far within the bar, and came all the way back."""

from typing import Annotated, Final

from msgspec import Meta

from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, at_extreme

_CONFIDENCE_MAX: Final = 0.88
PERIODS_MAX: Final = 20


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    lower_shadow_ratio_threshold: Annotated[
        float, Meta(ge=0.5, le=20, description="Least lower shadow, in bodies.")
    ] = 2.5
    upper_shadow_ratio_threshold: Annotated[float, Meta(ge=0, le=5, description="Most upper shadow, in bodies.")] = 0.2
    trend_confirmation_periods: Annotated[
        int, Meta(ge=1, le=PERIODS_MAX, description="Closes before, of which half above this one make a fall.")
    ] = 4
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence without the shadows and the fall, which add up to 0.32.")
    ] = 0.68


class HammerReversalPattern(CandleStrategy):
    """With body = |close − open| above zero: a lower shadow of at least 2.5 bodies and an upper one of at most a fifth.

    The entry waits at the bar's high, the stop is its low, the target `risk_reward_ratio` times as far. Confidence is
    min(0.88, `base_confidence` + 0.08 after a fall + 0.10 · min(1, lower / (5 · body)) + 0.08 · lower / range
    + 0.06 · max(0, 1 − 5 · upper / body)). A fall is a close below at least half of the `trend_confirmation_periods`
    closes before; none is asked for.

    As the existing strategy is coded, with one defect mended: the bar's high was named as the entry and the market
    bought at once, before anything had confirmed the hammer.
    """

    params: Params

    NAME = "hammer_reversal_pattern"
    BARS = 10
    KEPT = PERIODS_MAX + 1

    def restart(self) -> None:
        """It needs no indicator."""

    @property
    def needed(self) -> int:
        return max(self.BARS, self.params.trend_confirmation_periods + 1)

    def take(self, bar: Candle) -> None:
        """A bar speaks for itself."""

    def look(self, bar: Candle) -> Setup | Quiet | None:
        params, body = self.params, abs(bar.close - bar.open)
        lower, upper = min(bar.open, bar.close) - bar.low, bar.high - max(bar.open, bar.close)
        long_enough = lower >= params.lower_shadow_ratio_threshold * body
        if body == 0.0 or not long_enough or upper > params.upper_shadow_ratio_threshold * body:
            return None
        periods = params.trend_confirmation_periods
        fell = 2 * sum(bar.close < self.back(k).close for k in range(1, periods + 1)) >= periods
        confidence = params.base_confidence + (0.08 if fell else 0.0) + 0.10 * min(1.0, lower / (5.0 * body))
        confidence += 0.08 * lower / (bar.high - bar.low) + 0.06 * max(0.0, 1.0 - 5.0 * upper / body)
        seen = {"body": body, "lower_shadow": lower, "upper_shadow": upper, "fell": float(fell)}
        return at_extreme(Action.BUY, bar, params.risk_reward_ratio, min(_CONFIDENCE_MAX, confidence), seen)


ENTRY: Final = CatalogEntry(
    strategy_id="hammer_reversal_pattern",
    version=1,
    title="Hammer",
    summary="A bar with a long lower shadow, a small body and next to no upper shadow: buy when its high is passed.",
    fails_when=(
        "The market is calm: of a body of one tick every shadow is a long one.",
        "Nothing fell before: what looks like a hammer then is a top that was sold into.",
        "Bars are short: how the price moves within a minute is chance.",
    ),
    listens_to=Candle,
    params=Params,
    build=HammerReversalPattern,
    replay_honesty=ReplayHonesty.YES,
    history="10 bars, or `trend_confirmation_periods` and the hammer",
)
