"""`bollinger_breakout_signals`: a close outside of the Bollinger bands goes back to their middle. It trades against the
breakout that its name promises."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.bollinger import Bands, Bollinger
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup

_CONFIDENCE_MAX: Final = 0.85
_OUTSIDE_WEIGHT: Final = 50.0
_OUTSIDE_MAX: Final = 0.12


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"bb_period", "bb_std"})

    bb_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the Bollinger bands.")] = 20
    bb_std: Annotated[float, Meta(ge=0.5, le=5, description="Half the width of the bands in standard deviations.")] = (
        2.0
    )
    min_target_pct: Annotated[
        float, Meta(ge=0, le=20, description="A middle nearer than this, in % of the close, is no target; 0 is off.")
    ] = 0.1
    stop_pct: Annotated[
        float, Meta(gt=0, le=20, description="How far outside of its band the stop lies, in % of the band.")
    ] = 2.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence in a close just outside; 0.24 % farther out adds 0.12.")
    ] = 0.68


class BollingerBreakoutSignals(CandleStrategy):
    """Against the move, despite the name: a close below the lower band is a buy, one above the upper band a sell.

    The target is the middle of the bands, the stop `stop_pct` outside of the band. Confidence is min(0.85,
    `base_confidence` + min(0.12, 50 · |close − band| / band)).

    As the existing strategy is coded, with two defects mended. A close that has run past where the stop would be had it
    on the wrong side: the excursion is too deep, and no setup. And in a market that stands still the rounding of bands
    without width was a signal, in a calm one a target nearer than any fee: `min_target_pct`. A price that keeps outside
    is told once.
    """

    NAME = "bollinger_breakout_signals"
    BARS = 25

    params: Params

    def restart(self) -> None:
        self._bollinger = Bollinger(self.params.bb_period, self.params.bb_std)
        self._bands: Bands | None = None

    @property
    def needed(self) -> int:
        return max(self.BARS, self._bollinger.warmup)

    def take(self, bar: Candle) -> None:
        self._bands = self._bollinger.update(bar.close)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """Back to the middle, where that is far enough away and the stop still on its side."""
        params, bands, close = self.params, self._bands, bar.close
        if bands is None:
            return Quiet.WARMING_UP
        if not bands.lower < bands.upper:
            return None
        if close < bands.lower:
            action, sign, band = Action.BUY, 1.0, bands.lower
        elif close > bands.upper:
            action, sign, band = Action.SELL, -1.0, bands.upper
        else:
            return None
        stop = band * (1.0 - sign * params.stop_pct / 100.0)
        if sign * (close - stop) <= 0.0:
            return None
        if 100.0 * sign * (bands.middle - close) < params.min_target_pct * close:
            return Quiet.TOO_SMALL
        outside = min(_OUTSIDE_MAX, _OUTSIDE_WEIGHT * abs(close - band) / band)
        seen = {"bb_lower": bands.lower, "bb_middle": bands.middle, "bb_upper": bands.upper}
        confidence = min(_CONFIDENCE_MAX, params.base_confidence + outside)
        return Setup(action, close, stop, bands.middle, confidence, seen)


ENTRY: Final = CatalogEntry(
    strategy_id="bollinger_breakout_signals",
    version=1,
    title="Bollinger breakout signals",
    summary="A close outside of the Bollinger bands, traded back to their middle: against the breakout.",
    fails_when=(
        "The breakout is one: the price walks along the band, and the middle comes to it.",
        "The stop is a share of the price and the target a width of the bands: in a calm it risks much for little.",
    ),
    listens_to=Candle,
    params=Params,
    build=BollingerBreakoutSignals,
    replay_honesty=ReplayHonesty.YES,
    history="25 bars, or `bb_period`",
)
