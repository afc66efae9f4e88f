"""`multi_timeframe_trend_continuation`: a trend of longer bars, a pullback in the shorter ones that begins to turn."""

from typing import Annotated, ClassVar, Final, NamedTuple

from msgspec import Meta

from petrosa.core.analytics.indicators.adx import Adx
from petrosa.core.analytics.indicators.ema import Ema
from petrosa.core.analytics.indicators.macd import Macd, MacdValue
from petrosa.core.analytics.indicators.rsi import Rsi
from petrosa.core.analytics.indicators.volume_average import VolumeAverage
from petrosa.core.market.candles import open_time
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CONFIDENCE_MAX, CandleParams, CandleStrategy, Setup, reward

_STRENGTH_WEIGHT: Final = 0.10


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset(
        {
            *("higher_timeframe_multiplier", "ema_fast", "ema_medium", "ema_slow", "macd_fast", "macd_slow"),
            *("adx_period", "rsi_period", "volume_sma_period"),
        }
    )

    higher_timeframe_multiplier: Annotated[
        int, Meta(ge=2, le=24, description="How many bars make one of the longer bars in which the trend is seen.")
    ] = 4
    ema_fast: Annotated[
        int, Meta(ge=2, le=100, description="Bars of the fast average, of the longer bars and of the shorter ones.")
    ] = 21
    ema_medium: Annotated[int, Meta(ge=3, le=200, description="Longer bars of the middle average, the stop.")] = 50
    ema_slow: Annotated[int, Meta(ge=4, le=400, description="Longer bars of the slow average.")] = 200
    macd_fast: Annotated[int, Meta(ge=2, le=50, description="Bars of the MACD's fast average.")] = 12
    macd_slow: Annotated[int, Meta(ge=3, le=100, description="Bars of the MACD's slow average.")] = 26
    adx_period: Annotated[int, Meta(ge=2, le=50, description="Longer bars of the ADX, the trend's strength.")] = 14
    rsi_period: Annotated[int, Meta(ge=2, le=50, description="Bars of the RSI that shows the pullback.")] = 14
    rsi_threshold: Annotated[float, Meta(ge=20, le=60, description="Buy below this RSI, sell above 100 minus it.")] = (
        50.0
    )
    pullback_threshold: Annotated[
        float, Meta(gt=0, le=0.1, description="How near the close is to its fast average, as a share of that.")
    ] = 0.01
    volume_sma_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the usual volume.")] = 20
    volume_confirmation_multiplier: Annotated[
        float, Meta(ge=0, le=20, description="Least volume of the bar, in times of the usual; 0 is off.")
    ] = 1.2
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 3.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence in a trend without strength; an ADX of 100 adds 0.1.")
    ] = 0.75

    def check(self) -> None:
        if not self.ema_fast < self.ema_medium < self.ema_slow:
            raise ValueError(
                f"ema_fast {self.ema_fast}, ema_medium {self.ema_medium} and ema_slow {self.ema_slow} must grow in "
                "this order"
            )
        if self.macd_fast >= self.macd_slow:
            raise ValueError(f"macd_fast {self.macd_fast} must be below macd_slow {self.macd_slow}")


class Trend(NamedTuple):
    """The longer bars as they stand after the last whole one. Averages and `macd` in units of price."""

    close: float
    fast: float
    medium: float
    slow: float
    macd: float
    adx: float

    def goes(self, sign: float) -> bool:
        """Whether everything points up (`sign` 1) or down (−1)."""
        steps = (self.close - self.fast, self.fast - self.medium, self.medium - self.slow, self.macd)
        return all(sign * step > 0.0 for step in steps)


class LongerBars:
    """Bars of several times the length, made of the shorter ones, and the trend in them.

    A longer bar begins at a multiple of its own length and counts when it is over, with every bar of it there: the one
    at work, and one whose beginning was not seen, are none.
    """

    def __init__(self, params: Params) -> None:
        self._multiple = params.higher_timeframe_multiplier
        self._count = 0
        self._high = self._low = 0.0
        self._emas = [Ema(n) for n in (params.ema_fast, params.ema_medium, params.ema_slow)]
        self._macd = Macd(params.macd_fast, params.macd_slow)
        self._adx = Adx(params.adx_period)
        self.trend: Trend | None = None

    @property
    def warmup(self) -> int:
        """How many shorter bars lead to a trend at the latest, wherever in a longer bar the first one is."""
        whole = max(self._emas[-1].warmup, self._macd.warmup, self._adx.warmup)
        return self._multiple * whole + self._multiple - 1

    def take(self, bar: Candle) -> None:
        if bar.ts_open == open_time(bar.ts_open, self._multiple * bar.interval_ns):
            self._count, self._high, self._low = 1, bar.high, bar.low
        elif self._count:
            self._count += 1
            self._high, self._low = max(self._high, bar.high), min(self._low, bar.low)
        if self._count == self._multiple:
            self._count = 0
            self._close(bar.close)

    def _close(self, close: float) -> None:
        fast, medium, slow = (ema.update(close) for ema in self._emas)
        macd, adx = self._macd.update(close), self._adx.update(self._high, self._low, close)
        if fast is not None and medium is not None and slow is not None and macd is not None and adx is not None:
            self.trend = Trend(close, fast, medium, slow, macd.line, adx.adx)


class MultiTimeframeTrendContinuation(CandleStrategy):
    """In bars four times as long the trend is up: close > EMA21 > EMA50 > EMA200 and the MACD line above zero. In the
    bars themselves there is a pullback that turns: the close within 1 % of its EMA21, RSI below 50, and the MACD line
    above that of the bar before, on more than 1.2 times the usual volume. That is a buy; the mirror image a sell.

    The stop is the EMA50 of the longer bars, the target three times as far. Confidence is
    min(0.95, `base_confidence` + 0.10 · ADX / 100), with the ADX of the longer bars.

    The existing strategy never fires: it reads averages from a column that nothing adds. What it meant has two more
    defects, mended here. It had one timeframe only; the longer one is made of whole bars, aligned to multiples of their
    length, and the one at work is not looked at. And it asked for RSI below 40 with a close above EMA21 and EMA50 of
    the same bars, which hardly ever go together: the limit is 50, and trend and pullback are seen in different bars. A
    close beyond the EMA50 is no setup, since the stop would be on the wrong side.
    """

    NAME = "multi_timeframe_trend_continuation"
    BARS = 50

    params: Params

    def restart(self) -> None:
        params = self.params
        self._longer = LongerBars(params)
        self._ema = Ema(params.ema_fast)
        self._macd = Macd(params.macd_fast, params.macd_slow)
        self._rsi = Rsi(params.rsi_period)
        self._average = VolumeAverage(params.volume_sma_period)
        self._mean: float | None = None
        self._strength: float | None = None
        self._usual: float | None = None
        self._line: MacdValue | None = None
        self._before: MacdValue | None = None

    @property
    def needed(self) -> int:
        shorter = (self._ema, self._rsi, self._average)
        return max(self._longer.warmup, self._macd.warmup + 1, *(one.warmup for one in shorter))

    def take(self, bar: Candle) -> None:
        self._longer.take(bar)
        self._mean = self._ema.update(bar.close)
        self._strength = self._rsi.update(bar.close)
        self._usual = self._average.update(bar.volume)
        self._before, self._line = self._line, self._macd.update(bar.close)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """The way of the longer trend, when the shorter bars have come back and turn."""
        params, trend, mean, strength, usual = self.params, self._longer.trend, self._mean, self._strength, self._usual
        line, before, close = self._line, self._before, bar.close
        if trend is None or mean is None or strength is None or usual is None or line is None or before is None:
            return Quiet.WARMING_UP
        if trend.goes(1.0):
            action, sign, limit = Action.BUY, 1.0, params.rsi_threshold
        elif trend.goes(-1.0):
            action, sign, limit = Action.SELL, -1.0, 100.0 - params.rsi_threshold
        else:
            return None
        pulled_back = abs(close - mean) < params.pullback_threshold * mean and sign * (limit - strength) > 0.0
        turns = sign * (line.line - before.line) > 0.0
        if not (pulled_back and turns) or sign * (close - trend.medium) <= 0.0:
            return None
        if params.volume_confirmation_multiplier and bar.volume <= params.volume_confirmation_multiplier * usual:
            return Quiet.NOT_CONFIRMED
        confidence = min(CONFIDENCE_MAX, params.base_confidence + _STRENGTH_WEIGHT * trend.adx / 100.0)
        seen = {"ema_fast": mean, "rsi": strength, "macd": line.line, "trend_ema_fast": trend.fast,
                "trend_ema_medium": trend.medium, "trend_ema_slow": trend.slow, "trend_adx": trend.adx}  # fmt: skip
        return Setup(
            action, close, trend.medium, reward(close, trend.medium, params.risk_reward_ratio), confidence, seen
        )


ENTRY: Final = CatalogEntry(
    strategy_id="multi_timeframe_trend_continuation",
    version=1,
    title="Multi-timeframe trend continuation",
    summary="A trend in bars four times as long, and a pullback to the average in the bars themselves that turns.",
    fails_when=(
        "The trend is over, and the pullback is the beginning of the next one: longer bars say so late.",
        "The history is short, or has a hole: it takes eight hundred bars in a row to be able to speak.",
        "Volume swings with the hour: the usual volume of the night is exceeded every morning.",
    ),
    listens_to=Candle,
    params=Params,
    build=MultiTimeframeTrendContinuation,
    replay_honesty=ReplayHonesty.YES,
    history="`ema_slow` longer bars, each of `higher_timeframe_multiplier` bars, and the rest of one: 803 bars",
)
