"""`inside_bar_breakout`: a bar within the one before it, in a rising market: buy when its high is passed."""

from collections import deque
from itertools import pairwise
from typing import Annotated, Final, NamedTuple

from msgspec import Meta

from petrosa.core.analytics.indicators.ema import Ema, Seeding
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleStrategy, Setup, TwoAverages, reward

_CONFIDENCE_MAX: Final = 0.92
_STEPS: Final = 2
"""On so many last bars both averages have risen."""
PERIODS_MAX: Final = 20


class Params(TwoAverages, frozen=True, forbid_unknown_fields=True, kw_only=True):
    trend_confirmation_periods: Annotated[
        int, Meta(ge=1, le=PERIODS_MAX, description="How many last bars have closed above the fast average.")
    ] = 4
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence in a bar that only just fits; a small one adds up to 0.10.")
    ] = 0.76


class Averages(NamedTuple):
    """The averages at a bar, and its close."""

    fast: float
    slow: float
    close: float


class InsideBarBreakout(CandleStrategy):
    """The high is below and the low above those of the bar before; close > E8 > E80; the last four closes were above
    E8; both averages rose on each of the last two bars (E: exponential averages whose weights are divided by their
    sum). Buy at the high of the bar, with the stop at its low and the target `risk_reward_ratio` times as far.

    Confidence is min(0.92, `base_confidence` + 0.10 · (1 − range / range before) + min(0.08, 5 · (E8 − E80) / E80)).

    As the existing strategy is coded, with two defects mended. It named the high as its entry and bought at the market
    at once: here the entry waits until the high is reached, for `entry_expiry_bars` bars. And a bar that closes at its
    low had the stop at the price: it is no setup.
    """

    NAME = "inside_bar_breakout"
    BARS = 130

    params: Params

    def restart(self) -> None:
        self._fast = Ema(self.params.ema_fast, seeding=Seeding.WEIGHTED)
        self._slow = Ema(self.params.ema_slow, seeding=Seeding.WEIGHTED)
        self._averages: deque[Averages] = deque(maxlen=max(PERIODS_MAX, _STEPS + 1))

    @property
    def needed(self) -> int:
        params = self.params
        return max(self.BARS, self._slow.warmup + max(_STEPS, params.trend_confirmation_periods - 1))

    def take(self, bar: Candle) -> None:
        fast, slow = self._fast.update(bar.close), self._slow.update(bar.close)
        if fast is not None and slow is not None:
            self._averages.append(Averages(fast, slow, bar.close))

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """A buy at a stop at the high of an inside bar, in a rise."""
        params, before = self.params, self.back(1)
        inside = before.low < bar.low < bar.high < before.high
        if not inside or bar.close <= bar.low or not self._rises():
            return None
        fast, slow, _ = self._averages[-1]
        tight = 1.0 - (bar.high - bar.low) / (before.high - before.low)
        confidence = params.base_confidence + 0.10 * tight + min(0.08, 5.0 * (fast - slow) / slow)
        seen = {"ema_fast": fast, "ema_slow": slow, "inside_share": 1.0 - tight}
        target = reward(bar.high, bar.low, params.risk_reward_ratio)
        return Setup(Action.BUY, bar.high, bar.low, target, min(_CONFIDENCE_MAX, confidence), seen, at_stop=True)

    def _rises(self) -> bool:
        averages, last = list(self._averages), self._averages[-1]
        held = averages[-self.params.trend_confirmation_periods :]
        return (
            last.close > last.fast > last.slow
            and all(one.close > one.fast for one in held)
            and all(b.fast > a.fast and b.slow > a.slow for a, b in pairwise(averages[-1 - _STEPS :]))
        )


ENTRY: Final = CatalogEntry(
    strategy_id="inside_bar_breakout",
    version=1,
    title="Inside bar breakout",
    summary="A bar within the one before it while the market rises: buy at a stop at its high.",
    fails_when=(
        "The bar is so small that noise reaches both of its ends.",
        "The pause is the top: the stop at the low is hit right after the entry.",
    ),
    listens_to=Candle,
    params=Params,
    build=InsideBarBreakout,
    replay_honesty=ReplayHonesty.YES,
    history="130 bars, or `ema_slow` and the bars over which it must have risen",
)
