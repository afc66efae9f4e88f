"""`band_fade_reversal`: the price turns at the edge of its Bollinger bands and goes back to their middle."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.adx import Adx, AdxValue
from petrosa.core.analytics.indicators.bollinger import Bands, Bollinger
from petrosa.core.analytics.indicators.rsi import Rsi
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"bb_period", "bb_std", "rsi_period", "adx_period"})

    bb_period: Annotated[int, Meta(ge=5, le=200, description="Length of the bands, in bars.")] = 20
    bb_std: Annotated[float, Meta(ge=0.5, le=5, description="Width of the bands, in standard deviations.")] = 2.0
    band_proximity_pct: Annotated[
        float, Meta(ge=0, le=10, description="How far inside the band, in % of it, the close may be.")
    ] = 1.0
    band_touch: Annotated[
        bool, Meta(description="Ask that one of the three bars of the turn has reached the band.")
    ] = True
    stop_buffer_pct: Annotated[
        float, Meta(ge=0, le=10, description="How far beyond the turn's extreme the stop is, in % of it.")
    ] = 0.1
    min_reward_ratio: Annotated[
        float, Meta(ge=0, le=5, description="The middle must be so many times as far as the stop; 0 is off.")
    ] = 0.5
    rsi_period: Annotated[int, Meta(ge=2, le=50, description="Length of the RSI, in bars.")] = 14
    rsi_oversold: Annotated[
        float, Meta(ge=0, le=100, description="Buy below this RSI, sell above 100 less it (document: 30); 100 is off.")
    ] = 100.0
    adx_period: Annotated[int, Meta(ge=2, le=50, description="Length of the ADX, in bars.")] = 14
    max_adx: Annotated[
        float, Meta(ge=0, le=100, description="A stronger trend is not faded (document: 20); 100 is off.")
    ] = 100.0
    base_confidence: Annotated[float, Meta(ge=0.5, le=0.95, description="Confidence in every setup.")] = 0.72


class BandFadeReversal(CandleStrategy):
    """Buys when the close is at most `band_proximity_pct` above the lower band, below the middle, and has turned: it
    fell with the bar before and rises with this one. Sells the mirror image at the upper band. Target: the middle.

    The coded behaviour buys only, the document sells only; here are both. Mended: on short bars the whole band is
    within 1 % of its edge, so with `band_touch` the edge must have been reached. The stop lay 2 % below the band, above
    the close after a deep excursion and many times as far as the target on short bars, the document's on the winning
    side; here it is beyond the extreme of the three bars of the turn. RSI and ADX of the document can be asked.
    """

    NAME = "band_fade_reversal"
    KEPT = 3

    params: Params

    def restart(self) -> None:
        params = self.params
        self._bollinger = Bollinger(params.bb_period, params.bb_std)
        self._rsi, self._adx = Rsi(params.rsi_period), Adx(params.adx_period)
        self._bands: Bands | None = None
        self._strength: float | None = None
        self._trend: AdxValue | None = None

    @property
    def needed(self) -> int:
        return max(self._bollinger.warmup, self._rsi.warmup, self._adx.warmup, self.KEPT)

    def take(self, bar: Candle) -> None:
        self._bands = self._bollinger.update(bar.close)
        self._strength = self._rsi.update(bar.close)
        self._trend = self._adx.update(bar.high, bar.low, bar.close)

    def look(self, bar: Candle) -> Setup | None:
        params, bands, rsi, trend = self.params, self._bands, self._strength, self._trend
        if bands is None or rsi is None or trend is None or trend.adx > params.max_adx:
            return None
        close, last, before = bar.close, self.back(1).close, self.back(2).close
        near, beyond = params.band_proximity_pct / 100.0, params.stop_buffer_pct / 100.0
        if last < before and last < close <= bands.lower * (1.0 + near) and close < bands.middle:
            lowest = min(kept.low for kept in self.bars)
            action, stop, reached = Action.BUY, lowest * (1.0 - beyond), lowest <= bands.lower
            extreme = rsi <= params.rsi_oversold
        elif last > before and last > close >= bands.upper * (1.0 - near) and close > bands.middle:
            highest = max(kept.high for kept in self.bars)
            action, stop, reached = Action.SELL, highest * (1.0 + beyond), highest >= bands.upper
            extreme = rsi >= 100.0 - params.rsi_oversold
        else:
            return None
        ratio = abs(bands.middle - close) / abs(close - stop)
        if not extreme or (params.band_touch and not reached) or ratio < params.min_reward_ratio:
            return None
        seen = {
            "bb_lower": bands.lower,
            "bb_middle": bands.middle,
            "bb_upper": bands.upper,
            "rsi": rsi,
            "adx": trend.adx,
            "risk_reward_ratio": ratio,
        }
        return Setup(action, close, stop, bands.middle, params.base_confidence, seen)


ENTRY: Final = CatalogEntry(
    strategy_id="band_fade_reversal",
    version=1,
    title="Band fade reversal",
    summary="After a fall to the lower band the price turns up, or after a rise to the upper band down.",
    fails_when=(
        "A trend walks along the band: every pause looks like a turn.",
        "Bands are narrow: within 1 % of the band is then everywhere, and the middle is hardly away.",
        "The turn is one bar of little: nothing is asked of its size or its volume.",
    ),
    listens_to=Candle,
    params=Params,
    build=BandFadeReversal,
    replay_honesty=ReplayHonesty.YES,
    history="28 bars: of the bands, the RSI, the ADX, whichever is longest",
)
