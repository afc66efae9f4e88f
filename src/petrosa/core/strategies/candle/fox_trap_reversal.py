"""`fox_trap_reversal`: in a trend the bar comes back to the fast average and closes on the right side of it."""

from collections import deque
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.ema import Ema, Seeding
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, at_extreme

PERIODS_MAX: Final = 50
_CONFIDENCE_MAX: Final = 0.92


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"ema_fast", "ema_medium", "ema_slow"})

    ema_fast: Annotated[int, Meta(ge=2, le=100, description="Bars of the average that is come back to.")] = 8
    ema_medium: Annotated[int, Meta(ge=3, le=200, description="Bars of the middle average.")] = 20
    ema_slow: Annotated[int, Meta(ge=4, le=400, description="Bars of the average that shows the trend.")] = 80
    pullback_threshold: Annotated[
        float, Meta(ge=0, le=0.1, description="How near the bar's extreme came to the fast one, as a share of it.")
    ] = 0.02
    trend_confirmation_periods: Annotated[
        int, Meta(ge=1, le=PERIODS_MAX, description="For how many bars the fast one has been beyond the slow one.")
    ] = 6
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence without the distances, which add up to 0.19.")
    ] = 0.78

    def check(self) -> None:
        if not self.ema_fast < self.ema_medium < self.ema_slow:
            raise ValueError(
                f"ema_fast {self.ema_fast}, ema_medium {self.ema_medium} and ema_slow {self.ema_slow} must grow in "
                "this order"
            )


class FoxTrapReversal(CandleStrategy):
    """Buy when close > E8 > E80 and E8 > E20 (E: averages whose weights are divided by their sum), E8 has been above
    E80 for `trend_confirmation_periods` bars, this one's low comes down to at most 2 % above E8, and the high of one of
    the two bars before was above its E8. Sell is the mirror image.

    The entry waits at the bar's high, the stop is its low, the target `risk_reward_ratio` times as far. Confidence is
    min(0.92, `base_confidence` + 0.08 · min(1, 15 · |E8 − E80| / E80) + 0.06 · min(1, 20 · |E8 − E20| / E20)
    + 0.05 · max(0, 1 − 20 · |x − E8| / E8)) with x the low of a buy, the high of a sell.

    As the existing strategy is coded, with three defects mended. A sell did not ask for E8 < E20, as a buy does for
    E8 > E20. The state was told again on every bar; it counts where it begins. And the bar's end was named as the entry
    and the market taken at once.
    """

    params: Params

    NAME = "fox_trap_reversal"
    BARS = 130
    KEPT = 3

    def restart(self) -> None:
        params = self.params
        self._emas = [Ema(n, seeding=Seeding.WEIGHTED) for n in (params.ema_fast, params.ema_medium, params.ema_slow)]
        self._averages: tuple[float, ...] = ()
        self._fast: deque[float] = deque(maxlen=3)  # the last one first
        self._over: deque[float] = deque(maxlen=PERIODS_MAX)  # the fast average over the slow one

    @property
    def needed(self) -> int:
        return max(self.BARS, self._emas[-1].warmup + max(2, self.params.trend_confirmation_periods))

    def take(self, bar: Candle) -> None:
        fast, medium, slow = [ema.update(bar.close) for ema in self._emas]
        if fast is not None and medium is not None and slow is not None:
            self._averages = (fast, medium, slow)
            self._fast.appendleft(fast)
            self._over.append(fast - slow)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        params, (fast, medium, slow) = self.params, self._averages
        if bar.close > fast > max(medium, slow):
            action, sign, extreme = Action.BUY, 1.0, bar.low
            was_beyond = any(self.back(k).high > self._fast[k] for k in (1, 2))
        elif bar.close < fast < min(medium, slow):
            action, sign, extreme = Action.SELL, -1.0, bar.high
            was_beyond = any(self.back(k).low < self._fast[k] for k in (1, 2))
        else:
            return None
        lasting = all(sign * over > 0.0 for over in list(self._over)[-params.trend_confirmation_periods :])
        if not lasting or not was_beyond or sign * (extreme - fast) > params.pullback_threshold * fast:
            return None
        confidence = params.base_confidence + 0.08 * min(1.0, 15.0 * abs(fast - slow) / slow)
        confidence += 0.06 * min(1.0, 20.0 * abs(fast - medium) / medium)
        confidence += 0.05 * max(0.0, 1.0 - 20.0 * abs(extreme - fast) / fast)
        seen = {"ema_fast": fast, "ema_medium": medium, "ema_slow": slow}
        return at_extreme(action, bar, params.risk_reward_ratio, min(_CONFIDENCE_MAX, confidence), seen)


ENTRY: Final = CatalogEntry(
    strategy_id="fox_trap_reversal",
    version=1,
    title="Fox trap",
    summary="A bar that came back to the fast average of a trend and closed beyond it: enter when its end is passed.",
    fails_when=(
        "Bars are short: within 2 % of the average is everywhere, and the order of the averages alone is the signal.",
        "The trend is old: the averages are still in order when it turns.",
    ),
    listens_to=Candle,
    params=Params,
    build=FoxTrapReversal,
    replay_honesty=ReplayHonesty.YES,
    history="130 bars, or `ema_slow` and `trend_confirmation_periods`",
)
