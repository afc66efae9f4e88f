"""`bear_trap_buy`: the bar fell through the slow average and closed above it again."""

from collections import deque
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.ema import Ema
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, at_extreme

PERIODS_MAX: Final = 50
_CONFIDENCE_MAX: Final = 0.85


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"ema_slow"})

    ema_slow: Annotated[int, Meta(ge=2, le=400, description="Bars of the average that is fallen through.")] = 80
    trend_confirmation_periods: Annotated[
        int, Meta(ge=1, le=PERIODS_MAX, description="How many last bars have closed above it, this one included.")
    ] = 4
    fake_breakdown_threshold: Annotated[
        float, Meta(ge=0, le=0.1, description="How far the low is below the average at least, as a share of it.")
    ] = 0.0
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence in a close at the low; one at the high adds 0.25.")
    ] = 0.60


class BearTrapBuy(CandleStrategy):
    """Buy when the low is below E80 (begun with the mean of its first closes), the close above, and the last four bars
    have closed above it.

    The entry waits at the bar's high, the stop is its low, the target `risk_reward_ratio` times as far. Confidence is
    min(0.85, `base_confidence` + 0.25 · (close − low) / (high − low)).

    As the existing strategy is coded, with one defect mended: the bar's high was named as the entry and the market
    bought at once. Its EMA8 was calculated and never looked at; it is left out.
    """

    params: Params

    NAME = "bear_trap_buy"
    BARS = 125

    def restart(self) -> None:
        self._ema = Ema(self.params.ema_slow)
        self._average = 0.0
        self._over: deque[float] = deque(maxlen=PERIODS_MAX)  # the close over its average

    @property
    def needed(self) -> int:
        return max(self.BARS, self._ema.warmup + self.params.trend_confirmation_periods - 1)

    def take(self, bar: Candle) -> None:
        average = self._ema.update(bar.close)
        if average is not None:
            self._average = average
            self._over.append(bar.close - average)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        params, average = self.params, self._average
        held = all(over > 0.0 for over in list(self._over)[-params.trend_confirmation_periods :])
        deep = average - bar.low
        if not held or deep <= 0.0 or deep < params.fake_breakdown_threshold * average:
            return None
        confidence = params.base_confidence + 0.25 * (bar.close - bar.low) / (bar.high - bar.low)
        seen = {"ema_slow": average, "depth": deep}
        return at_extreme(Action.BUY, bar, params.risk_reward_ratio, min(_CONFIDENCE_MAX, confidence), seen)


ENTRY: Final = CatalogEntry(
    strategy_id="bear_trap_buy",
    version=1,
    title="Bear trap, buy",
    summary="A bar that fell through the slow average and closed above it again: buy when its high is passed.",
    fails_when=(
        "The average is flat and the market sideways: it is crossed all the time, and nobody is trapped.",
        "The first test fails only by chance: the second goes through.",
    ),
    listens_to=Candle,
    params=Params,
    build=BearTrapBuy,
    replay_honesty=ReplayHonesty.YES,
    history="125 bars, or `ema_slow` and `trend_confirmation_periods`",
)
