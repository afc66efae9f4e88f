"""`shooting_star_reversal`: the price rose far within the bar, and fell all the way back."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.sma import Sma
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, at_extreme

_CONFIDENCE_MAX: Final = 0.80


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"sma_period"})

    upper_shadow_ratio_threshold: Annotated[
        float, Meta(ge=0.5, le=20, description="Least upper shadow, in bodies.")
    ] = 2.5
    lower_shadow_ratio_threshold: Annotated[float, Meta(ge=0, le=5, description="Most lower shadow, in bodies.")] = 0.2
    body_size_threshold: Annotated[
        float, Meta(ge=0, le=0.05, description="Least body, as a share of the price; a smaller one is a doji.")
    ] = 0.0001
    sma_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the average above which it is surer.")] = 20
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 1.5
    base_confidence: Annotated[
        float, Meta(ge=0.3, le=1, description="Confidence without the shadow, which adds up to 0.25.")
    ] = 0.50


class ShootingStarReversal(CandleStrategy):
    """With body = |close − open| of at least `body_size_threshold` times the close: an upper shadow of at least 2.5
    bodies and a lower one of at most a fifth.

    The entry waits at the bar's low, the stop is its high, the target `risk_reward_ratio` times as far. Confidence is
    min(0.80, min(`base_confidence` + 0.25, `base_confidence` + 0.25 · upper / (5 · body)) + 0.10 where the close is
    above the SMA20).

    As the existing strategy is coded, with three defects mended. The least body was 0.0001 in units of price: of a coin
    worth less than a cent that is the whole bar, of Bitcoin it is nothing; it is the same share of the price now. The
    average of 20 bars was asked for after 10. And the bar's low was named as the entry and the market sold at once.
    """

    params: Params

    NAME = "shooting_star_reversal"
    BARS = 10

    def restart(self) -> None:
        self._sma = Sma(self.params.sma_period)
        self._average: float | None = None

    @property
    def needed(self) -> int:
        return max(self.BARS, self._sma.warmup)

    def take(self, bar: Candle) -> None:
        self._average = self._sma.update(bar.close)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        params, body, average = self.params, abs(bar.close - bar.open), self._average
        if average is None:
            return Quiet.WARMING_UP
        upper, lower = bar.high - max(bar.open, bar.close), min(bar.open, bar.close) - bar.low
        if body == 0.0 or body < params.body_size_threshold * bar.close:
            return None
        if upper < params.upper_shadow_ratio_threshold * body or lower > params.lower_shadow_ratio_threshold * body:
            return None
        confidence = params.base_confidence + 0.25 * min(1.0, upper / (5.0 * body))
        confidence = min(_CONFIDENCE_MAX, confidence + (0.10 if bar.close > average else 0.0))
        seen = {"body": body, "upper_shadow": upper, "lower_shadow": lower, "sma": average}
        return at_extreme(Action.SELL, bar, params.risk_reward_ratio, confidence, seen)


ENTRY: Final = CatalogEntry(
    strategy_id="shooting_star_reversal",
    version=1,
    title="Shooting star",
    summary="A bar with a long upper shadow, a small body and next to no lower shadow: sell when its low is passed.",
    fails_when=(
        "Nothing rose before: what looks like a star then is a first try to rise.",
        "The market is calm: of a small body every shadow is a long one.",
        "Bars are short: how the price moves within a minute is chance.",
    ),
    listens_to=Candle,
    params=Params,
    build=ShootingStarReversal,
    replay_honesty=ReplayHonesty.YES,
    history="`sma_period` bars, 10 at least",
)
