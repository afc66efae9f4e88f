"""`mean_reversion_scalper`: the price has gone too far from its average, and by every measure of it."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.bollinger import Bands, Bollinger
from petrosa.core.analytics.indicators.ema import Ema
from petrosa.core.analytics.indicators.rsi import Rsi
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup

_FAR: Final = (3.0, 4.0)
"""Deviations, in %, each of which makes it surer."""
_SURER: Final = 0.05
_CONFIDENCE_MAX: Final = 0.90


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"ema_period", "rsi_period", "bb_period", "bb_std"})

    ema_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the average to come back to.")] = 21
    deviation_pct: Annotated[
        float, Meta(ge=0, le=20, description="Least distance of the close from the average, in % of the average.")
    ] = 2.0
    rsi_period: Annotated[int, Meta(ge=2, le=50, description="Bars of the RSI.")] = 14
    rsi_oversold: Annotated[float, Meta(ge=0, le=50, description="Buy only below this RSI.")] = 30.0
    rsi_overbought: Annotated[float, Meta(ge=50, le=100, description="Sell only above this RSI.")] = 70.0
    bb_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the Bollinger bands.")] = 20
    bb_std: Annotated[float, Meta(ge=0.5, le=5, description="Half the width of the bands in standard deviations.")] = (
        2.0
    )
    stop_pct: Annotated[
        float, Meta(gt=0, le=20, description="How far outside of its band the stop lies, in % of the band.")
    ] = 1.5
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence before anything that makes it surer.")
    ] = 0.70


class MeanReversionScalper(CandleStrategy):
    """With E the EMA of the closes (begun with their mean), a close at least `deviation_pct` from E:

    * buy: below E and below the lower Bollinger band, RSI below `rsi_oversold`;
    * sell: above E and above the upper band, RSI above `rsi_overbought`.

    The target is E; the stop lies `stop_pct` outside of the band. Confidence is `base_confidence` (0.70) + 0.05 when
    the last two closes went the way of the signal, + 0.05 beyond 3 %, + 0.05 beyond 4 %, at most 0.90.

    As the existing strategy is coded, with two defects mended. A close that has already run past where the stop would
    be was given a stop on the wrong side: it is no setup, the excursion is too deep. And the deviation had no side: E
    could lie behind the price, so that the target was a loss.
    """

    NAME = "mean_reversion_scalper"
    BARS = 25
    KEPT = 3

    params: Params

    def restart(self) -> None:
        params = self.params
        self._ema = Ema(params.ema_period)
        self._rsi = Rsi(params.rsi_period)
        self._bollinger = Bollinger(params.bb_period, params.bb_std)
        self._mean: float | None = None
        self._strength: float | None = None
        self._bands: Bands | None = None

    @property
    def needed(self) -> int:
        return max(self.BARS, self._ema.warmup, self._rsi.warmup, self._bollinger.warmup)

    def take(self, bar: Candle) -> None:
        self._mean = self._ema.update(bar.close)
        self._strength = self._rsi.update(bar.close)
        self._bands = self._bollinger.update(bar.close)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """Back to the average, where that is far enough away and the stop still on its side."""
        params, mean, strength, bands, close = self.params, self._mean, self._strength, self._bands, bar.close
        if mean is None or strength is None or bands is None:
            return Quiet.WARMING_UP
        if strength < params.rsi_oversold and close < bands.lower:
            action, sign, band = Action.BUY, 1.0, bands.lower
        elif strength > params.rsi_overbought and close > bands.upper:
            action, sign, band = Action.SELL, -1.0, bands.upper
        else:
            return None
        deviation = 100.0 * sign * (mean - close) / mean
        stop = band * (1.0 - sign * params.stop_pct / 100.0)
        if deviation <= 0.0 or deviation < params.deviation_pct or sign * (close - stop) <= 0.0:
            return None
        confidence = params.base_confidence + _SURER * (self._turning(sign) + sum(deviation > far for far in _FAR))
        seen = {"rsi": strength, "ema": mean, "band": band, "deviation_pct": deviation}
        return Setup(action, close, stop, mean, min(_CONFIDENCE_MAX, confidence), seen)

    def _turning(self, sign: float) -> bool:
        """Whether the last two closes went this way."""
        last, before, earlier = self.back(0).close, self.back(1).close, self.back(2).close
        return sign * (last - before) > 0.0 and sign * (before - earlier) > 0.0


ENTRY: Final = CatalogEntry(
    strategy_id="mean_reversion_scalper",
    version=1,
    title="Mean reversion scalper",
    summary="A close far from its average, outside of its Bollinger band, with an extreme RSI: back to the average.",
    fails_when=(
        "A trend has begun: everything that shows an extreme shows it until the trend ends.",
        "The price jumps on news: the average is that of another market.",
        "The market is calm: a deviation of some percent never comes on short bars.",
    ),
    listens_to=Candle,
    params=Params,
    build=MeanReversionScalper,
    replay_honesty=ReplayHonesty.YES,
    history="25 bars, or what the longest of its averages, RSI and bands needs",
)
