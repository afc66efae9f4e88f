"""`doji_reversal`: away from its average the market cannot decide: it ends the bar where it began it."""

from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.sma import Sma
from petrosa.core.model.market import Candle
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup, at_extreme

_CONFIDENCE_MAX: Final = 0.70


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset({"sma_period"})

    min_confidence: Annotated[float, Meta(ge=0, le=1, description="A candidate below this is refused.")] = 0.50
    body_ratio_threshold: Annotated[
        float, Meta(gt=0, le=0.5, description="Most body, as a share of the bar's range.")
    ] = 0.05
    range_threshold: Annotated[
        float, Meta(ge=0, le=0.05, description="Least range, as a share of the price; a smaller bar says nothing.")
    ] = 0.0001
    sma_period: Annotated[int, Meta(ge=2, le=200, description="Bars of the average that the price is to go to.")] = 10
    risk_reward_ratio: Annotated[
        float, Meta(gt=0, le=20, description="How many times as far as the stop the target is.")
    ] = 1.2
    base_confidence: Annotated[
        float, Meta(ge=0.3, le=1, description="Confidence in the largest body at the average.")
    ] = 0.40


class DojiReversal(CandleStrategy):
    """With body = |close − open| of at most 5 % of the range, and a range of at least `range_threshold` times the
    close: sell above the SMA10, buy below it.

    The entry waits at the bar's end on the side of the signal, the stop is its other end, the target
    `risk_reward_ratio` times as far. Confidence is min(0.70, `base_confidence` + 0.20 · (1 − body / (5 % of the range))
    + min(0.20, 10 · |close − SMA10| / close)); the signal's strength is weak.

    It could never speak: it named a strength that there is not, the error was swallowed, and of what it would have said
    most was below the floor of 0.60 that holds for all. That is reached where the price is away from its average by as
    much as the body takes off, by 2 % for the largest body and at once for none. A single doji is a weak opinion, so
    the formula stays and `min_confidence` is 0.50 here, the least that a trader takes; what is traded of it is the
    trader's to say. Two more defects are mended: the least range was 0.0001 in units of price, whatever a coin costs;
    and the bar's end was named as the entry and the market taken at once.
    """

    params: Params

    NAME = "doji_reversal"
    BARS = 20

    def restart(self) -> None:
        self._sma = Sma(self.params.sma_period)
        self._average: float | None = None

    @property
    def needed(self) -> int:
        return max(self.BARS, self._sma.warmup)

    def take(self, bar: Candle) -> None:
        self._average = self._sma.update(bar.close)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        params, average, length = self.params, self._average, bar.high - bar.low
        if average is None:
            return Quiet.WARMING_UP
        largest = params.body_ratio_threshold * length
        body = abs(bar.close - bar.open)
        if length == 0.0 or length < params.range_threshold * bar.close or body > largest or bar.close == average:
            return None
        confidence = params.base_confidence + 0.20 * (1.0 - body / largest)
        confidence += min(0.20, 10.0 * abs(bar.close - average) / bar.close)
        seen = {"body_ratio": body / length, "sma": average}
        action = Action.SELL if bar.close > average else Action.BUY
        return at_extreme(action, bar, params.risk_reward_ratio, min(_CONFIDENCE_MAX, confidence), seen, "weak")


ENTRY: Final = CatalogEntry(
    strategy_id="doji_reversal",
    version=1,
    title="Doji",
    summary="A bar that ends where it began, away from the average: towards it when the bar's end is passed.",
    fails_when=(
        "A trend pauses: a doji in it is as likely the middle as the end.",
        "The market is calm or bars are short: many bars end where they began, and mean nothing by it.",
    ),
    listens_to=Candle,
    params=Params,
    build=DojiReversal,
    replay_honesty=ReplayHonesty.YES,
    history="20 bars, or `sma_period`",
)
