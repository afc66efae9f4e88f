"""`bollinger_squeeze_alert`: the bands are narrower than they mostly were. It says so and asks for no order."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.bollinger import Bands, Bollinger
from petrosa.core.analytics.indicators.percentile import PercentRank
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup

_CONFIDENCE_MAX: Final = 0.85
_INTENSITY_WEIGHT: Final = 0.15


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"bb_period", "bb_std", "squeeze_history"})

    bb_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the Bollinger bands.")] = 20
    bb_std: Annotated[float, Meta(ge=0.5, le=5, description="Half the width of the bands in standard deviations.")] = (
        2.0
    )
    squeeze_history: Annotated[
        int, Meta(ge=20, le=1_000, description="Bars before this one whose widths it is compared with.")
    ] = 120
    squeeze_percentile: Annotated[
        float, Meta(gt=0, le=1, description="Share of those widths that may be no larger; 1 is off.")
    ] = 0.15
    squeeze_threshold: Annotated[
        float, Meta(gt=0, le=1, description="The bands are narrower than this share of their middle; 1 is off.")
    ] = 1.0
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence in a squeeze that has just begun; a total one adds 0.15.")
    ] = 0.65


class BollingerSqueezeAlert(CandleStrategy):
    """w = (upper − lower) / middle of the bands, p the share of the widths of the 120 bars before that are not above
    it. A squeeze is p ≤ `squeeze_percentile`. The action is `hold`: it says that something is about to move, not where
    to, so it has neither stop nor target and no trader acts on it.

    Confidence is min(0.85, `base_confidence` + 0.15 · intensity), intensity = 1 − p / `squeeze_percentile`.

    The existing strategy is coded with w < 0.10, which on bars of minutes and hours is nearly always true; the share of
    its own history means the same on every symbol and length. `squeeze_percentile` 1 and `squeeze_threshold` 0.1 are
    the coded formula, with intensity = 1 − w / `squeeze_threshold`. It was told on every bar; it counts when it begins.
    """

    NAME = "bollinger_squeeze_alert"
    BARS = 25

    params: Params

    def restart(self) -> None:
        params = self.params
        self._bollinger = Bollinger(params.bb_period, params.bb_std)
        self._rank = PercentRank(params.squeeze_history)
        self._bands: Bands | None = None
        self._share: float | None = None

    @property
    def needed(self) -> int:
        return max(self.BARS, self._bollinger.warmup + self._rank.warmup - 1)

    def take(self, bar: Candle) -> None:
        self._bands = self._bollinger.update(bar.close)
        if self._bands is not None:
            self._share = self._rank.update(_width(self._bands))

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """An alert while the bands are narrow; the edge of it is the strategist's."""
        params, bands, share = self.params, self._bands, self._share
        if bands is None or share is None:
            return Quiet.WARMING_UP
        width = _width(bands)
        if share > params.squeeze_percentile or not 0.0 < width < params.squeeze_threshold:
            return None
        by_history = params.squeeze_percentile < 1.0
        intensity = 1.0 - (share / params.squeeze_percentile if by_history else width / params.squeeze_threshold)
        seen = {
            "squeeze_ratio": width,
            "squeeze_intensity": intensity,
            "band_position": (bar.close - bands.lower) / (bands.upper - bands.lower),
            "width_percentile": share,
        }
        confidence = min(_CONFIDENCE_MAX, params.base_confidence + _INTENSITY_WEIGHT * intensity)
        return Setup(Action.HOLD, bar.close, None, None, confidence, seen)


def _width(bands: Bands) -> float:
    return (bands.upper - bands.lower) / bands.middle


ENTRY: Final = CatalogEntry(
    strategy_id="bollinger_squeeze_alert",
    version=1,
    title="Bollinger squeeze alert",
    summary="The Bollinger bands are narrower than on most of the last 120 bars; an alert, no order.",
    fails_when=(
        "Calm goes by the hour: every night is a squeeze, and nothing comes of it.",
        "The market has been getting calmer all along: the narrowest of its history is what there will be.",
    ),
    listens_to=Candle,
    params=Params,
    build=BollingerSqueezeAlert,
    replay_honesty=ReplayHonesty.YES,
    history="`bb_period` bars for a width, and `squeeze_history` widths to compare it with: 140 bars",
)
