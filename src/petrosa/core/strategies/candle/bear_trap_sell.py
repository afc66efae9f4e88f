"""`bear_trap_sell`: the bar rose through the slow average and closed below it again."""

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

    ema_slow: Annotated[int, Meta(ge=2, le=400, description="Bars of the average that is risen through.")] = 80
    trend_confirmation_periods: Annotated[
        int, Meta(ge=1, le=PERIODS_MAX, description="How many last bars have closed below it, this one included.")
    ] = 4
    fake_breakout_threshold: Annotated[
        float, Meta(ge=0, le=0.1, description="How far the high is above the average at least, as a share of it.")
    ] = 0.0
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence in a close at the average; how far below it is adds 0.25.")
    ] = 0.60


class BearTrapSell(CandleStrategy):
    """Sell when the high is above E80 (begun with the mean of its first closes), the close below, and the last four
    bars have closed below it.

    The entry waits at the bar's low, the stop is its high, the target `risk_reward_ratio` times as far. Confidence is
    min(0.85, `base_confidence` + 0.25 · (E80 − close) / (high − E80)): how far it fell back, in units of how far it
    came.

    As the existing strategy is coded, with one defect mended: the bar's low was named as the entry and the market sold
    at once. A close below the average one bar ago was asked for twice, once is enough; and what it answered to a high
    at the average cannot be, since the high is above it.
    """

    params: Params

    NAME = "bear_trap_sell"
    BARS = 125

    def restart(self) -> None:
        self._ema = Ema(self.params.ema_slow)
        self._average = 0.0
        self._under: deque[float] = deque(maxlen=PERIODS_MAX)  # the average over its close

    @property
    def needed(self) -> int:
        return max(self.BARS, self._ema.warmup + self.params.trend_confirmation_periods - 1)

    def take(self, bar: Candle) -> None:
        average = self._ema.update(bar.close)
        if average is not None:
            self._average = average
            self._under.append(average - bar.close)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        params, average = self.params, self._average
        held = all(under > 0.0 for under in list(self._under)[-params.trend_confirmation_periods :])
        far = bar.high - average
        if not held or far <= 0.0 or far < params.fake_breakout_threshold * average:
            return None
        confidence = min(_CONFIDENCE_MAX, params.base_confidence + 0.25 * (average - bar.close) / far)
        seen = {"ema_slow": average, "height": far}
        return at_extreme(Action.SELL, bar, params.risk_reward_ratio, confidence, seen)


ENTRY: Final = CatalogEntry(
    strategy_id="bear_trap_sell",
    version=1,
    title="Bear trap, sell",
    summary="A bar that rose through the slow average and closed below it again: sell when its low is passed.",
    fails_when=(
        "The average is flat and the market sideways: it is crossed all the time, and nobody is trapped.",
        "The first test fails only by chance: the second goes through.",
    ),
    listens_to=Candle,
    params=Params,
    build=BearTrapSell,
    replay_honesty=ReplayHonesty.YES,
    history="125 bars, or `ema_slow` and `trend_confirmation_periods`",
)
