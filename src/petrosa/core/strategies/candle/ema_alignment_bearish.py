"""`ema_alignment_bearish`: the price is below both averages, and both fall."""

from collections import deque
from itertools import pairwise
from typing import Annotated, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.ema import Ema
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleStrategy, Setup, TwoAverages, reward

PERIODS_MAX: Final = 20
_CONFIDENCE_MAX: Final = 0.85


class Params(TwoAverages, frozen=True, forbid_unknown_fields=True, kw_only=True):
    trend_confirmation_periods: Annotated[
        int, Meta(ge=1, le=PERIODS_MAX, description="Over how many bars both averages have fallen without a pause.")
    ] = 2
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 1.5
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence when the averages and the price are next to each other.")
    ] = 0.60


class EmaAlignmentBearish(CandleStrategy):
    """Sell when the close is below E8 and E80 (begun with the mean of their first closes) and both have fallen on each
    of the last two bars.

    The stop is E8 or the bar's high, whichever is higher, the target `risk_reward_ratio` times as far. Confidence is
    min(0.85, `base_confidence` + 10 · (E8 − close) / close + 5 · (E80 − close) / close
    + 20 · (|step of E8| + |step of E80|) / close); the signal's strength is strong.

    As the existing strategy is coded, with one defect mended: the order lasts as long as the market falls, and it was
    told again on every bar. It counts on the bar on which it begins.
    """

    params: Params

    NAME = "ema_alignment_bearish"
    BARS = 125

    def restart(self) -> None:
        self._fast, self._slow = Ema(self.params.ema_fast), Ema(self.params.ema_slow)
        self._pairs: deque[tuple[float, float]] = deque(maxlen=PERIODS_MAX + 1)

    @property
    def needed(self) -> int:
        return max(self.BARS, self._slow.warmup + self.params.trend_confirmation_periods)

    def take(self, bar: Candle) -> None:
        fast, slow = self._fast.update(bar.close), self._slow.update(bar.close)
        if fast is not None and slow is not None:
            self._pairs.append((fast, slow))

    def look(self, bar: Candle) -> Setup | Quiet | None:
        params, close = self.params, bar.close
        fast, slow = self._pairs[-1]
        if close >= fast or close >= slow or not self._falls():
            return None
        fast_before, slow_before = self._pairs[-2]
        steps = (fast_before - fast) + (slow_before - slow)
        confidence = params.base_confidence + (10.0 * (fast - close) + 5.0 * (slow - close) + 20.0 * steps) / close
        stop = max(fast, bar.high)
        target = reward(close, stop, params.risk_reward_ratio)
        if target <= 0.0:
            return None
        seen = {"ema_fast": fast, "ema_slow": slow}
        return Setup(Action.SELL, close, stop, target, min(_CONFIDENCE_MAX, confidence), seen, strength="strong")

    def _falls(self) -> bool:
        steps = list(self._pairs)[-1 - self.params.trend_confirmation_periods :]
        return all(after[0] < before[0] and after[1] < before[1] for before, after in pairwise(steps))


ENTRY: Final = CatalogEntry(
    strategy_id="ema_alignment_bearish",
    version=1,
    title="EMA alignment, bearish",
    summary="The close below both averages, and both falling.",
    fails_when=(
        "The market goes sideways: the order is made and broken every few bars.",
        "The fall is old: when both averages agree, most of it may be over.",
    ),
    listens_to=Candle,
    params=Params,
    build=EmaAlignmentBearish,
    replay_honesty=ReplayHonesty.YES,
    history="125 bars, or `ema_slow` and `trend_confirmation_periods`",
)
