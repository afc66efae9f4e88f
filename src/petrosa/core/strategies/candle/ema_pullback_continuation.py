"""`ema_pullback_continuation`: in a trend the price comes back to its average without closing beyond it."""

from collections import deque
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.ema import Ema, Seeding
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, reward

_CONFIDENCE_MAX: Final = 0.88
PERIODS_MAX: Final = 20


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"ema_fast", "ema_medium", "ema_slow"})

    ema_fast: Annotated[int, Meta(ge=2, le=100, description="Bars of the fast average.")] = 9
    ema_medium: Annotated[int, Meta(ge=3, le=200, description="Bars of the average that is come back to.")] = 20
    ema_slow: Annotated[int, Meta(ge=4, le=400, description="Bars of the slow average.")] = 30
    pullback_threshold: Annotated[
        float, Meta(ge=0, le=0.1, description="How near the bar's extreme came to the average, as a share of that.")
    ] = 0.01
    trend_confirmation_periods: Annotated[
        int, Meta(ge=1, le=PERIODS_MAX, description="How many last bars have closed on the trend's side of it.")
    ] = 4
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence without a distance of the averages; that adds up to 0.08.")
    ] = 0.74

    def check(self) -> None:
        if not self.ema_fast < self.ema_medium < self.ema_slow:
            raise ValueError(
                f"ema_fast {self.ema_fast}, ema_medium {self.ema_medium} and ema_slow {self.ema_slow} must grow in "
                "this order"
            )


class EmaPullbackContinuation(CandleStrategy):
    """Buy when E9 > E20 > E30, the last four closes were above E20, and the bar pulls back: its low is below that of
    the bar before and at most 1 % above E20 (E: exponential averages whose weights are divided by their sum). The entry
    is the bar's high, the stop its low, the target `risk_reward_ratio` times as far. Sell is the mirror image.

    Confidence is min(0.88, `base_confidence` + 0.08 · min(1, 20 · |E20 − E30| / E30)
    + 0.06 · max(0, 1 − 10 · |close − E20| / E20)).

    As the existing strategy is coded, with three defects mended. Its sides were different: a buy asked for E20 > E30, a
    sell for E9 < E20 and a higher high; now both ask for the whole order of the averages, and for the new extreme that
    makes the bar a pullback. It named the end of the bar as its entry and traded at the market at once: the entry waits
    until that is reached, for `entry_expiry_bars` bars. And a bar that closes where the stop would be is no setup.
    """

    NAME = "ema_pullback_continuation"
    BARS = 80

    params: Params

    def restart(self) -> None:
        params = self.params
        self._emas = [Ema(n, seeding=Seeding.WEIGHTED) for n in (params.ema_fast, params.ema_medium, params.ema_slow)]
        self._values: tuple[float, ...] = ()
        self._closes: deque[float] = deque(maxlen=PERIODS_MAX)  # over the middle average, below it under 0

    @property
    def needed(self) -> int:
        params = self.params
        return max(self.BARS, self._emas[-1].warmup + params.trend_confirmation_periods)

    def take(self, bar: Candle) -> None:
        values = [ema.update(bar.close) for ema in self._emas]
        self._values = tuple(value for value in values if value is not None)
        if values[1] is not None:
            self._closes.append(bar.close - values[1])

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """An entry at a stop at the end of a bar that pulled back, the way of the trend."""
        params, before, (fast, medium, slow) = self.params, self.back(1), self._values
        held = list(self._closes)[-params.trend_confirmation_periods :]
        if fast > medium > slow:
            action, sign, extreme, beyond, entry = Action.BUY, 1.0, bar.low, before.low, bar.high
        elif fast < medium < slow:
            action, sign, extreme, beyond, entry = Action.SELL, -1.0, bar.high, before.high, bar.low
        else:
            return None
        near = sign * (extreme - medium) <= params.pullback_threshold * medium and sign * (beyond - extreme) > 0.0
        if not near or sign * (bar.close - extreme) <= 0.0 or not all(sign * over > 0.0 for over in held):
            return None
        apart = min(1.0, 20.0 * abs(medium - slow) / slow)
        close_by = max(0.0, 1.0 - 10.0 * abs(bar.close - medium) / medium)
        confidence = min(_CONFIDENCE_MAX, params.base_confidence + 0.08 * apart + 0.06 * close_by)
        seen = {"ema_fast": fast, "ema_medium": medium, "ema_slow": slow}
        target = reward(entry, extreme, params.risk_reward_ratio)
        return Setup(action, entry, extreme, target, confidence, seen, at_stop=True)


ENTRY: Final = CatalogEntry(
    strategy_id="ema_pullback_continuation",
    version=1,
    title="EMA pullback continuation",
    summary="A pullback to the average that no bar has closed beyond, in a trend: enter when the bar's end is passed.",
    fails_when=(
        "The pullback goes on: the entry is reached in a twitch, and the stop at the bar's other end next.",
        "Bars are short: within 1 % of the average is everywhere, and any new low of a bar is a pullback.",
    ),
    listens_to=Candle,
    params=Params,
    build=EmaPullbackContinuation,
    replay_honesty=ReplayHonesty.YES,
    history="80 bars, or `ema_slow` and `trend_confirmation_periods`",
)
