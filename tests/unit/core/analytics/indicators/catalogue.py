"""Every indicator with its function over columns, as tests of all of them need it: given bars, ready to be asked."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from petrosa.core.analytics.indicators.adx import Adx, adx
from petrosa.core.analytics.indicators.atr import Atr, atr
from petrosa.core.analytics.indicators.bollinger import Bollinger, bollinger
from petrosa.core.analytics.indicators.ema import Ema, Seeding, ema
from petrosa.core.analytics.indicators.extremes import Highest, Lowest, highest, lowest
from petrosa.core.analytics.indicators.ichimoku import Ichimoku, ichimoku
from petrosa.core.analytics.indicators.macd import Macd, macd
from petrosa.core.analytics.indicators.percentile import PercentRank, percent_rank
from petrosa.core.analytics.indicators.rma import Rma, rma
from petrosa.core.analytics.indicators.rsi import Rsi, rsi
from petrosa.core.analytics.indicators.sma import Sma, sma
from petrosa.core.analytics.indicators.volume_average import VolumeAverage, volume_average
from petrosa.core.analytics.indicators.vwap import Vwap, vwap


class Case(NamedTuple):
    """`scale` says what becomes of a result when prices are multiplied: 1 the same multiple, 0 nothing."""

    make: Callable[[], Any]
    whole: Callable[..., Any]
    columns: tuple[str, ...]
    scale: int = 1


ALL = {
    "sma": Case(lambda: Sma(5), lambda c: sma(c, 5), ("close",)),
    "sma of one": Case(lambda: Sma(1), lambda c: sma(c, 1), ("close",)),
    "ema": Case(lambda: Ema(5), lambda c: ema(c, 5), ("close",)),
    "ema weighted": Case(lambda: Ema(5, Seeding.WEIGHTED), lambda c: ema(c, 5, Seeding.WEIGHTED), ("close",)),
    "rma": Case(lambda: Rma(5), lambda c: rma(c, 5), ("close",)),
    "rsi": Case(lambda: Rsi(5), lambda c: rsi(c, 5), ("close",), 0),
    "macd": Case(lambda: Macd(3, 6, 4), lambda c: macd(c, 3, 6, 4), ("close",)),
    "atr": Case(lambda: Atr(5), lambda high, low, c: atr(high, low, c, 5), ("high", "low", "close")),
    "adx": Case(lambda: Adx(5), lambda high, low, c: adx(high, low, c, 5), ("high", "low", "close"), 0),
    "adx of one": Case(lambda: Adx(1), lambda high, low, c: adx(high, low, c, 1), ("high", "low", "close"), 0),
    "bollinger": Case(lambda: Bollinger(5), lambda c: bollinger(c, 5), ("close",)),
    "vwap": Case(
        lambda: Vwap(7),
        lambda t, high, low, c, v: vwap(t, high, low, c, v, 7),
        ("ts_open", "high", "low", "close", "volume"),
    ),
    "ichimoku": Case(lambda: Ichimoku(2, 4, 6, 3), lambda high, low: ichimoku(high, low, 2, 4, 6, 3), ("high", "low")),
    "highest": Case(lambda: Highest(5), lambda c: highest(c, 5), ("close",)),
    "lowest": Case(lambda: Lowest(5), lambda c: lowest(c, 5), ("close",)),
    "percent rank": Case(lambda: PercentRank(5), lambda c: percent_rank(c, 5), ("close",), 0),
    "volume average": Case(lambda: VolumeAverage(5), lambda v: volume_average(v, 5), ("volume",), 0),
}


def table(answer: Any) -> list[Sequence[float]]:
    """The columns of an answer, which is one column or a tuple of them."""
    return list(answer) if isinstance(answer, tuple) else [answer]


def numbers(answer: Any) -> tuple[float, ...]:
    """The numbers of one answer, which is a number or a tuple of them."""
    return answer if isinstance(answer, tuple) else (answer,)
