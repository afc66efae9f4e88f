"""`inside_bar_sell`: below both averages the market pauses within the bar before."""

from typing import Annotated, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.ema import Ema
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleStrategy, Setup, TwoAverages, at_extreme

_CONFIDENCE_MAX: Final = 0.80


class Params(TwoAverages, frozen=True, forbid_unknown_fields=True, kw_only=True):
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence where price and averages are next to each other.")
    ] = 0.55


class InsideBarSell(CandleStrategy):
    """Sell when the bar lies within the bar before, neither end touching, and closes below E8 and E80 (both begun with
    the mean of their first closes).

    The entry waits at the bar's low, the stop is its high, the target `risk_reward_ratio` times as far. Confidence is
    min(0.80, `base_confidence` + 10 · (E80 − close) / close + 5 · |E8 − E80| / close): from 0.5 % below the slow
    average on it is above the usual floor of 0.60, nearer to it the candidate is refused.

    As the existing strategy is coded, with one defect mended: the bar's low was named as the entry and the market sold
    at once, so that nothing had to break.
    """

    params: Params

    NAME = "inside_bar_sell"
    BARS = 125

    def restart(self) -> None:
        self._fast, self._slow = Ema(self.params.ema_fast), Ema(self.params.ema_slow)
        self._averages: tuple[float | None, float | None] = (None, None)

    @property
    def needed(self) -> int:
        return max(self.BARS, self._slow.warmup)

    def take(self, bar: Candle) -> None:
        self._averages = (self._fast.update(bar.close), self._slow.update(bar.close))

    def look(self, bar: Candle) -> Setup | Quiet | None:
        params, before, (fast, slow) = self.params, self.back(1), self._averages
        if fast is None or slow is None:
            return Quiet.WARMING_UP
        close = bar.close
        if not (before.low < bar.low and bar.high < before.high and close < fast and close < slow):
            return None
        confidence = params.base_confidence + 10.0 * (slow - close) / close + 5.0 * abs(fast - slow) / close
        seen = {"ema_fast": fast, "ema_slow": slow}
        return at_extreme(Action.SELL, bar, params.risk_reward_ratio, min(_CONFIDENCE_MAX, confidence), seen)


ENTRY: Final = CatalogEntry(
    strategy_id="inside_bar_sell",
    version=1,
    title="Inside bar, sell",
    summary="A pause within the bar before, below both averages: sell when its low is passed.",
    fails_when=(
        "The fall is over: a market that stops falling pauses in the same way.",
        "The bar is very small: its low is passed by chance, and its high as well.",
    ),
    listens_to=Candle,
    params=Params,
    build=InsideBarSell,
    replay_honesty=ReplayHonesty.YES,
    history="125 bars, or `ema_slow`",
)
