"""`ema_slope_reversal_sell`: the short average has risen and turns down."""

from collections import deque
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.ema import Ema
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, at_extreme

_CONFIDENCE_MAX: Final = 0.80


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"ema_period"})

    ema_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the average.")] = 9
    slope_threshold: Annotated[
        float, Meta(ge=0, le=0.05, description="Least change of the slope, as a share of the price.")
    ] = 0.0
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0
    base_confidence: Annotated[float, Meta(ge=0.5, le=1, description="Confidence in a turn next to nothing.")] = 0.55


class EmaSlopeReversalSell(CandleStrategy):
    """With E_k the EMA9 of the closes k bars ago (begun with the mean of the first nine) and slope_k = E_k − E_{k+1}:
    sell when slope_1 > 0 > slope_0. The close is below the average then: only that can turn it.

    The entry waits at the bar's low, the stop is its high, the target `risk_reward_ratio` times as far. Confidence is
    min(0.80, `base_confidence` + 50 · |slope_0 − slope_1| / close + 10 · (E_0 − close) / close): a turn by less than
    0.06 to 0.10 % of the price, the more the steeper the rise was, is below the usual floor of 0.60 and refused.

    As the existing strategy is coded, with one defect mended: the bar's low was named as the entry and the market sold
    at once. That the close is below the average was asked for besides, and follows from the turn.
    """

    params: Params

    NAME = "ema_slope_reversal_sell"
    BARS = 60

    def restart(self) -> None:
        self._ema = Ema(self.params.ema_period)
        self._averages: deque[float] = deque(maxlen=3)  # the last one first

    @property
    def needed(self) -> int:
        return max(self.BARS, self._ema.warmup + 2)

    def take(self, bar: Candle) -> None:
        average = self._ema.update(bar.close)
        if average is not None:
            self._averages.appendleft(average)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        params, close, (average, before, earlier) = self.params, bar.close, self._averages
        slope, was = average - before, before - earlier
        turn = (was - slope) / close
        if not slope < 0.0 < was or turn < params.slope_threshold:
            return None
        confidence = params.base_confidence + 50.0 * turn + 10.0 * (average - close) / close
        seen = {"ema": average, "slope": slope, "slope_before": was}
        return at_extreme(Action.SELL, bar, params.risk_reward_ratio, min(_CONFIDENCE_MAX, confidence), seen)


ENTRY: Final = CatalogEntry(
    strategy_id="ema_slope_reversal_sell",
    version=1,
    title="EMA slope reversal, sell",
    summary="The short average turns from rising to falling: sell when the bar's low is passed.",
    fails_when=(
        "The market goes sideways: the average turns every few bars.",
        "A rising market pauses: a turn of a short average is the least that a pause does.",
    ),
    listens_to=Candle,
    params=Params,
    build=EmaSlopeReversalSell,
    replay_honesty=ReplayHonesty.YES,
    history="60 bars, or `ema_period` and two more",
)
