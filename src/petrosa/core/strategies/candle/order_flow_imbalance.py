"""`order_flow_imbalance`: takers of one side were absorbed, and takers of the other side take over."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.rsi import Rsi
from petrosa.core.analytics.indicators.volume_average import VolumeAverage
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CONFIDENCE_MAX, CandleParams, CandleStrategy, Setup, reward

_SURER: Final = 0.05
_LATEST: Final = 2
"""The last bars cannot be the absorption: what came of it is not known yet."""
_ROUNDING: Final = 1e-9
"""By how much, as a share, the volume of takers may be above the volume: both were rounded."""


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"rsi_period", "volume_sma_period"})

    lookback_periods: Annotated[
        int, Meta(ge=5, le=100, description="Bars before the window that make the level and the usual volume.")
    ] = 10
    volume_window: Annotated[
        int, Meta(ge=6, le=50, description="Bars in which absorption and the change of flow are looked for.")
    ] = 10
    volume_spike_multiplier: Annotated[
        float, Meta(ge=0, le=20, description="Volume of the absorbing bar over the mean of the bars before the window.")
    ] = 2.0
    price_impact_threshold: Annotated[
        float, Meta(gt=0, le=0.2, description="Largest range of the absorbing bar, as a share of its low.")
    ] = 0.02
    absorbed_share: Annotated[
        float, Meta(ge=0, le=1, description="Least share of the absorbed takers in the absorbing bar; 0 is off.")
    ] = 0.55
    imbalance_threshold: Annotated[
        float, Meta(ge=0.5, le=1, description="Share of the new side among takers of the window's later half.")
    ] = 0.55
    flow_growth: Annotated[
        float, Meta(ge=0, le=10, description="Volume of the new side's takers, later half over earlier; 0 is off.")
    ] = 1.2
    consolidation_threshold: Annotated[
        float, Meta(gt=0, le=0.5, description="Largest spread of the window's closes, as a share of their mean.")
    ] = 0.03
    stop_pct: Annotated[float, Meta(gt=0, le=10, description="How far beyond the level the stop lies, in %.")] = 1.0
    rsi_period: Annotated[int, Meta(ge=2, le=50, description="Bars of the RSI.")] = 14
    rsi_overbought: Annotated[
        float, Meta(ge=50, le=100, description="A buy below this RSI, or a sell above 100 minus it, is surer.")
    ] = 70.0
    volume_sma_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the usual volume.")] = 20
    volume_multiplier_threshold: Annotated[
        float, Meta(ge=0, le=20, description="More than so many times the usual volume on the last bar makes it surer.")
    ] = 1.5
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.5
    base_confidence: Annotated[
        float, Meta(ge=0.5, le=1, description="Confidence before anything that makes it surer.")
    ] = 0.75


class OrderFlowImbalance(CandleStrategy):
    """S, R and V are the lowest low, the highest high and the mean volume of the 10 bars before the last 10. Of these,
    the closes lie within 3 % of each other, and for a buy:

    * one, not among the last 2, absorbed sellers: volume above 2 V, at least `absorbed_share` of it sold by takers, a
      range below 2 % of its low, and a close above S all the same;
    * then buyers came: of what takers traded in the later 5 bars, `imbalance_threshold` or more was bought, and more
      than 1.2 times as much as they bought in the earlier 5.

    Sell is the mirror image with R. The stop is 1 % beyond S or R, the target `risk_reward_ratio` times as far.
    Confidence is `base_confidence` (0.75), + 0.05 on a last bar of 1.5 times the usual volume, + 0.05 while the RSI is
    not extreme; at most 0.95.

    The existing strategy has the name only: it looks at the volume, whoever traded it. Here it is the volume of takers
    that the bars carry. By its rule of a rising volume for a buy and a falling one for a sell the two sides were
    different things; now they mirror each other. Bars whose volume of takers is nothing throughout come from a source
    that does not tell it: it answers `no_source` and guesses nothing.
    """

    NAME = "order_flow_imbalance"
    BARS = 20
    KEPT = 150

    params: Params

    def restart(self) -> None:
        self._rsi = Rsi(self.params.rsi_period)
        self._average = VolumeAverage(self.params.volume_sma_period)
        self._strength: float | None = None
        self._usual: float | None = None

    @property
    def needed(self) -> int:
        params = self.params
        return max(params.lookback_periods + params.volume_window, self._rsi.warmup, self._average.warmup)

    def take(self, bar: Candle) -> None:
        self._strength = self._rsi.update(bar.close)
        self._usual = self._average.update(bar.volume)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """A buy where sellers were absorbed; failing that, a sell where buyers were."""
        params = self.params
        bars = list(self.bars)[-params.lookback_periods - params.volume_window :]
        if not all(0.0 <= one.buy_volume <= one.volume * (1.0 + _ROUNDING) for one in bars):
            return Quiet.BAD_NUMBER
        if not any(one.buy_volume for one in bars):
            return Quiet.NO_SOURCE if any(one.volume for one in bars) else None
        earlier, window = bars[: params.lookback_periods], bars[params.lookback_periods :]
        closes = [one.close for one in window]
        if max(closes) - min(closes) >= params.consolidation_threshold * sum(closes) / len(closes):
            return None
        for action, sign, level in (
            (Action.BUY, 1.0, min(one.low for one in earlier)),
            (Action.SELL, -1.0, max(one.high for one in earlier)),
        ):
            share = self._share(window, sign)
            if share is not None and self._absorbs(earlier, window, sign, level):
                return self._opinion(bar, action, sign, level, share)
        return None

    def _share(self, window: Sequence[Candle], sign: float) -> float | None:
        """The share of this side's takers in the later half, when they have taken over."""
        params, half = self.params, len(window) // 2
        later, before = window[-half:], window[-2 * half : -half]
        taken, taken_before = (sum(_taken(one, sign) for one in part) for part in (later, before))
        volume = sum(one.volume for one in later)
        if volume <= 0.0 or taken < params.imbalance_threshold * volume:
            return None
        if params.flow_growth and taken <= params.flow_growth * taken_before:
            return None
        return taken / volume

    def _absorbs(self, earlier: Sequence[Candle], window: Sequence[Candle], sign: float, level: float) -> bool:
        params = self.params
        volume = params.volume_spike_multiplier * sum(one.volume for one in earlier) / len(earlier)
        return any(
            one.volume > volume
            and _taken(one, -sign) >= params.absorbed_share * one.volume
            and one.high - one.low < params.price_impact_threshold * one.low
            and sign * (one.close - level) > 0.0
            for one in window[:-_LATEST]
        )

    def _opinion(self, bar: Candle, action: Action, sign: float, level: float, share: float) -> Setup | Quiet | None:
        params, strength, usual = self.params, self._strength, self._usual
        if strength is None or usual is None:
            return Quiet.WARMING_UP
        stop = level * (1.0 - sign * params.stop_pct / 100.0)
        if sign * (bar.close - stop) <= 0.0:
            return None
        loud = bar.volume > params.volume_multiplier_threshold * usual
        room = sign * (strength - 50.0) < params.rsi_overbought - 50.0
        confidence = min(CONFIDENCE_MAX, params.base_confidence + _SURER * (loud + room))
        seen = {"level": level, "taker_share": share, "rsi": strength, "usual_volume": usual}
        return Setup(action, bar.close, stop, reward(bar.close, stop, params.risk_reward_ratio), confidence, seen)


def _taken(bar: Candle, sign: float) -> float:
    """What takers bought (`sign` 1) or sold (−1)."""
    return bar.buy_volume if sign > 0.0 else bar.volume - bar.buy_volume


ENTRY: Final = CatalogEntry(
    strategy_id="order_flow_imbalance",
    version=1,
    title="Order flow imbalance",
    summary="Takers of one side were absorbed without the price giving way, and takers of the other side take over.",
    fails_when=(
        "The source of the bars does not tell the volume of takers: it is silent then.",
        "Whoever absorbed was hedged elsewhere and wants nothing of the price.",
        "One large order cut in pieces makes the share of a whole window.",
    ),
    listens_to=Candle,
    params=Params,
    build=OrderFlowImbalance,
    replay_honesty=ReplayHonesty.YES,
    replay_note="It needs the volume of takers; recordings without it make it silent.",
    history="20 bars with the volume of takers: `lookback_periods` and `volume_window`",
)
