"""`ema_alignment_bullish`: price, fast and slow average stand in the order of a rising market, and both rise."""

from collections import deque
from itertools import pairwise
from typing import Annotated, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.ema import Ema, Seeding
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CONFIDENCE_MAX, CandleStrategy, Setup, TwoAverages, reward

PERIODS_MAX: Final = 20


class Params(TwoAverages, frozen=True, forbid_unknown_fields=True, kw_only=True):
    trend_confirmation_periods: Annotated[
        int, Meta(ge=1, le=PERIODS_MAX, description="Over how many bars both averages have risen without a pause.")
    ] = 2
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.5
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence when the averages and the price are next to each other.")
    ] = 0.74


class EmaAlignmentBullish(CandleStrategy):
    """Buy when close > E8 > E80 and both averages have risen on each of the last two bars (E: exponential averages of
    the closes whose weights are divided by their sum).

    The stop is E80, the target `risk_reward_ratio` times as far. Confidence is min(0.95, `base_confidence` +
    min(0.10, 10 · (E8 − E80) / E80) + min(0.05, 20 · (close − E8) / E8)).

    As the existing strategy is coded, with one defect mended: the order lasts as long as the market rises, and it was
    told again on every bar. It counts on the bar on which it begins.
    """

    NAME = "ema_alignment_bullish"
    BARS = 125

    params: Params

    def restart(self) -> None:
        self._fast = Ema(self.params.ema_fast, seeding=Seeding.WEIGHTED)
        self._slow = Ema(self.params.ema_slow, seeding=Seeding.WEIGHTED)
        self._pairs: deque[tuple[float, float]] = deque(maxlen=PERIODS_MAX + 1)

    @property
    def needed(self) -> int:
        params = self.params
        return max(self.BARS, self._slow.warmup + params.trend_confirmation_periods)

    def take(self, bar: Candle) -> None:
        fast, slow = self._fast.update(bar.close), self._slow.update(bar.close)
        if fast is not None and slow is not None:
            self._pairs.append((fast, slow))

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """A buy while price and averages are in order; the edge of it is the strategist's."""
        params, close = self.params, bar.close
        fast, slow = self._pairs[-1]
        if not close > fast > slow or not self._rises():
            return None
        over, above = (fast - slow) / slow, (close - fast) / fast
        confidence = params.base_confidence + min(0.10, 10.0 * over) + min(0.05, 20.0 * above)
        seen = {"ema_fast": fast, "ema_slow": slow}
        target = reward(close, slow, params.risk_reward_ratio)
        return Setup(Action.BUY, close, slow, target, min(CONFIDENCE_MAX, confidence), seen)

    def _rises(self) -> bool:
        steps = list(self._pairs)[-1 - self.params.trend_confirmation_periods :]
        return all(after[0] > before[0] and after[1] > before[1] for before, after in pairwise(steps))


ENTRY: Final = CatalogEntry(
    strategy_id="ema_alignment_bullish",
    version=1,
    title="EMA alignment, bullish",
    summary="The close above the fast average, that above the slow one, and both rising.",
    fails_when=(
        "The market goes sideways: the order is made and broken every few bars.",
        "The rise is old: the slow average, where the stop is, lies far below.",
    ),
    listens_to=Candle,
    params=Params,
    build=EmaAlignmentBullish,
    replay_honesty=ReplayHonesty.YES,
    history="125 bars, or `ema_slow` and `trend_confirmation_periods`",
)
