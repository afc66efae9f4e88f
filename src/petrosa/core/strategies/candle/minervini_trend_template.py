"""`minervini_trend_template`: of all that is followed, what has risen most, and is in the middle of rising."""

from collections import deque
from itertools import islice
from typing import Annotated, ClassVar, Final

from msgspec import Meta

from petrosa.core.analytics.indicators.atr import Atr
from petrosa.core.analytics.indicators.extremes import Highest, Lowest
from petrosa.core.analytics.indicators.sma import Sma
from petrosa.core.market.state import MarketState
from petrosa.core.model.market import Candle, InstrumentId
from petrosa.core.model.signals import Action
from petrosa.core.strategies.base import CatalogEntry, Quiet, ReplayHonesty
from petrosa.core.strategies.candle.base import CandleParams, CandleStrategy, Setup

_CONFIDENCE_MAX: Final = 0.90
_WEIGHTS: Final = ((62, 0.4), (125, 0.2), (188, 0.2), (251, 0.2))
"""Bars ago and weight: four quarters of a year of trading days, the last one twice."""
CLOSES_KEPT: Final = _WEIGHTS[-1][0] + 2
"""Of each symbol of the universe: what its strength needs, at this bar or the one before."""


class Params(CandleParams, frozen=True, forbid_unknown_fields=True, kw_only=True):
    RESTARTS: ClassVar[frozenset[str]] = frozenset(
        {"sma_50_period", "sma_150_period", "sma_200_period", "trend_confirmation_periods", "range_period"}
    )

    sma_50_period: Annotated[int, Meta(ge=2, le=500, description="Bars of the short average.")] = 50
    sma_150_period: Annotated[int, Meta(ge=3, le=500, description="Bars of the middle average.")] = 150
    sma_200_period: Annotated[int, Meta(ge=4, le=500, description="Bars of the long average.")] = 200
    trend_confirmation_periods: Annotated[
        int, Meta(ge=1, le=200, description="The long average is above what it was so many bars ago.")
    ] = 20
    range_period: Annotated[int, Meta(ge=2, le=500, description="Bars, this one included, of the year's closes.")] = 260
    above_low_pct: Annotated[
        float, Meta(ge=0, le=500, description="How far the close is above the lowest of the year at least, in %.")
    ] = 30.0
    below_high_pct: Annotated[
        float, Meta(ge=0, le=100, description="How far the close is below the highest of the year at most, in %.")
    ] = 25.0
    relative_strength_min: Annotated[
        float, Meta(ge=0, le=99, description="Percent of the other symbols that rose less; more than this is asked.")
    ] = 70.0
    universe_min: Annotated[
        int, Meta(ge=2, le=1_000, description="Symbols with a year of bars, this one included, that make a rank.")
    ] = 10
    stop_atr: Annotated[float, Meta(gt=0, le=20, description="Distance of the stop in ATR14.")] = 2.0
    target_atr: Annotated[float, Meta(gt=0, le=50, description="Distance of the target in ATR14.")] = 4.0
    base_confidence: Annotated[float, Meta(ge=0.5, le=1, description="Confidence when all criteria are just met.")] = (
        0.80
    )

    def check(self) -> None:
        if not self.sma_50_period < self.sma_150_period < self.sma_200_period:
            raise ValueError(
                f"sma_50_period {self.sma_50_period}, sma_150_period {self.sma_150_period} and sma_200_period "
                f"{self.sma_200_period} must grow in this order"
            )


class Closes:
    """The last closes of one symbol, up to a time; bars that follow one another, a hole begins anew."""

    __slots__ = ("_closes", "_ts_open")

    def __init__(self) -> None:
        self._closes: deque[float] = deque(maxlen=CLOSES_KEPT)  # the last one first
        self._ts_open = 0

    def add(self, bar: Candle) -> None:
        """A bar that is not newer than the last is left out, and so is one without a price."""
        if bar.ts_open <= self._ts_open or not 0.0 < bar.close < float("inf"):
            return
        if bar.ts_open != self._ts_open + bar.interval_ns:
            self._closes.clear()
        self._ts_open = bar.ts_open
        self._closes.appendleft(bar.close)

    def strength(self, bar: Candle) -> float | None:
        """0.4 · c/c62 + 0.2 · (c/c125 + c/c188 + c/c251), as it was at the bar before `bar`; None without a year."""
        newer = (self._ts_open - bar.ts_open) // bar.interval_ns + 1  # bars that are newer than that one
        if not 0 <= newer <= len(self._closes) - CLOSES_KEPT + 1:
            return None
        closes = list(islice(self._closes, newer, None))
        return sum(weight * closes[0] / closes[ago] for ago, weight in _WEIGHTS)


class MinerviniTrendTemplate(CandleStrategy):
    """On daily bars, with SMA and closes c: buy when c > SMA50 > SMA150 > SMA200, SMA200 is above what it was 20 bars
    ago, c is at least 30 % above the lowest and at most 25 % below the highest of the last 260 closes, and more than
    `relative_strength_min` percent of the other symbols rose less.

    How much a symbol rose is 0.4 · c/c62 + 0.2 · c/c125 + 0.2 · c/c188 + 0.2 · c/c251 (c62: the close 62 bars ago),
    measured at the bar before: the bars of the others that end with this one may come after it, and who comes first
    must not count. The universe is every instrument of the same market and quote that is followed and has 252 such
    closes without a hole; of each no more are kept than that takes. With fewer than `universe_min` there is no rank
    and no opinion (`few_companions`).

    The entry waits at the bar's high, the stop is `stop_atr` times the ATR14 below it, the target `target_atr` times
    above. Confidence is min(0.90, `base_confidence` + 0.05 · min(1, (rank − least rank) / (100 − least rank)) + 0.05 ·
    (c − lowest) / (highest − lowest)); the documented base of 0.70 and the 0.10 for all criteria are one number, since
    it speaks of nothing else.

    It could never speak: it was given 250 bars and wanted 265, and named fields that a signal has not. A third defect:
    how much the symbol rose, times 100, was compared with 70, which a price that has not moved for a year passes with
    100; it is a rank among the others now. And the bar's high was named as the entry and the market bought at once.

    Source of the criteria: Minervini, Trade Like a Stock Market Wizard, 2013.
    """

    params: Params

    NAME = "minervini_trend_template"
    BARS = 265

    def __init__(self, params: Params) -> None:
        self._own = Closes()
        self._others: dict[InstrumentId, Closes] = {}
        super().__init__(params)

    def restart(self) -> None:
        params = self.params
        self._smas = [Sma(n) for n in (params.sma_50_period, params.sma_150_period, params.sma_200_period)]
        self._highest, self._lowest = Highest(params.range_period), Lowest(params.range_period)
        self._atr = Atr(14)
        self._means: list[float | None] = []
        self._long: deque[float] = deque(maxlen=params.trend_confirmation_periods + 1)
        self._year: tuple[float | None, float | None] = (None, None)
        self._range: float | None = None

    @property
    def needed(self) -> int:
        params = self.params
        return max(self.BARS, params.range_period, params.sma_200_period + params.trend_confirmation_periods)

    def note(self, event: Candle, market: MarketState, now: int) -> None:
        """The closed bar of another symbol."""
        self._others.setdefault(event.instrument, Closes()).add(event)

    def take(self, bar: Candle) -> None:
        close = bar.close
        self._own.add(bar)
        self._means = [sma.update(close) for sma in self._smas]
        if self._means[2] is not None:
            self._long.append(self._means[2])
        self._year = (self._lowest.update(close), self._highest.update(close))
        self._range = self._atr.update(bar.high, bar.low, close)

    def look(self, bar: Candle) -> Setup | Quiet | None:
        params, (lowest, highest) = self.params, self._year
        if len(self._others) + 1 < params.universe_min:
            return Quiet.FEW_COMPANIONS
        if self._range is None or lowest is None or highest is None:
            return Quiet.WARMING_UP
        if not self._rises(bar.close, lowest, highest):
            return None
        rank = self._rank(bar)
        if rank is None:
            return Quiet.FEW_COMPANIONS
        least = params.relative_strength_min
        entry, stop = bar.high, bar.high - params.stop_atr * self._range
        if rank <= least or not 0.0 < stop < bar.close:
            return None
        confidence = params.base_confidence + 0.05 * min(1.0, (rank - least) / (100.0 - least))
        confidence += 0.05 * (bar.close - lowest) / (highest - lowest) if highest > lowest else 0.0
        target = entry + params.target_atr * self._range
        seen = {"relative_strength": rank, "lowest": lowest, "highest": highest, "atr": self._range}
        return Setup(Action.BUY, entry, stop, target, min(_CONFIDENCE_MAX, confidence), seen, at_stop=True)

    def _rises(self, close: float, lowest: float, highest: float) -> bool:
        """Whether the averages and the year say so; that of the universe is another question."""
        params, (short, middle, long) = self.params, self._means
        if short is None or middle is None or long is None:
            return False
        return (
            close > short > middle > long > self._long[0]
            and close >= lowest * (1.0 + params.above_low_pct / 100.0)
            and close >= highest * (1.0 - params.below_high_pct / 100.0)
        )

    def _rank(self, bar: Candle) -> float | None:
        """Percent of the others whose strength is less; None when there are too few."""
        own = self._own.strength(bar)
        others = [each for each in (one.strength(bar) for one in self._others.values()) if each is not None]
        if own is None or len(others) + 1 < self.params.universe_min:
            return None
        return 100.0 * sum(each < own for each in others) / len(others)


ENTRY: Final = CatalogEntry(
    strategy_id="minervini_trend_template",
    version=1,
    title="Minervini's trend template",
    summary="A symbol in an orderly rise of a year that rose more than most of the others: buy above the bar's high.",
    fails_when=(
        "The whole market turns: what rose most falls most.",
        "The universe holds only what is famous now: what has died is not in it, and a rank among survivors flatters.",
        "Symbols are young: without a year of bars they are in no rank.",
    ),
    listens_to=Candle,
    companions=("*",),
    params=Params,
    build=MinerviniTrendTemplate,
    replay_honesty=ReplayHonesty.BIASED,
    replay_note="It uses what the recording holds; symbols that had been delisted when it was made are not in it, so "
    "that the universe of a replay is one of survivors.",
    history="265 bars of its own, and 252 of at least `universe_min` - 1 other symbols",
    timeframes=("1d",),
)
