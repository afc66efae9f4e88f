"""`divergence_trap`: the price makes a lower low, its strength does not."""

from typing import Annotated, ClassVar, Final, NamedTuple

from msgspec import Meta

from petrosa.core.analytics.indicators.ema import Ema
from petrosa.core.analytics.indicators.extremes import Lowest
from petrosa.core.analytics.indicators.macd import Macd, MacdValue
from petrosa.core.analytics.indicators.rsi import Rsi
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, reward

PIVOT_MAX: Final = 10


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"rsi_period", "pivot_bars", "price_lookback", "ema_period"})

    rsi_period: Annotated[int, Meta(ge=2, le=50, description="Length of the RSI, in bars.")] = 14
    rsi_oversold: Annotated[
        float, Meta(ge=0, le=100, description="The RSI of the newer low must be below this; 100 is off.")
    ] = 30.0
    pivot_bars: Annotated[
        int, Meta(ge=1, le=PIVOT_MAX, description="A low is one when so many bars on either side have higher lows.")
    ] = 2
    pattern_lookback: Annotated[int, Meta(ge=2, le=200, description="The two lows are at most so many bars apart.")] = (
        40
    )
    price_lookback: Annotated[
        int, Meta(ge=2, le=200, description="The stop is below the lowest low of so many bars.")
    ] = 10
    stop_buffer_pct: Annotated[float, Meta(ge=0, le=10, description="How far below it the stop is, in % of it.")] = 1.0
    hidden_divergence: Annotated[
        bool, Meta(description="Look for the document's pattern instead: a higher low on less strength in an uptrend.")
    ] = False
    ema_period: Annotated[int, Meta(ge=2, le=400, description="Span of the average of that uptrend, in bars.")] = 50
    risk_reward_ratio: Annotated[float, Meta(ge=0.5, le=10, description="Target in multiples of the risk.")] = 2.0
    base_confidence: Annotated[float, Meta(ge=0.5, le=0.95, description="Confidence in every setup.")] = 0.66

    def check(self) -> None:
        if self.price_lookback <= self.pivot_bars:
            raise ValueError(
                f"price_lookback {self.price_lookback} must be above pivot_bars {self.pivot_bars}, "
                "or the stop does not know the low that it is for"
            )


class Low(NamedTuple):
    """A pivot: its place among the bars, the price, and the RSI of its bar."""

    at: int
    price: float
    rsi: float


class DivergenceTrap(CandleStrategy):
    """Regular bullish divergence of the last two pivot lows: the newer is lower, its RSI higher, and below
    `rsi_oversold`. Buys at the bar that makes the newer one a pivot, `pivot_bars` after it, if it closes higher than
    the one before. Stop `stop_buffer_pct` below the lowest low of `price_lookback` bars, target `risk_reward_ratio`
    times the risk.

    The coded behaviour compares this bar with the one four bars ago, whatever they are, and calls that hidden
    divergence. Mended: real pivots, the right name. The document's hidden divergence (a higher low, a lower RSI; the
    close above the average, the MACD's histogram rising) is looked for instead with `hidden_divergence`, at any RSI.
    """

    NAME = "divergence_trap"
    KEPT = 2 * PIVOT_MAX + 1

    params: Params

    def restart(self) -> None:
        params = self.params
        self._rsi, self._ema, self._macd = Rsi(params.rsi_period), Ema(params.ema_period), Macd()
        self._lowest = Lowest(params.price_lookback)
        self._strengths: list[float] = []  # of the bars since the one that may be a pivot now, it included
        self._count = 0
        self._older: Low | None = None
        self._newer: Low | None = None
        self._bottom: float | None = None
        self._mean: float | None = None
        self._pulse: MacdValue | None = None
        self._pulse_before: MacdValue | None = None

    @property
    def needed(self) -> int:
        pivots = self._rsi.warmup + 2 * self.params.pivot_bars + 1
        return max(pivots, self._ema.warmup, self._macd.warmup + 1, self._lowest.warmup)

    def take(self, bar: Candle) -> None:
        self._count += 1
        self._bottom, self._mean = self._lowest.update(bar.low), self._ema.update(bar.close)
        self._pulse_before, self._pulse = self._pulse, self._macd.update(bar.close)
        rsi, side = self._rsi.update(bar.close), self.params.pivot_bars
        if rsi is None:
            return
        self._strengths.append(rsi)
        if len(self._strengths) <= side:
            return
        then = self._strengths.pop(0)
        if self._is_pivot(side):
            self._older, self._newer = self._newer, Low(self._count - side, self.back(side).low, then)

    def look(self, bar: Candle) -> Setup | None:
        params, close, older, newer, bottom = self.params, bar.close, self._older, self._newer, self._bottom
        if older is None or newer is None or bottom is None or newer.at != self._count - params.pivot_bars:
            return None
        if newer.at - older.at > params.pattern_lookback or close <= self.back(1).close:
            return None
        if not (self._is_hidden(close, older, newer) if params.hidden_divergence else self._is_regular(older, newer)):
            return None
        stop = bottom * (1.0 - params.stop_buffer_pct / 100.0)
        if stop >= close:
            return None
        seen = {
            "low": newer.price,
            "low_before": older.price,
            "rsi": newer.rsi,
            "rsi_before": older.rsi,
            "bars_apart": float(newer.at - older.at),
        }
        return Setup(
            Action.BUY, close, stop, reward(close, stop, params.risk_reward_ratio), params.base_confidence, seen
        )

    def _is_pivot(self, side: int) -> bool:
        """Whether the bar `side` bars ago has a lower low than each of so many on either side; of equals, the first."""
        if len(self.bars) <= 2 * side:
            return False
        low = self.back(side).low
        after = all(self.back(k).low >= low for k in range(side))
        return after and all(self.back(k).low > low for k in range(side + 1, 2 * side + 1))

    def _is_regular(self, older: Low, newer: Low) -> bool:
        return newer.price < older.price and older.rsi < newer.rsi < self.params.rsi_oversold

    def _is_hidden(self, close: float, older: Low, newer: Low) -> bool:
        mean, pulse, before = self._mean, self._pulse, self._pulse_before
        if mean is None or pulse is None or before is None:
            return False
        rising = pulse.histogram > before.histogram
        return newer.price > older.price and newer.rsi < older.rsi and close > mean and rising


ENTRY: Final = CatalogEntry(
    strategy_id="divergence_trap",
    version=1,
    title="Divergence trap",
    summary="Of two lows the newer is lower, but the RSI says that the fall has lost its force.",
    fails_when=(
        "A fall goes on: it can lose force again and again while the price halves.",
        "The low is known as one only `pivot_bars` later: a quick turn has gone by then.",
        "The market falls slowly: the RSI does not become low enough.",
    ),
    listens_to=Candle,
    params=Params,
    build=DivergenceTrap,
    replay_honesty=ReplayHonesty.YES,
    history="50 bars: of the average, the MACD and one more, the RSI and two pivots, whichever is longest",
)
