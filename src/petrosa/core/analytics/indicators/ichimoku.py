"""Ichimoku Kinko Hyo: middles of ranges of three lengths, and the cloud that stood before the price."""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from petrosa.core.analytics.indicators.extremes import Highest, Lowest
from petrosa.core.analytics.indicators.inputs import Column, extent, period, table


class IchimokuValue(NamedTuple):
    """In units of price. The spans are the edges of the cloud at this bar, in either order."""

    tenkan: float
    kijun: float
    span_a: float
    span_b: float


class IchimokuColumns(NamedTuple):
    tenkan: Column
    kijun: Column
    span_a: Column
    span_b: Column


class Middle:
    """(highest high + lowest low) / 2 of the last `n` bars."""

    __slots__ = ("_high", "_low", "warmup")

    def __init__(self, n: int) -> None:
        self._high, self._low = Highest(n), Lowest(n)
        self.warmup = n

    def update(self, high: float, low: float) -> float | None:
        top, bottom = self._high.update(high), self._low.update(low)
        return None if top is None or bottom is None else (top + bottom) / 2.0


class Ichimoku:
    """Tenkan and kijun are the middles of the last 9 and 26 bars; span A their mean, span B the middle of 52 bars.

    The spans are those made `displacement` bars ago: a chart draws them so far into the future, and what stands over
    this bar was known then. Source: Hosoda (Ichimoku Sanjin), 1969.
    """

    __slots__ = ("_kijun", "_senkou", "_spans", "_tenkan", "warmup")

    def __init__(self, tenkan: int = 9, kijun: int = 26, senkou_b: int = 52, displacement: int = 26) -> None:
        period(tenkan, "tenkan"), period(kijun, "kijun"), period(senkou_b, "senkou_b")
        period(displacement, "displacement", least=0)
        self.warmup = max(tenkan, kijun, senkou_b) + displacement
        self._tenkan, self._kijun, self._senkou = Middle(tenkan), Middle(kijun), Middle(senkou_b)
        self._spans: deque[tuple[float, float]] = deque(maxlen=displacement + 1)

    def update(self, high: float, low: float) -> IchimokuValue | None:
        extent(high, low)
        tenkan, kijun, far = (line.update(high, low) for line in (self._tenkan, self._kijun, self._senkou))
        if tenkan is None or kijun is None or far is None:
            return None
        spans = self._spans
        spans.append(((tenkan + kijun) / 2.0, far))
        return IchimokuValue(tenkan, kijun, *spans[0]) if len(spans) == spans.maxlen else None


def ichimoku(
    high: Sequence[float],
    low: Sequence[float],
    tenkan: int = 9,
    kijun: int = 26,
    senkou_b: int = 52,
    displacement: int = 26,
) -> IchimokuColumns:
    return IchimokuColumns(*table(Ichimoku(tenkan, kijun, senkou_b, displacement).update, 4, high, low))
