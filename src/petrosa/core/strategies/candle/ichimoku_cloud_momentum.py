"""`ichimoku_cloud_momentum`: the price is out of the cloud, and the short line crosses the long one the same way."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.ichimoku import Ichimoku, IchimokuValue
from petrosa.core.analytics.indicators.volume_average import VolumeAverage
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, reward

_CONFIDENCE_MAX: Final = 0.90


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset(
        {"tenkan_period", "kijun_period", "senkou_b_period", "displacement", "volume_sma_period"}
    )

    tenkan_period: Annotated[int, Meta(ge=2, le=100, description="Bars of the short line, the tenkan.")] = 9
    kijun_period: Annotated[int, Meta(ge=3, le=200, description="Bars of the long line, the kijun.")] = 26
    senkou_b_period: Annotated[int, Meta(ge=4, le=400, description="Bars of the cloud's slow side, span B.")] = 52
    displacement: Annotated[int, Meta(ge=1, le=200, description="How many bars the cloud is shifted forward.")] = 26
    cross_required: Annotated[
        bool,
        Meta(description="Ask that tenkan crosses kijun on this bar; off: a cloud of the same colour is enough."),
    ] = True
    volume_sma_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the usual volume.")] = 20
    volume_multiplier_threshold: Annotated[
        float, Meta(ge=0, le=20, description="More than so many times the usual volume makes it surer.")
    ] = 1.5
    volume_confidence_boost: Annotated[float, Meta(ge=0, le=0.2, description="How much surer.")] = 0.05
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 2.0
    base_confidence: Annotated[float, Meta(ge=0.5, le=1, description="Confidence at a volume that is not unusual.")] = (
        0.70
    )

    def check(self) -> None:
        if not self.tenkan_period < self.kijun_period < self.senkou_b_period:
            raise ValueError(
                f"tenkan_period {self.tenkan_period}, kijun_period {self.kijun_period} and senkou_b_period "
                f"{self.senkou_b_period} must grow in this order"
            )


class IchimokuCloudMomentum(CandleStrategy):
    """Tenkan and kijun are the middles of the range of so many bars; span A is the middle of both and span B the middle
    of the range of `senkou_b_period` bars, each as it was `displacement` bars ago.

    * buy: close above both spans, and tenkan crosses above kijun on this bar;
    * sell: the mirror image.

    The stop is kijun, the target `risk_reward_ratio` times as far. Confidence is `base_confidence` (0.70), + 0.05 when
    the volume is above 1.5 times its mean of 20 bars, at most 0.90.

    As the existing strategy is coded, with three defects mended. Its condition was "a cross, or span A above span B",
    true for days on end: a cross is asked for, and with `cross_required` off the state counts when it begins. Kijun
    could be on the wrong side of the close: then there is no setup. And it spoke after 52 bars, although span B as it
    stands at a bar needs the shift besides: it waits for that, 78 bars.
    """

    NAME = "ichimoku_cloud_momentum"
    BARS = 52

    params: Params

    def restart(self) -> None:
        params = self.params
        self._ichimoku = Ichimoku(
            params.tenkan_period, params.kijun_period, params.senkou_b_period, params.displacement
        )
        self._average = VolumeAverage(params.volume_sma_period)
        self._value: IchimokuValue | None = None
        self._before: IchimokuValue | None = None
        self._usual: float | None = None

    @property
    def needed(self) -> int:
        return max(self._ichimoku.warmup + 1, self._average.warmup)

    def take(self, bar: Candle) -> None:
        self._before = self._value
        self._value = self._ichimoku.update(bar.high, bar.low)
        self._usual = self._average.update(bar.volume)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        """Out of the cloud with a cross, or a cloud of the same colour, and the kijun for a stop."""
        params, value, before, usual, close = self.params, self._value, self._before, self._usual, bar.close
        if value is None or before is None or usual is None:
            return Quiet.WARMING_UP
        if close > max(value.span_a, value.span_b):
            action, sign = Action.BUY, 1.0
        elif close < min(value.span_a, value.span_b):
            action, sign = Action.SELL, -1.0
        else:
            return None
        crosses = sign * (value.tenkan - value.kijun) > 0.0 >= sign * (before.tenkan - before.kijun)
        of_its_colour = sign * (value.span_a - value.span_b) > 0.0
        if not (crosses or (of_its_colour and not params.cross_required)) or sign * (close - value.kijun) <= 0.0:
            return None
        sure = usual > 0.0 and bar.volume > params.volume_multiplier_threshold * usual
        seen = {
            "tenkan": value.tenkan, "kijun": value.kijun, "span_a": value.span_a, "span_b": value.span_b,
            "volume_ratio": bar.volume / usual if usual > 0.0 else 0.0,
        }  # fmt: skip
        return Setup(
            action,
            close,
            value.kijun,
            reward(close, value.kijun, params.risk_reward_ratio),
            min(_CONFIDENCE_MAX, params.base_confidence + (params.volume_confidence_boost if sure else 0.0)),
            seen,
        )


ENTRY: Final = CatalogEntry(
    strategy_id="ichimoku_cloud_momentum",
    version=1,
    title="Ichimoku cloud momentum",
    summary="A close out of the cloud while tenkan crosses kijun the same way.",
    fails_when=(
        "The market goes sideways: the lines cross back and forth, and the cloud is thin.",
        "The move is old: kijun lags by half of its bars, and the stop is far away.",
    ),
    listens_to=Candle,
    params=Params,
    build=IchimokuCloudMomentum,
    replay_honesty=ReplayHonesty.YES,
    history="`senkou_b_period` and `displacement` bars, and one more to see a cross",
)
